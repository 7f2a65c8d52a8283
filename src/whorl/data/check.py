"""Everything that is wrong with a table or with files, or will make a model worse, found without training one."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.indicators import Indicators
from whorl.data.label_columns import with_labels
from whorl.data.leaks import leaks
from whorl.data.media_check import check_files
from whorl.data.media_guess import medium_of
from whorl.data.problems import Problem, in_series, name_rows, plural
from whorl.data.schema import Schema, infer_schema
from whorl.data.series import Series, read_series
from whorl.data.sources import read_table
from whorl.data.text_reader import LABEL, texts_of
from whorl.data.wide import read_wide
from whorl.errors import WhorlError
from whorl.plans.names import check_column, names
from whorl.plans.table import Table

__all__ = ["Problem", "check"]

_APART = 1000.0


def check(
    source: object,
    *,
    target: str | Sequence[str] | None = None,
    time: str | None = None,
    series: str | None = None,
    known: Sequence[str] = (),
    static: Sequence[str] = (),
    context: int | None = None,
    horizon: int | None = None,
    table: Table | None = None,
    labels: bool = False,
    text: str | None = None,
) -> list[Problem]:
    """Returns the problems of a table, errors first; an empty list is a clean table.

    It goes on after a problem where it can: each is repaired for the sake of the next, in memory alone. Of recordings,
    pictures, videos and features each file is opened, and a note says what they are like.

    Args:
        source: what `read_table` takes; or a folder, a list or a table of files.
        target: what is to be forecast; None stands for every numeric column.
        time: the time column; None looks for one.
        series: the column that names the entity of a row.
        known: covariates that are known ahead.
        static: covariates with one value in each series.
        context: rows seen before a forecast, to find series that are too short.
        horizon: rows to forecast.
        table: how cells are read, and which repairs are allowed; what it repairs is no problem.
        labels: the target is a label, of a sequence in its last row; several targets are labels that it has or not.
        text: column of text, where each row is an example with a label.
    """
    table, labels = table or Table(), labels or text is not None
    for role, name in (("time", time), ("series", series), ("text", text)):
        check_column(role, name)
    for role, given in (("target", target), ("known", known), ("static", static)):
        if given is not None:
            names(given, role)
    if series is not None:  # '007' and '7' are two series
        table = replace(table, kinds={series: "category", **table.kinds})
    word = medium_of(source, table) if text is None and series is None else None
    if word is not None:
        return _of_files(source, word, target, table, labels=labels)
    if labels and target is not None and (time, series, text, tuple(static)) == (None, None, None, ()):
        of_wide = _of_wide_table(source, names(target), table)
        if of_wide is not None:
            return of_wide
    found: list[Problem] = []
    try:
        frame = read_table(source, table, report=found.append)
        if labels and isinstance(target, str):
            frame, table = with_labels(frame, target, table, source, lambda other: read_table(source, other))
        if series is not None:
            frame[series]
        if text is not None:
            texts_of(frame, text)
        several = labels and not isinstance(target, str | None) and len(target) > 1
        frame = Indicators(tuple(target)).checked(frame) if several and target is not None else frame
        schema = infer_schema(
            frame,
            target=target,
            time=time,
            series=series,
            known=known,
            static=static,
            table=table,
            labels=labels and not several,
        )
        whole = [] if text is not None else read_series(frame, schema, table, report=found.append)
    except WhorlError as error:
        found.append(Problem(severity="error", message=str(error)))
        return _errors_first(found)
    found += _column_findings(frame, schema, (text, *schema.targets) if labels else ())
    found += _length_findings(whole, context, horizon, frame.origin)
    if labels:
        for name in schema.targets:
            cells = [one.frame[name][-1] for one in whole] if text is None else frame[name]
            found += _label_findings(cells, name, frame.origin)
        return _errors_first(found)
    found += _scale_findings(whole, schema, frame.origin)
    found += leaks(whole, schema, frame.origin)
    return _errors_first(found)


def _of_wide_table(source: object, targets: Sequence[str], table: Table) -> list[Problem] | None:
    """What is wrong with a table of a sequence a row, and with its labels; None where it is another table."""
    try:
        found = read_wide(source, targets, table, labels=True)
    except WhorlError as error:
        return [Problem(severity="error", message=str(error))]
    if found is None:
        return None
    wide, arrays = found
    problems = [Problem(severity="note", message=f"{arrays.origin}: {wide.describe()}.")]
    if len(targets) == 1 and isinstance(arrays.y, np.ndarray):
        problems += _label_findings(arrays.y.tolist(), targets[0], arrays.origin)
    return _errors_first(problems)


def _of_files(
    source: object, word: str, target: str | Sequence[str] | None, table: Table, *, labels: bool
) -> list[Problem]:
    """What is wrong with files, and with the labels that their folders are or that stand beside them."""
    targets = () if target is None else (target,) if isinstance(target, str) else tuple(target)
    found, files = check_files(source, word, targets, table)
    if files is None:
        return found
    for name in targets or (LABEL,):
        if name in files.frame.columns and (labels or not targets):
            found += _label_findings(files.frame[name], name, files.frame.origin)
    return _errors_first(found)


def _label_findings(cells: Iterable[object], name: str, origin: str) -> list[Problem]:
    """What is wrong with the labels of all examples."""
    counts = Counter(cell for cell in cells if cell is not None and cell == cell)
    if len(counts) < 2:
        had = f"one label only, {next(iter(counts))!r}" if counts else "no label at the end of any sequence"
        message = f"{origin}: column '{name}' is the target, but it has {had}, so there is nothing to tell apart."
        return [Problem(severity="error", message=f"{message} Bring examples of another class.", column=name)]
    rare = [str(label) for label, count in counts.items() if count == 1]
    if not rare:
        return []
    message = (
        f"{origin}: column '{name}' has {plural(len(rare), 'label')} with one example only ({', '.join(rare[:5])}), so "
        "they are learned and never scored. Bring more examples, or leave them out."
    )
    return [Problem(severity="warning", message=message, column=name)]


def _errors_first(found: list[Problem]) -> list[Problem]:
    rank = {"error": 0, "warning": 1, "note": 2}
    distinct = {problem.message: problem for problem in found}
    return sorted(distinct.values(), key=lambda problem: rank[problem.severity])


def _column_findings(frame: Frame, schema: Schema, apart: Collection[str | None]) -> list[Problem]:
    """What is wrong with columns; those `apart` are looked at elsewhere."""
    found = []
    for name, reason in schema.ignored.items():
        if name in apart:
            continue
        found.append(
            Problem(
                severity="note",
                message=f"{frame.origin}: column '{name}' is ignored: {reason}.",
                column=name,
                option="--kinds",
            )
        )
    for name in schema.columns:
        column = frame[name]
        if name == schema.time or name in apart:
            continue
        absent = np.flatnonzero(np.array([cell is None or cell != cell for cell in column.tolist()], bool))
        if len(absent):
            found.append(
                Problem(
                    severity="warning",
                    message=f"{frame.origin}: column '{name}' has {plural(len(absent), 'missing value')} "
                    f"({name_rows(frame, absent)}), {len(absent) / len(frame):.1%} of its rows. The last value is held "
                    "and flagged; refuse them with --on-missing error.",
                    column=name,
                    rows=tuple(frame.rows[absent].tolist()),
                    option="--on-missing error",
                )
            )
        if len(frame) > 1 and name in (*schema.targets, *schema.past) and len({*column.tolist()}) == 1:
            found.append(
                Problem(
                    severity="warning",
                    message=f"{frame.origin}: column '{name}' is constant ({column[0]!s} in every row), so there is "
                    f"nothing to learn from it. Leave it out with --kinds {name}=ignore.",
                    column=name,
                    option=f"--kinds {name}=ignore",
                )
            )
    return found


def _length_findings(whole: Sequence[Series], context: int | None, horizon: int | None, origin: str) -> list[Problem]:
    if context is None and horizon is None:
        return []
    need = (context or 0) + (horizon or 0)
    return [
        Problem(
            severity="error",
            message=f"{origin}: `context` + `horizon` is {need}, but the table has only {plural(len(one.frame), 'row')}"
            f"{in_series(one.key)}. Lower --context, or drop the series.",
            series=one.key or None,
            option="--context",
        )
        for one in whole
        if len(one.frame) < need
    ]


def _scale_findings(whole: Sequence[Series], schema: Schema, origin: str) -> list[Problem]:
    found = []
    numeric = schema.of_kind("numeric", (*schema.targets, *schema.past, *schema.known))
    joined = {name: _spread(np.concatenate([one.frame[name] for one in whole])) for name in numeric}
    spreads = {name: spread for name, spread in joined.items() if spread > 0}
    if spreads and max(spreads.values()) > _APART * min(spreads.values()):
        low, high = min(spreads, key=lambda name: spreads[name]), max(spreads, key=lambda name: spreads[name])
        found.append(
            Problem(
                severity="note",
                message=f"{origin}: columns '{low}' and '{high}' are {spreads[high] / spreads[low]:,.0f} times apart "
                "in scale. Each is scaled on its own unless --scaling none says otherwise.",
                column=high,
                option="--scaling standard",
            )
        )
    for name in schema.targets if len(whole) > 1 else ():
        each = {one.key: spread for one in whole if (spread := _spread(one.frame[name])) > 0}
        if each and max(each.values()) > _APART * min(each.values()):
            low, high = min(each, key=lambda key: each[key]), max(each, key=lambda key: each[key])
            found.append(
                Problem(
                    severity="warning",
                    message=f"{origin}: column '{name}' is {each[high] / each[low]:,.0f} times larger in scale in "
                    f"series '{high}' than in series '{low}', so errors of the small one hardly count. Rescale the "
                    "target, or fit the series apart.",
                    column=name,
                    series=high,
                )
            )
    return found


def _spread(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.std()) if len(known) > 1 else 0.0
