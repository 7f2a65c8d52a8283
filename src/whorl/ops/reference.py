"""The loop over time in plain PyTorch. It supports everything, is differentiable twice, and defines what is correct.

Axes: B batch, T time, D features, H hidden, G stacked gates, L layers times directions.
"""

import torch
from torch import Tensor

from whorl.ops.call import Call, State
from whorl.ops.stack import Pass, run_layers


def run(call: Call) -> tuple[Tensor, State]:
    """Runs a call; returns the output (T, B, directions * H) and the final state, each part (L, B, H)."""
    return run_layers(call, scan)


def scan(layer: Pass) -> tuple[Tensor, State]:
    """Applies a cell to one step after the other, in one direction.

    At a real step t of a sequence, with s the state that the previous step left:

        s  <- 0                              where a reset lies between the two steps
        s' <- step(W x_t + b, s)
        s  <- hold_t * s + (1 - hold_t) * s'

    At padding the state stays what it is, so that the final state is that of the last real step, and of a sequence of
    length 0 the initial state.
    """
    num_steps = len(layer.x_TBD)
    x_TBD = _without_padding(layer.x_TBD, layer.lengths_B)
    gates_x = layer.input_gates(x_TBD, layer.weights).unbind(0)
    real = _real_rows(layer.lengths_B, x_TBD)
    cut = _cut_rows(layer)
    state = layer.state
    outputs: list[Tensor] = [x_TBD] * num_steps
    for t in reversed(range(num_steps)) if layer.reverse else range(num_steps):
        before, real_B1, cut_B1 = state, real[t], cut[t]
        if cut_B1 is not None:
            state = tuple(torch.where(cut_B1, 0.0, part) for part in state)
        state = _hold(layer.hold, t, state, layer.step(gates_x[t], state, layer.weights, layer.mask_BH))
        outputs[t] = state[0]
        if real_B1 is not None:
            outputs[t] = torch.where(real_B1, state[0], 0.0)
            state = tuple(torch.where(real_B1, new, old) for new, old in zip(state, before, strict=True))
    if num_steps == 0:
        return state[0].new_empty(0, *state[0].shape), state
    return torch.stack(outputs), state


def _without_padding(x_TBD: Tensor, lengths_B: Tensor | None) -> Tensor:
    """Zeroes the padding: a NaN there would survive a multiplication by a zero gradient."""
    if lengths_B is None:
        return x_TBD
    steps_T1 = torch.arange(len(x_TBD), device=x_TBD.device)[:, None]
    return torch.where((steps_T1 < lengths_B.to(x_TBD.device))[:, :, None], x_TBD, 0.0)


def _real_rows(lengths_B: Tensor | None, x_TBD: Tensor) -> list[Tensor | None]:
    """For each step, (B, 1) that is True where the sequence has that step; None where all sequences have it."""
    if lengths_B is None or lengths_B.numel() == 0:
        return [None] * len(x_TBD)
    # Numbers that are not known yet cannot shape a graph.
    shortest = 0 if torch.compiler.is_compiling() else int(lengths_B.min())
    lengths_B1 = lengths_B.to(x_TBD.device)[:, None]
    return [None if t < shortest else lengths_B1 > t for t in range(len(x_TBD))]


def _cut_rows(layer: Pass) -> list[Tensor | None]:
    """For each step, (B, 1) that is True where the state is zeroed before entering it; None where it never is.

    A reset at t separates t - 1 from t: it zeroes the state before t, or, read backwards, before t - 1.
    """
    num_steps = len(layer.x_TBD)
    if layer.resets_TB is None or num_steps == 0:
        return [None] * num_steps
    cuts_TB = layer.resets_TB.to(layer.x_TBD.device)
    if layer.lengths_B is not None:
        # Read backwards, a reset in the padding would zero the initial state on its way to the last real step.
        steps_T1 = torch.arange(num_steps, device=cuts_TB.device)[:, None]
        cuts_TB = cuts_TB & (steps_T1 < layer.lengths_B.to(cuts_TB.device))
    if layer.reverse:
        cuts_TB = torch.cat([cuts_TB[1:], torch.zeros_like(cuts_TB[:1])])
    if torch.compiler.is_compiling():
        return [cuts_TB[t, :, None] for t in range(num_steps)]
    found = cuts_TB.any(1).tolist()
    return [cuts_TB[t, :, None] if found[t] else None for t in range(num_steps)]


def _hold(hold: tuple[Tensor, ...] | float | None, t: int, old: State, new: State) -> State:
    """Zoneout (Krueger et al. 2017, eq. 5-6): keeps a share of the old state."""
    if hold is None:
        return new
    if isinstance(hold, float):
        return tuple(torch.lerp(n, o, hold) for n, o in zip(new, old, strict=True))
    return tuple(torch.lerp(n, o, part[t]) for n, o, part in zip(new, old, hold, strict=True))
