"""What a state encodes: signals that could be in it, and how well a linear reader finds them there.

Axes: n rows, H units.
"""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np

from whorl.data.sequences import Sequence
from whorl.report.traces import Layer

# Rows that a reader learns from and is tried on together; fewer than these say nothing.
_MOST, _LEAST = 6_000, 120
# Beside a column, how many rows ago it is looked for.
_AGO = (1, 2, 4, 8, 16, 32, 64)
# A unit is said to follow a signal from this correlation on.
_FOLLOWS = 0.6
_SMOOTH = 10


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """How well a signal can be read off the states of the last layer by a linear reader.

    Args:
        signal: its name.
        explained: share of its variance that the reader explains on rows that it did not learn from, at most 1.
        unit: the unit, from 1, whose activity goes with it most.
        correlation: of the two, on all rows.
    """

    signal: str
    explained: float
    unit: int
    correlation: float

    @property
    def follows(self) -> bool:
        """Whether one unit alone tells much of the signal."""
        return abs(self.correlation) >= _FOLLOWS


def encoded(
    layer: Layer, sequences: List[Sequence], names: List[str], texts: "List[str] | None"
) -> tuple[Encoded, ...]:
    """Looks for signals in the states of a layer; nothing where there are too few rows, or a step is not a row.

    Args:
        layer: a layer over the stream.
        sequences: that it was traced on.
        names: of the first columns that are read.
        texts: what each symbol stands for, where the first column is one.
    """
    if layer.op.over == "value":
        return ()
    parts = [(run.h, signals(sequences[run.sequence], run.steps, names, texts)) for run in layer.runs]
    common = [name for name in parts[0][1] if all(name in own for _, own in parts)]
    states = np.concatenate([h for h, _ in parts]).astype(np.float64)
    owners = np.repeat(np.arange(len(parts)), [len(h) for h, _ in parts])
    keep = np.unique(np.linspace(0, len(states) - 1, min(len(states), _MOST)).astype(np.int64))
    if len(keep) < _LEAST:
        return ()
    found = []
    for name in common:
        values = np.concatenate([own[name] for _, own in parts])[keep]
        known = np.isfinite(values)
        if known.sum() >= _LEAST and values[known].std() > 1e-9:
            found.append(_read(name, states[keep][known], values[known], owners[keep][known]))
    return tuple(sorted(found, key=lambda one: -one.explained))


def signals(one: Sequence, rows: np.ndarray, names: List[str], texts: "List[str] | None") -> Mapping[str, np.ndarray]:
    """Signals of some rows of a sequence, (n,) each; NaN where one has no value."""
    found: dict[str, np.ndarray] = {"place in the sequence": rows.astype(np.float64)}
    if texts is not None:
        return found | _of_text([texts[int(code)] for code in one.past[rows, 0]])
    for column, name in enumerate(names):
        values = one.past[rows, column].astype(np.float64)
        found[name] = values
        found[f"change of {name}"] = np.diff(values, prepend=np.nan)
        found[f"mean of the last {_SMOOTH} of {name}"] = _smooth(values)
        for ago in _AGO:
            if ago < len(values):
                found[f"{name}, {ago} ago"] = np.concatenate([np.full(ago, np.nan), values[:-ago]])
    return found


def _of_text(texts: List[str]) -> dict[str, np.ndarray]:
    """Kinds of symbols, and where in a word and in a line they stand."""
    kinds: dict[str, Callable[[str], bool]] = {
        "letter": str.isalpha,
        "capital": str.isupper,
        "vowel": lambda text: text.lower() in set("aeiou"),
        "digit": str.isdigit,
        "space": str.isspace,
        "punctuation": lambda text: bool(text) and not text.isalnum() and not text.isspace(),
    }
    found = {name: np.array([float(bool(is_so(text))) for text in texts]) for name, is_so in kinds.items()}
    in_word, in_line, word, line = [], [], 0, 0
    for text in texts:
        word = 0 if not text or text.isspace() else word + 1
        line = 0 if "\n" in text else line + 1
        in_word.append(float(word))
        in_line.append(float(line))
    return found | {"place in the word": np.array(in_word), "place in the line": np.array(in_line)}


def _smooth(values: np.ndarray) -> np.ndarray:
    sums = np.cumsum(np.concatenate([[0.0], np.nan_to_num(values)]))
    at = np.arange(1, len(values) + 1)
    first = np.maximum(at - _SMOOTH, 0)
    mean: np.ndarray = (sums[at] - sums[first]) / (at - first)
    return mean


def _read(name: str, states: np.ndarray, values: np.ndarray, owners: np.ndarray) -> Encoded:
    """Ridge regression on one half of the runs, or of the rows of a lone one, tried on the other."""
    runs = np.unique(owners)
    first = owners < runs[len(runs) // 2] if len(runs) > 1 else np.arange(len(values)) < len(values) // 2
    spread = states.std(axis=0)
    scaled = (states - states.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    x, y = scaled[first], values[first]
    centre = x.mean(axis=0)
    weights = np.linalg.solve(
        (x - centre).T @ (x - centre) + 1e-2 * len(x) * np.eye(x.shape[1]), (x - centre).T @ (y - y.mean())
    )
    tried = values[~first]
    missed = tried - (y.mean() + (scaled[~first] - centre) @ weights)
    size = float(((tried - tried.mean()) ** 2).sum())
    explained = 1.0 - float((missed**2).sum()) / size if size > 1e-12 else 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        together = scaled.T @ (values - values.mean()) / (len(values) * max(float(values.std()), 1e-12))
    together = np.nan_to_num(together)
    unit = int(np.abs(together).argmax())
    return Encoded(signal=name, explained=explained, unit=unit + 1, correlation=float(together[unit]))
