"""Columns that give the answer away, found in what a model read.

Axes: N rows or sequences, C columns, H steps ahead.
"""

from collections.abc import Iterator
from collections.abc import Sequence as List
from typing import NamedTuple

import numpy as np

from whorl.codecs.table import TableCodec
from whorl.data.lookahead import LateReader
from whorl.data.sequences import Sequence
from whorl.data.table_reader import TableReader
from whorl.plans.heads import Bernoulli, Categorical
from whorl.plans.wiring import Sequences, Strips, Windows
from whorl.report.probes import column_names
from whorl.runtime.model import Model
from whorl.runtime.transcribing import transcribes
from whorl.specs import Fields, Tokens

# Shares of variance from which on a column gives the answer away: of what it says beyond the target's own last rows
# that which comes later in the target; of the answer of a whole sequence; of a row, whose sensors may go together.
# What is known ahead was called so by the user, and may well drive the target.
_COMING, _KNOWN, _WHOLE, _ROW = 0.9, 0.98, 0.98, 0.99
# Rows of the target that a forecast is told from first, steps ahead that are looked at, and what both are looked at of.
_OWN, _AHEAD, _TARGETS, _COLUMNS, _ROWS = 8, 24, 8, 100, 20_000
# Below so many a column explains much by chance; each class, and each category of a column, must have come so often.
_FEWEST, _OFTEN = 20, 5
# Of the variance of a column or target what must be left beyond the target's own rows.
_LEFT = 1e-4


class Leak(NamedTuple):
    """A column that gives the answer away, and how that shows."""

    column: str
    evidence: str


def leaks(model: Model, sequences: List[Sequence]) -> tuple[Leak, ...]:
    """The columns of a model's data that give its answers away, each once.

    Args:
        model: fitted.
        sequences: encoded, with targets.
    """
    names, texts = column_names(model, _COLUMNS)
    known = _some([one for one in sequences if one.targets is not None and len(one)])
    if model.encoder is not None or transcribes(model) or texts is not None or not known:
        return ()
    match model.wiring.pairing:
        case Windows(horizon=horizon) | Strips(horizon=horizon):
            found = _of_forecasts(model, known, names, min(max(horizon, _OWN), _AHEAD))
        case Sequences(every_step=True, lookahead=late):
            found = _of_rows(model, known, names, late)
        case Sequences():
            found = _of_sequences(model, known, names)
        case _:
            found = iter(())
    return tuple({one.column: one for one in reversed(list(found))}.values())[::-1]


def _some(sequences: List[Sequence]) -> list[Sequence]:
    """As many whole sequences as have some thousand rows, and at least twenty."""
    total = np.cumsum([len(one) for one in sequences])
    return list(sequences[: max(_FEWEST, 1 + int(np.searchsorted(total, _ROWS)))])


def _of_forecasts(model: Model, sequences: List[Sequence], names: List[str], ahead: int) -> Iterator[Leak]:
    """Columns that tell what a target will be, where the target's own last rows do not."""
    num_targets = len(model.reader.names)
    coming = model.reader.ahead if isinstance(model.reader, TableReader) else None
    known = list(coming.numeric) if isinstance(coming, TableCodec) else []
    long = [one.part(0, _ROWS, ahead) for one in sequences if len(one) >= _OWN + ahead + 1]
    if not long:
        return
    for k, target in enumerate(model.reader.names[:_TARGETS]):
        own = np.concatenate([_windows(one.past[: len(one) - ahead, k], _OWN) for one in long])
        later = np.concatenate([_windows(one.row_targets[_OWN:, k], ahead) for one in long])
        read = [one.past[_OWN - 1 : len(one) - ahead, num_targets : len(names)] for one in long]
        explained = _beyond(own, np.concatenate(read), later)
        for n in np.flatnonzero(explained > _COMING).tolist():
            said = f"beyond the last rows of '{target}' is {explained[n]:.0%} what comes in the {ahead} rows after them"
            yield Leak(names[num_targets + n], said)
        if known:
            given = [one.ahead[_OWN : len(one) - ahead + 1, : len(known)] for one in long if one.ahead is not None]
            explained = _beyond(own, np.concatenate(given), later[:, :1])
            for n in np.flatnonzero(explained > _KNOWN).tolist():
                said = (
                    f"is known ahead, and beyond the rows of '{target}' before it is {explained[n]:.0%} that of its row"
                )
                yield Leak(known[n], said)


