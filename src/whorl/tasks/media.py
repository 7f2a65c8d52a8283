"""What tasks have in common whose examples may be files of sound, pictures or videos."""

from whorl.data.indicators import num_columns
from whorl.data.media import mediums
from whorl.data.media_guess import medium_of
from whorl.errors import ArgumentError
from whorl.plans.media import MEDIA, Image, Media, Video, usual_plan
from whorl.plans.table import Table
from whorl.plans.text import Text
from whorl.plans.wiring import Convolution, ManyToOne
from whorl.tasks.estimator import Estimator

# Of each layer of convolutions, and how many times further apart the steps lie that the next layer reads.
CHANNELS, GROWTH = 64, 4


def check_tokens(estimator: Estimator, tokens: object) -> None:
    """Raises ArgumentError unless `tokens` says how a text or a medium is cut, and nothing else contradicts it."""
    if not isinstance(tokens, Text | Media):
        raise ArgumentError(f"`tokens` is {_told(Text)}, but is a {type(tokens).__name__}. Make it one.")
    if not isinstance(tokens, Text):
        check_columns(estimator, tokens)


def check_columns(estimator: Estimator, tokens: object) -> None:
    """Raises ArgumentError unless `tokens` says how files are cut, and nothing else is of rows."""
    if not isinstance(tokens, Media):
        raise ArgumentError(f"`tokens` is {_told()}, or None, but is a {type(tokens).__name__}. Make it one.")
    for name in ("time", "series", "text", "static", "every_step", "remaining"):
        if getattr(estimator, name, None):
            raise ArgumentError(
                f"`{name}` is of tables of rows, but with `tokens` a whorl.{type(tokens).__name__} each example is a "
                "file. Leave it out."
            )


def check_media(media: object) -> None:
    """Raises ArgumentError unless `media` says how files are read, or leaves that to the data."""
    if media is not None and not isinstance(media, Media):
        raise ArgumentError(f"`media` is {_told()}, or None, but is a {type(media).__name__}. Make it one.")


def _told(*others: type) -> str:
    """Plans of media, after others, as users make them."""
    return " or ".join(f"a whorl.{kind.__name__}(...)" for kind in (*others, *MEDIA.values()))


def shape_of(tokens: Media) -> ManyToOne:
    """How the steps of a file lead to one answer: convolutions, pooled beside what the core makes of them.

    A step that is a picture is read by convolutions over itself, and has no patterns in time.
    """
    pictured = isinstance(tokens, Video) or (isinstance(tokens, Image) and tokens.steps == "picture")
    layers = None if pictured else Convolution(channels=CHANNELS, kernel_size=None, num_layers=3, growth=GROWTH)
    return ManyToOne(pooling=("last", "mean", "max"), convolution=layers, beside=layers is not None)


def targets_of_pair(data: object) -> tuple[str, ...] | None:
    """What the K > 1 answers of `(files, y)` are called where nobody names them, y (N, K); None for other data."""
    count = num_columns(data[1]) if isinstance(data, tuple) and len(data) == 2 else 1
    return tuple(f"y{k}" for k in range(count)) if count > 1 else None


def plan_for(data: object, table: Table, own: tuple[Media, ...] = ()) -> Media | None:
    """How the files are read that data consist of, by a task with plans of its own; None where data are none."""
    word = medium_of(data, table)
    return None if word is None else usual_plan(mediums.get(word).plan, own)
