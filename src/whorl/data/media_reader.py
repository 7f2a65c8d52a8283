"""Files of sound, pictures or videos to encoded sequences: one file an example."""

from collections.abc import Callable
from collections.abc import Sequence as List
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Self

import msgspec
import numpy as np

from whorl.codecs.codec import Codec, Encoder
from whorl.codecs.table import TableCodec
from whorl.data import (
    counts,
    features,  # noqa: F401  registers its medium
    pictures,  # noqa: F401  registers its medium
    sounds,  # noqa: F401  registers its medium
    videos,  # noqa: F401  registers its medium
)
from whorl.data.indicators import Indicators, restore_labels
from whorl.data.labels import Labels
from whorl.data.media import Files, Medium, files_of, medium_for, restored, told_by_table
from whorl.data.parts import configured, joined, media_of, split, table_of
from whorl.data.piece_rows import refuse_known
from whorl.data.reader import Inputs, Mark, Reader, Reading, Row, RowReader, damaged_state, readers
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.plans.media import Media, to_plain
from whorl.plans.table import Table

Outputs = Labels | Indicators | TableCodec


@readers.add("media")
class MediaReader(Reader):
    """Reads folders, tables and lists of files.

    Args:
        plan: how files are read, complete.
        past: encodes what is in a file.
        outputs: encodes and decodes what is answered.
        targets: columns of what is answered.
        table: how tables are read.
    """

    outputs: Outputs

    def __init__(
        self,
        *,
        plan: Media,
        past: Codec[Any],
        outputs: Outputs,
        targets: tuple[str, ...],
        table: Table,
    ) -> None:
        self.plan, self.past, self.outputs, self.table = plan, past, outputs, table
        self.horizon = 0
        self.names, self.streams = targets, past.streams != "never"

    @property
    def medium(self) -> Medium:
        """What the files are."""
        return medium_for(self.plan)

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        refuse_known(known)
        told = told_by_table(source, self.medium, self.table) if targets else source
        files = files_of(told, self.medium, column=self.plan.column, targets=self.names, table=self.table)
        if targets:
            for name in self.names:
                files.frame[name]
            if isinstance(self.outputs, TableCodec):
                check_numbers(files, self.names)
        return self.encode(files)

    def encode(self, files: Files) -> list[Sequence]:
        """Encodes every file."""
        truths = truths_of(files, self.outputs, self.names)
        known = truths is not None and isinstance(self.outputs, Labels)
        strange = self.outputs.strange(files.frame[self.names[0]]) if known else None  # type: ignore[union-attr]
        made = []
        for n, (name, cell) in enumerate(zip(files.names, files.cells, strict=True)):
            past = encoded(self.past, self.medium, cell, self.plan, name)
            made.append(
                Sequence(
                    key=name,
                    past=past,
                    time=np.arange(len(past), dtype=np.int64),
                    targets=None if truths is None else truths[n],
                    labels=None if strange is None else strange[n : n + 1],
                )
            )
        return made

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return MediaRows(self.past, partial(self.medium.open, plan=self.plan))

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None

    def config(self) -> dict[str, object]:
        return {
            "plan": to_plain(self.plan),
            "targets": list(self.names),
            "labels": isinstance(self.outputs, Labels | Indicators),
            "past": self.past.config(),
            "outputs": self.outputs.config(),
            "table": asdict(self.table),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return joined({"past": self.past, "outputs": self.outputs})

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        plan, parts = media_of(plain.plan), split(arrays, ("past", "outputs"))
        outputs: Outputs
        if plain.labels:
            outputs = restore_labels(plain.outputs, parts["outputs"])
        else:
            outputs = TableCodec.restore(plain.outputs, parts["outputs"])
        own = outputs.numeric if isinstance(outputs, TableCodec) else getattr(outputs, "names", plain.targets[:1])
        if own != plain.targets or (isinstance(outputs, TableCodec) and not _of_numbers_alone(outputs)):
            raise ModelFileError(f"the reader of the model file answers {own}, not {plain.targets}.")
        return cls(
            plan=plan,
            past=restored(plan, plain.past, parts["past"]),
            outputs=outputs,
            targets=plain.targets,
            table=table_of(plain.table),
        )


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    plan: dict[str, object]
    targets: tuple[str, ...]
    labels: bool
    past: dict[str, object]
    outputs: dict[str, object]
    table: dict[str, object]


def _of_numbers_alone(codec: TableCodec) -> bool:
    return not codec.categories and (codec.calendar, codec.elapsed) == (None, None)


def encoded(codec: Codec[Any], medium: Medium, cell: object, plan: Media, name: str) -> np.ndarray:
    """The steps of one example; raises DataError, naming it, where there is none."""
    rows = codec.encode(medium.open(cell, plan))
    if not len(rows):
        raise DataError(f"`{name}` is empty. Leave it out.")
    return rows


def truths_of(files: Files, outputs: Outputs, targets: tuple[str, ...]) -> np.ndarray | None:
    """What is to be answered of each file, (N, K) float32; None where it is not known."""
    frame = files.frame
    if not all(name in frame.columns for name in targets):
        return None
    if isinstance(outputs, TableCodec) and any(frame[name].dtype.kind != "f" for name in targets):
        return None  # as the labels of folders
    if isinstance(outputs, Labels):
        return outputs.encode(frame[targets[0]])
    return outputs.encode(outputs.checked(frame) if isinstance(outputs, Indicators) else frame)


def check_numbers(files: Files, targets: tuple[str, ...]) -> None:
    """Raises DataError where what is to be answered of files is no column of numbers."""
    for name in targets:
        if files.frame[name].dtype.kind != "f":
            raise DataError(
                f"{files.frame.origin}: column '{name}' is the target, a number for each file, but it has others, such "
                f"as {files.frame[name].tolist()[0]!r:.40}. Name another column as `target`."
            )


def fit_media(
    files: Files,
    training: List[int],
    *,
    plan: Media,
    targets: tuple[str, ...],
    table: Table,
    labels: bool,
) -> MediaReader:
    """Fits codecs on the training files and puts a reader together.

    Args:
        files: all examples.
        training: numbers of those that are learned from.
        plan: how they are read.
        targets: columns of what is answered.
        table: how tables are read.
        labels: the target is a label; several targets are labels that may come together.
    """
    own = medium_for(plan)
    rows = files.frame.take(np.asarray(training, np.int64))
    plan = own.completed(plan, [files.cells[n] for n in training])
    outputs: Outputs
    if labels:
        outputs = Indicators(targets) if len(targets) > 1 else Labels.fit([rows[targets[0]]])
    else:
        check_numbers(files, targets)
        for name in targets:
            if not np.isfinite(rows[name]).any():
                raise DataError(
                    f"{files.frame.origin}: column '{name}' has no number for any training file. Fill it in."
                )
        outputs = TableCodec(numeric=targets, scaling=table.scaling, missing="keep").fit([rows])
    return MediaReader(
        plan=plan,
        past=own.codec(plan).fit(own.open(files.cells[n], plan) for n in training),
        outputs=outputs,
        targets=targets,
        table=replace(table, kinds={name: kind for name, kind in table.kinds.items() if name in targets}),
    )


class MediaRows(RowReader):
    """Reads one example piece by piece, as its codec takes it, until `flush` ends it.

    Args:
        codec: of what comes.
        opened: what the codec encodes of a piece, a whole file too; None encodes pieces as they come.
    """

    def __init__(self, codec: Codec[Any], opened: Callable[[object], object] | None = None) -> None:
        self._encoder: Encoder[Any] = codec.chunks()
        self._opened = opened
        self._count, self._ended = 0, False

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        rows = self._pushed(row, known)
        return [{"past": rows[n : n + 1]} for n in range(len(rows))]

    def _pushed(self, piece: object, known: object) -> np.ndarray:
        refuse_known(known)
        if self._ended:
            raise DataError("the stream has ended with `flush`, but more came. Call `reset` before the next one.")
        rows = self._encoder.push(piece if self._opened is None else self._opened(piece))
        self._count += len(rows)
        return rows

    def flush(self) -> list[Inputs]:
        if self._ended:
            return []
        rows = self._encoder.flush()
        self._count, self._ended = self._count + len(rows), True
        return [{"past": rows[n : n + 1]} for n in range(len(rows))]

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        if times is not None:
            raise ArgumentError("`time` is of tables, but what this model reads has none. Leave it out.")
        first = self._count
        made = self._pushed(rows, known)
        steps = np.arange(len(made), dtype=np.int64)
        return Reading({"past": made}, steps, first + steps)

    @property
    def time(self) -> np.ndarray:
        return counts.last_time(self._count)

    def mark(self) -> Mark:
        return self._count, (self._encoder.read(), self._ended), None

    def back_to(self, mark: Mark) -> None:
        count, held, _ = mark
        assert isinstance(held, tuple)
        encoder, self._ended = held
        self._encoder.write(encoder)
        self._count = count or 0

    def read(self) -> bytes:
        return msgspec.msgpack.encode(_Remainder(counts.packed(self._count), self._ended, self._encoder.read()))

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
        except msgspec.DecodeError:
            raise damaged_state() from None
        count = counts.unpacked(plain.count)
        self._encoder.write(plain.encoder)
        self._count, self._ended = count, plain.ended


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    count: bytes
    ended: bool
    encoder: bytes
