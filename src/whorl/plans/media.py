"""How recordings, pictures and videos are read and cut into steps. Frozen data, no behaviour."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Real
from typing import Literal

import msgspec

from whorl.errors import ArgumentError, did_you_mean
from whorl.plans.names import check_column
from whorl.plans.sizes import check_flag

AudioFeatures = Literal["log_mel", "mfcc"]
Normalise = Literal["training", "file", "running", "none"]
Mode = Literal["grey", "colour"]
Steps = Literal["picture", "rows", "pixels"]
Fit = Literal["crop", "stretch"]
Background = Literal["kept", "file", "running"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "features": ("log_mel", "mfcc"),
    "normalise": ("training", "file", "running", "none"),
    "mode": ("grey", "colour"),
    "steps": ("picture", "rows", "pixels"),
    "fit": ("crop", "stretch"),
    "background": ("kept", "file", "running"),
}
# What microphones and files have; a rate beyond it is that of a damaged header.
LEAST_HZ, MOST_HZ = 100, 192_000
# Most numbers of a step: filters that are narrower than that tell nothing more.
_MOST_BANDS = 512
# Pixels of a side that pictures are brought to, and of a picture that is read.
MOST_SIDE, _MOST_PIXELS = 4096, 80_000_000


@dataclass(frozen=True, kw_only=True)
class Audio:
    """Options of recordings of sound.

    Args:
        column: the column of a table that names the files, relative to the table's folder; None finds it.
        group: what recordings belong to that are held out together, so that a speaker, say, is never both learned from
            and held out: a column of the table, or a regular expression with one pair of parentheses around that part
            of a file's name.
        sample_rate_hz: samples a second that recordings are brought to; None takes the most frequent rate of training.
        features: what a step is: 'log_mel', the logarithms of the energies in bands, or 'mfcc', their cepstrum, which
            tells less of the pitch of a voice.
        num_bands: bands of frequencies, evenly spaced on the mel scale.
        num_coefficients: cepstral coefficients of a step, from the first one on, as many as there are bands at most; of
            'mfcc' alone.
        window_ms: length of the piece of sound that a step tells of.
        hop_ms: time from the begin of a step to the begin of the next one.
        normalise: what is subtracted from each number before it is divided by its deviation: its mean in 'training';
            that mean, and how much louder the recording was so far than those of training ('running'); or its mean in
            the 'file', which no stream can know. 'none' leaves features as they are.
        longest_s: seconds of the longest recording that is read; longer ones are refused.
    """

    column: str | None = None
    group: str | None = None
    sample_rate_hz: int | None = None
    features: AudioFeatures = "mfcc"
    num_bands: int = 26
    num_coefficients: int = 13
    window_ms: float = 25.0
    hop_ms: float = 10.0
    normalise: Normalise = "running"
    longest_s: float = 600.0

    def __post_init__(self) -> None:
        _check_plain(self)
        if self.sample_rate_hz is not None:
            _check_number("sample_rate_hz", self.sample_rate_hz, LEAST_HZ, MOST_HZ, whole=True)
        _check_number("num_bands", self.num_bands, 1, _MOST_BANDS, whole=True)
        _check_number("num_coefficients", self.num_coefficients, 1, _MOST_BANDS, whole=True)
        _check_number("window_ms", self.window_ms, 1, 10_000)
        _check_number("hop_ms", self.hop_ms, 1, 10_000)
        if self.hop_ms > self.window_ms:
            raise ArgumentError(
                f"`hop_ms` is at most `window_ms`, so that all of a recording is read, but is {self.hop_ms:g} of "
                f"{self.window_ms:g}. Lower it."
            )
        _check_number("longest_s", self.longest_s, 0.001, 86_400)


@dataclass(frozen=True, kw_only=True)
class Image:
    """Options of pictures.

    Args:
        column: the column of a table that names the files, relative to the table's folder; None finds it.
        group: what pictures belong to that are held out together, such as the person on them: a column of the table, or
            a regular expression with one pair of parentheses around that part of a file's name.
        height: pixels that pictures are brought to. None goes by the most frequent size of training, at most 64 pixels
            on its longer side, or by `width`, in the shape of that size.
        width: the same across.
        mode: 'colour' or 'grey'.
        steps: what a step is: 'picture', a whole one, which a small convolutional network makes a vector of; 'rows',
            one row after the other from the top; or 'pixels', one after the other, row by row.
        fit: how a picture of another shape is brought to the size: 'crop' cuts the largest part out of its middle that
            has the shape, 'stretch' distorts it.
        most_pixels: of the largest picture that is read; larger ones are refused before they are decoded.
    """

    column: str | None = None
    group: str | None = None
    height: int | None = None
    width: int | None = None
    mode: Mode = "colour"
    steps: Steps = "picture"
    fit: Fit = "crop"
    most_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        _check_plain(self)
        for name in ("height", "width"):
            if getattr(self, name) is not None:
                _check_number(name, getattr(self, name), 1, MOST_SIDE, whole=True)
        _check_number("most_pixels", self.most_pixels, 1, _MOST_PIXELS, whole=True)


@dataclass(frozen=True, kw_only=True)
class Features:
    """Options of files of features that another encoder found: a `.npy` array for each example.

    Args:
        column: the column of a table that names the files, relative to the table's folder; None finds it.
        group: what examples belong to that are held out together, as of `whorl.Audio`.
        ordered: whether what is read has an order, as frames (T, D) have; the cells of a grid, (S, D) or (Y, X, D),
            have none.
    """

    column: str | None = None
    group: str | None = None
    ordered: bool = False

    def __post_init__(self) -> None:
        _check_plain(self)
        check_flag("ordered", self.ordered)


@dataclass(frozen=True, kw_only=True)
class Video:
    """Options of videos. A step is a frame; sound is not read.

    Args:
        column: the column of a table that names the files, relative to the table's folder; None finds it.
        group: what videos belong to that are held out together, as of `whorl.Audio`.
        crop: the part of a frame that is read: pixels left of it and above it, its width and its height; () reads all.
            Frames in arrays and those that are pushed to a stream come whole and are cropped, too.
        height: pixels that frames are brought to, after they are cropped. None goes by the size of the first video of
            training, at most 64 pixels on its longer side, or by `width`, in the shape of that size.
        width: the same across.
        mode: 'colour' or 'grey'.
        fit: how a frame of another shape is brought to the size: 'crop' cuts the largest part out of its middle that
            has the shape, 'stretch' distorts it.
        background: what does not move: 'kept'; or the mean of each pixel is subtracted, over the whole 'file', which no
            stream can know, or a 'running' one, over the frames so far.
        frame_rate_hz: frames a second that are read of a file, each the last one that was shown by then; None reads all
            frames. Nothing is known of the times of frames in arrays and in streams, which are all read.
        longest_s: seconds of the longest video that is read; longer ones are refused.
        most_pixels: of a frame as it is kept in the file; larger ones are refused before they are decoded.
    """

    column: str | None = None
    group: str | None = None
    crop: tuple[int, ...] = ()
    height: int | None = None
    width: int | None = None
    mode: Mode = "colour"
    fit: Fit = "crop"
    background: Background = "kept"
    frame_rate_hz: float | None = None
    longest_s: float = 600.0
    most_pixels: int = 10_000_000

    def __post_init__(self) -> None:
        _check_plain(self)
        for name in ("height", "width"):
            if getattr(self, name) is not None:
                _check_number(name, getattr(self, name), 1, MOST_SIDE, whole=True)
        given: tuple[object, ...] = self.crop
        sound = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in given)
        if self.crop and not (sound and len(self.crop) == 4 and min(self.crop[2:]) > 0):
            raise ArgumentError(
                f"`crop` is four whole numbers of pixels, left, top, width and height, but is {self.crop!r}. Use "
                "(0, 0, 32, 32), say, or () for all of a frame."
            )
        if self.frame_rate_hz is not None:
            _check_number("frame_rate_hz", self.frame_rate_hz, 0.001, 1000)
        _check_number("longest_s", self.longest_s, 0.001, 86_400)
        _check_number("most_pixels", self.most_pixels, 1, _MOST_PIXELS, whole=True)


Media = Audio | Features | Image | Video
# The word of a plan in model files.
MEDIA: dict[str, type[Media]] = {"audio": Audio, "features": Features, "image": Image, "video": Video}


def is_ordered(plan: Media) -> bool:
    """Whether the steps of an example have an order, as those of a recording have; cells of a grid have none.

    A picture that is one step is read as such a grid.
    """
    match plan:
        case Features(ordered=ordered):
            return ordered
        case Image(steps=steps):
            return steps != "picture"
        case _:
            return True


def usual_plan(kind: type[Media], own: tuple[Media, ...]) -> Media:
    """How files of a kind are read where nobody says so: a task's own way, where it has one of them."""
    return next((plan for plan in own if type(plan) is kind), kind())


