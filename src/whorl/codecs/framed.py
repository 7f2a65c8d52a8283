"""Frames side by side: so many neighbouring rows of a codec are one step, so that a network has fewer of them."""

from collections.abc import Iterable, Sized
from typing import Annotated, Any, Self

import msgspec
import numpy as np

from whorl.codecs.codec import Codec, Encoder, codecs
from whorl.errors import ArgumentError, ModelFileError
from whorl.specs import Picture, Reals, Spec

# Frames that a step may have, and empty steps behind the last.
MOST_STRIDE, MOST_LOOKAHEAD = 64, 100


class _Config(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    codec: str
    config: dict[str, object]
    stride: Annotated[int, msgspec.Meta(ge=1, le=MOST_STRIDE)]
    lookahead: Annotated[int, msgspec.Meta(ge=0, le=MOST_LOOKAHEAD)] = 0


@codecs.add("framed")
class FramedCodec(Codec[Any]):
    """Encodes what another codec encodes, `stride` of its rows a step.

    The last rows of a sequence, where they are fewer, are left out.

    Args:
        codec: of frames.
        stride: rows of a step; pictures stay one by one.
        lookahead: empty steps, of zeros, that follow the last one, for a network whose answers are so many steps late.
    """

    def __init__(self, codec: Codec[Any], stride: int, lookahead: int = 0) -> None:
        if not 1 <= stride <= MOST_STRIDE:
            raise ArgumentError(f"`stride` is from 1 to {MOST_STRIDE}, but {stride} came. Change it.")
        if not 0 <= lookahead <= MOST_LOOKAHEAD:
            raise ArgumentError(f"`lookahead` is from 0 to {MOST_LOOKAHEAD}, but {lookahead} came. Change it.")
        self.codec, self.stride, self.lookahead = codec, stride, lookahead
        held_back = (stride > 1 or lookahead > 0) and codec.streams == "exact"
        self.streams = "at_flush" if held_back else codec.streams

    def fit(self, sequences: Iterable[Any]) -> Self:
        """Fits the codec of frames."""
        self.codec.fit(sequences)
        if self.stride > 1 and isinstance(self.codec.spec, Picture):
            raise ArgumentError(f"`stride` is {self.stride}, but pictures stay one by one. Use stride=1.")
        return self

    @property
    def spec(self) -> Spec:
        return self.codec.spec if self.stride == 1 else Reals(self.codec.spec.width * self.stride)

    def encode(self, values: Any) -> np.ndarray:
        return self.ended(self._stacked(self.codec.encode(values)))

    def decode(self, array: np.ndarray) -> object:
        """What the codec of frames makes of all frames of these steps, but for the empty ones."""
        return self.codec.decode(array[: self.num_steps(array)].reshape(-1, self.codec.spec.width))

    def chunks(self) -> "FramedEncoder":
        return FramedEncoder(self)

    def config(self) -> dict[str, object]:
        name = codecs.name_of(type(self.codec))
        return {"codec": name, "config": self.codec.config(), "stride": self.stride, "lookahead": self.lookahead}

    def arrays(self) -> dict[str, np.ndarray]:
        return self.codec.arrays()

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            plain = msgspec.convert(config, _Config)
        except msgspec.ValidationError as error:
            raise ModelFileError(f"The codec of frames of the model file is damaged: {error}") from None
        if plain.codec not in codecs or issubclass(codecs.get(plain.codec), FramedCodec):
            raise ModelFileError(f"The codec of frames of the model file is damaged: it is of {plain.codec!r:.40}.")
        made = cls(codecs.get(plain.codec).restore(plain.config, arrays), plain.stride, plain.lookahead)
        if plain.stride > 1 and isinstance(made.codec.spec, Picture):
            raise ModelFileError(f"The codec of frames of the model file is damaged: {plain.stride} pictures are one.")
        return made

    def num_steps(self, array: Sized) -> int:
        """How many of the steps of a sequence are not empty ones."""
        return max(0, len(array) - self.lookahead)

    def ended(self, steps: np.ndarray) -> np.ndarray:
        """The last steps of a sequence (T, D) with the empty ones after them."""
        if not self.lookahead:
            return steps
        return np.concatenate([steps, np.zeros((self.lookahead, *steps.shape[1:]), steps.dtype)])

    def _stacked(self, rows: np.ndarray) -> np.ndarray:
        """Rows (n, D) as steps (n // stride, stride * D)."""
        if self.stride == 1:
            return rows
        steps = len(rows) // self.stride
        return np.ascontiguousarray(rows[: steps * self.stride]).reshape(steps, rows.shape[1] * self.stride)


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    encoder: bytes
    held: bytes


class FramedEncoder(Encoder[Any]):
    """Encodes pieces of a sequence; rows that do not fill a step yet are held back.

    Args:
        codec: fitted.
    """

    def __init__(self, codec: FramedCodec) -> None:
        self._codec, self._width = codec, codec.codec.spec.width
        self._encoder: Encoder[Any] = codec.codec.chunks()
        self._held = np.empty((0, self._width), np.float32)

    def push(self, piece: Any) -> np.ndarray:
        return self._steps(self._encoder.push(piece))

    def flush(self) -> np.ndarray:
        steps = self._steps(self._encoder.flush())
        self._held = self._held[:0]
        return self._codec.ended(steps)

    def _steps(self, rows: np.ndarray) -> np.ndarray:
        if self._codec.stride == 1:
            return rows
        rows = np.concatenate([self._held, rows])
        whole = len(rows) // self._codec.stride * self._codec.stride
        self._held = rows[whole:].copy()
        return self._codec._stacked(rows[:whole])

    def read(self) -> bytes:
        return msgspec.msgpack.encode(_Remainder(self._encoder.read(), self._held.astype("<f4").tobytes()))

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
        except msgspec.DecodeError:
            raise _damaged() from None
        size = 4 * self._width
        if len(plain.held) % size or len(plain.held) >= size * self._codec.stride:
            raise _damaged()
        held = np.frombuffer(plain.held, "<f4").astype(np.float32).reshape(-1, self._width)
        if not np.isfinite(held).all():
            raise _damaged()
        self._encoder.write(plain.encoder)
        self._held = held


def _damaged() -> ModelFileError:
    return ModelFileError("The state of a codec of frames is damaged, or belongs to another model.")
