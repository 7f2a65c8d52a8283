"""Tables to encoded sequences: schema, repairs and codecs as they were fitted."""

from collections.abc import Sequence as List
from dataclasses import asdict, replace
from functools import cached_property
from typing import Self

import msgspec
import numpy as np

from whorl.codecs.frame import Frame
from whorl.codecs.table import TableCodec
from whorl.data.arrays import series_frame
from whorl.data.countdown import Countdown, Truths, last_known
from whorl.data.indicators import Indicators, restore_labels
from whorl.data.labels import Labels
from whorl.data.live import TableRows
from whorl.data.marks import marks
from whorl.data.parts import configured, joined, split, table_of
from whorl.data.reader import Reader, RowReader, readers
from whorl.data.schema import Schema
from whorl.data.sequences import Sequence
from whorl.data.series import INDEX, Series, read_series
from whorl.data.sources import read_table
from whorl.data.timestep import TimeStep
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.table import Table

_COUNT = np.dtype(np.int64)


@readers.add("table")
class TableReader(Reader):
    """Reads long tables: one row a step, many series.

    Args:
        schema: roles and kinds of the columns.
        table: options and allowed repairs.
        step: time between rows.
        horizon: steps ahead that are answered and that known covariates reach.
        past: encodes what is read at each step.
        outputs: encodes and decodes the targets, numbers, a label or several; missing ones stay missing.
        ahead: encodes what is known ahead, or None.
        truths: where targets stand, and what they count.
    """

    outputs: TableCodec | Labels | Indicators

    def __init__(
        self,
        *,
        schema: Schema,
        table: Table,
        step: TimeStep,
        horizon: int,
        past: TableCodec,
        outputs: TableCodec | Labels | Indicators,
        ahead: TableCodec | None = None,
        truths: Truths | None = None,
    ) -> None:
        self.schema, self.table, self.step, self.horizon = schema, table, step, horizon
        self.past, self.outputs, self.ahead = past, outputs, ahead
        truths = truths or Truths()
        self.per_sequence, self.every_step, self.countdown = truths.per_sequence, truths.every_step, truths.countdown
        self.names = schema.targets

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        frame = self._frame(source)
        frame = self.outputs.checked(frame) if isinstance(self.outputs, Indicators) else frame
        ends = self.countdown is not None and targets and self.names[0] not in frame.columns
        if self.countdown is not None and ends:
            frame = self.countdown.ended(frame, self.names[0])
        series = read_series(frame, self._schema_for(frame, targets), self.table, step=self.step)
        read = [self.encode(one, future) for one, future in zip(series, self._futures(series, known), strict=True)]
        return [last_known(one) for one in read] if self.countdown is not None and targets and not ends else read

    def looked_at(self, source: object) -> tuple[object, list[str]]:
        frame = self._frame(source)
        series = read_series(frame, self._schema_for(frame, targets=False), self.table, step=self.step)
        return frame, self.past.report(*(one.frame for one in series))

    def _frame(self, source: object) -> Frame:
        """The source as a table; series of arrays too where answers have a horizon."""
        frame = None if self.per_sequence else series_frame(source, self.schema.label)
        if frame is None:
            return read_table(source, self.schema.named(self.table))
        if self.schema.series is not None and self.schema.series not in frame.columns:
            frame = frame.with_columns({self.schema.series: np.full(len(frame), "0", object)})
        return frame

    def _schema_for(self, frame: Frame, targets: bool) -> Schema:
        """The fitted schema; without targets where they are neither read nor asked for."""
        if targets or not self.per_sequence or all(name in frame.columns for name in self.schema.targets):
            return self.schema
        kinds = {name: kind for name, kind in self.schema.kinds.items() if name not in self.schema.targets}
        return replace(self.schema, targets=(), kinds=kinds)

    def encode(self, series: Series, future: Frame | None = None) -> Sequence:
        """Encodes one series; `future` holds rows of known covariates after its last row."""
        frame = series.frame
        targets, strange = None, None
        if all(name in frame.columns for name in self.schema.targets):
            if self.countdown is not None:
                frame = self.countdown.counted(series, self.names[0]).frame
            labels = isinstance(self.outputs, Labels)
            targets = self.outputs.encode(frame[self.names[0]] if labels else frame)  # type: ignore[arg-type]
            of_last = self.per_sequence and not self.every_step
            targets = targets[-1] if of_last else targets
            if isinstance(self.outputs, Labels):
                strange = self.outputs.strange(frame[self.names[0]][-1 if of_last else 0 :])
        marked, label = None, self.schema.label
        if label is not None and label in frame.columns:
            marked = marks(frame[label], self.schema.normal, f"{frame.origin}: column '{label}'")
        ahead, given = None, 0
        if self.ahead is not None:
            extended, given = self._extended(series, future)
            ahead = self.ahead.encode(extended)
        return Sequence(
            key=series.key,
            past=self.past.encode(frame),
            time=frame[self.schema.time or INDEX],
            ahead=ahead,
            targets=targets,
            labels=strange,
            known_ahead=given,
            marks=marked,
        )

    def _extended(self, series: Series, future: Frame | None) -> tuple[Frame, int]:
        """The columns that are known ahead, `horizon` rows longer than the series, and how many of these were given."""
        time = self.schema.time or INDEX
        last = series.frame[time][-1]
        times = self.step.after(last, self.horizon)
        columns = {time: np.concatenate([series.frame[time], times])}
        given = np.full(self.horizon, not self.schema.known)
        place = np.zeros(self.horizon, np.int64)
        if future is not None and self.schema.known:
            place = np.minimum(np.searchsorted(future[time], times), len(future) - 1)
            given = future[time][place] == times
        for name in self.schema.known:
            numeric = self.schema.kinds[name] == "numeric"
            empty = np.full(self.horizon, np.nan if numeric else None, np.float64 if numeric else object)
            if future is not None:
                empty[given] = future[name][place[given]]
            columns[name] = np.concatenate([series.frame[name], empty])
        return Frame(columns, series.frame.origin), int(np.cumprod(given).sum())

    def _futures(self, series: List[Series], known: object) -> list[Frame | None]:
        if known is not None and not self.schema.known:
            raise ArgumentError("`known` was given, but this model has no known covariates. Leave it out.")
        if known is None:
            return [None] * len(series)
        kinds = {
            name: kind for name, kind in self.schema.kinds.items() if name in (*self.schema.known, self.schema.time)
        }
        schema = replace(self.schema, targets=(), past=(), static=(), kinds=kinds, ignored={})
        rows = read_table(known, schema.named(self.table))
        parts = {one.key: one.frame for one in read_series(rows, schema, self.table)}
        futures: list[Frame | None] = []
        for one in series:
            part = parts.get(one.key)
            if part is not None and self.schema.time is None:
                part = part.with_columns({INDEX: part[INDEX] + one.frame[INDEX][-1] + 1})
            futures.append(part)
        return futures

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        table = replace(self.table, on_gap="fill") if fills_gaps and self.table.on_gap == "error" else self.table
        return TableRows(self._live_schema, table, self.step, self.horizon, self.past, self.ahead, key)

    @property
    def _live_schema(self) -> Schema:
        if not self.per_sequence:
            return self.schema
        kinds = {name: kind for name, kind in self.schema.kinds.items() if name not in self.schema.targets}
        return replace(self.schema, targets=(), kinds=kinds)

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        if not self.horizon:
            return None
        if self._distances is not None:
            after: np.ndarray = times.view(_COUNT).reshape(-1, 1) + self._distances
            return after.view(times.dtype)
        ahead = [self.step.after(time, self.horizon) for time in times]
        return np.stack(ahead) if ahead else np.empty((0, self.horizon), times.dtype)

    @cached_property
    def _distances(self) -> np.ndarray | None:
        """Microseconds or counts to the steps ahead; None for months, which differ."""
        if self.step.unit == "months":
            return None
        return np.arange(1, self.horizon + 1, dtype=np.int64) * self.step.count

    def config(self) -> dict[str, object]:
        return {
            "labels": isinstance(self.outputs, Labels | Indicators),
            "schema": self.schema.to_config(),
            "table": asdict(self.table),
            "step": self.step.to_config(),
            "horizon": self.horizon,
            "per_sequence": self.per_sequence,
            "every_step": self.every_step,
            "countdown": None if self.countdown is None else msgspec.to_builtins(self.countdown),
            "past": self.past.config(),
            "outputs": self.outputs.config(),
            "ahead": None if self.ahead is None else self.ahead.config(),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return joined({"past": self.past, "outputs": self.outputs, "ahead": self.ahead})

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        table = table_of(plain.table)
        schema = Schema.from_config(plain.schema)
        _check_config(plain, schema)
        parts = split(arrays, ("past", "outputs") if plain.ahead is None else ("past", "outputs", "ahead"))

        def codec(part: str, described: dict[str, object]) -> TableCodec:
            return _check_codec(TableCodec.restore(described, parts[part]), schema, schema.columns)

        outputs: TableCodec | Labels | Indicators
        if plain.labels:
            outputs = restore_labels(plain.outputs, parts["outputs"])
            if isinstance(outputs, Indicators) and outputs.names != schema.targets:
                raise ModelFileError(f"the reader of the model file answers {outputs.names}, not {schema.targets}.")
        else:
            outputs = codec("outputs", plain.outputs)
            if outputs.numeric != schema.targets or outputs.categories:
                raise ModelFileError(f"the reader of the model file answers {outputs.numeric}, not {schema.targets}.")
        return cls(
            schema=schema,
            table=table,
            step=TimeStep.from_config(plain.step),
            horizon=plain.horizon,
            truths=Truths(plain.per_sequence, plain.every_step, plain.countdown),
            past=codec("past", plain.past),
            outputs=outputs,
            ahead=None if plain.ahead is None else codec("ahead", plain.ahead),
        )


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    labels: bool
    schema: dict[str, object]
    table: dict[str, object]
    step: dict[str, object]
    horizon: int
    per_sequence: bool
    every_step: bool
    countdown: Countdown | None
    past: dict[str, object]
    outputs: dict[str, object]
    ahead: dict[str, object] | None


def _check_config(plain: _Config, schema: Schema) -> None:
    """Raises ModelFileError for options that are unknown, a horizon below 0, and columns without a role."""
    if set(plain.table) != set(Table.__dataclass_fields__):
        raise ModelFileError(
            f"the reader of the model file has the table options {sorted(plain.table)}. Save it again."
        )
    if plain.horizon < 0:
        raise ModelFileError(f"the reader of the model file is damaged: its horizon is {plain.horizon}.")
    if set(schema.columns) - set(schema.kinds) or len(set(schema.columns)) != len(schema.columns):
        raise ModelFileError(f"the reader of the model file is damaged: its columns are {schema.columns}.")


def _check_codec(codec: TableCodec, schema: Schema, names: List[str]) -> TableCodec:
    """Raises ModelFileError unless a codec reads columns of the schema, each as what it is."""
    fits = set(codec.numeric) <= set(schema.of_kind("numeric", names))
    fits = fits and set(codec.categories) <= set(schema.of_kind("category", names))
    if not fits or {codec.calendar, codec.elapsed} - {None, schema.time}:
        raise ModelFileError(f"the reader of the model file is damaged: a codec reads {codec.numeric}.")
    return codec