def word_of(plan: Media) -> str:
    """The word of what a plan is of."""
    (word,) = (word for word, kind in MEDIA.items() if isinstance(plan, kind))
    return word


def to_plain(plan: Media) -> dict[str, object]:
    """A plan as JSON values, with the word that says which it is."""
    # A whole number where any may stand is read back as 8.0: the same plan is to have the same spelling.
    real = {field.name for field in fields(plan) if field.type is float}
    return {"medium": word_of(plan)} | {name: float(v) if name in real else v for name, v in asdict(plan).items()}


def from_plain(plain: Mapping[str, object]) -> Media:
    """The plan that `to_plain` described.

    Raises:
        ArgumentError: a value that no plan can have.
        msgspec.ValidationError: a plan that there is not, or a value of another type.
    """
    given = dict(plain)
    word = given.pop("medium", None)
    if not isinstance(word, str) or word not in MEDIA:
        raise msgspec.ValidationError(f"there is no medium {word!r}")
    plan: Media = msgspec.convert(given, MEDIA[word])
    return plan


def _check_plain(plan: Media) -> None:
    """Raises ArgumentError for a column that is no name, or a choice that there is not."""
    check_column("column", plan.column)
    check_column("group", plan.group)
    for name, known in _CHOICES.items():
        value: object = getattr(plan, name, known[0])
        if value not in known:
            raise ArgumentError(
                f"`{name}` must be one of {', '.join(known)}, but is {value!r}.{did_you_mean(str(value), known)}"
            )


def _check_number(name: str, value: object, least: float, most: float, *, whole: bool = False) -> None:
    fits = isinstance(value, int if whole else Real) and not isinstance(value, bool) and least <= value <= most  # type: ignore[operator]
    if not fits:
        kind = "a whole number" if whole else "a number"
        raise ArgumentError(f"`{name}` is {kind} from {least} to {most}, but is {value!r}. Change it.")
