"""Pairs of texts to encoded sequences: one is read, the other is written token by token."""

import os
from collections.abc import Sequence as List
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Self, TypeGuard

import msgspec
import numpy as np

from whorl.codecs.text import TextCodec
from whorl.data.pair_memory import PairMemory
from whorl.data.parallel import read_pairs
from whorl.data.parts import configured, joined, split, table_of
from whorl.data.piece_rows import refuse_known
from whorl.data.reader import RowReader, readers
from whorl.data.sequences import Sequence
from whorl.data.source_rows import SourceRows
from whorl.data.sources import TABLE_SUFFIXES, read_table
from whorl.data.text_files import is_folder, text_lines
from whorl.data.text_outputs import TextOutputs
from whorl.data.text_reader import texts_of
from whorl.data.writing_reader import MOST_STEPS, WritingReader, cut
from whorl.errors import DataError, ModelFileError
from whorl.plans.table import Table
from whorl.specs import Spec

# What is written may be so much longer than what was read.
_LONGER, _MORE = 3, 20


@readers.add("pairs")
class PairReader(WritingReader):
    """Reads pairs of texts, and lone sources.

    Of a source and of a target the first `longest` tokens are read, the end counted as one.

    Args:
        columns: of the source and of the target.
        source: encodes sources, with their end.
        outputs: encodes targets, with begin and end, and decodes what is written.
        longest: most tokens.
        memory: pairs of training, for a naive rival and for answers that are recalled.
        table: how files are read.
    """

    def __init__(
        self,
        *,
        columns: tuple[str, str],
        source: TextCodec,
        outputs: TextOutputs,
        longest: int,
        memory: PairMemory,
        table: Table,
    ) -> None:
        super().__init__(columns=columns, outputs=outputs, longest=longest, table=table)
        self.source, self.memory = source, memory

    @property
    def source_spec(self) -> Spec:
        return self.source.spec

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        refuse_known(known)
        if targets:
            return self.encode(*pairs_of(source, self.columns, self.table))
        return self.encode(sources_of(source, self.columns, self.table))

    def encode(self, sources: List[str], targets: List[str] | None = None) -> list[Sequence]:
        """Encodes texts. A sequence's `past` is what was written before each step: a lone begin without a target."""
        made = []
        for n, text in enumerate(sources):
            past, written = self.written(None if targets is None else targets[n])
            one = Sequence(
                key=str(n),
                past=past,
                time=np.arange(len(past), dtype=np.int64),
                targets=written,
                source=cut(self.source.encode(text), self.longest),
                texts=(text, "" if targets is None else targets[n]),
            )
            made.append(one)
        return made

    def most_tokens(self, num_read: int) -> int:
        return min(self.longest, _LONGER * num_read + _MORE)

    def rivals(self, sequences: List[Sequence]) -> dict[str, list[str]]:
        """What naive rivals answer: the target of the most similar source in training, and the source itself.

        Where targets are much shorter, of the source as many words as a target has.
        """
        sources, kept = [one.texts[0] for one in sequences], self.memory.kept_words
        copies = {"copy of the source": list(sources)}
        if kept is not None:
            copies = {"start of the source": [" ".join(text.split()[:kept]) for text in sources]}
        return {**copies, "nearest pair": [self.memory.nearest(text)[0] for text in sources]}

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return SourceRows(self.columns[0], self.source, self.longest)

    def config(self) -> dict[str, object]:
        return {
            "columns": list(self.columns),
            "longest": self.longest,
            "source": self.source.config(),
            "target": self.outputs.config(),
            "table": asdict(self.table),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return joined({"source": self.source, "target": self.outputs, "memory": self.memory})

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        table = table_of(plain.table)
        parts = split(arrays, ("source", "target", "memory"))
        source, target = (TextCodec.restore(getattr(plain, name), parts[name]) for name in ("source", "target"))
        if source.begin or not source.end or not (target.begin and target.end):
            raise ModelFileError("the reader of the model file is damaged: its texts have no begin or no end.")
        return cls(
            columns=plain.columns,
            source=source,
            outputs=TextOutputs(target),
            longest=plain.longest,
            memory=PairMemory.restore(parts["memory"]),
            table=table,
        )


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    columns: tuple[str, str]
    longest: Annotated[int, msgspec.Meta(ge=2, le=MOST_STEPS)]
    source: dict[str, object]
    target: dict[str, object]
    table: dict[str, object]


def pairs_of(data: object, columns: tuple[str, str], table: Table) -> tuple[list[str], list[str]]:
    """Sources and targets of two lists of texts, or of what `read_pairs` reads."""
    if isinstance(data, tuple) and len(data) == 2 and all(_are_texts(part) for part in data):
        sources, targets = (list(map(str, part)) for part in data)
        if len(sources) != len(targets):
            raise DataError(f"there are {len(sources)} sources, but {len(targets)} targets. Give one for each.")
        return sources, targets
    if isinstance(data, str | os.PathLike) and _ends_in(Path(data), columns[0]) and not is_folder(Path(data)):
        data = (data, Path(data).with_suffix(f".{columns[1].removeprefix('.')}"))
    pairs = read_pairs(data, source=columns[0], target=columns[1], table=_words_of(table))
    return [pair.source for pair in pairs], [pair.target for pair in pairs]


def sources_of(data: object, columns: tuple[str, str], table: Table) -> list[str]:
    """Sources alone: a list of texts, a file with one a line, a table with their column, or pairs."""
    if _are_texts(data):
        return [str(text) for text in data]
    if isinstance(data, tuple) and len(data) == 2:
        return pairs_of(data, columns, table)[0]
    if isinstance(data, str | os.PathLike) and str(data):
        path = Path(data)
        if is_folder(path):
            return pairs_of(data, columns, table)[0]
        if path.suffix.lower() not in TABLE_SUFFIXES or path.suffix.lower() in (".txt", ".text"):
            lines = [line.strip() for line in text_lines(path, table.encoding or "utf-8")]
            if not lines:
                raise DataError(f"{path.name} has no lines. Give a file with a text on each line.")
            return lines
    kinds = {**table.kinds, columns[0]: "category"}
    frame = read_table(data, replace(_words_of(table), kinds=kinds))
    return texts_of(frame, columns[0])


def _ends_in(path: Path, ending: str) -> bool:
    """Whether a file is the one with the sources of two that differ in their ending."""
    return path.suffix not in ("", *TABLE_SUFFIXES) and path.suffix == f".{ending.removeprefix('.')}"


def _words_of(table: Table) -> Table:
    """Cells of texts are taken at their word: '-' and 'None' too."""
    return replace(table, missing=())


def _are_texts(data: object) -> "TypeGuard[list[str] | np.ndarray]":
    if isinstance(data, np.ndarray):
        return data.ndim == 1 and data.dtype.kind in "UO" and all(isinstance(one, str) for one in data.tolist())
    return isinstance(data, list) and bool(data) and all(isinstance(one, str) for one in data)


def fit_pairs(
    sources: List[str],
    targets: List[str],
    *,
    columns: tuple[str, str],
    codecs: tuple[TextCodec, TextCodec],
    longest: int,
    table: Table,
    recall: bool = False,
) -> PairReader:
    """Fits codecs on the pairs of training and puts a reader together.

    Args:
        sources: of training.
        targets: of training.
        columns: names of the two.
        codecs: of source and target, not fitted yet.
        longest: most tokens of a text.
        table: how files are read.
        recall: whether all pairs are kept, as far as they are read, and not only what a naive rival needs.
    """
    reader = PairReader(
        columns=columns,
        source=codecs[0].fit(sources),
        outputs=TextOutputs(codecs[1].fit(targets)),
        longest=longest,
        memory=PairMemory.of(sources, targets),
        table=table,
    )
    if recall:
        read = [reader.source.decode(one.read_steps) for one in reader.encode(sources)]
        reader.memory = PairMemory(read, targets)
    return reader
