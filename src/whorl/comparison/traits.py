"""What can be seen of data before anything is trained: sizes, lengths, season, classes, words."""

import os
from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from whorl.data.caption_reader import CaptionReader
from whorl.data.corpus_reader import CorpusReader
from whorl.data.event_reader import EventReader
from whorl.data.lookahead import LateReader
from whorl.data.pair_reader import PairReader
from whorl.data.reader import Reader
from whorl.data.table_reader import TableReader
from whorl.data.text_reader import TextReader
from whorl.data.transcript_reader import TranscriptReader
from whorl.data.word_reader import WordReader
from whorl.plans.wiring import is_whole
from whorl.tasks import baselines
from whorl.tasks.preparation import Prepared

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# A season of more rows than this is not looked for: two of them make a context, which is read for every answer.
MOST_SEASON = 1024


@dataclass(frozen=True, kw_only=True)
class Traits:
    """Data in numbers. What does not apply is None, 0 or empty.

    Args:
        sequences: series, sequences, sentences, documents or pairs.
        examples: what there is to learn from, the validation part left out: rows of a forecast or of a detector, tokens
            of a text, else whole sequences, pairs or replies.
        median_length: rows or tokens of a sequence.
        shortest: of the shortest sequence.
        longest: of the longest one.
        numeric: columns of numbers that are read at each row.
        categories: columns of categories that are read at each row.
        targets: numbers or labels that are answered.
        season: rows of the season that is forecast best by; None where no season beats the last value.
        wandering: variance of changes over a horizon, as a multiple of that of as many independent single changes; 1 is
            a random walk (Lo & MacKinlay 1988, eq. 12). The median over targets; None where there are too few rows.
        irregular: rows come at irregular times.
        classes: label -> sequences that have it; of tags, steps.
        vocabulary: tokens or items that training has.
        cores: of this machine.
    """

    sequences: int
    examples: int
    median_length: int
    shortest: int
    longest: int
    numeric: int = 0
    categories: int = 0
    targets: int = 1
    season: int | None = None
    wandering: float | None = None
    irregular: bool = False
    classes: Mapping[str, int] = field(default_factory=dict)
    vocabulary: int | None = None
    cores: int = 1

    @property
    def largest_class(self) -> float:
        """Share of the most frequent label; 0 without labels."""
        return max(self.classes.values()) / sum(self.classes.values()) if self.classes else 0.0


def traits_of(task: "Estimator", prepared: Prepared, horizon: int = 0) -> Traits:
    """Measures data that were read for a task.

    Args:
        task: a Forecaster has a context and a horizon of 1, since what they will be depends on traits.
        prepared: from `prepare`, with whatever the task would read.
        horizon: rows ahead that will be forecast; 0 for other tasks.
    """
    reader = prepared.reader
    late = reader.lookahead if isinstance(reader, LateReader) else 0
    reader = reader.reader if isinstance(reader, LateReader) else reader
    lengths = np.array([len(one) - late for one in prepared.sequences], np.int64)
    numeric, categories = _columns(reader, prepared.facts)
    season, wandering = _course(prepared, reader, horizon) if horizon else (None, None)
    return Traits(
        sequences=len(lengths),
        examples=_examples(task, prepared),
        median_length=int(np.median(lengths)),
        shortest=int(lengths.min()),
        longest=int(lengths.max()),
        numeric=numeric,
        categories=categories,
        targets=len(reader.names),
        season=season,
        wandering=wandering,
        irregular=isinstance(reader, TableReader) and reader.past.elapsed is not None,
        classes=_classes(task, prepared),
        vocabulary=_vocabulary(reader),
        cores=os.cpu_count() or 1,
    )


def _examples(task: "Estimator", prepared: Prepared) -> int:
    if is_whole(task.wiring().pairing):
        return sum(cut > 0 for cut in prepared.cuts)
    return int(sum(prepared.cuts))


def _columns(reader: Reader, facts: Mapping[str, object]) -> tuple[int, int]:
    """Columns of numbers and of categories that are read at each row."""
    if isinstance(reader, TableReader):
        schema = reader.schema
        # What is answered once for a sequence is not read.
        own = () if reader.per_sequence else schema.targets
        read = (*own, *schema.past, *schema.known, *schema.static)
        return len(schema.of_kind("numeric", read)), len(schema.of_kind("category", read))
    if isinstance(reader, TextReader):
        beside = reader.past.beside
        return (0, 0) if beside is None else (len(beside.numeric), len(beside.categories))
    features = facts.get("features")  # of arrays
    return (features, 0) if isinstance(features, int) else (0, 0)


def _course(prepared: Prepared, reader: Reader, horizon: int) -> tuple[int | None, float | None]:
    """The season and how much like a random walk targets are, in the training part."""
    assert isinstance(reader, TableReader)
    rows = [one.row_targets[:cut] for one, cut in zip(prepared.sequences, prepared.cuts, strict=True) if cut]
    longest = min(MOST_SEASON, max(map(len, rows)) // 3)
    period = baselines.find_period(rows, reader.step, max(1, longest), horizon)
    return (period if period > 1 else None), variance_ratio(rows, horizon)


def variance_ratio(rows: List[np.ndarray], steps: int) -> float | None:
    """How much faster than that of a random walk the variance of changes grows over so many steps.

    Args:
        rows: of each series, (T, K); NaN is missing.
        steps: q of Lo & MacKinlay (1988, eq. 12), here without their correction for few rows; at least 2.

    Returns:
        The median over the K targets; None where no target has changes over so many steps, or none at all.
    """
    steps = max(2, steps)
    found = []
    for k in range(rows[0].shape[1]):
        single, several = ([one[lag:, k] - one[:-lag, k] for one in rows if len(one) > lag] for lag in (1, steps))
        known = [values[np.isfinite(values)] for values in map(_joined, (single, several))]
        # Of fewer spans of that length than this the variance says nothing.
        if len(known[1]) < 8 * steps or not known[0].var() > 0:
            continue
        found.append(float(known[1].var() / (steps * known[0].var())))
    return float(np.median(found)) if found else None


def _joined(parts: List[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0), *parts])


def _classes(task: "Estimator", prepared: Prepared) -> dict[str, int]:
    """How often each label is there; sequences of several labels at once have none of their own."""
    counts, labels = prepared.facts.get("counts"), prepared.facts.get("classes")
    if task.task not in ("classify", "tag") or not isinstance(counts, list) or not isinstance(labels, list):
        return {}
    return dict(zip(map(str, labels), map(int, counts), strict=True))


def _vocabulary(reader: Reader) -> int | None:
    match reader:
        case TextReader() | CorpusReader():
            return len(reader.past.text.vocabulary)
        case PairReader():
            return len(reader.source.vocabulary)
        case WordReader():
            return len(reader.past.words.symbols)
        case EventReader() | TranscriptReader() | CaptionReader():
            return len(reader.classes)
        case _:
            return None
