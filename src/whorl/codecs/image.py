"""Pictures as steps: a whole picture a step, one of its rows, or one of its pixels."""

from collections.abc import Iterable
from typing import Annotated, Self

import msgspec
import numpy as np

from whorl.codecs.codec import Codec, Encoder, codecs
from whorl.codecs.numeric import center_and_scale
from whorl.errors import DataError, MissingExtraError, ModelFileError, NotFittedError
from whorl.plans.media import MOST_SIDE, Fit, Mode, Steps
from whorl.specs import Picture, Reals, Spec

# Weights of red, green and blue in grey (ITU-R BT.601), in units of 2^-16.
_LUMA = np.array([19595, 38470, 7471])
# A channel that hardly varies in training is not blown up: a deviation is at least one level.
_LEAST_DEVIATION = 1.0


class _Config(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    height: Annotated[int, msgspec.Meta(ge=1, le=MOST_SIDE)]
    width: Annotated[int, msgspec.Meta(ge=1, le=MOST_SIDE)]
    mode: Mode
    steps: Steps
    fit: Fit


@codecs.add("image")
class ImageCodec(Codec[np.ndarray]):
    """Encodes pictures of one size. A sequence is a picture (H, W) or (H, W, C), or several in a row, (T, H, W, C).

    Numbers are levels from 0 to 255; C is 1, or 3 for red, green and blue. Pictures of another size are scaled, which
    needs Pillow, and colours become grey or grey becomes colours as the codec wants them. Each channel is scaled by its
    mean and deviation in training. `decode` gives levels back, (T, H, W, C).

    Args:
        height: pixels.
        width: pixels.
        mode: 'grey' or 'colour'.
        steps: 'picture', 'rows' or 'pixels'.
        fit: how a picture of another shape becomes one of this: 'crop' cuts its middle out, 'stretch' distorts it.
    """

    def __init__(
        self, *, height: int, width: int, mode: Mode = "colour", steps: Steps = "picture", fit: Fit = "crop"
    ) -> None:
        self.height, self.width, self.mode, self.steps, self.cut = height, width, mode, steps, fit
        self.channels = 1 if mode == "grey" else 3
        self._center: np.ndarray | None = None
        self._scale = np.ones(self.channels)

    def fit(self, sequences: Iterable[np.ndarray]) -> Self:
        count, total, squares = 0, np.zeros(self.channels, np.int64), np.zeros(self.channels, np.int64)
        for value in sequences:
            levels = self.pictures(value).reshape(-1, self.channels).astype(np.int64)
            count += len(levels)
            total += levels.sum(axis=0)
            squares += (levels**2).sum(axis=0)
        if not count:
            raise DataError("`fit` needs at least one picture, but got none. Bring pictures.")
        self._center = total / count
        self._scale = np.sqrt(np.maximum(squares / count - self._center**2, _LEAST_DEVIATION**2))
        return self

    @property
    def spec(self) -> Spec:
        match self.steps:
            case "picture":
                return Picture(self.channels, self.height, self.width)
            case "rows":
                return Reals(self.width * self.channels)
            case _:
                return Reals(self.channels)

    def pictures(self, value: np.ndarray) -> np.ndarray:
        """Levels of pictures in the codec's size and channels, (T, H, W, C) uint8.

        Raises:
            DataError: they are no pictures.
            MissingExtraError: they have to be scaled, and Pillow is not installed.
        """
        given = levels_of(value)
        if given.ndim < 4:
            given = given.reshape(1, *given.shape[:2], -1)
        given = self._channelled(given)
        if given.shape[1:3] == (self.height, self.width):
            return given
        made = np.empty((len(given), self.height, self.width, self.channels), np.uint8)
        for n, picture in enumerate(given):
            made[n] = _scaled(picture, self.height, self.width, self.cut)
        return made

    def _channelled(self, given: np.ndarray) -> np.ndarray:
        """The same in grey or in colours, whatever it was."""
        if given.shape[-1] == self.channels:
            return given
        if self.channels == 3:
            return np.repeat(given, 3, axis=-1)
        grey = (given.astype(np.int64) @ _LUMA + (1 << 15)) >> 16
        return np.asarray(grey[..., None], np.uint8)

    def encode(self, values: np.ndarray) -> np.ndarray:
        return self.scaled(self.pictures(values))

    def scaled(self, levels: np.ndarray) -> np.ndarray:
        """Steps of pictures, or of rows of them, (..., W, C) levels."""
        center = self._fitted.astype(np.float32)
        numbers = (levels.astype(np.float32) - center) / self._scale.astype(np.float32)
        if self.steps == "picture":
            numbers = np.moveaxis(numbers, -1, -3)
        return np.ascontiguousarray(numbers.reshape(-1, self.spec.width))

    def decode(self, array: np.ndarray) -> np.ndarray:
        """Levels, (T, H, W, C) uint8, of the steps of whole pictures."""
        center, size = self._fitted, self.height * self.width * self.channels
        if array.size % size or array.shape[-1] != self.spec.width:
            raise DataError(
                f"`decode` takes the steps of whole pictures, {size} numbers each in rows of {self.spec.width}, but "
                f"{array.shape} came. Decode with the codec that encoded them."
            )
        if self.steps == "picture":
            numbers = np.moveaxis(array.reshape(-1, self.channels, self.height, self.width), 1, -1)
        else:
            numbers = array.reshape(-1, self.height, self.width, self.channels)
        levels: np.ndarray = np.clip(np.rint(numbers * self._scale + center), 0, 255).astype(np.uint8)
        return levels

    def chunks(self) -> "ImageEncoder":
        return ImageEncoder(self)

    def config(self) -> dict[str, object]:
        return {"height": self.height, "width": self.width, "mode": self.mode, "steps": self.steps, "fit": self.cut}

    def arrays(self) -> dict[str, np.ndarray]:
        return {"center": self._fitted, "scale": self._scale}

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            plain = msgspec.convert(config, _Config)
        except msgspec.ValidationError as error:
            raise ModelFileError(f"The image codec of the model file is damaged: {error}.") from None
        codec = cls(**msgspec.structs.asdict(plain))
        codec._center, codec._scale = center_and_scale(arrays, codec.channels, _LEAST_DEVIATION)
        return codec

    @property
    def _fitted(self) -> np.ndarray:
        if self._center is None:
            raise NotFittedError("This `ImageCodec` has no statistics yet. Call `fit` with training pictures first.")
        return self._center


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    count: int
    held: bytes


class ImageEncoder(Encoder[np.ndarray]):
    """Encodes pictures that come one after the other, whole or in rows of pixels from the top.

    A piece (H, W, C) or (T, H, W, C) is whole pictures, of any size. A row is (W * C,) levels or (W, C), several rows
    in grey are (n, W); they have the codec's width, since nothing is scaled before it is there.
    """

    def __init__(self, codec: ImageCodec) -> None:
        self._codec = codec
        self._row = (codec.width, codec.channels)
        # Rows of the picture that has begun: how many came, and those that are held back.
        self._count, self._held = 0, np.empty((0, *self._row), np.uint8)

    def push(self, piece: np.ndarray) -> np.ndarray:
        given, codec = levels_of(piece, rows=True), self._codec
        if given.ndim > 2:
            if self._count:
                raise DataError(
                    f"a picture has begun, {self._count} of its {codec.height} rows came, but a whole one came next. "
                    "Push the rows that are left, or start another stream."
                )
            return codec.encode(given)
        rows = self._rows(given)
        self._count = (self._count + len(rows)) % codec.height
        if codec.steps != "picture":
            return codec.scaled(rows)
        held = np.concatenate([self._held, rows])
        whole = len(held) - self._count
        self._held = held[whole:].copy()
        return codec.scaled(held[:whole].reshape(-1, codec.height, *self._row))

    def _rows(self, given: np.ndarray) -> np.ndarray:
        """Rows of pixels, (n, W, C)."""
        width, channels = self._row
        if given.shape in ((width * channels,), (width, channels)):
            return given.reshape(1, width, channels)
        if given.ndim == 2 and channels == 1 and given.shape[1] == width:
            return given.reshape(-1, width, 1)
        raise DataError(
            f"a row of this model is {width} pixels of {channels} numbers, ({width * channels},), but {given.shape} "
            "came. Push rows of that width, or a whole picture, (H, W, C), which is scaled."
        )

    def flush(self) -> np.ndarray:
        if len(self._held):
            raise DataError(
                f"the picture has {self._codec.height} rows, but {self._count} came before its end. Push the others."
            )
        self._count = 0
        return np.empty((0, self._codec.spec.width), np.float32)

    def read(self) -> bytes:
        return msgspec.msgpack.encode(_Remainder(self._count, self._held.tobytes()))

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
        except msgspec.DecodeError:
            raise _damaged() from None
        kept = plain.count if self._codec.steps == "picture" else 0
        if not 0 <= plain.count < self._codec.height or len(plain.held) != kept * self._row[0] * self._row[1]:
            raise _damaged()
        self._count = plain.count
        self._held = np.frombuffer(plain.held, np.uint8).reshape(-1, *self._row)


def levels_of(value: object, *, rows: bool = False) -> np.ndarray:
    """An array of levels, uint8: of a picture (H, W) or (H, W, C), or of several, (T, H, W, C).

    Args:
        value: what came.
        rows: whether it may be a row of a picture, (W * C,), too.

    Raises:
        DataError: it is no array of such a shape, or its numbers are no levels.
    """
    try:
        given = np.asarray(value)
    except ValueError:
        given = np.empty((), object)
    fits = given.ndim in (2, 3, 4) and (given.ndim == 2 or given.shape[-1] in (1, 3)) and all(given.shape[1:])
    fits = fits and (len(given) > 0 or given.ndim == 4 or rows)
    if not fits and not (rows and given.ndim == 1):
        raise DataError(
            "a picture is an array (H, W), or (H, W, C) with one channel or three, and several are (T, H, W, C), but "
            f"{f'the shape {given.shape}' if given.dtype != object else f'a {type(value).__name__}'} came. Convert it."
        )
    if given.dtype == np.uint8:
        return given
    whole = given.dtype.kind in "iuf" and bool((np.isfinite(given) & (given >= 0) & (given <= 255)).all())
    if not whole or (given.dtype.kind == "f" and bool((given % 1).any())):
        raise DataError(
            "pixels are whole numbers from 0 to 255, but "
            f"{'others' if given.dtype.kind in 'iuf' else f'values of {given.dtype}'} came. Scale them to that range "
            "and round them."
        )
    return given.astype(np.uint8)


def _scaled(picture: np.ndarray, height: int, width: int, cut: Fit) -> np.ndarray:
    """A picture (H, W, C) in another size."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("pillow", "image", "to bring pictures to one size") from None
    old_height, old_width, channels = picture.shape
    box: tuple[float, float, float, float] = (0, 0, old_width, old_height)
    if cut == "crop":
        # The largest part in the middle that has the shape that is wanted.
        share = min(old_width / width, old_height / height)
        left, top = (old_width - share * width) / 2, (old_height - share * height) / 2
        box = (
            max(0.0, left),
            max(0.0, top),
            min(old_width, left + share * width),
            min(old_height, top + share * height),
        )
    image = Image.fromarray(np.ascontiguousarray(picture[..., 0] if channels == 1 else picture))
    made = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box))
    return made.reshape(height, width, channels)


def _damaged() -> ModelFileError:
    return ModelFileError("The state of an image codec is damaged, or belongs to another model.")
