"""Texts to encoded sequences: one example a row, with columns beside the text that hold for all of it."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import asdict, replace
from typing import Self

import msgspec
import numpy as np

from whorl.codecs.frame import Frame
from whorl.codecs.table import TableCodec
from whorl.codecs.text import TextCodec, TextEncoder
from whorl.data.cells import as_objects
from whorl.data.labels import Labels
from whorl.data.reader import Inputs, Mark, Reader, Reading, Row, RowReader, before_first_row, readers
from whorl.data.sequences import Sequence
from whorl.data.sources import read_table
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.plans.table import Table
from whorl.specs import Fields, Spec

TEXT, LABEL = "text", "label"


class TextColumns:
    """What a step of a text is: its token, and what stands beside the text.

    Args:
        text: encodes texts.
        beside: encodes the other columns of an example, or None.
    """

    def __init__(self, text: TextCodec, beside: TableCodec | None) -> None:
        self.text, self.beside = text, beside

    @property
    def spec(self) -> Spec:
        """Columns of an encoded text."""
        beside = {} if self.beside is None else self.beside.spec.fields  # type: ignore[union-attr]
        # A column may have any name, ' ' and its own name are none of those a table's codec gives.
        return Fields({" text": self.text.spec, **beside})

    def rows(self, codes: np.ndarray, beside: np.ndarray) -> np.ndarray:
        """Tokens (T, 1) with what stands beside them (1, D) at each, (T, 1 + D)."""
        return np.concatenate([codes, np.repeat(beside, len(codes), axis=0)], axis=1)


@readers.add("text")
class TextReader(Reader):
    """Reads tables of one text a row, and lists of texts.

    Args:
        column: of the text.
        past: encodes texts and what stands beside them.
        outputs: encodes and decodes what is answered.
        target: column of what is answered.
        table: how files are read.
    """

    outputs: Labels | TableCodec

    def __init__(
        self, *, column: str, past: TextColumns, outputs: Labels | TableCodec, target: str, table: Table
    ) -> None:
        self.column, self.past, self.outputs, self.target, self.table = column, past, outputs, target, table
        self.horizon = 0
        self.names = (target,)

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        if known is not None:
            raise ArgumentError("`known` was given, but a text has no covariates ahead. Leave it out.")
        # What training read as text is text: a lone '2024' is no number here.
        table = replace(self.table, kinds={self.column: "category", **self.table.kinds})
        frame = text_frame(source, self.column, self.target, table)
        if targets:
            frame[self.target]
        return self.encode(frame)

    def encode(self, frame: Frame) -> list[Sequence]:
        """Encodes every row."""
        beside = self._beside(frame)
        truths = self._truths(frame) if self.target in frame.columns else None
        made = []
        for n, text in enumerate(texts_of(frame, self.column)):
            past = self.past.rows(self.past.text.encode(text), beside[n : n + 1])
            targets = None if truths is None else truths[n]
            made.append(Sequence(key=str(n), past=past, time=np.arange(len(past), dtype=np.int64), targets=targets))
        return made

    def _beside(self, frame: Frame) -> np.ndarray:
        codec = self.past.beside
        if codec is None:
            return np.empty((len(frame), 0), np.float32)
        # Each row by itself: nothing is held from one example to the next.
        rows = [codec.encode(frame.take(slice(n, n + 1))) for n in range(len(frame))]
        return np.concatenate([np.empty((0, codec.spec.width), np.float32), *rows])

    def _truths(self, frame: Frame) -> np.ndarray:
        column = frame[self.target]
        return self.outputs.encode(column) if isinstance(self.outputs, Labels) else self.outputs.encode(frame)

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return TextRows(self.column, self.past)

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None

    def config(self) -> dict[str, object]:
        beside = self.past.beside
        return {
            "column": self.column,
            "target": self.target,
            "labels": isinstance(self.outputs, Labels),
            "text": self.past.text.config(),
            "beside": None if beside is None else beside.config(),
            "outputs": self.outputs.config(),
            "table": asdict(self.table),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        parts = {"text": self.past.text, "beside": self.past.beside, "outputs": self.outputs}
        return {f"{part}/{name}": a for part, codec in parts.items() if codec for name, a in codec.arrays().items()}

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            plain = msgspec.convert(config, _Config)
            table = msgspec.convert(plain.table, Table)
        except (msgspec.ValidationError, ValueError) as error:
            raise ModelFileError(f"the reader of the model file is damaged: {error}") from None
        parts: dict[str, dict[str, np.ndarray]] = {"text": {}, "beside": {}, "outputs": {}}
        for name, array in arrays.items():
            part, _, own = name.partition("/")
            if part not in parts or (part == "beside" and plain.beside is None):
                raise ModelFileError(f"the reader of the model file has an unknown array '{name}'. Save it again.")
            parts[part][own] = array
        outputs: Labels | TableCodec
        if plain.labels:
            outputs = Labels.restore(plain.outputs, parts["outputs"])
        else:
            outputs = TableCodec.restore(plain.outputs, parts["outputs"])
            if outputs.numeric != (plain.target,) or outputs.categories:
                raise ModelFileError(f"the reader of the model file answers {outputs.numeric}, not {plain.target!r}.")
        beside = None if plain.beside is None else TableCodec.restore(plain.beside, parts["beside"])
        for codec in (outputs, beside):
            if isinstance(codec, TableCodec) and (codec.calendar, codec.elapsed) != (None, None):
                raise ModelFileError("the reader of the model file is damaged: it asks a text for its time.")
        past = TextColumns(TextCodec.restore(plain.text, parts["text"]), beside)
        return cls(column=plain.column, past=past, outputs=outputs, target=plain.target, table=table)


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    column: str
    target: str
    labels: bool
    text: dict[str, object]
    beside: dict[str, object] | None
    outputs: dict[str, object]
    table: dict[str, object]


def text_frame(source: object, column: str, target: str | None, table: Table) -> Frame:
    """A source as a table: what `read_table` reads, a list of texts, or a pair of texts and what is to be answered."""
    pair = isinstance(source, tuple) and len(source) == 2 and not isinstance(source[1], str | None)
    texts = _texts(source[0] if pair else source)  # type: ignore[index]
    if texts is None:
        return read_table(source, table)
    # As they are, unlike the cells of a table: '?' and 'NA' are texts, and spaces at the ends are characters.
    columns = {column: as_objects(texts)}
    if pair:
        name = target or LABEL
        answers = read_table({name: source[1]}, table)  # type: ignore[index]
        if len(answers) != len(texts):
            raise DataError(f"there are {len(texts)} texts, but {len(answers)} labels. Give one label for each text.")
        columns[name] = answers[name]
    return Frame(columns, "the texts")


def _texts(source: object) -> list[str | None] | None:
    """A list, an array or a column of texts, None for one that is missing; None where the source is something else."""
    if isinstance(source, list | tuple):
        cells = list(source)
    elif isinstance(source, np.ndarray) and source.ndim == 1 and source.dtype.kind in "UO":
        cells = source.tolist()
    elif hasattr(source, "to_list") and not hasattr(source, "columns"):  # a column of pandas or polars, no frame
        cells = list(source.to_list())
    else:
        return None
    texts = [None if cell is None or (isinstance(cell, float) and np.isnan(cell)) else cell for cell in cells]
    known = [text for text in texts if text is not None]
    return texts if known and all(isinstance(text, str) for text in known) else None


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


class TextRows(RowReader):
    """Reads one text piece by piece. What stands beside it comes with the first piece and holds for all of it."""

    def __init__(self, column: str, past: TextColumns) -> None:
        self._column, self._past = column, past
        self._encoder: TextEncoder = past.text.chunks()
        self._beside: np.ndarray | None = None
        self._count, self._ended = 0, False

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        if known is not None:
            raise ArgumentError("`known` was given, but a text has no covariates ahead. Leave it out.")
        if self._ended:
            raise DataError(
                "the text has ended with `flush`, but another piece came. Call `reset` before the next one."
            )
        piece, beside = self._piece(row)
        codes = self._encoder.push(piece)
        self._beside = beside
        return self._inputs(codes)

    def _piece(self, row: object) -> tuple[str, np.ndarray]:
        piece = row.get(self._column) if isinstance(row, Mapping) else row
        if not isinstance(piece, str):
            raise DataError(
                f"a row of this model is a piece of text, or a record with the column '{self._column}', but "
                f"{row!r:.80} came."
            )
        if self._beside is not None:
            return piece, self._beside
        codec = self._past.beside
        if codec is None:
            return piece, np.empty((1, 0), np.float32)
        names = (*codec.numeric, *codec.categories)
        if not isinstance(row, Mapping) or any(name not in row for name in names):
            raise DataError(
                f"the first piece of a text comes as a record with the columns {', '.join(map(repr, names))} beside "
                f"'{self._column}', but {row!r:.80} came. Give what is known, and None for what is not."
            )
        kinds = dict.fromkeys(codec.numeric, "numeric") | dict.fromkeys(codec.categories, "category")
        frame = read_table({name: [row[name]] for name in names}, Table(kinds=kinds))  # type: ignore[arg-type]
        return piece, codec.encode(frame)

    def flush(self) -> list[Inputs]:
        if self._ended:
            return []
        self._ended = True
        if self._beside is None:
            if self._past.beside is not None:
                raise DataError("the text has no piece yet, so nothing is known beside it. Push one before `flush`.")
            self._beside = np.empty((1, 0), np.float32)
        return self._inputs(self._encoder.flush())

    def _inputs(self, codes: np.ndarray) -> list[Inputs]:
        assert self._beside is not None
        rows = self._past.rows(codes, self._beside)
        self._count += len(rows)
        return [{"past": rows[n : n + 1]} for n in range(len(rows))]

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        raise ArgumentError("`push_rows` is of rows in time, but this model reads a text. Push its pieces with `push`.")

    @property
    def time(self) -> np.ndarray:
        if not self._count:
            raise before_first_row()
        return np.asarray(self._count - 1, np.int64)

    def mark(self) -> Mark:
        return self._count, (self._encoder.read(), self._ended), self._beside

    def back_to(self, mark: Mark) -> None:
        count, held, self._beside = mark
        assert isinstance(held, tuple)
        encoder, self._ended = held
        self._encoder.write(encoder)
        self._count = count or 0

    def read(self) -> bytes:
        beside = None if self._beside is None else self._beside.tobytes()
        count = self._count.to_bytes(8, "little")  # as long at any token
        return msgspec.msgpack.encode(_Remainder(count, self._ended, beside, self._encoder.read()))

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
        except msgspec.DecodeError:
            raise ModelFileError("`state` of the reader is damaged, or belongs to another model.") from None
        width = self._past.spec.width - 1
        if len(plain.count) != 8 or (plain.beside is not None and len(plain.beside) != 4 * width):
            raise ModelFileError("`state` of the reader is damaged, or belongs to another model.")
        self._encoder.write(plain.encoder)
        self._beside = None if plain.beside is None else np.frombuffer(plain.beside, np.float32).reshape(1, width)
        self._count, self._ended = int.from_bytes(plain.count, "little"), plain.ended


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    count: bytes
    ended: bool
    beside: bytes | None
    encoder: bytes


def fit_texts(
    frame: Frame,
    training: List[int],
    *,
    column: str,
    target: str,
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
        target: column of what is answered.
        beside: numeric columns and columns of categories beside the text.
        codec: of the text, not fitted yet.
        table: how files are read.
        labels: the target is a label.
    """
    rows = frame.take(np.asarray(training, np.int64))
    numeric, categories = beside

    def fitted(numeric: tuple[str, ...], categories: tuple[str, ...], missing: str) -> TableCodec:
        made = TableCodec(numeric=numeric, categories=categories, scaling=table.scaling, missing=missing)  # type: ignore[arg-type]
        return made.fit([rows])

    return TextReader(
        column=column,
        past=TextColumns(
            codec.fit(texts_of(rows, column)), fitted(numeric, categories, "hold") if numeric or categories else None
        ),
        outputs=Labels.fit([rows[target]]) if labels else fitted((target,), (), "keep"),
        target=target,
        table=table,
    )
