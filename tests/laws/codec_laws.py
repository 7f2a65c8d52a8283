"""What the laws mean for a codec: `encode`, `decode`, `chunks`, and the way through a file."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tests.laws.drawing import cuts, random, same_bits, size
from tests.laws.table import law

from whorl.codecs.frame import Frame


@dataclass(frozen=True, kw_only=True)
class CodecSubject:
    """A codec before `fit`, training values, and how to draw others.

    Args:
        new: makes an unfitted codec.
        training: what it is fitted on.
        value: (random, length) -> a value of that many rows.
        categories: columns of text, whose codes follow the numeric columns and flags.
    """

    new: Callable[[], Any]
    training: list[Any]
    value: Callable[[np.random.Generator, int], Any]
    categories: tuple[str, ...] = ()

    def fitted(self) -> Any:
        return self.new().fit(self.training)


def part(value: Any, span: slice) -> Any:
    return value.take(span) if isinstance(value, Frame) else value[span]


def joined(first: Any, second: Any) -> Any:
    if not isinstance(first, Frame):
        return np.concatenate([first, second])
    return Frame({name: np.concatenate([first[name], second[name]]) for name in first.columns})


def numbers(codec: Any, value: Any) -> np.ndarray:
    if not isinstance(value, Frame):
        return value
    return np.stack([value[name] for name in codec.numeric], axis=1) if codec.numeric else np.empty((len(value), 0))


def content(value: Any) -> Any:
    return dict(value.columns) if isinstance(value, Frame) else value


@law("01 round trip", "codec")
def decoding_gives_back_what_was_encoded(subject: CodecSubject, data: st.DataObject) -> None:
    codec = subject.fitted()
    value = subject.value(random(data), size(data, 0, 13, "rows"))
    encoded = codec.encode(value)
    assert encoded.shape == (len(value), codec.spec.width)
    assert encoded.dtype == np.float32
    truth, decoded = numbers(codec, value), codec.decode(encoded)
    known = np.isfinite(truth)
    # One rounding to float32 of (x - center) / scale, and float64 arithmetic around it.
    tolerance = 2.0**-23 * np.abs(truth - codec.center) + 2.0**-50 * (np.abs(truth) + np.abs(codec.center)) + 1e-30
    assert decoded.shape == truth.shape
    assert (np.abs(decoded - truth)[known] <= tolerance[known]).all(), (decoded, truth)
    assert np.isnan(decoded[~known]).all() if codec.missing == "keep" else np.isfinite(decoded).all()
    for n, name in enumerate(subject.categories):
        vocabulary = sorted({text for frame in subject.training for text in frame[name] if text is not None})
        start = codec.spec.offsets()[name]
        codes = [vocabulary.index(text) + 1 if text in vocabulary else 0 for text in value[name]]
        assert encoded[:, start].tolist() == codes, n


@law("02 chunk", "codec")
def pieces_give_the_rows_of_the_whole(subject: CodecSubject, data: st.DataObject) -> None:
    codec = subject.fitted()
    length = size(data, 0, 13, "rows")
    value = subject.value(random(data), length)
    encoder, made = codec.chunks(), []
    for piece in cuts(data, length):
        made.append(encoder.push(part(value, piece)))
        moved = codec.chunks()
        moved.write(encoder.read())
        encoder = moved
    same_bits(np.concatenate([*made, encoder.flush()]), codec.encode(value))


@law("07 causality", "codec")
def a_row_depends_on_no_later_row(subject: CodecSubject, data: st.DataObject) -> None:
    codec, rng = subject.fitted(), random(data)
    before, after = size(data, 0, 9, "rows before"), size(data, 0, 9, "rows after")
    value = subject.value(rng, before)
    longer = joined(value, subject.value(rng, after))
    same_bits(codec.encode(longer)[:before], codec.encode(value))


@law("10 save", "codec")
def a_restored_codec_encodes_the_same_bits(subject: CodecSubject, data: st.DataObject) -> None:
    codec = subject.fitted()
    config = json.loads(json.dumps(codec.config()))
    restored = type(codec).restore(config, {name: array.copy() for name, array in codec.arrays().items()})
    value = subject.value(random(data), size(data, 0, 9, "rows"))
    same_bits(restored.encode(value), codec.encode(value))
    same_bits(restored.decode(codec.encode(value)), codec.decode(codec.encode(value)))
    same_bits(restored.arrays(), codec.arrays())
    assert restored.spec == codec.spec


@law("12 purity", "codec")
def fit_and_encode_change_nothing_that_was_given(subject: CodecSubject, data: st.DataObject) -> None:
    rng = random(data)
    training = [subject.value(rng, size(data, 1, 9, "rows")) for _ in range(3)]
    before = [content(part(value, slice(None))) for value in training]
    before = [{n: c.copy() for n, c in b.items()} if isinstance(b, dict) else b.copy() for b in before]
    codec = subject.new().fit(training)
    learned = {name: array.copy() for name, array in codec.arrays().items()}
    encoded = codec.encode(training[0])
    codec.decode(encoded)
    codec.chunks().push(training[0])
    for value, old in zip(training, before, strict=True):
        same_bits(content(value), old, "the training values")
    same_bits(codec.arrays(), learned, "the statistics")


@law("15 constant stream", "codec", examples=1)  # 10,000 pushes
def what_an_encoder_remembers_does_not_grow(subject: CodecSubject, data: st.DataObject) -> None:
    codec = subject.fitted()
    value = subject.value(random(data), 100)
    encoder, sizes = codec.chunks(), {}
    for push in range(1, 10_001):
        encoder.push(part(value, slice(push % 100, push % 100 + 1)))
        if push in (10, 10_000):
            sizes[push] = len(encoder.read())
    assert sizes[10] == sizes[10_000], sizes
