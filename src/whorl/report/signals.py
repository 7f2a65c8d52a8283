"""What a state encodes: signals that could be in it, and how well a linear reader finds them there.

Axes: n rows, H units.
"""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from whorl.data.sequences import Sequence
from whorl.report.traces import Layer, Part, with_insides

# Rows that a reader learns from and is tried on together; fewer than these say nothing.
_MOST, _LEAST = 6_000, 120
# Beside a column, how many rows ago it is looked for.
_AGO = (1, 2, 4, 8, 16, 32, 64)
# A unit is said to follow a signal from this correlation on.
_FOLLOWS = 0.6
_SMOOTH = 10
# Symbols that are longer than this on average are no characters.
_CHARACTERS = 1.2


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """How well a signal can be read off the whole states of the last layer, of an LSTM h and c, by a linear reader.

    Args:
        signal: its name.
        explained: share of its variance that the reader explains on rows that it did not learn from, at most 1.
        unit: the unit, from 1, whose activity goes with it most.
        correlation: of the two, on all rows.
        part: of the state of the unit: empty where it is what the unit says, 'c', 'real' or 'imaginary'.
    """

    signal: str
    explained: float
    unit: int
    correlation: float
    part: Part = ""

    @property
    def follows(self) -> bool:
        """Whether one unit alone tells much of the signal."""
        return abs(self.correlation) >= _FOLLOWS


