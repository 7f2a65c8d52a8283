"""The state of a stream as a value: bytes that are bound to one model and checked when they come back."""

import hashlib
import itertools
import json
import struct
from dataclasses import dataclass
from typing import Self

import msgspec

from whorl.errors import ModelFileError

_MAGIC = b"whorlst1"


@dataclass(frozen=True)
class State:
    """Everything that the answers after the next push depend on.

    `bytes(state)` stores it, `State.from_bytes(data)` restores it; its size does not grow with the number of pushes.

    Args:
        model: identity of the model that made it.
        series: key of the stream's sequence.
        num_rows: rows pushed so far.
        reader: what the reading side remembers.
        engine: the engine's slot.
    """

    model: str
    series: str
    num_rows: int
    reader: bytes
    engine: bytes

    def __bytes__(self) -> bytes:
        head = json.dumps({"model": self.model, "series": self.series}).encode()
        sizes = struct.pack("<QQQQ", self.num_rows, len(head), len(self.reader), len(self.engine))
        body = sizes + head + self.reader + self.engine
        return _MAGIC + hashlib.sha256(body).digest() + body

    to_bytes = __bytes__

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Restores a state; raises ModelFileError if a byte is missing, added or changed."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise ModelFileError(f"`state` must be bytes, but is a {type(data).__name__}. Use bytes(stream.state).")
        data = bytes(data)
        body = data[len(_MAGIC) + 32 :]
        if data[: len(_MAGIC)] != _MAGIC or hashlib.sha256(body).digest() != data[len(_MAGIC) : len(_MAGIC) + 32]:
            raise ModelFileError(
                "`state` is not a sound stream state: its checksum does not fit. It was cut or changed."
            )
        try:
            num_rows, *sizes = struct.unpack_from("<QQQQ", body)
            ends = list(itertools.accumulate(sizes, initial=32))
            head, reader, engine = (body[start:end] for start, end in itertools.pairwise(ends))
            names = msgspec.convert(json.loads(head), _Head)
            if ends[-1] != len(body):
                raise ValueError(f"it has {len(body)} bytes, not {ends[-1]}")
        except (struct.error, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise ModelFileError(f"`state` is not a sound stream state: {error}. It was not made by whorl.") from None
        return cls(names.model, names.series, num_rows, reader, engine)


def mismatch(made_by: str, identity: str) -> str:
    """Why the state of one model does not fit another, and what to do.

    Args:
        made_by: identity of the model that made the state.
        identity: identity of the model that shall go on from it.
    """
    (made, _, made_weights), (here, _, here_weights) = made_by.partition(":"), identity.partition(":")
    if made != here:
        return (
            f"`state` belongs to model {made[:12]}, but this is model {here[:12]}. "
            "Load the model that made it, or start afresh."
        )
    made_weights, here_weights = made_weights or "fp32", here_weights or "fp32"
    return (
        f"`state` was made with {made_weights} weights, but this model runs with {here_weights} weights, whose answers "
        f"differ. Load the model with weights='{made_weights}' (--weights {made_weights}), or start afresh."
    )


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    series: str
