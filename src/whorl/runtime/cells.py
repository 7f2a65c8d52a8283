"""One step of each cell in numpy, from the gate products; the equations stand in `whorl.nn.cells`.

Legend: N rows, H hidden, G gates stacked in torch's order (r z n; i f g o).
"""

import numpy as np


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x), without a warning where e^-x overflows to infinity (the result is 0 there, as it should be)."""
    with np.errstate(over="ignore"):
        return np.float32(1.0) / (np.float32(1.0) + np.exp(-x))


def step(
    cell: str, gates_x: np.ndarray, gates_h: np.ndarray, state: np.ndarray, norm_c: "Norm | None" = None
) -> np.ndarray:
    """One step.

    Args:
        cell: 'rnn_tanh', 'rnn_relu', 'gru' or 'lstm'.
        gates_x: W x + b, (..., G*H).
        gates_h: U h + b', (..., G*H).
        state: h (..., H); h and c side by side for an LSTM. Only h of a GRU and c of an LSTM are read here.
        norm_c: layer norm of an LSTM's c on its way out.

    Returns:
        The new state in the layout of `state` (an LSTM's h before any projection).
    """
    match cell:
        case "rnn_tanh":
            return np.tanh(gates_x + gates_h)
        case "rnn_relu":
            return np.maximum(gates_x + gates_h, np.float32(0.0))
        case "gru":
            size = state.shape[-1]
            opened = sigmoid(gates_x[..., : 2 * size] + gates_h[..., : 2 * size])
            n = np.tanh(gates_x[..., 2 * size :] + opened[..., :size] * gates_h[..., 2 * size :])
            return n + opened[..., size:] * (state - n)
        case "lstm":
            gates = gates_x + gates_h
            size = gates.shape[-1] // 4
            opened, o = sigmoid(gates[..., : 2 * size]), sigmoid(gates[..., 3 * size :])
            c = state[..., -size:]
            c = opened[..., size:] * c + opened[..., :size] * np.tanh(gates[..., 2 * size : 3 * size])
            h = o * np.tanh(c if norm_c is None else norm_c(c))
            return np.concatenate([h, c], axis=-1)
        case _:
            raise ValueError(cell)


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
