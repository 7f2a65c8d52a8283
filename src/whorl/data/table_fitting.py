"""What a reader of tables learns from the training rows."""

from collections.abc import Sequence as List

import numpy as np

from whorl.codecs.elapsed import is_irregular
from whorl.codecs.frame import Frame
from whorl.codecs.table import TableCodec, bounds
from whorl.data.countdown import Countdown, Truths
from whorl.data.indicators import Indicators
from whorl.data.labels import Labels
from whorl.data.marks import marks
from whorl.data.schema import Schema
from whorl.data.series import Series
from whorl.data.table_reader import TableReader
from whorl.errors import ArgumentError, SplitError
from whorl.plans.table import Table


def fit_table(
    series: List[Series],
    cuts: List[int],
    *,
    schema: Schema,
    table: Table,
    horizon: int,
    per_sequence: bool,
    calendar: bool,
    labels: bool = False,
    every_step: bool = False,
    countdown: Countdown | None = None,
    flags: bool = False,
) -> TableReader:
    """Fits codecs on the first `cuts` rows of each series and puts a reader together.

    Rows that are labelled as anomalies are left out. `labels` answers labels: one for each sequence, or with
    `every_step` one for each row; where there are several targets, labels that may come together. With `flags` every
    number has a flag that it is missing.

    Raises:
        DataError: no row is left to fit on.
    """
    training = [_unmarked(one.frame.take(slice(0, cut)), schema) for one, cut in zip(series, cuts, strict=True) if cut]
    training = [frame for frame in training if len(frame)]
    if countdown is not None:
        counted = [countdown.counted(one, schema.targets[0]) for one, cut in zip(series, cuts, strict=True) if cut]
        training = [one.frame for one in counted]
    if not training:
        raise SplitError("no rows are left for training. Lower `validation`, or bring more rows.")
    step = series[0].step
    read = (*(() if per_sequence else schema.targets), *schema.past, *schema.known, *schema.static)
    dated = calendar and schema.time is not None and step.unit != "index"
    clock = schema.time if dated else None
    elapsed = schema.time if tells_elapsed(training, schema, table) else None

    def codec(names: List[str], clock: str | None, missing: str = "hold", elapsed: str | None = None) -> TableCodec:
        numeric = schema.of_kind("numeric", names)
        return TableCodec(
            numeric=numeric,
            categories=schema.of_kind("category", names),
            calendar=clock,
            elapsed=elapsed,
            step=step.seconds,
            scaling=table.scaling,
            missing=missing,  # type: ignore[arg-type]
            clip=bounds(table.clip, [name for name in numeric if name not in schema.targets]),
        ).fit(training)

    past = codec(read, clock, elapsed=elapsed)
    return TableReader(
        schema=schema,
        table=table,
        step=step,
        horizon=horizon,
        past=past.flag_all() if flags else past,
        outputs=_labels(training, schema, every_step) if labels else codec(schema.targets, None, "keep"),
        ahead=codec(schema.known, clock) if horizon and (schema.known or dated) else None,
        truths=Truths(per_sequence, every_step, countdown),
    )


def _unmarked(frame: Frame, schema: Schema) -> Frame:
    """The rows that are not labelled as anomalies."""
    label = schema.label
    if label is None or label not in frame.columns:
        return frame
    return frame.take(np.flatnonzero(marks(frame[label], schema.normal, f"{frame.origin}: column '{label}'") != 1.0))


def tells_elapsed(training: List[Frame], schema: Schema, table: Table) -> bool:
    """Whether it is told how long ago things happened; raises ArgumentError where there is no time to tell it by."""
    if table.elapsed == "on" and schema.time is None:
        raise ArgumentError("`elapsed` is 'on', but rows have no time. Name its column with --time, or leave it out.")
    if table.elapsed != "auto" or schema.time is None:
        return table.elapsed == "on"
    return table.on_gap == "ignore" and is_irregular([frame[schema.time] for frame in training])


def _labels(training: List[Frame], schema: Schema, every_step: bool) -> Labels | Indicators:
    """Of a sequence the label of its last row counts, unless each row has one of its own."""
    if len(schema.targets) > 1:
        return Indicators(schema.targets)
    (target,) = schema.targets
    return Labels.fit([frame[target][0 if every_step else -1 :] for frame in training])
