"""What a layer carries from step to step, worked out from what it read and said.

Axes: n runs, S steps of each, D numbers that are read, H units, G stacked gates.
"""

from collections.abc import Mapping

import numpy as np

from whorl.cells import CELLS
from whorl.runtime.norm import Norm
from whorl.runtime.operations import Recurrent


def sums(
    op: Recurrent, x: np.ndarray, before: np.ndarray, tensors: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """W x + b and U h + b' at each step, (..., G*H) each.

    Args:
        op: the layer.
        x: what it read, (..., D).
        before: what it had said at the step before, (..., H).
        tensors: of the program.
    """
    norms = [Norm(tensors[a], tensors[b], 1e-5) for a, b in zip(op.layer_norm[::2], op.layer_norm[1::2], strict=True)]
    own = _product(x, op.weight_ih, op.bias_ih, norms[0] if norms else None, tensors)
    return own, _product(before, op.weight_hh, op.bias_hh, norms[1] if norms else None, tensors)


def memory_cells(
    op: Recurrent, x: np.ndarray, before: np.ndarray, start: np.ndarray | None, tensors: Mapping[str, np.ndarray]
) -> np.ndarray | None:
    """The c of a cell that has one after each step, (n, S, H); None for others.

    No program says it: it follows from its start and from what was read and said.

    Args:
        op: the layer.
        x: what it read, (n, S, D).
        before: what it had said at the step before, (n, S, H).
        start: the state that it was given, h and c side by side, (n, ...); None where it began with zeros.
        tensors: of the program.
    """
    cell = CELLS[op.cell]
    if not cell.has_c:
        return None
    own, carried = sums(op, x, before, tensors)
    units = own.shape[-1] // cell.num_gates
    made = np.empty((*x.shape[:2], units), np.float32)
    c = np.zeros_like(made[:, 0]) if start is None else start[:, -units:]
    steps = range(x.shape[1])
    for t in reversed(steps) if op.reverse else steps:
        new = cell.step(own[:, t], carried[:, t], np.concatenate([before[:, t], c], axis=-1), None)
        made[:, t] = c = np.float32(op.zoneout) * c + np.float32(1.0 - op.zoneout) * new[:, -units:]
    return made


def _product(
    x: np.ndarray, weight: str, bias: str | None, norm: Norm | None, tensors: Mapping[str, np.ndarray]
) -> np.ndarray:
    made: np.ndarray = x @ tensors[weight].T + (0.0 if bias is None else tensors[bias])
    return made if norm is None else norm(made.astype(np.float32))
