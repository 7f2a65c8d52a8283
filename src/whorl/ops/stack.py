"""Layers on top of each other, directions side by side: what every backend that runs one layer at a time shares.

Axes: B batch, T time, D features, H hidden, L layers times directions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from whorl.ops.call import Call, State, Weights


@dataclass(frozen=True, kw_only=True, eq=False)
class Pass:
    """One layer read in one direction.

    Args:
        x_TBD: the input; finite at padding.
        state: each part (B, H).
        weights: of this layer and direction.
        reverse: reads from the last real step to the first.
        mask_BH: factor of h on its way into U (recurrent dropout), or None.
        hold: for each part of the state, the share of the old value that stays at a step (zoneout): (T, B, H) of zeros
            and ones while training, the probability in evaluation. None without zoneout.
    """

    x_TBD: Tensor
    state: State
    weights: Weights
    reverse: bool
    mask_BH: Tensor | None
    hold: tuple[Tensor, ...] | float | None


Scan = Callable[[Call, Pass], tuple[Tensor, State]]
"""(call, pass) -> (h of each step (T, B, H), 0 at padding; the final state, each part (B, H))."""


def run_layers(call: Call, scan: Scan) -> tuple[Tensor, State]:
    """Runs all layers and directions of a call, each by `scan`.

    Returns:
        The output of the last layer (T, B, directions * H), and the final state, each part (L, B, H).
    """
    directions = 2 if call.bidirectional else 1
    x_TBD = _without_padding(call.x_TBD, call.lengths_B)
    finals: list[State] = []
    for layer in range(call.num_layers):
        outputs = []
        for reverse in (False, True)[:directions]:
            index = directions * layer + reverse
            state = tuple(part[index] for part in call.state)
            output, final = scan(call, _pass(call, x_TBD, state, call.weights[index], reverse))
            outputs.append(output)
            finals.append(final)
        x_TBD = outputs[0] if directions == 1 else torch.cat(outputs, -1)
        if layer < call.num_layers - 1:
            x_TBD = functional.dropout(x_TBD, call.dropout, call.training)
    return x_TBD, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))


def _without_padding(x_TBD: Tensor, lengths_B: Tensor | None) -> Tensor:
    """Zeroes the padding: a NaN there would survive a multiplication by a zero gradient."""
    if lengths_B is None:
        return x_TBD
    steps_T1 = torch.arange(len(x_TBD), device=x_TBD.device)[:, None]
    return torch.where((steps_T1 < lengths_B.to(x_TBD.device))[:, :, None], x_TBD, 0.0)


def _pass(call: Call, x_TBD: Tensor, state: State, weights: Weights, reverse: bool) -> Pass:
    mask_BH = None
    hold: tuple[Tensor, ...] | float | None = None
    if call.training and call.recurrent_dropout > 0:
        mask_BH = functional.dropout(torch.ones_like(state[0]), call.recurrent_dropout)
    if call.zoneout > 0:
        hold = call.zoneout
        if call.training:
            hold = tuple(part.new_empty(len(x_TBD), *part.shape).bernoulli_(call.zoneout) for part in state)
    return Pass(x_TBD=x_TBD, state=state, weights=weights, reverse=reverse, mask_BH=mask_BH, hold=hold)
