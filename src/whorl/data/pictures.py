"""Files of pictures: which formats are read, and under which limits."""

import warnings
from collections import Counter
from collections.abc import Sequence as List
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from whorl.codecs.image import ImageCodec, levels_of
from whorl.data.media import Medium, mediums
from whorl.errors import DataError, MissingExtraError
from whorl.plans.media import Image, Video

if TYPE_CHECKING:
    from PIL.Image import Image as Opened

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm")
# Decoders that are few and much used; Pillow has many more, for formats that hardly anyone has. TIFF is left out: its
# tiles may be far larger than the picture that they are of, so that a cap of pixels does not bound the memory that
# libtiff takes before it reads a byte of them, and what it says of damage goes around Python to standard error.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
# Pixels of the longer side where nothing is said of a size and pictures are larger: a CPU reads more slowly than that.
_SIDE = 64
# Place of the orientation among what a camera writes (EXIF 2.3), and how Pillow's ways of turning undo each.
_ORIENTATION = 0x0112
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}

Sized = TypeVar("Sized", Image, Video)


def load(path: Path, plan: Image) -> np.ndarray:
    """Reads a picture as it is meant to be looked at: levels (H, W, C) in the channels of the plan.

    Of several pictures in a file the first is read; what is transparent stands on white.

    Raises:
        DataError: it is damaged, of another format, or has more pixels than the plan allows.
        MissingExtraError: Pillow is not installed.
    """
    with _opened(path, plan) as picture:
        try:
            turned = _turned(picture, "L" if plan.mode == "grey" else "RGB")
        except Exception as error:  # decoders of damaged data raise whatever goes wrong in them
            raise _damaged(path, error) from None
    return turned if turned.ndim == 3 else turned[..., None]


def _opened(path: Path, plan: Image) -> "Opened":
    """A picture of which the header has been read."""
    try:
        import PIL.Image
    except ImportError:
        raise MissingExtraError("pillow", "image", "to read pictures") from None
    try:
        with warnings.catch_warnings():
            # Pillow's own bound of pixels; what else it warns of can be read all the same.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            picture = PIL.Image.open(path, formats=_FORMATS)
    except (PIL.Image.DecompressionBombWarning, PIL.Image.DecompressionBombError):
        raise DataError(f"`most_pixels` is {plan.most_pixels:,}, but `{path}` has far more. Make it smaller.") from None
    except PIL.UnidentifiedImageError:
        raise DataError(
            f"`{path}` is no picture in PNG, JPEG, BMP, GIF, WebP, PGM or PPM, or is damaged at its beginning. Convert "
            "it."
        ) from None
    except PermissionError:
        raise
    except Exception as error:
        raise _damaged(path, error) from None
    if picture.width * picture.height > plan.most_pixels:
        size = f"{picture.width:,} x {picture.height:,} pixels"
        picture.close()
        raise DataError(
            f"`most_pixels` is {plan.most_pixels:,}, but `{path}` has {size}. Raise it, or make it smaller."
        )
    return picture


def _turned(picture: "Opened", mode: str) -> np.ndarray:
    """Levels of a picture, (H, W) or (H, W, 3), turned as its camera was held."""
    import PIL.Image

    orientation = _orientation(picture)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = _plain(picture, mode)
        if orientation in _TURNS:
            made = made.transpose(PIL.Image.Transpose[_TURNS[orientation]])
        return np.asarray(made, np.uint8)


def _orientation(picture: "Opened") -> object:
    """How a camera was held; None where it did not write that, or it cannot be read."""
    try:
        return picture.getexif().get(_ORIENTATION)
    except Exception:
        return None  # a picture is one without what its camera wrote


def _plain(picture: "Opened", mode: str) -> "Opened":
    """The picture in grey or in colours, whatever it was kept as."""
    import PIL.Image

    if picture.mode.startswith("I"):  # grey in 16 bits, of which the upper eight are levels
        levels = np.clip(np.asarray(picture).astype(np.int64) >> 8, 0, 255).astype(np.uint8)
        return PIL.Image.fromarray(levels).convert(mode)
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        shown = picture.convert("RGBA")
        ground = PIL.Image.new("RGBA", shown.size, "white")
        ground.alpha_composite(shown)
        return ground.convert(mode)
    return picture.convert(mode)


def completed(plan: Image, cells: List[object]) -> Image:
    """A plan with a size: the most frequent one of pictures; see `sized`."""
    if plan.height is not None and plan.width is not None:
        return plan
    sizes: Counter[tuple[int, int]] = Counter()
    for cell in cells:
        sizes[_upright(cell, plan) if isinstance(cell, Path) else size_of(cell)] += 1
    if not sizes:
        raise DataError("there is no picture to take a size of. Bring some, or set `height` and `width`.")
    return sized(plan, *max(sizes, key=lambda size: (sizes[size], size)))


def size_of(given: object) -> tuple[int, int]:
    """Height and width of a picture that stands in memory, or of several; raises DataError where it is none."""
    shape = levels_of(given).shape
    return shape[1:3] if len(shape) == 4 else shape[:2]


def sized(plan: Sized, height: int, width: int) -> Sized:
    """A plan with the size of such pictures, in at most 64 pixels; what is given of it stays."""
    if plan.height is not None:
        return replace(plan, width=max(1, round(plan.height * width / height)))
    if plan.width is not None:
        return replace(plan, height=max(1, round(plan.width * height / width)))
    share = min(1.0, _SIDE / max(height, width))
    return replace(plan, height=max(1, round(share * height)), width=max(1, round(share * width)))


def _upright(path: Path, plan: Image) -> tuple[int, int]:
    """Height and width of a picture as it is meant to be looked at, by its header."""
    with _opened(path, plan) as picture:
        lies = _orientation(picture) in (5, 6, 7, 8)
        return (picture.width, picture.height) if lies else (picture.height, picture.width)


def codec(plan: Image) -> ImageCodec:
    """The codec of a complete plan."""
    assert plan.height is not None
    assert plan.width is not None
    return ImageCodec(height=plan.height, width=plan.width, mode=plan.mode, steps=plan.steps, fit=plan.fit)


def _damaged(path: Path, error: Exception) -> DataError:
    said = str(error).rstrip(".") or type(error).__name__
    return DataError(f"`{path}` cannot be read as a picture: {said:.200}. Copy it again, or leave it out.")


def apart(given: np.ndarray) -> list[np.ndarray]:
    """The pictures of an array: (N, H, W) in grey, (N, H, W, C), or (H, W, C) and (H, W), which is one."""
    alone = given.ndim == 2 or (given.ndim == 3 and given.shape[-1] in (1, 3))
    return [given] if alone else list(given)


mediums.add("image")(
    Medium(plan=Image, plural="pictures", suffixes=SUFFIXES, load=load, codec=codec, complete=completed, apart=apart)
)
