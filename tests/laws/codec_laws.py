"""What the laws mean for a codec: `encode`, `decode`, `chunks`, and the way through a file."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tests.laws.codec_values import Returned, content, copied, joined, numbers_return, part, rows
from tests.laws.drawing import cuts, random, same_bits, size
from tests.laws.table import law


@dataclass(frozen=True, kw_only=True)
class CodecSubject:
    """A codec before `fit`, training values, and how to draw others.

    Args:
        new: makes an unfitted codec.
        training: what it is fitted on.
        value: (random, length) -> a value of that many rows, or characters.
        categories: columns of text, whose codes follow the numeric columns and flags.
        returned: asserts that decoding gives a value back.
    """

    new: Callable[[], Any]
    training: list[Any]
    value: Callable[[np.random.Generator, int], Any]
    categories: tuple[str, ...] = ()
    returned: Returned = numbers_return

    def fitted(self) -> Any:
        return self.new().fit(self.training)


@law("01 round trip", "codec")
def decoding_gives_back_what_was_encoded(subject: CodecSubject, data: st.DataObject) -> None:
    codec = subject.fitted()
    value = subject.value(random(data), size(data, 0, 13, "rows"))
    encoded = codec.encode(value)
    assert encoded.shape == (len(encoded), codec.spec.width)
    assert encoded.dtype == np.float32
    subject.returned(codec, value, encoded)
    for n, name in enumerate(subject.categories):
        vocabulary = sorted({text for frame in subject.training for text in frame[name] if text is not None})
        start = codec.spec.offsets()[name]
        codes = [vocabulary.index(text) + 1 if text in vocabulary else 0 for text in value[name]]
        assert encoded[:, start].tolist() == codes, n


@law("02 chunk", "codec")
def pieces_give_the_rows_of_the_whole(subject: CodecSubject, data: st.DataObject) -> None:
    codec = subject.fitted()
    value = subject.value(random(data), size(data, 0, 13, "rows"))
    encoder, made = codec.chunks(), []
    for piece in cuts(data, rows(value)):
        made.append(encoder.push(part(value, piece)))
        moved = codec.chunks()
        moved.write(encoder.read())
        encoder = moved
    same_bits(np.concatenate([*made, encoder.flush()]), codec.encode(value))


@law("07 causality", "codec")
def a_row_depends_on_no_later_row(subject: CodecSubject, data: st.DataObject) -> None:
    """What `push` has given stays, whatever comes; a codec that streams exactly gives every row at once."""
    codec, rng = subject.fitted(), random(data)
    value = subject.value(rng, size(data, 0, 9, "rows before"))
    longer = joined(value, subject.value(rng, size(data, 0, 9, "rows after")))
    encoder = codec.chunks()
    given = encoder.push(value)
    same_bits(codec.encode(longer)[: len(given)], given)
    if codec.streams == "exact":
        same_bits(codec.encode(value)[: len(given)], given)
        assert len(encoder.flush()) == bool(getattr(codec, "end", False)), "a row was held back"


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
    assert restored.streams == codec.streams


@law("12 purity", "codec")
def fit_and_encode_change_nothing_that_was_given(subject: CodecSubject, data: st.DataObject) -> None:
    rng = random(data)
    # Copies: what one example changes is not to reach the next.
    training = [*map(copied, subject.training[:2]), *(subject.value(rng, size(data, 1, 9, "rows")) for _ in range(3))]
    before = [copied(content(value)) for value in training]
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
    """Where rows are held back, an open word has its length: the largest remainder is what must not grow."""
    codec = subject.fitted()
    value = subject.value(random(data), 100)
    encoder, sizes = codec.chunks(), []
    for push in range(1, 10_001):
        encoder.push(part(value, slice(push % 100, push % 100 + 1)))
        if push in (10, 10_000) or codec.streams != "exact":
            sizes.append(len(encoder.read()))
    first, second = sizes[: len(sizes) // 2], sizes[len(sizes) // 2 :]
    assert (first == second) if codec.streams == "exact" else (max(second) <= max(first)), (max(first), max(second))
