"""One step of a layer with its numbers: what it read, its gates, and the state that came out of the one before."""

from dataclasses import dataclass

import numpy as np

from whorl.cells import CELLS
from whorl.report.gates import candidate_of, gates_of
from whorl.report.traces import Layer
from whorl.report.views import View
from whorl.runtime.operations import Recurrent, Scan

# Numbers of each row that are written.
_MOST = 4

# How each cell makes a value of those above it; * goes unit by unit.
_EQUATIONS = {
    "gru": {
        "reset": "r = sigmoid(W_r x + b_r + U_r h + b'_r)",
        "update": "z = sigmoid(W_z x + b_z + U_z h + b'_z)",
        "candidate": "n = tanh(W_n x + b_n + r * (U_n h + b'_n))",
        "state": "(1 - z) * n + z * h",
    },
    "lstm": {
        "input": "i = sigmoid(W_i x + b_i + U_i h + b'_i)",
        "forget": "f = sigmoid(W_f x + b_f + U_f h + b'_f)",
        "candidate": "g = tanh(W_g x + b_g + U_g h + b'_g)",
        "output": "o = sigmoid(W_o x + b_o + U_o h + b'_o)",
        "memory": "c' = f * c + i * g",
        "state": "o * tanh(c')",
    },
    "rnn": {"state": "{activation}(W x + b + U h + b')"},
    "linear": {"keep": "a, of W x + b alone", "state": "a * h + what is written"},
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One value of a step: what it is, how it is made, its shape, and its first numbers."""

    name: str
    equation: str
    shape: str
    numbers: list[str]


@dataclass(frozen=True, kw_only=True)
class OneStep:
    """A step of a layer: which one it is, and its values in the order in which they are made."""

    title: str
    lines: list[Line]


def one_step(view: View) -> OneStep | None:
    """The last step of a view in its last layer; None for cells whose equation is not written out here.

    These are complex ones, those whose states are projected or partly kept by chance, and those with layer norm.
    """
    layer = view.last_layer
    equations = _equations(layer)
    if equations is None:
        return None
    (run,) = layer.runs
    values = {"read": run.x, "state before": run.before} if isinstance(layer.op, Recurrent) else {}
    values = values or {"state before": run.before}
    values |= gates_of(layer, run, view.program.tensors)
    candidate = candidate_of(layer, run, view.program.tensors)
    values |= {} if candidate is None else {"candidate": candidate}
    values["state"] = run.h
    values |= _memory(layer)
    signs = {"read": "x", "state before": "h", "memory before": "c", **equations}
    order = ["read", "state before", "memory before", *equations]
    return OneStep(
        title=f"{layer.name}, {view.step} {view.names[-1]}",
        lines=[_line(name, signs[name], values[name][-1]) for name in order if name in values],
    )


def _memory(layer: Layer) -> dict[str, np.ndarray]:
    """What a layer carries beside what it says before and after each step; nothing where that is nothing."""
    (run,) = layer.runs
    if run.inside is None or run.inside_before is None:
        return {}
    return {"memory before": run.inside_before, "memory": run.inside}


def _equations(layer: Layer) -> dict[str, str] | None:
    op = layer.op
    if isinstance(op, Scan):
        return _EQUATIONS["linear"] if op.numbers == "real" else None
    if op.layer_norm or op.zoneout or op.weight_hr:
        return None
    activation = "relu" if op.cell == "rnn_relu" else "tanh"
    found = _EQUATIONS.get(CELLS[op.cell].recipe)
    return found and {name: text.replace("{activation}", activation) for name, text in found.items()}


def _line(name: str, equation: str, values: np.ndarray) -> Line:
    shown = [f"{value:.4f}" for value in values[:_MOST].tolist()]
    return Line(name=name, equation=equation, shape=f"({len(values)})", numbers=shown)
