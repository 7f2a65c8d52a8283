"""Values of codecs: their rows, parts and contents, and what it means that one came back."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from whorl.codecs.frame import Frame

# (codec, value, its encoded array): asserts that decoding gives the value back.
Returned = Callable[[Any, Any, np.ndarray], None]


def rows(value: Any) -> int:
    """Rows of a frame or an array, characters of a text, symbols of a list."""
    return rows(next(iter(value.values()))) if isinstance(value, Mapping) else len(value)


def part(value: Any, span: slice) -> Any:
    if isinstance(value, Mapping):
        return {name: part(one, span) for name, one in value.items()}
    return value.take(span) if isinstance(value, Frame) else value[span]


def joined(first: Any, second: Any) -> Any:
    if isinstance(first, Mapping):
        return {name: joined(one, second[name]) for name, one in first.items()}
    if isinstance(first, str | list):
        return first + second
    if not isinstance(first, Frame):
        return np.concatenate([first, second])
    return Frame({name: np.concatenate([first[name], second[name]]) for name in first.columns})


def content(value: Any) -> Any:
    return dict(value.columns) if isinstance(value, Frame) else value


def copied(value: Any) -> Any:
    """A copy of the content, down to the arrays."""
    if isinstance(value, Mapping):
        return {name: copied(one) for name, one in value.items()}
    if isinstance(value, Frame):
        return Frame(copied(content(value)), value.origin)
    return list(value) if isinstance(value, list) else value if isinstance(value, str) else value.copy()


def numbers_return(codec: Any, value: Any, encoded: np.ndarray) -> None:
    truth, decoded = numbers(codec, value), codec.decode(encoded)
    known = np.isfinite(truth)
    # One rounding to float32 of (x - center) / scale, and float64 arithmetic around it.
    tolerance = 2.0**-23 * np.abs(truth - codec.center) + 2.0**-50 * (np.abs(truth) + np.abs(codec.center)) + 1e-30
    assert len(encoded) == len(value)
    assert decoded.shape == truth.shape
    assert (np.abs(decoded - truth)[known] <= tolerance[known]).all(), (decoded, truth)
    assert np.isnan(decoded[~known]).all() if codec.missing == "keep" else np.isfinite(decoded).all()


def whole_steps_return(codec: Any, value: Any, encoded: np.ndarray) -> None:
    """The frames of all whole steps come back, as their own codec gives them."""
    assert len(encoded) == len(value) // codec.stride + codec.lookahead
    assert not encoded[len(value) // codec.stride :].any()
    frames = codec.codec.encode(value)[: len(value) // codec.stride * codec.stride]
    assert codec.decode(encoded).tobytes() == codec.codec.decode(frames).tobytes()
    numbers_return(codec.codec, value[: len(frames)], frames)


def numbers(codec: Any, value: Any) -> np.ndarray:
    if not isinstance(value, Frame):
        return value
    return np.stack([value[name] for name in codec.numeric], axis=1) if codec.numeric else np.empty((len(value), 0))


def symbols_return(codec: Any, value: Any, encoded: np.ndarray) -> None:
    """The code says the place among the symbols; what is unknown or missing is None, or NaN among numbers."""
    known = codec.symbols.tolist()
    assert known == sorted(known)
    assert encoded[:, 0].tolist() == [known.index(one) + 1 if one in known else 0 for one in value]
    nothing = np.nan if codec.kind == "number" else None
    decoded = codec.decode(encoded)
    assert repr(decoded.tolist()) == repr([type(known[0])(one) if one in known else nothing for one in value])
    kinds = {"text": object, "integer": np.int64, "boolean": np.bool_, "number": np.float64}
    assert decoded.dtype in (object, kinds[codec.kind])
    assert (decoded.dtype == kinds[codec.kind]) or 0 in encoded


def music_returns(codec: Any, value: Any, encoded: np.ndarray) -> None:
    """Chords and events come back as they are, and each chord has a 1 for each of its notes."""
    assert codec.decode(encoded) == [one if isinstance(one, str) else tuple(one) for one in value]
    if codec.is_roll:
        assert encoded.sum() == sum(map(len, value))


def text_returns(codec: Any, value: str, encoded: np.ndarray) -> None:
    """Where a token is unknown, '\ufffd' stands for it and everything else is exact."""
    codes = encoded[:, 0].tolist()
    assert codes[: codec.begin] == [1] * codec.begin
    assert codes[len(codes) - codec.end :] == [2] * codec.end
    wanted = codec.normalised(value)
    assert codec.normalised(wanted) == wanted
    if codec.unit != "word" and not codec.lowercase and codec.normalize is None:
        assert wanted == value
    token = r"\S+?" if codec.unit == "word" else "."
    pattern = token.join(map(re.escape, codec.decode(encoded).split("\ufffd")))
    assert re.fullmatch(pattern, wanted, re.DOTALL), (codec.decode(encoded), wanted)
    assert (0 in codes) == (codec.decode(encoded) != wanted)


def fields_return(parts: Mapping[str, Returned]) -> Returned:
    """What comes back of several fields is what comes back of each."""

    def returned(codec: Any, value: Any, encoded: np.ndarray) -> None:
        decoded = codec.decode(encoded)
        assert list(decoded) == list(codec.fields) == list(parts)
        assert encoded.shape[1] == sum(one.spec.width for one in codec.fields.values())
        for name, start in codec.spec.offsets().items():
            one = codec.fields[name]
            columns = encoded[:, start : start + one.spec.width]
            parts[name](one, value[name], columns)
            assert repr(decoded[name]) == repr(one.decode(columns))

    return returned
