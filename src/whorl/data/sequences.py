"""Encoded sequences: what a network or an engine reads, with the times and keys that answers are labelled with."""

from dataclasses import dataclass

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
        weight: how much the sequence counts in training.
        tokens: what stands at each step as it was written, (T,), where steps are words.
        known_ahead: number of steps after the last row whose `ahead` was really given.
        marks: whether each row is an anomaly, (T,) 1.0 or 0.0, NaN where nobody says; None where nobody was asked.
        source: what is read whole before anything is written, (S, D) float32, or None.
        texts: the source and the target as they came; empty where there are none.
        origin: number of the last row that is read, where a sequence is a piece of a longer one; else None.
    """

    key: str
    past: np.ndarray
    time: np.ndarray
    ahead: np.ndarray | None = None
    targets: np.ndarray | None = None
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

    def inputs(self, start: int, stop: int, horizon: int) -> dict[str, np.ndarray]:
        """What an engine reads at steps start to stop: name -> (1, stop - start, ...)."""
        inputs = {"past": self.past[None, start:stop]}
        if self.ahead is not None:
            windows = np.lib.stride_tricks.sliding_window_view(self.ahead[1:], horizon, axis=0)
            inputs["future"] = np.moveaxis(windows, -1, 1)[None, start:stop]
        return inputs


def named(key: str) -> str:
    """A series in a message; a lone one has no name."""
    return f"series '{key}'" if key else "the table"
