"""Encoded sequences: what a network or an engine reads, with the times and keys that answers are labelled with."""

from collections.abc import Sequence as List
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """One encoded sequence.

    Args:
        key: which series, id or row it is.
        past: what is read at each step, (T, D) float32.
        time: when each step happens, (T,) datetime64 or int64.
        ahead: what is known of each step in advance, (T + H, F) float32, or None.
        targets: truths in the codec's units, float32; (T, K) with one for each row, (K,) with one for the sequence.
        labels: the labels as they came, (T,) or (1,), None where missing, where training does not have all of them:
            `targets` are NaN of those. None where it has.
        weight: how much the sequence counts in training.
        tokens: what stands at each step as it was written, (T,), where steps are words.
        known_ahead: number of steps after the last row whose `ahead` was really given.
        marks: whether each row is an anomaly, (T,) 1.0 or 0.0, NaN where nobody says; None where nobody was asked.
        source: what is read whole before anything is written, (S, D) float32, or None.
        texts: the source, or its name, and the target as they came, or all targets of the source; empty where there are
            none.
        origin: number of the last row that is read, where a sequence is a piece of a longer one; else None.
    """

    key: str
    past: np.ndarray
    time: np.ndarray
    ahead: np.ndarray | None = None
    targets: np.ndarray | None = None
    labels: np.ndarray | None = None
    weight: float = 1.0
    known_ahead: int = 0
    tokens: np.ndarray | None = None
    marks: np.ndarray | None = None
    source: np.ndarray | None = None
    texts: tuple[str, ...] = ()
    origin: int | None = None

    def __len__(self) -> int:
        return len(self.past)

    @property
    def row_targets(self) -> np.ndarray:
        """Targets of each row."""
        assert self.targets is not None
        return self.targets

    @property
    def read_steps(self) -> np.ndarray:
        """The source."""
        assert self.source is not None
        return self.source

    @property
    def anomaly(self) -> float:
        """1 where any row is an anomaly, 0 where none is, NaN where nobody says."""
        known = np.empty(0) if self.marks is None else self.marks[np.isfinite(self.marks)]
        return float(known.max()) if len(known) else np.nan

    def part(self, start: int, stop: int, horizon: int = 0) -> "Sequence":
        """The rows from start to stop, with what was known ahead of them as far as the horizon; itself if all are."""
        if start <= 0 and stop >= len(self):
            return self
        rows, targets = slice(max(0, start), stop), self.targets
        after = max(0, len(self) - stop) + self.known_ahead
        return replace(
            self,
            past=self.past[rows],
            time=self.time[rows],
            ahead=None if self.ahead is None else self.ahead[rows.start : stop + horizon],
            targets=None if targets is None else targets[rows] if _of_rows(targets) else targets,
            labels=self.labels[rows] if self.labels is not None and _of_rows(targets) else self.labels,
            known_ahead=0 if self.ahead is None else min(horizon, after),
            tokens=None if self.tokens is None else self.tokens[rows],
            marks=None if self.marks is None else self.marks[rows],
        )

    def inputs(self, start: int, stop: int, horizon: int) -> dict[str, np.ndarray]:
        """What an engine reads at steps start to stop: name -> (1, stop - start, ...)."""
        inputs = {"past": self.past[None, start:stop]}
        if self.ahead is not None:
            windows = np.lib.stride_tricks.sliding_window_view(self.ahead[1:], horizon, axis=0)
            inputs["future"] = np.moveaxis(windows, -1, 1)[None, start:stop]
        return inputs


def _of_rows(targets: np.ndarray | None) -> bool:
    return targets is not None and targets.ndim == 2


def num_sources(sequences: List[Sequence]) -> list[int]:
    """A number for each sequence, from 0 on, that says which source it has: those behind each other may share one."""
    found: list[int] = []
    for n, one in enumerate(sequences):
        same = n > 0 and one.source is not None and one.source is sequences[n - 1].source
        found.append(found[-1] + (not same) if found else 0)
    return found


def first_of_each(sequences: List[Sequence], numbers: List[int]) -> list[Sequence]:
    """The first sequence of each source, as `num_sources` numbers them."""
    return [sequences[n] for n in np.unique(numbers, return_index=True)[1]]


def named(key: str) -> str:
    """A series in a message; a lone one has no name."""
    return f"series '{key}'" if key else "the table"
