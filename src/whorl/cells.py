"""What is known of each cell outside of torch: one step in numpy, and how it is named, gated and started.

All else in Python that depends on the cell is derived from `CELLS`, but its equation in torch, in `whorl.nn.cells`.
Cells that are linear in their state have a table of their own, `LINEAR_CELLS`, and equations in `whorl.ops.linear`.

Legend: N rows, H hidden, G gates stacked in torch's order (r z n; i f g o).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

Array = np.ndarray
CellName = Literal["rnn_tanh", "rnn_relu", "lstm", "gru"]
"""The keys of `CELLS`, for type checkers and for the decoder of programs."""
LinearName = Literal["mingru", "minlstm", "lru"]
"""The keys of `LINEAR_CELLS`, for type checkers."""
RecipeName = Literal["rnn", "lstm", "gru", "mingru", "minlstm", "lru"]
"""The recipes of both tables, for type checkers and for the command line."""

Step = Callable[[Array, Array, Array, Callable[[Array], Array] | None], Array]
"""(gates_x, gates_h, state, norm_c) -> the new state.

gates_x: W x + b, (..., G*H). gates_h: U h + b', (..., G*H). state: h (..., H); of a cell with a c, h and c side by
side, h as wide as before any projection in the result. norm_c: layer norm of c on its way out, or None.
"""


@dataclass(frozen=True, kw_only=True)
class CellType:
    """What is known of a cell beside its equation in torch.

    Args:
        step: one step in numpy.
        torch: file in `whorl/nn/cells` and class in it that has the equation in torch.
        recipe: the name by which users choose the cell.
        nonlinearity: the option that chooses among cells of one recipe; None where there is no choice.
        num_gates: G, parts of H rows that the weights of a product are stacked of.
        has_c: whether the state holds a c beside h. Such a cell may have a projection, and its c a layer norm.
        keep_gate: the gate, counted from 0, whose value is the share of the state that is kept; None without.
        write_gate: the gate that lets new values in; None where what is not kept is what is written.
    """

    step: Step
    torch: tuple[str, str]
    recipe: RecipeName
    nonlinearity: str | None = None
    num_gates: int
    has_c: bool = False
    keep_gate: int | None = None
    write_gate: int | None = None

    def state_size(self, units: int, width: int) -> int:
        """Numbers in the state of one row: h of that width, and c, where there is one, of all units."""
        return width + units if self.has_c else width


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), without a warning where e^-x overflows to infinity (the result is 0 there, as it should be)."""
    with np.errstate(over="ignore"):
        return np.float32(1.0) / (np.float32(1.0) + np.exp(-x))


def _rnn_tanh(gates_x: Array, gates_h: Array, state: Array, norm_c: object) -> Array:
    return np.tanh(gates_x + gates_h)


def _rnn_relu(gates_x: Array, gates_h: Array, state: Array, norm_c: object) -> Array:
    return np.maximum(gates_x + gates_h, np.float32(0.0))


def _lstm(gates_x: Array, gates_h: Array, state: Array, norm_c: Callable[[Array], Array] | None) -> Array:
    gates = gates_x + gates_h
    size = gates.shape[-1] // 4
    opened, o = sigmoid(gates[..., : 2 * size]), sigmoid(gates[..., 3 * size :])
    c = state[..., -size:]
    c = opened[..., size:] * c + opened[..., :size] * np.tanh(gates[..., 2 * size : 3 * size])
    h = o * np.tanh(c if norm_c is None else norm_c(c))
    return np.concatenate([h, c], axis=-1)


def _gru(gates_x: Array, gates_h: Array, state: Array, norm_c: object) -> Array:
    size = state.shape[-1]
    opened = sigmoid(gates_x[..., : 2 * size] + gates_h[..., : 2 * size])
    n = np.tanh(gates_x[..., 2 * size :] + opened[..., :size] * gates_h[..., 2 * size :])
    return n + opened[..., size:] * (state - n)


_ELMAN = ("elman", "ElmanCell")

CELLS: Mapping[CellName, CellType] = {
    "rnn_tanh": CellType(step=_rnn_tanh, torch=_ELMAN, recipe="rnn", nonlinearity="tanh", num_gates=1),
    "rnn_relu": CellType(step=_rnn_relu, torch=_ELMAN, recipe="rnn", nonlinearity="relu", num_gates=1),
    "lstm": CellType(
        step=_lstm, torch=("lstm", "LSTMCell"), recipe="lstm", num_gates=4, has_c=True, keep_gate=1, write_gate=0
    ),
    "gru": CellType(step=_gru, torch=("gru", "GRUCell"), recipe="gru", num_gates=3, keep_gate=1),
}


@dataclass(frozen=True, kw_only=True)
class LinearType:
    """What is known of a cell whose state enters its next one by a product of elements and nothing else.

    A program has no operation for such a cell: its gates are made by those that there are, `Scan` carries its state.

    Args:
        name: how it is written in texts for readers.
        num_gates: G, parts of H rows that the weights of the input product are stacked of.
        state_parts: parts of H numbers that the state of one row consists of: h, or its real and its imaginary part.
    """

    name: str
    num_gates: int
    state_parts: int = 1


LINEAR_CELLS: Mapping[LinearName, LinearType] = {
    "mingru": LinearType(name="minGRU", num_gates=2),
    "minlstm": LinearType(name="minLSTM", num_gates=3),
    "lru": LinearType(name="LRU", num_gates=3, state_parts=2),
}

RECURRENT_RECIPES: tuple[RecipeName, ...] = tuple(dict.fromkeys(cell.recipe for cell in CELLS.values()))
"""The recipes of `CELLS`."""
RECIPES: tuple[RecipeName, ...] = (*RECURRENT_RECIPES, *LINEAR_CELLS)
"""What users choose from."""


def cell_name(recipe: str, nonlinearity: str) -> CellName:
    """The cell of a recipe; `nonlinearity` counts where the recipe leaves a choice. KeyError for an unknown recipe."""
    for name, cell in CELLS.items():
        if cell.recipe == recipe and cell.nonlinearity in (None, nonlinearity):
            return name
    raise KeyError(recipe)
