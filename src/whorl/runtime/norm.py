"""Means and layer norm in numpy, added from start to end so that a row never depends on its batch."""

import numpy as np


class Norm:
    """Layer norm over the last axis, adding from its start to its end so that a row never depends on its batch."""

    def __init__(self, gain: np.ndarray, bias: np.ndarray, eps: float) -> None:
        self.gain, self.bias, self.eps = gain, bias, np.float32(eps)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        centred = x - mean(x, axis=x.ndim - 1)
        variance = mean(centred * centred, axis=x.ndim - 1)
        return centred / np.sqrt(variance + self.eps) * self.gain + self.bias


def mean(x: np.ndarray, axis: int) -> np.ndarray:
    """Mean that keeps the axis. `np.mean` may add in another order for another batch size; `accumulate` may not."""
    total = np.add.accumulate(x, axis=axis, dtype=np.float64)
    last = np.take(total, [-1], axis=axis) / x.shape[axis]
    return last.astype(np.float32)
