"""Attention in numpy: the reference of the operation `Attend`, and its weights for who wants to see them.

Axes: ... any leading axes, S rows, A width of a key, D width of a row.
"""

import numpy as np

from whorl.runtime.operations import Attend

Array = np.ndarray


def weights(op: Attend, query: Array, keys: Array, length: Array, vector: Array | None) -> Array:
    """How much each row counts, (..., S) float64: they sum to 1 over the first rows and are 0 behind them.

    Args:
        op: what is done.
        query: (..., A).
        keys: (..., S, A).
        length: (..., 1), how many rows there are.
        vector: (A,) where the attention is additive.
    """
    num_rows = keys.shape[-2]
    counts = row_counts(length, num_rows)
    scores = np.zeros((*query.shape[:-1], num_rows))
    asked = query.astype(np.float64)
    # One row after the other, and sums over one axis each: the bits depend neither on the batch nor on padding.
    for row in range(int(counts.max(initial=0))):
        key = keys[..., row, :].astype(np.float64)
        fit = asked * key if vector is None else np.tanh(asked + key) * vector
        scores[..., row] = np.add.reduce(np.ascontiguousarray(fit), axis=-1)
    real = np.arange(num_rows) < counts[..., None]
    top = np.where(real, scores, -np.inf).max(axis=-1, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):
        fits = np.where(real, scores - np.where(np.isneginf(top), 0.0, top), -np.inf)
        shares: Array = np.exp(fits)
    total = np.zeros(counts.shape)
    for row in range(num_rows):
        total += shares[..., row]
    shares /= np.where(total == 0.0, 1.0, total)[..., None]
    return shares


def attended(op: Attend, query: Array, keys: Array, values: Array, length: Array, vector: Array | None) -> Array:
    """The weighted mean of the rows of `values` (..., S, D), (..., D) float32; see `weights`."""
    shares = weights(op, query, keys, length, vector)
    counts = row_counts(length, values.shape[-2])
    total = np.zeros((*query.shape[:-1], values.shape[-1]))
    for row in range(int(counts.max(initial=0))):
        real = (row < counts)[..., None]
        total += np.where(real, shares[..., row, None] * np.where(real, values[..., row, :], 0.0), 0.0)
    return total.astype(np.float32)


def row_counts(length: Array, num_rows: int) -> Array:
    """Whole numbers of rows within 0 and `num_rows`, (...), of lengths (..., 1); what is no number is 0."""
    known = np.nan_to_num(length[..., 0].astype(np.float64), nan=0.0)
    return np.floor(np.clip(known, 0.0, num_rows)).astype(np.int64)