class _Unit(NamedTuple):
    """A column of states: of which part of the state, and the unit, from 1."""

    part: Part
    number: int


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A unit whose activity follows a signal.

    Args:
        layer: its name in the program, such as gru_l0, or that of a part of its state, such as lstm_l0.c.
        unit: from 1.
        signal: the one that goes with it most.
        correlation: of the two, on all rows; at least 0.6 or at most -0.6.
    """

    layer: str
    unit: int
    signal: str
    correlation: float


class _Rows(NamedTuple):
    """Some rows of all runs: their states (n, H), the values of signals and which of them are known, (n,) each, and
    whether a reader learns from a row, (n,).
    """

    states: np.ndarray
    signals: Mapping[str, tuple[np.ndarray, np.ndarray]]
    first: np.ndarray


def encoded(
    layer: Layer, sequences: List[Sequence], names: List[str], texts: "List[str] | None"
) -> tuple[Encoded, ...]:
    """Looks for signals in the whole states of a layer; nothing where there are too few rows, or a step is not a row.

    Args:
        layer: a layer over the stream.
        sequences: that it was traced on.
        names: of the first columns that are read.
        texts: what each symbol stands for, where the first column is one.
    """
    rows = _rows(layer.whole, sequences, names, texts)
    if rows is None:
        return ()
    parts = with_insides([layer])
    found, units = [], [_Unit(one.part, n) for one in parts for n in range(1, 1 + one.runs[0].h.shape[1])]
    for name, (values, known) in rows.signals.items():
        sides = rows.first[known]
        if 0 < sides.sum() < len(sides):
            found.append(_read(name, rows.states[known], values[known], sides, units))
    return tuple(sorted(found, key=lambda one: -one.explained))


def followed(
    layer: Layer, sequences: List[Sequence], names: List[str], texts: "List[str] | None"
) -> tuple[Followed, ...]:
    """Units of a layer that follow a signal, each with the one that goes with it most; arguments as of `encoded`."""
    rows = _rows(layer, sequences, names, texts)
    if rows is None or not rows.signals:
        return ()
    together = np.array([_correlations(rows.states[known], values[known]) for values, known in rows.signals.values()])
    best = np.abs(together).argmax(axis=0)
    signals = list(rows.signals)
    found = [
        Followed(layer=layer.name, unit=unit + 1, signal=signals[n], correlation=float(together[n, unit]))
        for unit, n in enumerate(best.tolist())
    ]
    return tuple(one for one in found if abs(one.correlation) >= _FOLLOWS)


def _rows(layer: Layer, sequences: List[Sequence], names: List[str], texts: "List[str] | None") -> _Rows | None:
    """Some rows of all runs and the signals that vary there; None where there are too few, or a step is not a row."""
    if layer.op.over == "value":
        return None
    parts = [(run.h, signals(sequences[run.sequence], run.steps, names, texts)) for run in layer.runs]
    common = [name for name in parts[0][1] if all(name in own for _, own in parts)]
    states = np.concatenate([h for h, _ in parts]).astype(np.float64)
    # Several targets of a sequence have runs of their own over the same rows, which must not stand on both sides.
    owners = np.concatenate([np.full(len(run.h), run.sequence) for run in layer.runs])
    rows = np.concatenate([run.steps for run in layer.runs])
    numbers = np.unique(owners)
    first = owners < numbers[len(numbers) // 2] if len(numbers) > 1 else rows < np.median(rows)
    keep = np.unique(np.linspace(0, len(states) - 1, min(len(states), _MOST)).astype(np.int64))
    if len(keep) < _LEAST:
        return None
    found = {}
    for name in common:
        values = np.concatenate([own[name] for _, own in parts])[keep]
        known = np.isfinite(values)
        if known.sum() >= _LEAST and values[known].std() > 1e-9:
            found[name] = (values, known)
    return _Rows(states[keep], found, first[keep])


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
            before = np.concatenate([np.full(min(ago, len(values)), np.nan), values[:-ago]])
            found[f"{name}, {ago} ago"] = before
    return found


def _of_text(texts: List[str]) -> dict[str, np.ndarray]:
    """Kinds of characters, and where in a word and in a line they stand; of longer symbols where in a line alone."""
    found = {"place in the line": _since(texts, lambda text: "\n" in text)} if "\n" in texts else {}
    if sum(map(len, texts)) > _CHARACTERS * len(texts):
        return found
    kinds: dict[str, Callable[[str], bool]] = {
        "letter": str.isalpha,
        "capital": str.isupper,
        "vowel": lambda text: text.lower() in set("aeiou"),
        "digit": str.isdigit,
        "space": str.isspace,
        "punctuation": lambda text: bool(text) and not text.isalnum() and not text.isspace(),
    }
    found |= {name: np.array([float(bool(is_so(text))) for text in texts]) for name, is_so in kinds.items()}
    return found | {"place in the word": _since(texts, lambda text: not text or text.isspace())}


def _since(texts: List[str], ends: Callable[[str], bool]) -> np.ndarray:
    """How many symbols there were since the last one that ends something, itself included; 0 for that one."""
    count, found = 0, []
    for text in texts:
        count = 0 if ends(text) else count + 1
        found.append(float(count))
    return np.array(found)


def _smooth(values: np.ndarray) -> np.ndarray:
    sums = np.cumsum(np.concatenate([[0.0], np.nan_to_num(values)]))
    at = np.arange(1, len(values) + 1)
    first = np.maximum(at - _SMOOTH, 0)
    mean: np.ndarray = (sums[at] - sums[first]) / (at - first)
    return mean


def _read(name: str, states: np.ndarray, values: np.ndarray, first: np.ndarray, units: List[_Unit]) -> Encoded:
    """Ridge regression on the rows that are `first`, tried on the others; `units` are those of `states`."""
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
    together = _correlations(states, values)
    best = int(np.abs(together).argmax())
    own, correlation = units[best], float(together[best])
    return Encoded(signal=name, explained=explained, unit=own.number, correlation=correlation, part=own.part)


def _correlations(states: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of each unit (n, H) with a signal (n,): (H,); 0 where one of the two does not vary."""
    spread = states.std(axis=0)
    scaled = (states - states.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        together = scaled.T @ (values - values.mean()) / (len(values) * max(float(values.std()), 1e-12))
    found: np.ndarray = np.nan_to_num(together)
    return found
