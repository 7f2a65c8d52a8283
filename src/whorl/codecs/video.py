"""Videos as steps: a frame a step, as it is, or what moves in it."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

import msgspec
import numpy as np

from whorl.codecs.codec import Codec, Encoder, codecs
from whorl.codecs.image import ImageCodec, levels_of
from whorl.codecs.numeric import center_and_scale
from whorl.errors import DataError, ModelFileError, NotFittedError, StreamingError
from whorl.plans.media import MOST_SIDE, Background, Fit, Mode
from whorl.specs import Spec

# A channel that hardly moves in training is not blown up: a deviation is at least one level.
_LEAST_DEVIATION = 1.0
# Frames that a stream may have counted: sums of levels stay whole numbers of 64 bits.
_MOST_FRAMES = 1 << 40


class _Config(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    height: Annotated[int, msgspec.Meta(ge=1, le=MOST_SIDE)]
    width: Annotated[int, msgspec.Meta(ge=1, le=MOST_SIDE)]
    mode: Mode
    fit: Fit
    background: Background


@codecs.add("video")
class VideoCodec(Codec[np.ndarray]):
    """Encodes frames of one size, (T, H, W, C) levels from 0 to 255, as pictures.

    Frames are brought to the size and the channels of the codec, as by `ImageCodec`, and each channel is scaled by its
    mean and deviation in training. Where the background is not kept, the mean of each pixel is subtracted before, over
    the whole video, or over its frames so far, this one included; so of the first one nothing is left. `decode` gives
    levels back, (T, H, W, C), or, where the background is not known any more, how far they were from it.

    Args:
        height: pixels.
        width: pixels.
        mode: 'grey' or 'colour'.
        fit: how a frame of another shape becomes one of this: 'crop' or 'stretch'.
        background: 'kept', or its mean over the 'file' or a 'running' one is subtracted.
    """

    def __init__(
        self, *, height: int, width: int, mode: Mode = "colour", fit: Fit = "crop", background: Background = "kept"
    ) -> None:
        self.pictures = ImageCodec(height=height, width=width, mode=mode, fit=fit)
        self.background = background
        self.streams: Literal["exact", "never"] = "never" if background == "file" else "exact"
        self._center: np.ndarray | None = None
        self._scale = np.ones(self.pictures.channels)

    def fit(self, sequences: Iterable[np.ndarray]) -> Self:
        channels = self.pictures.channels
        count, total, squares = 0, np.zeros(channels), np.zeros(channels)
        for value in sequences:
            levels = self._moved(self.pictures.pictures(value)).reshape(-1, channels).astype(np.float64)
            count += len(levels)
            total += levels.sum(axis=0)
            squares += (levels**2).sum(axis=0)
        if not count:
            raise DataError("`fit` needs at least one frame, but got none. Bring videos.")
        mean = total / count
        self._scale = np.sqrt(np.maximum(squares / count - mean**2, _LEAST_DEVIATION**2))
        self._center = mean if self.background == "kept" else np.zeros(channels)
        return self

    @property
    def spec(self) -> Spec:
        return self.pictures.spec

    @property
    def center(self) -> np.ndarray:
        """What is subtracted from each channel, (C,) float64."""
        if self._center is None:
            raise NotFittedError("This `VideoCodec` has no statistics yet. Call `fit` with training videos first.")
        return self._center

    def encode(self, values: np.ndarray) -> np.ndarray:
        return self.scaled(self._moved(self.pictures.pictures(values)))

    def _moved(self, levels: np.ndarray) -> np.ndarray:
        """What is encoded of all frames of a video, (T, H, W, C) float32."""
        if self.background == "running":
            return Running(levels.shape[1:]).push(levels)
        if self.background == "file" and len(levels):
            mean: np.ndarray = levels.mean(axis=0, dtype=np.float64)
            return np.asarray(levels - mean, np.float32)
        return levels.astype(np.float32)

    def scaled(self, levels: np.ndarray) -> np.ndarray:
        """Steps of frames, (T, C * H * W), channels first."""
        numbers = (levels - self.center.astype(np.float32)) / self._scale.astype(np.float32)
        return np.ascontiguousarray(np.moveaxis(numbers, -1, 1).reshape(len(numbers), self.spec.width), np.float32)

    def decode(self, array: np.ndarray) -> np.ndarray:
        """Levels (T, H, W, C): whole ones, uint8, of a background that is kept, else how far from it, float64."""
        if array.ndim != 2 or array.shape[1] != self.spec.width:
            raise DataError(
                f"`decode` takes steps (T, {self.spec.width}), but {array.shape} came. Decode with the codec that "
                "encoded them."
            )
        codec = self.pictures
        numbers = np.moveaxis(array.reshape(-1, codec.channels, codec.height, codec.width), 1, -1)
        levels: np.ndarray = numbers * self._scale + self.center
        return np.clip(np.rint(levels), 0, 255).astype(np.uint8) if self.background == "kept" else levels

    def chunks(self) -> Encoder[np.ndarray]:
        if self.streams == "never":
            raise StreamingError(
                "`background` is 'file', which needs the whole video, so that it cannot be read while it comes. Use "
                "background='running'."
            )
        return _Frames(self)

    def config(self) -> dict[str, object]:
        codec = self.pictures
        own = {"height": codec.height, "width": codec.width, "mode": codec.mode, "fit": codec.cut}
        return {**own, "background": self.background}

    def arrays(self) -> dict[str, np.ndarray]:
        return {"center": self.center, "scale": self._scale}

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            plain = msgspec.convert(config, _Config)
        except msgspec.ValidationError as error:
            raise ModelFileError(f"The video codec of the model file is damaged: {error}.") from None
        codec = cls(**msgspec.structs.asdict(plain))
        codec._center, codec._scale = center_and_scale(arrays, codec.pictures.channels, _LEAST_DEVIATION)
        return codec


class Running:
    """The mean of each pixel over the frames so far, subtracted. Sums of levels are whole, so pieces change no bit.

    Args:
        shape: of a frame, (H, W, C).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.total, self.count = np.zeros(shape, np.int64), 0

    def push(self, levels: np.ndarray) -> np.ndarray:
        """What moves in the next frames, (T, H, W, C) float32."""
        sums = self.total + np.cumsum(levels, axis=0, dtype=np.int64)
        counts = self.count + np.arange(1, len(levels) + 1).reshape(-1, 1, 1, 1)
        if len(levels):
            self.total, self.count = sums[-1], self.count + len(levels)
        moved: np.ndarray = (levels - sums / counts).astype(np.float32)
        return moved


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    count: bytes
    total: bytes


