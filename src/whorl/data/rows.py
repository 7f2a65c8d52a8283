"""The rows of one series: order, duplicates and gaps are found, named, and repaired where `Table` allows it."""

import re
import shlex
from collections.abc import Sequence

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.problems import Problem, Report, in_series, name_rows, plural
from whorl.data.timestamps import spell_time
from whorl.data.timestep import TimeStep
from whorl.plans.table import Table

_HOUR = 3_600_000_000
# A day, a minute of it or a second, with nothing between the parts.
_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])([0-5]\d){1,2})?", re.ASCII)
_MAX_FILLED = 50  # a gap may make a series this many times longer; more is a wrong year in one cell, not a gap


def sorted_rows(part: Frame, time: str, key: str, table: Table, report: Report) -> Frame:
    """Returns the rows in order of time."""
    times = part[time]
    backwards = np.flatnonzero(times[1:] < times[:-1]) + 1
    if not len(backwards):
        return part
    if table.on_unsorted == "error":
        advice, option = _advice(part, time, key, "Sort them with", "--on-unsorted sort")
        report(
            _problem(
                part,
                time,
                key,
                backwards,
                f"must ascend, but goes back {plural(len(backwards), 'time')}{in_series(key)} "
                f"({name_rows(part, backwards)}).{_summer_time(times[backwards])} {advice}",
                option,
            )
        )
    return part.take(np.argsort(times, kind="stable"))


def keep_one(part: Frame, time: str, key: str, table: Table, report: Report) -> Frame:
    """Returns one row for each timestamp."""
    times = part[time]
    again = np.flatnonzero(times[1:] == times[:-1]) + 1
    if not len(again):
        return part
    if table.on_duplicate == "error":
        advice, option = _advice(part, time, key, "Keep the last with", "--on-duplicate last")
        report(
            _problem(
                part,
                time,
                key,
                again,
                f"has {plural(len(again), 'duplicate timestamp')}{in_series(key)} ({name_rows(part, again)})."
                f"{_summer_time(times[again])} {advice}",
                option,
            )
        )
    starts = np.flatnonzero(np.concatenate([[True], times[1:] != times[:-1]]))
    last = np.append(starts[1:], len(times)) - 1
    if table.on_duplicate == "first":
        return part.take(starts)
    kept = part.take(last)
    if table.on_duplicate != "mean":
        return kept
    means = {name: _means(column, starts) for name, column in part.columns.items() if column.dtype.kind == "f"}
    return kept.with_columns(means)


def _advice(part: Frame, time: str, key: str, repair: str, option: str) -> tuple[str, str]:
    """What to do, and its option: name the series, where a column tells rows of one time apart; else the repair."""
    otherwise = f"{repair} {option}.", option
    if key or len(np.unique(part[time])) == len(part):
        return otherwise
    for name, column in part.columns.items():
        if name == time or column.dtype.kind != "O":
            continue
        several = set(zip(column.tolist(), part[time].tolist(), strict=True))
        if len(several) == len(part) and 2 * len(set(column.tolist())) <= len(part):
            option = f"--series {shlex.quote(name)}"
            return f"These look like several series: name the column that says which with {option}.", option
    return otherwise


def _means(column: np.ndarray, starts: np.ndarray) -> np.ndarray:
    known = ~np.isnan(column)
    counts = np.add.reduceat(known.astype(np.float64), starts)
    sums = np.add.reduceat(np.where(known, column, 0.0), starts)
    means: np.ndarray = np.divide(sums, counts, out=np.full(len(starts), np.nan), where=counts > 0)
    return means


