"""Text cells to timestamps: ISO 8601 and its usual spellings; ambiguous ones are refused, never guessed."""

import re
from collections.abc import Sequence

import numpy as np

_CLOCK = r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6})0*)?)?)? ?(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})(?:\2(\d{1,2}))?" + _CLOCK, re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})" + _CLOCK, re.ASCII)
_PLAIN = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?)?", re.ASCII)
_MINUTE = 60_000_000
_NAT = np.datetime64("NaT", "us")


class BadCellError(Exception):
    """The cell that is no timestamp, why, and what to do; the caller knows its column and row."""

    def __init__(self, index: int, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.index = index
        self.reason = reason
        self.advice = advice


def looks_like_time(cells: Sequence[str | None]) -> bool:
    """Whether nine in ten of the first present cells have the form of a timestamp."""
    sample = [cell for cell in cells if cell is not None][:200]
    hits = sum(bool(_YEAR_FIRST.fullmatch(cell) or _YEAR_LAST.fullmatch(cell)) for cell in sample)
    return bool(sample) and hits >= 0.9 * len(sample)


def parse_times(cells: Sequence[str | None]) -> np.ndarray:
    """Returns datetime64[us], NaT for None; offsets are converted to UTC.

    Raises:
        BadCellError: for the first cell that is not a timestamp, is ambiguous, or has another offset than before.
    """
    if all(cell is None or _PLAIN.fullmatch(cell) for cell in cells):
        try:
            return np.array(["NaT" if cell is None else cell for cell in cells], "datetime64[us]").reshape(-1)
        except ValueError:
            pass  # a month 13 or a 30th of February: the slow way finds the row
    day_first = _day_first(cells)
    times = np.empty(len(cells), "datetime64[us]")
    offset: str | None = None
    seen = False
    for i, cell in enumerate(cells):
        if cell is None:
            times[i] = _NAT
            continue
        times[i], found = _parse(i, cell, day_first)
        if seen and _minutes(found) != _minutes(offset):
            raise BadCellError(
                i,
                f"{cell!r} has {_say(found)}, the rows before have {_say(offset)}",
                "Write every timestamp in UTC, or all with one offset.",
            )
        offset, seen = found, True
    minutes = _minutes(offset)
    return times - np.timedelta64(minutes * _MINUTE, "us") if minutes else times


def spell_time(time: np.datetime64 | np.integer) -> str:
    """A timestamp as 2016-07-31 14:00:00; a count as it is."""
    return str(time.astype("datetime64[s]")).replace("T", " ") if isinstance(time, np.datetime64) else str(time)


def _parse(index: int, cell: str, day_first: bool | None) -> tuple[np.datetime64, str | None]:
    if match := _YEAR_FIRST.fullmatch(cell):
        year, _, month, day, hour, minute, second, fraction, offset = match.groups()
    elif match := _YEAR_LAST.fullmatch(cell):
        first, mark, second_part, year, hour, minute, second, fraction, offset = match.groups()
        if day_first is None and mark != ".":
            raise BadCellError(
                index,
                f"{cell!r} is ambiguous: the day or the month may stand first, and no row tells",
                "Write dates as 2016-07-31.",
            )
        day, month = (first, second_part) if day_first or mark == "." else (second_part, first)
    else:
        raise BadCellError(
            index, f"{cell[:40]!r} is not a timestamp", "Write it like 2016-07-31 or 2016-07-31 14:00:00."
        )
    iso = f"{year}-{month:0>2}-{day or '1':0>2}T{hour or '0':0>2}:{minute or '00'}:{second or '00'}.{fraction or '0'}"
    try:
        return np.datetime64(iso, "us"), offset
    except ValueError:
        raise BadCellError(index, f"{cell!r} is no date of the calendar", "Correct the cell.") from None


def _day_first(cells: Sequence[str | None]) -> bool | None:
    """True for 31/12/2016, False for 12/31/2016, None when no row tells them apart."""
    for cell in cells:
        if cell is not None and (match := _YEAR_LAST.fullmatch(cell)) and match[2] != ".":
            if int(match[1]) > 12:
                return True
            if int(match[3]) > 12:
                return False
    return None


def _minutes(offset: str | None) -> int | None:
    if offset is None:
        return None
    if offset in ("Z", "UTC"):
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return (-1 if offset[0] == "-" else 1) * (int(digits[:2]) * 60 + int(digits[2:]))


def _say(offset: str | None) -> str:
    return "no time zone" if offset is None else f"the offset {offset}"
