"""Which columns of a table play which role, as a task was told."""

from dataclasses import dataclass, field, fields
from typing import get_args

from whorl.plans.media import Media
from whorl.plans.music import Music
from whorl.plans.names import check_column, names
from whorl.plans.table import Table
from whorl.plans.text import Text

# Fields of tasks that name columns: one, or several where they may be a tuple.
_ROLES = (
    *("target", "time", "series", "known", "static", "group", "text", "source", "label"),
    *("user", "item", "condition"),
)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Roles of columns; what is None or empty is inferred from the data.

    Args:
        target: what is answered.
        time: when a row happened.
        series: which entity a row belongs to.
        known: covariates that are known ahead.
        static: covariates with one value for each series.
        group: what several series belong to and are held out by; it is not read.
        table: kinds, scaling and allowed repairs.
        calendar: encode the time column's place in day, week and year.
        text: the column of text where an example is a row with a text.
        tokens: how the text is cut.
        media: how files of sound, pictures or videos are read, where an example is one.
        music: how pieces of music are cut, where an example is one.
        label: the column that says which rows are anomalies.
        normal: the label of rows that are none.
    """

    target: str | tuple[str, ...] | None
    time: str | None
    series: str | None
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    group: str | None = None
    table: Table
    calendar: bool = False
    text: str | None = None
    tokens: Text = field(default_factory=Text)
    media: Media | None = None
    music: Music | None = None
    label: str | None = None
    normal: str | None = None


def check_names(asked: object) -> None:
    """Raises ArgumentError where a field of a task or of a question is no name of a column, but should be one."""
    for one in fields(asked):  # type: ignore[arg-type]
        if one.name not in _ROLES:
            continue
        given, kinds = getattr(asked, one.name), (one.type, *get_args(one.type))
        if tuple[str, ...] not in kinds:
            check_column(one.name, given, optional=type(None) in kinds)
        elif given is not None:
            names(given, one.name)
