"""What tasks have in common whose examples may be files of sound, pictures or videos."""

from whorl.data.media import mediums
from whorl.data.media_guess import medium_of
from whorl.errors import ArgumentError
from whorl.plans.media import MEDIA, Media
from whorl.plans.table import Table
from whorl.plans.text import Text
from whorl.tasks.estimator import Estimator


def check_tokens(estimator: Estimator, tokens: object) -> None:
    """Raises ArgumentError unless `tokens` says how a text or a medium is cut, and nothing else contradicts it."""
    known: tuple[type, ...] = (Text, *MEDIA.values())
    if not isinstance(tokens, known):
        kinds = " or ".join(f"a whorl.{kind.__name__}(...)" for kind in known)
        raise ArgumentError(f"`tokens` is {kinds}, but is a {type(tokens).__name__}. Make it one.")
    if isinstance(tokens, Text):
        return
    for name in ("time", "series", "text", "static"):
        if getattr(estimator, name, None):
            raise ArgumentError(
                f"`{name}` is of tables of rows, but with `tokens` a whorl.{type(tokens).__name__} each example is a "
                "file. Leave it out."
            )


def tokens_for(data: object, tokens: Text | Media, table: Table) -> Text | Media:
    """How the files are read that data consist of; `tokens` as they are where data are none, or where they say so."""
    if isinstance(tokens, Media):
        return tokens
    word = medium_of(data, table)
    plan: Text | Media = tokens if word is None else mediums.get(word).plan()
    return plan