def fill_gaps(
    part: Frame, time: str, key: str, step: TimeStep, repeated: Sequence[str], table: Table, report: Report
) -> Frame:
    """Returns the rows with those of missing values in between; `repeated` columns keep their value there."""
    if table.on_gap == "ignore" or len(part) < 2:
        return part
    missing, off = step.gaps(part[time])
    if off.any():
        report(_off_step(part, time, key, step, np.flatnonzero(off) + 1))
        return part
    total = int(missing.sum())
    if not total:
        return part
    if table.on_gap == "error" or total > _MAX_FILLED * len(part) + 1000:
        report(_gap(part, time, key, step, missing))
        return part
    source = np.repeat(np.arange(len(part)), np.append(missing + 1, 1))
    new = np.concatenate([[False], source[1:] == source[:-1]])
    filled = part.take(source)
    columns = {}
    for name, column in filled.columns.items():
        if name == time:
            columns[name] = np.concatenate([part[time][:1], step.after(part[time][0], len(source) - 1)])
        elif name not in repeated and name != "file":
            column[new] = np.nan if column.dtype.kind == "f" else None
    return filled.with_columns(columns)


def _gap(part: Frame, time: str, key: str, step: TimeStep, missing: np.ndarray) -> Problem:
    places = np.flatnonzero(missing)
    first = int(places[0])
    times = part[time]
    hour, dates = missing.max() * (step.seconds or 0.0) * 1e6 == _HOUR, _undashed(times)
    hint = dates or (_summer_time(times[places]) if hour else "")
    total = int(missing.sum())
    few = total <= _MAX_FILLED * len(part) + 1000 and not dates
    fill = "Fill with --on-gap fill, or take" if few else "Correct the row, or take"
    return _problem(
        part,
        time,
        key,
        places + 1,
        f"skips {plural(total, 'timestamp')} of its step of {step.describe()}{in_series(key)}: after "
        f"{spell_time(times[first])} comes {spell_time(times[first + 1])} ({name_rows(part, places + 1)}).{hint} "
        f"{fill} the rows as they are by fitting with --on-gap ignore.",
        "--on-gap fill",
    )


def _off_step(part: Frame, time: str, key: str, step: TimeStep, rows: np.ndarray) -> Problem:
    times = part[time]
    first = int(rows[0])
    apart = times[rows] - times[rows - 1]
    hour = times.dtype.kind == "M" and (abs(apart.astype(np.int64) - (step.seconds or 0.0) * 1e6) == _HOUR).all()
    clocks = " By one hour, as where clocks change: write days as dates, without hours and offsets." if hour else ""
    return _problem(
        part,
        time,
        key,
        rows,
        f"is irregular: {plural(len(rows), 'row')} {'is' if len(rows) == 1 else 'are'} off the step of "
        f"{step.describe()}{in_series(key)}: after {spell_time(times[first - 1])} comes {spell_time(times[first])} "
        f"({name_rows(part, rows)}).{clocks} Correct them, or take the rows as "
        "they are by fitting with --on-gap ignore.",
        "--on-gap ignore",
    )


def _problem(part: Frame, time: str, key: str, index: np.ndarray, rule: str, option: str) -> Problem:
    return Problem(
        severity="error",
        message=f"{part.origin}: column '{time}' {rule}",
        column=time,
        rows=tuple(part.rows[index].tolist()),
        series=key or None,
        option=option,
    )


def _undashed(times: np.ndarray) -> str:
    """Says so when whole numbers are all dates, or times of a day, without anything between their parts."""
    if times.dtype.kind == "M":
        return ""
    cells = list(map(str, times.tolist()))
    if not all(_DATE.fullmatch(cell) for cell in cells):
        return ""
    return f" These look like dates, but are read as numbers: write {cells[0][:4]}-{cells[0][4:6]}-{cells[0][6:8]}."


def _summer_time(times: np.ndarray) -> str:
    """Says so when every time is a Sunday night of the months in which clocks change."""
    if times.dtype.kind != "M":
        return ""
    days = times.astype("datetime64[D]")
    sunday = (days.astype(np.int64) + 3) % 7 == 6
    month = times.astype("datetime64[M]").astype(np.int64) % 12 + 1
    night = (times - days).astype(np.int64) <= 3 * _HOUR
    if not (sunday & night & np.isin(month, (3, 4, 9, 10, 11))).all():
        return ""
    return " This looks like daylight saving time; better write timestamps in UTC, or with their offset converted."
