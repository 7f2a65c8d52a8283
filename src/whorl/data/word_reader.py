"""Sentences to encoded sequences: a step a word, read as itself, in lower case, by its characters and by its shape."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import asdict
from typing import Self

import msgspec
import numpy as np

from whorl.codecs.symbols import SymbolsCodec
from whorl.data import counts
from whorl.data.cells import as_objects
from whorl.data.labels import Labels
from whorl.data.parts import configured, joined, split, table_of
from whorl.data.reader import Inputs, Mark, Reader, Reading, Row, RowReader, readers
from whorl.data.sentences import WORD, Sentence, SentenceColumns, read_sentences, tags_column
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.specs import Fields, Flags, Spec, Tokens

# Columns of a word's characters; the first and the last of them stay empty, so that it is seen where a word ends.
_LENGTH = 20
_HALF = (_LENGTH - 2) // 2
_NUM_FLAGS = 6


class WordColumns:
    """What a step of a sentence is: its word, in four ways.

    Args:
        words: codes of words.
        lower: codes of words in lower case.
        characters: codes of characters.
    """

    def __init__(
        self,
        words: SymbolsCodec | None = None,
        lower: SymbolsCodec | None = None,
        characters: SymbolsCodec | None = None,
    ) -> None:
        self.words, self.lower = words or SymbolsCodec(), lower or SymbolsCodec()
        self.characters = characters or SymbolsCodec()

    def fit(self, sentences: List[Sentence]) -> Self:
        """Learns the words and characters of training."""
        words = [list(one.words) for one in sentences]
        self.words.fit(words)
        self.lower.fit([[word.lower() for word in one] for one in words])
        self.characters.fit([list("".join(one)) for one in words])
        return self

    @property
    def spec(self) -> Spec:
        """Columns of an encoded sentence."""
        return Fields(
            {
                "word": self.words.spec,
                "lower": self.lower.spec,
                "shape": Flags(_NUM_FLAGS),
                # Code 0 is no character, so those of the codec stand one higher.
                "characters": Tokens(len(self.characters.symbols) + 2, length=_LENGTH),
            }
        )

    def encode(self, words: List[str], first: int = 0) -> np.ndarray:
        """Encodes words, (T, D); `first` is the place of the first of them in its sentence."""
        if not words:
            return np.empty((0, self.spec.width), np.float32)
        shapes = np.array([_shape(word, first + n) for n, word in enumerate(words)], np.float32)
        kept = [word if len(word) <= 2 * _HALF else word[:_HALF] + word[-_HALF:] for word in words]
        codes = self.characters.encode(list("".join(kept)))[:, 0] + 1.0
        lengths = np.array([len(word) for word in kept])
        spelled = np.zeros((len(words), _LENGTH), np.float32)
        # Row by row, each from its second column on.
        spelled[:, 1:][np.arange(_LENGTH - 1) < lengths[:, None]] = codes
        lowered = [word.lower() for word in words]
        return np.concatenate([self.words.encode(words), self.lower.encode(lowered), shapes, spelled], axis=1)


def _shape(word: str, place: int) -> tuple[bool, ...]:
    letters = [one for one in word if one.isalpha()]
    upper = [one for one in letters if one.isupper()]
    return (
        word[:1].isupper(),
        len(letters) > 1 and len(upper) == len(letters),
        any(one.isdigit() for one in word),
        "-" in word,
        not any(one.isalnum() for one in word),
        place == 0,
    )


@readers.add("words")
class WordReader(Reader):
    """Reads sentences, with a tag for each word or without.

    Args:
        columns: where words and tags stand.
        past: encodes words.
        outputs: the tags.
    """

    outputs: Labels

    def __init__(self, *, columns: SentenceColumns, past: WordColumns, outputs: Labels) -> None:
        self.columns, self.past, self.outputs = columns, past, outputs
        self.horizon = 0
        self.names = (columns.target or "tag",)

    @property
    def word(self) -> str:
        """The name of a word in a record."""
        return self.columns.text or WORD

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        if known is not None:
            raise _no_covariates()
        sentences = read_sentences(source, self.columns)
        if sentences is None:
            raise DataError(
                f"this model was fitted on sentences and reads lists of them, files of words and tags, and text files "
                f"with a sentence a line, but a {type(source).__name__} came. Convert it."
            )
        if targets and all(one.tags is None for one in sentences):
            raise DataError("no sentence has tags, and without them nothing can be scored. Give (sentences, tags).")
        return self.encode(sentences)

    def encode(self, sentences: List[Sentence]) -> list[Sequence]:
        """Encodes every sentence."""
        tags = tags_column(sentences) if any(one.tags for one in sentences) else None
        known = None if tags is None else self.outputs.encode(tags)
        strange = None if tags is None else self.outputs.strange(tags)
        ends = np.cumsum([0, *(len(one.words) for one in sentences)])
        return [
            Sequence(
                key=one.key,
                past=self.past.encode(one.words),
                time=np.arange(len(one.words), dtype=np.int64),
                targets=None if known is None else known[ends[n] : ends[n + 1]],
                labels=None if strange is None else strange[ends[n] : ends[n + 1]],
                tokens=as_objects(list(one.words)),
            )
            for n, one in enumerate(sentences)
        ]

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return _WordRows(self.word, self.past)

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None

    def config(self) -> dict[str, object]:
        return {
            "text": self.columns.text,
            "target": self.columns.target,
            "series": self.columns.series,
            "table": asdict(self.columns.table),
            "words": self.past.words.config(),
            "lower": self.past.lower.config(),
            "characters": self.past.characters.config(),
            "outputs": self.outputs.config(),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        codecs = {"words": self.past.words, "lower": self.past.lower, "characters": self.past.characters}
        return joined({**codecs, "outputs": self.outputs})

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        table = table_of(plain.table)
        parts = split(arrays, ("words", "lower", "characters", "outputs"))
        past = WordColumns(
            SymbolsCodec.restore(plain.words, parts["words"]),
            SymbolsCodec.restore(plain.lower, parts["lower"]),
            SymbolsCodec.restore(plain.characters, parts["characters"]),
        )
        if {codec.kind for codec in (past.words, past.lower, past.characters)} != {"text"}:
            raise ModelFileError("the reader of the model file is damaged: its words are no text.")
        columns = SentenceColumns(text=plain.text, target=plain.target, series=plain.series, table=table)
        return cls(columns=columns, past=past, outputs=Labels.restore(plain.outputs, parts["outputs"]))


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    text: str | None
    target: str | None
    series: str | None
    table: dict[str, object]
    words: dict[str, object]
    lower: dict[str, object]
    characters: dict[str, object]
    outputs: dict[str, object]


class _WordRows(RowReader):
    """Reads one sentence word by word."""

    def __init__(self, name: str, past: WordColumns) -> None:
        self._name, self._past, self._count = name, past, 0

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        if known is not None:
            raise _no_covariates()
        encoded = self._past.encode([self._word(row)], self._count)
        self._count += 1
        return [{"past": encoded}]

    def _word(self, row: object) -> str:
        word = row.get(self._name) if isinstance(row, Mapping) else row
        if not isinstance(word, str) or not word.strip():
            raise DataError(f"a row of this model is a word, or a record with a `{self._name}`, but {row!r:.80} came.")
        return str(word)

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        if times is not None or known is not None:
            raise _no_covariates()
        if isinstance(rows, str) or not isinstance(rows, list | tuple | np.ndarray):
            raise DataError(f"rows of this model are a list of words, but {rows!r:.80} came. Split it.")
        encoded = self._past.encode([self._word(row) for row in rows], self._count)
        times_of = np.arange(self._count, self._count + len(encoded), dtype=np.int64)
        self._count += len(encoded)
        return Reading({"past": encoded}, np.arange(len(encoded)), times_of)

    @property
    def time(self) -> np.ndarray:
        return counts.last_time(self._count)

    def mark(self) -> Mark:
        return self._count, None, None

    def back_to(self, mark: Mark) -> None:
        self._count = mark[0] or 0

    def read(self) -> bytes:
        return counts.packed(self._count)

    def write(self, remainder: bytes) -> None:
        self._count = counts.unpacked(remainder)


def _no_covariates() -> ArgumentError:
    return ArgumentError("`time` and `known` are of tables of rows in time, but a row of this model is a word.")
