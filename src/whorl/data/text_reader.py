"""Texts to encoded sequences: one example a row, with columns beside the text that hold for all of it."""

from collections.abc import Sequence as List
from dataclasses import asdict, replace
from typing import Self

import msgspec
import numpy as np

from whorl.codecs.frame import Frame
from whorl.codecs.table import TableCodec, bounds
from whorl.codecs.text import TextCodec
from whorl.data.cells import as_list, as_objects
from whorl.data.indicators import Indicators, restore_labels
from whorl.data.labels import Labels
from whorl.data.parts import configured, joined, split, table_of
from whorl.data.piece_rows import refuse_known
from whorl.data.reader import Reader, RowReader, readers
from whorl.data.sequences import Sequence
from whorl.data.sources import read_table
from whorl.data.text_columns import TextColumns, TextRows
from whorl.errors import DataError, ModelFileError
from whorl.plans.table import Kind, Table

TEXT, LABEL = "text", "label"


@readers.add("text")
class TextReader(Reader):
    """Reads tables of one text a row, and lists of texts.

    Args:
        column: of the text.
        past: encodes texts and what stands beside them.
        outputs: encodes and decodes what is answered.
        targets: columns of what is answered.
        table: how files are read.
    """

    outputs: Labels | Indicators | TableCodec

    def __init__(
        self,
        *,
        column: str,
        past: TextColumns,
        outputs: Labels | Indicators | TableCodec,
        targets: tuple[str, ...],
        table: Table,
    ) -> None:
        self.column, self.past, self.outputs, self.table = column, past, outputs, table
        self.horizon = 0
        self.names = targets

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        refuse_known(known)
        frame = self._frame(source)
        if targets:
            for name in self.names:
                frame[name]
        return self.encode(frame)

    def looked_at(self, source: object) -> tuple[object, list[str]]:
        frame = self._frame(source)
        return frame, [] if self.past.beside is None else self.past.beside.report(frame)

    def _frame(self, source: object) -> Frame:
        # What training read as text is text: a lone '2024' is no number here.
        texts = (self.column, *(() if self.past.beside is None else self.past.beside.categories))
        kinds: dict[str, Kind] = dict.fromkeys(texts, "category")
        table = replace(self.table, kinds={**kinds, **self.table.kinds})
        return text_frame(source, self.column, self.names, table)

    def encode(self, frame: Frame) -> list[Sequence]:
        """Encodes every row."""
        beside = self._beside(frame)
        given = all(name in frame.columns for name in self.names)
        truths = self._truths(frame) if given else None
        strange = self.outputs.strange(frame[self.names[0]]) if given and isinstance(self.outputs, Labels) else None
        made = []
        for n, text in enumerate(texts_of(frame, self.column)):
            past = self.past.rows(self.past.text.encode(text), beside[n : n + 1])
            made.append(
                Sequence(
                    key=str(n),
                    past=past,
                    time=np.arange(len(past), dtype=np.int64),
                    targets=None if truths is None else truths[n],
                    labels=None if strange is None else strange[n : n + 1],
                )
            )
        return made

    def _beside(self, frame: Frame) -> np.ndarray:
        codec = self.past.beside
        if codec is None:
            return np.empty((len(frame), 0), np.float32)
        # Each row by itself: nothing is held from one example to the next.
        rows = [codec.encode(frame.take(slice(n, n + 1))) for n in range(len(frame))]
        return np.concatenate([np.empty((0, codec.spec.width), np.float32), *rows])

    def _truths(self, frame: Frame) -> np.ndarray:
        if isinstance(self.outputs, Indicators):
            frame = self.outputs.checked(frame)
        return self.outputs.encode(frame[self.names[0]] if isinstance(self.outputs, Labels) else frame)  # type: ignore[arg-type]

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return TextRows(self.column, self.past)

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None

    def config(self) -> dict[str, object]:
        beside = self.past.beside
        return {
            "column": self.column,
            "targets": list(self.names),
            "labels": isinstance(self.outputs, Labels | Indicators),
            "text": self.past.text.config(),
            "beside": None if beside is None else beside.config(),
            "outputs": self.outputs.config(),
            "table": asdict(self.table),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return joined({"text": self.past.text, "beside": self.past.beside, "outputs": self.outputs})

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        table = table_of(plain.table)
        parts = split(arrays, ("text", "outputs") if plain.beside is None else ("text", "outputs", "beside"))
        outputs: Labels | Indicators | TableCodec
        if plain.labels:
            outputs = restore_labels(plain.outputs, parts["outputs"])
        else:
            outputs = TableCodec.restore(plain.outputs, parts["outputs"])
        own = outputs.numeric if isinstance(outputs, TableCodec) else getattr(outputs, "names", plain.targets[:1])
        if own != plain.targets or (isinstance(outputs, TableCodec) and outputs.categories):
            raise ModelFileError(f"the reader of the model file answers {own}, not {plain.targets}.")
        beside = None if plain.beside is None else TableCodec.restore(plain.beside, parts["beside"])
        for codec in (outputs, beside):
            if isinstance(codec, TableCodec) and (codec.calendar, codec.elapsed) != (None, None):
                raise ModelFileError("the reader of the model file is damaged: it asks a text for its time.")
        past = TextColumns(TextCodec.restore(plain.text, parts["text"]), beside)
        return cls(column=plain.column, past=past, outputs=outputs, targets=plain.targets, table=table)


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    column: str
    targets: tuple[str, ...]
    labels: bool
    text: dict[str, object]
    beside: dict[str, object] | None
    outputs: dict[str, object]
    table: dict[str, object]


def text_frame(source: object, column: str, targets: tuple[str, ...], table: Table) -> Frame:
    """A source as a table: what `read_table` reads, a list of texts, or a pair of texts and what is to be answered.

    Where there are several targets, the answers of a pair are (N, K).
    """
    pair = isinstance(source, tuple) and len(source) == 2 and not isinstance(source[1], str | None)
    texts = _texts(source[0] if pair else source)  # type: ignore[index]
    if texts is None:
        return read_table(source, table)
    # As they are, unlike the cells of a table: '?' and 'NA' are texts, and spaces at the ends are characters.
    columns = {column: as_objects(texts)}
    if pair:
        given = dict(zip(targets, several(source[1], targets), strict=True))  # type: ignore[index]
        answers = read_table(given, table)
        if len(answers) != len(texts):
            raise DataError(f"there are {len(texts)} texts, but {len(answers)} labels. Give one label for each text.")
        columns |= answers.columns
    return Frame(columns, "the texts")


def several(y: object, targets: tuple[str, ...]) -> List[object]:
    """The answers of all examples, target by target: the columns of (N, K); of one target `y` may be (N,), too."""
    try:
        cells = np.asarray(y, object)
    except ValueError:
        cells = np.empty(0, object)
    if cells.ndim == 2 and cells.shape[1] == len(targets):
        return [cells[:, k] for k in range(len(targets))]
    if len(targets) == 1:
        return [y]
    raise DataError(
        f"`y` must have {len(targets)} columns, one for each of {', '.join(targets)}, but has the shape "
        f"{cells.shape}. Give (N, {len(targets)}) answers."
    )


def _texts(source: object) -> list[str | None] | None:
    """A list, an array or a column of texts, None for one that is missing; None where the source is something else."""
    cells = as_list(source)
    if cells is None:
        return None
    known = [cell for cell in cells if cell is not None and not (isinstance(cell, float) and np.isnan(cell))]
    texts = [cell if isinstance(cell, str) else None for cell in cells]
    return texts if known and all(isinstance(cell, str) for cell in known) else None


def texts_of(frame: Frame, column: str) -> list[str]:
    """The texts of a column; a missing one is empty."""
    cells = frame[column]
    if cells.dtype.kind != "O":
        raise DataError(
            f"{frame.origin}: column '{column}' is the text, but it holds "
            f"{'numbers' if cells.dtype.kind == 'f' else 'times'}. Choose another column, or read it as text with "
            f"--kinds {column}=category."
        )
    return ["" if cell is None else str(cell) for cell in cells.tolist()]


def fit_texts(
    frame: Frame,
    training: List[int],
    *,
    column: str,
    targets: tuple[str, ...],
    beside: tuple[tuple[str, ...], tuple[str, ...]],
    codec: TextCodec,
    table: Table,
    labels: bool,
) -> TextReader:
    """Fits codecs on the training rows and puts a reader together.

    Args:
        frame: all examples.
        training: numbers of the rows that are learned from.
        column: of the text.
        targets: columns of what is answered.
        beside: numeric columns and columns of categories beside the text.
        codec: of the text, not fitted yet.
        table: how files are read.
        labels: the target is a label; several targets are labels that may come together.
    """
    rows = frame.take(np.asarray(training, np.int64))
    numeric, categories = beside

    def fitted(numeric: tuple[str, ...], categories: tuple[str, ...], missing: str) -> TableCodec:
        made = TableCodec(
            numeric=numeric,
            categories=categories,
            scaling=table.scaling,
            missing=missing,  # type: ignore[arg-type]
            clip=bounds(table.clip, [name for name in numeric if name not in targets]),
        )
        return made.fit([rows])

    outputs: Labels | Indicators | TableCodec
    if labels:
        outputs = Indicators(targets) if len(targets) > 1 else Labels.fit([rows[targets[0]]])
    else:
        outputs = fitted(targets, (), "keep")
    return TextReader(
        column=column,
        past=TextColumns(
            codec.fit(texts_of(rows, column)), fitted(numeric, categories, "hold") if numeric or categories else None
        ),
        outputs=outputs,
        targets=targets,
        table=table,
    )
