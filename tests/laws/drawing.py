"""What several laws draw and compare."""

import itertools
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from whorl.data.sequences import Sequence
from whorl.specs import Fields, Flags, Picture, Reals, Spec, Tokens


def random(data: st.DataObject) -> np.random.Generator:
    """Numbers: hypothesis draws the seed, so that sizes and cuts stay small and shrink."""
    return np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed"))


def size(data: st.DataObject, least: int, most: int, label: str) -> int:
    return data.draw(st.integers(least, most), label=label)


def cuts(data: st.DataObject, length: int) -> list[slice]:
    """Pieces that cover 0..length, some of them empty."""
    inner = sorted(data.draw(st.lists(st.integers(0, length), max_size=4), label="cuts"))
    edges = [0, *inner, length]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def rows(spec: Spec, rng: np.random.Generator, count: int) -> np.ndarray:
    """An encoded array (count, width) that a codec of this spec could have made."""
    match spec:
        case Picture():
            return rng.standard_normal((count, spec.width)).astype(np.float32)
        case Reals(n):
            return rng.standard_normal((count, n)).astype(np.float32)
        case Flags(n):
            return rng.integers(0, 2, (count, n)).astype(np.float32)
        case Tokens(n):
            return rng.integers(0, n, (count, spec.width)).astype(np.float32)
        case Fields(fields):
            return np.concatenate([rows(part, rng, count) for part in fields.values()], axis=1)
    raise TypeError(spec)


def sequence(
    rng: np.random.Generator, count: int, past: Spec, *, ahead: Spec | None = None, horizon: int = 0, targets: int = 1
) -> Sequence:
    """An encoded sequence whose targets are the first columns of its past."""
    past_rows = rows(past, rng, count)
    return Sequence(
        key="a",
        past=past_rows,
        time=np.arange(count, dtype=np.int64),
        ahead=None if ahead is None else rows(ahead, rng, count + horizon),
        targets=past_rows[:, :targets].copy(),
    )


def bits(value: Any) -> bytes:
    """All bits of a nest of arrays, so that `==` means the same bits, shapes and types; NaN equals itself."""
    if value is None:
        return b"none"
    if isinstance(value, bytes):
        return value
    if isinstance(value, Mapping):
        return b"".join(str(name).encode() + bits(value[name]) for name in sorted(value))
    if isinstance(value, list | tuple):
        return b"(" + b"".join(map(bits, value)) + b")"
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, float | int):
        return struct.pack("<d", value)
    array = np.asarray(value)
    content = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
    return f"{array.dtype}{array.shape}".encode() + content


def same_bits(found: Any, wanted: Any, what: str = "the values") -> None:
    if bits(found) != bits(wanted):
        raise AssertionError(f"{what} differ in bits:\nfound {found!r}\nwanted {wanted!r}")


def close(found: np.ndarray, wanted: np.ndarray, *, atol: float, rtol: float = 0.0) -> None:
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol)