class _Frames(Encoder[np.ndarray]):
    """A piece is a frame (H, W) or (H, W, C), or several, (T, H, W, C)."""

    def __init__(self, codec: VideoCodec) -> None:
        self._codec, pictures = codec, codec.pictures
        self._running = Running((pictures.height, pictures.width, pictures.channels))

    def push(self, piece: np.ndarray) -> np.ndarray:
        levels = self._codec.pictures.pictures(levels_of(piece))
        if self._codec.background == "running":
            return self._codec.scaled(self._running.push(levels))
        return self._codec.scaled(levels.astype(np.float32))

    def flush(self) -> np.ndarray:
        return np.empty((0, self._codec.spec.width), np.float32)

    def read(self) -> bytes:
        count = self._running.count.to_bytes(8, "little")  # as long for any number of frames
        return msgspec.msgpack.encode(_Remainder(count, self._running.total.astype("<i8").tobytes()))

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
        except msgspec.DecodeError:
            raise _damaged() from None
        running, count = Running(self._running.total.shape), int.from_bytes(plain.count, "little")
        if len(plain.total) != 8 * running.total.size or len(plain.count) != 8 or count > _MOST_FRAMES:
            raise _damaged()
        running.total = np.frombuffer(plain.total, "<i8").astype(np.int64).reshape(running.total.shape)
        running.count = count
        if (running.total < 0).any() or (running.total > 255 * count).any():
            raise _damaged()
        self._running = running


def _damaged() -> ModelFileError:
    return ModelFileError("The state of a video codec is damaged, or belongs to another model.")
