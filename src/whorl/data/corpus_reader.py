"""Running text to encoded sequences: at each step a token, and what holds for all of its document beside it."""

from collections.abc import Iterable
from collections.abc import Sequence as List
from dataclasses import asdict
from typing import Self

import msgspec
import numpy as np

from whorl.codecs.alphabet import END
from whorl.codecs.frame import Frame
from whorl.codecs.table import TableCodec
from whorl.codecs.text import TextCodec
from whorl.data.documents import Document, Rows, documents, frame_of, prompts
from whorl.data.parts import configured, joined, split, table_of
from whorl.data.piece_rows import refuse_known
from whorl.data.reader import Reader, RowReader, readers
from whorl.data.sequences import Sequence
from whorl.data.text_columns import TextColumns, TextRows
from whorl.data.text_reader import texts_of
from whorl.data.vocabulary import Vocabulary
from whorl.errors import DataError, ModelFileError
from whorl.plans.table import Table

NEXT = "next token"


@readers.add("corpus")
class CorpusReader(Reader):
    """Reads texts as one token a step, whose truth is the token of the step after it.

    To be scored, a text file is one long sequence, the files of a folder and the rows of a table one each; to be
    continued, each line of a text file is one.

    Args:
        column: of the text, in tables.
        condition: column of the label that stands beside every token; None where there is none.
        past: encodes texts, with the code of the begin before them, and the label.
        ends: whether documents end in a code of their own, so that what is generated can end too.
        table: how files are read.
    """

    outputs: Vocabulary

    def __init__(self, *, column: str, condition: str | None, past: TextColumns, ends: bool, table: Table) -> None:
        self.column, self.condition, self.past, self.ends, self.table = column, condition, past, ends, table
        self.outputs = Vocabulary(past.text)
        self.horizon = 1
        self.names = (NEXT,)

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        refuse_known(known)
        if targets:
            found, frame = documents(source, self.column, self.condition, self.table)
            return self.encode(found, frame)[0]
        frame = prompts(source, self.column, self.condition, self.table)
        made = []
        for n, text in enumerate(texts_of(frame, self.column)):
            past = self.past.rows(self.past.text.encode(text), self.beside(frame, n))
            made.append(_sequence(str(n), past))
        return made

    def encode(
        self, found: List[Document], frame: Frame | None, cuts: List[int | None] | None = None
    ) -> tuple[list[Sequence], list[int]]:
        """Encodes documents.

        Args:
            found: what is encoded.
            frame: the table that they are from, if any.
            cuts: for each document the number of its characters that are trained on; None is all of them.

        Returns:
            Sequences, and for each the number of its tokens that those characters certainly make.
        """
        rows, ends, marks = Rows(self.past.spec.width), [0], []
        for n, document in enumerate(found):
            beside = self.beside(frame, document.row)
            cut = None if cuts is None else cuts[n]
            mark = None
            for codes, read in self._codes(document, cut):
                rows.add(self.past.rows(codes, beside))
                if cut is not None and mark is None and read >= cut:
                    mark = rows.count - ends[-1]
            marks.append(rows.count - ends[-1] if mark is None else mark)
            ends.append(rows.count)
        past = rows.whole()
        sequences = [_sequence(one.name, past[a:b]) for one, a, b in zip(found, ends[:-1], ends[1:], strict=True)]
        return sequences, marks

    def _codes(self, document: Document, cut: int | None) -> Iterable[tuple[np.ndarray, int]]:
        """Codes of a document piece by piece, with the number of characters they came after; cut at `cut`."""
        encoder, read = self.past.text.chunks(), 0
        if cut == 0:
            yield np.empty((0, 1), np.float32), 0
        for piece in document.pieces():
            parts = [piece]
            if cut is not None and read < cut < read + len(piece):
                parts = [piece[: cut - read], piece[cut - read :]]
            for part in parts:
                read += len(part)
                yield encoder.push(part), read
        yield np.concatenate([encoder.push(""), encoder.flush()]), read
        if self.ends and document.ends:
            yield np.array([[END]], np.float32), read

    def beside(self, frame: Frame | None, row: int | None) -> np.ndarray:
        """What stands beside each token of a row of a table, (1, D)."""
        codec = self.past.beside
        if codec is None:
            return np.empty((1, 0), np.float32)
        if frame is None or row is None or self.condition not in frame.columns:
            raise DataError(
                f"this model reads a label in the column '{self.condition}' beside a text, but what came has none. "
                "Give a table with both columns."
            )
        return codec.encode(frame.take(slice(row, row + 1)))

    def looked_at(self, source: object) -> tuple[object, list[str]]:
        codec = self.past.beside
        if codec is None:
            return source, []
        frame = frame_of(source, self.column, self.condition, self.table)
        return frame, codec.report(frame) if self.condition in frame.columns else []

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return TextRows(self.column, self.past)

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None

    def text(self, codes: np.ndarray) -> str:
        """The text of codes (n,)."""
        return self.past.text.decode(codes)

    def config(self) -> dict[str, object]:
        beside = self.past.beside
        return {
            "column": self.column,
            "condition": self.condition,
            "ends": self.ends,
            "text": self.past.text.config(),
            "beside": None if beside is None else beside.config(),
            "table": asdict(self.table),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return joined({"text": self.past.text, "beside": self.past.beside})

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        table = table_of(plain.table)
        parts = split(arrays, ("text",) if plain.beside is None else ("text", "beside"))
        text = TextCodec.restore(plain.text, parts["text"])
        beside = None if plain.beside is None else TableCodec.restore(plain.beside, parts["beside"])
        labels = () if beside is None else (*beside.numeric, *beside.categories)
        if beside is not None and (beside.calendar, beside.elapsed) != (None, None):
            raise ModelFileError("the reader of the model file is damaged: it asks a text for its time.")
        if not text.begin or text.end or labels != (() if plain.condition is None else (plain.condition,)):
            raise ModelFileError("the reader of the model file does not fit its codecs. Save the model again.")
        past = TextColumns(text, beside)
        return cls(column=plain.column, condition=plain.condition, past=past, ends=plain.ends, table=table)


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    column: str
    condition: str | None
    ends: bool
    text: dict[str, object]
    beside: dict[str, object] | None
    table: dict[str, object]


def _sequence(key: str, past: np.ndarray) -> Sequence:
    return Sequence(key=key, past=past, time=np.arange(len(past), dtype=np.int64), targets=past[:, :1])


def fit_corpus(
    found: List[Document],
    frame: Frame | None,
    cuts: List[int | None],
    *,
    column: str,
    condition: str | None,
    codec: TextCodec,
    table: Table,
) -> CorpusReader:
    """Fits codecs on the training part of documents and puts a reader together.

    Args:
        found: all documents.
        frame: the table that they are from, if any.
        cuts: for each document the number of its characters that are trained on; None is all of them.
        column: of the text.
        condition: column of a label, or None.
        codec: of the text, not fitted yet.
        table: how files are read.
    """
    codec.fit(part for one, cut in zip(found, cuts, strict=True) for part in one.lines(cut))
    beside = None
    if condition is not None:
        if frame is None:
            raise DataError(
                f"`condition` is '{condition}', a column of a table, but what came is plain text. Give a table with "
                "the text and that column, or leave `condition` out."
            )
        rows = [one.row for one, cut in zip(found, cuts, strict=True) if cut != 0]
        beside = TableCodec(numeric=(), categories=(condition,)).fit([frame.take(np.asarray(rows, np.int64))])
    ends = any(one.ends for one in found)
    return CorpusReader(column=column, condition=condition, past=TextColumns(codec, beside), ends=ends, table=table)
