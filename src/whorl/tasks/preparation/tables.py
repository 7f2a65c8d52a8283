"""Tables of rows in time: one row a step, many series."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.arrays import ARRAYS, LABEL, SERIES
from whorl.data.countdown import Countdown
from whorl.data.indicators import Indicators
from whorl.data.label_columns import with_labels
from whorl.data.marks import check_normal
from whorl.data.pairing import told
from whorl.data.problems import quote
from whorl.data.schema import Schema, infer_schema
from whorl.data.sequences import Sequence, named
from whorl.data.series import Series, read_series
from whorl.data.sources import read_table
from whorl.data.table_fitting import fit_table
from whorl.data.table_reader import TableReader
from whorl.errors import DataError, SplitError, did_you_mean
from whorl.plans.table import Table
from whorl.plans.wiring import EachRow, Sequences, Strips, Windows, Wiring, is_whole
from whorl.tasks.columns import Columns
from whorl.tasks.preparation.groups import groups_of
from whorl.tasks.preparation.prepared import (
    Prepared,
    answers_labels,
    answers_several,
    classified,
    countdown_of,
    has_target_at_every_step,
    held_out,
    told_of_marks,
    unmarked,
)

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def of_table(estimator: "Estimator", wiring: Wiring, data: object) -> Prepared:
    """Prepares a long table."""
    columns, countdown = estimator.columns(), countdown_of(estimator)
    frame, schema, table = _read(columns, wiring, data, countdown)
    if schema.label is not None and schema.label in frame.columns:
        check_normal(frame[schema.label], schema.normal, f"{frame.origin}: column '{schema.label}'")
    series = read_series(frame, schema, table)
    judged, whole = isinstance(wiring.pairing, EachRow), is_whole(wiring.pairing)
    every_step = has_target_at_every_step(wiring)
    of_last = answers_labels(wiring) and not answers_several(wiring) and not every_step
    if isinstance(wiring.pairing, Sequences) and not every_step and countdown is None:
        _check_last(series, schema.targets)
    last = [one.frame[schema.targets[0]][-1] for one in series] if of_last else None
    validation, seed = estimator.training.validation, estimator.training.seed
    groups = None
    if whole:
        if len(series) == 1 and columns.series is None:
            raise _one_sequence(frame)
        groups = None if columns.group is None else groups_of(series, frame, columns.group, schema.series)
        held = held_out(len(series), validation, seed, last, groups)
        cuts = [0 if n in held else len(one.frame) for n, one in enumerate(series)]
    else:
        cuts = [_cut(one, wiring, validation) for one in series]
        if all(cut == len(one.frame) for one, cut in zip(series, cuts, strict=True)):
            raise _too_short(series, wiring, validation)
    reader = fit_table(
        series,
        cuts,
        schema=schema,
        table=table,
        horizon=wiring.pairing.horizon if isinstance(wiring.pairing, Windows | Strips) else 0,
        per_sequence=isinstance(wiring.pairing, Sequences),
        flags=judged,
        calendar=columns.calendar,
        labels=answers_labels(wiring),
        every_step=every_step,
        countdown=countdown,
    )
    if not reader.past.spec.width:
        raise DataError(
            f"{frame.origin} has no column that is read: beside those that name series, times and what is answered "
            f"there is none, or all are ignored; the columns are {quote(frame.columns, 10)}. Bring one."
        )
    sequences = unmarked([reader.encode(one) for one in series], whole=whole)
    _check_known(sequences, cuts, schema.targets)
    facts = _facts(frame, schema, series[0].step.describe(), sequences, cuts)
    told = reader.past.report(*(one.frame for one in series))
    unlabelled = schema.label is not None and schema.label not in frame.columns
    roles = [line for line in schema.describe() if not (unlabelled and line.startswith("label: "))]
    notes = [*roles, *_elapsed_note(reader), *told]
    if not judged and not answers_labels(wiring):
        sequences = _weighted(sequences, cuts, reader)
    prepared = Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts, groups=groups)
    if answers_labels(wiring):
        return classified(estimator, prepared)
    return replace(prepared, notes=told_of_marks(prepared))


def _one_sequence(frame: Frame) -> DataError:
    return DataError(
        f"{frame.origin} is one sequence, as no column is named as `series`, but many are learned from. Name the "
        "column that says which sequence a row is of. Where each row is a whole sequence, number the columns of its "
        "steps, t0, t1 and so on, and leave others out with --kinds NAME=ignore."
    )


def _check_may_lack(frame: Frame, columns: Columns, countdown: Countdown | None) -> None:
    """Columns that need not be there may not be nearly there either: a slip would read the truth as an input."""
    target = columns.target[0] if countdown is not None and columns.target else None
    for role, name in (("label", columns.label), ("target", target)):
        close = "" if name is None or name in frame.columns else did_you_mean(name, frame.columns)
        if close:
            raise DataError(f"{frame.origin} has no column '{name}', as `{role}` says.{close}")


def _facts(frame: Frame, schema: Schema, step: str, sequences: list[Sequence], cuts: list[int]) -> dict[str, object]:
    """What the model card tells of the data."""
    return {
        "origin": frame.origin,
        "rows": len(frame),
        "series": len(sequences),
        "step": step,
        "targets": list(schema.targets),
        "past": list(schema.past),
        "known": list(schema.known),
        "static": list(schema.static),
        "training_rows": int(sum(cuts)),
        "validation_rows": int(sum(len(one) for one in sequences) - sum(cuts)),
    }


def _read(columns: Columns, wiring: Wiring, data: object, countdown: Countdown | None) -> tuple[Frame, Schema, Table]:
    """The table, the roles of its columns, and its options with the kinds that follow from the roles."""
    table, key = columns.table, columns.series
    if key is None and isinstance(data, Frame) and SERIES in data.columns and data.origin == ARRAYS:
        key = SERIES
    if key is not None:
        # Keys are names, not numbers: '007' and '7' are two series.
        table = replace(table, kinds={key: "category", **table.kinds})
    read = table
    if columns.group is not None:  # its cells are names, too, and nothing that is read
        read = replace(table, kinds={columns.group: "category", **table.kinds})
        table = replace(table, kinds={columns.group: "ignore", **table.kinds})
    frame = read_table(data, read)
    if answers_labels(wiring) and not answers_several(wiring) and isinstance(columns.target, str):
        frame, read = with_labels(frame, columns.target, read, data, lambda other: read_table(data, other))
        table = replace(table, kinds={**read.kinds, **table.kinds})
    if answers_several(wiring) and not isinstance(columns.target, str | None):
        frame = Indicators(columns.target).checked(frame)
    _check_may_lack(frame, columns, countdown)
    if countdown is not None and columns.target and columns.target[0] not in frame.columns:
        frame = countdown.ended(frame, columns.target[0])
    schema = infer_schema(
        frame,
        target=columns.target,
        time=columns.time,
        series=key,
        known=columns.known,
        static=columns.static,
        table=table,
        labels=answers_labels(wiring) and not answers_several(wiring),
        label=_label(columns.label, frame, wiring),
        normal=columns.normal,
    )
    return frame, schema, table


def _elapsed_note(reader: TableReader) -> list[str]:
    if reader.past.elapsed is None:
        return []
    guess = "" if reader.table.elapsed == "on" else " (rows are irregular in time; leave it out with --elapsed off)"
    return [f"elapsed: the time since the row before, and since a column with missing values had one, is read{guess}"]


def _check_last(series: list[Series], names: tuple[str, ...]) -> None:
    """What is answered of a sequence stands in its last row."""
    cells = [one.frame[name][-1] for one in series for name in names]
    if all(cell is None or cell != cell for cell in cells):
        raise DataError(
            f"{series[0].frame.origin}: column `{', '.join(names)}` has a value in no last row of a sequence, and the "
            "last row is the one that counts. Write there what is to be answered."
        )


def _check_known(sequences: list[Sequence], cuts: list[int], names: tuple[str, ...]) -> None:
    """Both parts need truths: without any there is nothing to learn from, or nothing to stop by."""
    for part, taken in (("training", slice(None, 1)), ("validation", slice(1, 2))):
        known = False
        for one, cut in zip(sequences, cuts, strict=True):
            rows = one.row_targets if one.row_targets.ndim == 2 else np.repeat(one.row_targets[None], len(one), axis=0)
            known = known or any(bool(np.isfinite(half).any()) for half in (rows[:cut], rows[cut:])[taken])
        if not known:
            raise DataError(
                f"column `{', '.join(names)}` has no value in the {part} part, so nothing can be learned or scored "
                "there. Bring rows with values, or change `validation`."
            )


def _cut(series: Series, wiring: Wiring, validation: float | int) -> int:
    """First row of the validation part: its targets end at the last row; all rows where there are too few for both."""
    pairing = wiring.pairing
    if isinstance(pairing, EachRow):
        return _share(series, validation)
    assert isinstance(pairing, Windows | Strips)
    context = pairing.context if isinstance(pairing, Windows) else pairing.warm_up
    num_rows, need = len(series.frame), context + pairing.horizon
    if num_rows < need:
        raise DataError(
            f"`context` is {context} and `horizon` {pairing.horizon}, but {named(series.key)} has only {num_rows} "
            f"rows ({need} are needed). Lower `context` or drop the series."
        )
    wanted = validation if isinstance(validation, int) else max(pairing.horizon, round(validation * num_rows))
    if wanted < pairing.horizon:
        raise DataError(
            f"`validation` is {wanted} rows, but must hold at least one horizon of {pairing.horizon}. Raise it."
        )
    return num_rows - wanted if num_rows - wanted >= need else num_rows


def _share(series: Series, validation: float | int) -> int:
    """First row of the validation part of rows that are judged each; all rows where there are too few for both."""
    count = len(series.frame)
    wanted = validation if isinstance(validation, int) else max(1, round(validation * count))
    return count - wanted if wanted < count else count


def _label(named: str | None, frame: Frame, wiring: Wiring) -> str | None:
    """The column of labels: the one that is named, or that of arrays."""
    return LABEL if named is None and isinstance(wiring.pairing, EachRow) and frame.origin == ARRAYS else named


def _too_short(series: list[Series], wiring: Wiring, validation: float | int) -> SplitError:
    longest = max(len(one.frame) for one in series)
    return SplitError(
        f"{told(wiring.pairing)}, and a validation part ({validation}), need more rows than the longest series has "
        f"({longest}). Lower `context`, `horizon` or `validation`, or bring more rows."
    )


def _weighted(sequences: list[Sequence], cuts: list[int], reader: TableReader) -> list[Sequence]:
    """Weights series of different sizes alike: by one over the spread of their targets in the training rows."""
    if len(sequences) == 1 or reader.per_sequence:
        return sequences
    spreads = []
    for sequence, cut in zip(sequences, cuts, strict=True):
        rows = sequence.row_targets[: max(cut, 1)]
        spread = np.nanstd(rows) if np.isfinite(rows).any() else 1.0
        spreads.append(max(float(spread), 1e-3))
    mean = np.mean([1.0 / spread for spread in spreads])
    return [replace(one, weight=float(1.0 / spread / mean)) for one, spread in zip(sequences, spreads, strict=True)]