def _windows(values: np.ndarray, length: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(values, length)


def _beyond(own: np.ndarray, columns: np.ndarray, later: np.ndarray) -> np.ndarray:
    """How much of columns (N, C) what comes (N, H) explains beyond what is known (N, P): shares of variance, (C,)."""
    kept = np.isfinite(np.concatenate([own, columns, later], axis=1)).all(axis=1)
    if kept.sum() < _FEWEST * later.shape[1]:
        return np.zeros(columns.shape[1])
    base = np.column_stack([np.ones(kept.sum()), own[kept].astype(np.float64)])
    q, _ = np.linalg.qr(base)
    parts = [one[kept].astype(np.float64) for one in (columns, later)]
    column, coming = [part - q @ (q.T @ part) for part in parts]
    moves, comes = [
        (left**2).sum(axis=0) > _LEFT * len(base) * np.maximum(part.var(axis=0), 1e-12)
        for left, part in zip((column, coming), parts, strict=True)
    ]
    if not comes.all():
        return np.zeros(columns.shape[1])  # what the target's own rows tell, nothing can give away
    way, _ = np.linalg.qr(coming)
    explained = ((way.T @ column) ** 2).sum(axis=0) / np.maximum((column**2).sum(axis=0), 1e-300)
    return np.where(moves, explained, 0.0)


def _of_rows(model: Model, sequences: List[Sequence], names: List[str], late: int) -> Iterator[Leak]:
    """Columns that are the answer of their own row."""
    x = np.concatenate([one.past[: len(one) - late, : len(names)] for one in sequences])
    y = np.concatenate([one.row_targets[late:] for one in sequences])
    for n, k, share in _explained(model, x, y, _ROW):
        yield Leak(names[n], f"explains {share:.0%} of {_answer(model, k)} in the same row")


def _of_sequences(model: Model, sequences: List[Sequence], names: List[str]) -> Iterator[Leak]:
    """Columns whose last cell is the answer, and categories that name it."""
    y = np.stack([one.row_targets for one in sequences])
    last = np.stack([one.past[-1] for one in sequences])
    before = np.stack([one.past[max(0, len(one) - 2)] for one in sequences])
    for n, k, share in _explained(model, last[:, : len(names)], y, _WHOLE):
        # Of a slow column the next value is nearly the last one: it says of itself how nearly.
        own = _shares(before[:, [n]], last[:, n], labels=False)[0]
        moves = (last[:, n] != before[:, n]).any()
        if isinstance(model.wiring.head, Categorical | Bernoulli) or not moves or 1 - share < 0.5 * (1 - own):
            yield Leak(names[n], f"explains {share:.0%} of {_answer(model, k)} by its last cell")
    if isinstance(model.wiring.head, Categorical):
        for name, at in _categories(model):
            if _names_the_class(last[:, at], y[:, 0]):
                yield Leak(name, "has categories each of which goes with one class alone")


def _answer(model: Model, number: int) -> str:
    return "the class" if isinstance(model.wiring.head, Categorical) else f"'{model.reader.names[number]}'"


def _explained(model: Model, x: np.ndarray, y: np.ndarray, least: float) -> Iterator[tuple[int, int, float]]:
    """Column, target and share, for the columns (N, C) that explain so much of one of the targets (N, K)."""
    labels = isinstance(model.wiring.head, Categorical | Bernoulli)
    for k in range(min(y.shape[1], _TARGETS) if x.shape[1] else 0):
        known = np.isfinite(y[:, k])
        num_classes = len(np.unique(y[known, k])) if labels else 2
        if num_classes > 1 and known.sum() >= max(_FEWEST, _OFTEN * num_classes):
            shares = _shares(x[known], y[known, k], labels=labels)
            for n in np.flatnonzero(shares > least).tolist():
                yield n, k, float(shares[n])


def _shares(x: np.ndarray, y: np.ndarray, *, labels: bool) -> np.ndarray:
    """Share of the variance of each column (N, C) that lies between classes, or that ranks share with a number's."""
    if not labels:
        x, y = np.stack([_ranks(column) for column in x.T], axis=1), _ranks(y)
        groups = None
    else:
        _, groups = np.unique(y, return_inverse=True)
    centred = x.astype(np.float64) - x.mean(axis=0)
    total = (centred**2).sum(axis=0)
    if groups is None:
        away = y - y.mean()
        between = (away @ centred) ** 2 / max(float(away @ away), 1e-300)
    else:
        counts = np.bincount(groups)
        sums = np.stack([np.bincount(groups, column) for column in centred.T], axis=1)
        between = (sums**2 / counts[:, None]).sum(axis=0)
    return np.where(total > 0, between / np.where(total > 0, total, 1.0), 0.0)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks; equal values have their mean one. What a number is passed through, as long as it rises, changes none."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: np.ndarray = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    return ranks


def _categories(model: Model) -> list[tuple[str, int]]:
    """Columns of categories: name and place in a row."""
    reader = model.reader.reader if isinstance(model.reader, LateReader) else model.reader
    codec = getattr(reader, "past", None)
    if not isinstance(codec, TableCodec) or not isinstance(codec.spec, Fields):
        return []
    places = codec.spec.offsets()
    return [(name, places[name]) for name, part in codec.spec.fields.items() if isinstance(part, Tokens)]


def _names_the_class(codes: np.ndarray, classes: np.ndarray) -> bool:
    """Whether each of several categories goes with one class, and often enough that it is no chance."""
    known = np.isfinite(classes)
    pairs = np.unique(np.stack([codes[known], classes[known]]), axis=1)
    count = len(np.unique(codes[known]))
    return bool(1 < count == pairs.shape[1] and known.sum() >= max(_FEWEST, _OFTEN * count))
