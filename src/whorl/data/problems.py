"""What can be wrong with a table, as data: readers refuse at the first problem, `check` collects them all."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from whorl.codecs.frame import Frame
from whorl.errors import DataError

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One finding about a table.

    Args:
        severity: 'error' stops `fit`, 'warning' harms the result, 'note' is good to know.
        message: one or two sentences: the thing, the rule, what came, what to do.
        column: the column it is about.
        rows: the rows it is about, as the user counts them.
        series: the series it is about.
        option: the option that repairs or overrides it, as the command line spells it.
    """

    severity: Literal["error", "warning", "note"]
    message: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    series: str | None = None
    option: str | None = None


Report = Callable[[Problem], None]


def refuse(problem: Problem) -> None:
    """The reader's way to report: stop."""
    raise DataError(problem.message)


def name_rows(frame: Frame, index: np.ndarray) -> str:
    """Returns "row 7", "rows 812, 813, 990" or "rows 1, 2, 3, 4, 5 and 14 more", with their file."""
    index = np.asarray(index)
    shown = ", ".join(str(row) for row in frame.rows[index[:_SHOWN]].tolist())
    more = f" and {len(index) - _SHOWN} more" if len(index) > _SHOWN else ""
    file = f" of {frame.columns['file'][index[0]]}" if from_folder(frame) and len(index) else ""
    return f"{'row' if len(index) == 1 else 'rows'} {shown}{more}{file}"


def from_folder(frame: Frame) -> bool:
    """Whether the rows come from several files, so that a row number alone says too little."""
    return frame.origin.endswith("/") and "file" in frame.columns


def quote(values: Iterable[object], limit: int = 3) -> str:
    """Returns the first few values, quoted and shortened, for a message."""
    shown = [repr(value if len(str(value)) <= 40 else f"{str(value)[:37]}...") for value in list(values)[: limit + 1]]
    return ", ".join(shown[:limit]) + (", ..." if len(shown) > limit else "")


def plural(count: int, noun: str) -> str:
    """Returns "1 row", "2 rows"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def in_series(key: str) -> str:
    """Returns " in series 'store-4'", or nothing where there is one series."""
    return f" in series '{key}'" if key else ""
