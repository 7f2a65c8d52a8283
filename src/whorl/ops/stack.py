"""Layers on top of each other, directions side by side: what every backend that runs one layer at a time shares.

Axes: B batch, T time, D features, H hidden, L layers times directions.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from whorl.ops import masks
from whorl.ops.call import Call, InputGates, State, Step, Weights


class Pass(NamedTuple):
    """One layer read in one direction.

    Args:
        cell: as in `Call`.
        input_gates: as in `Call`.
        step: as in `Call`.
        x_TBD: the input; at padding anything.
        state: each part (B, H).
        weights: of this layer and direction.
        lengths_B: as in `Call`.
        resets_TB: as in `Call`.
        reverse: reads from the last real step to the first.
        mask_BH: factor of h on its way into U (recurrent dropout), or None.
        hold: for each part of the state, the share of the old value that stays at a step (zoneout): (T, B, H) of zeros
            and ones while training, the probability in evaluation. None without zoneout.
    """

    cell: str
    input_gates: InputGates
    step: Step
    x_TBD: Tensor
    state: State
    weights: Weights
    lengths_B: Tensor | None
    resets_TB: Tensor | None
    reverse: bool
    mask_BH: Tensor | None
    hold: tuple[Tensor, ...] | float | None


Scan = Callable[[Pass], tuple[Tensor, State]]
"""pass -> (h of each step (T, B, H), 0 at padding; the final state, each part (B, H))."""


def run_layers(call: Call, scan: Scan) -> tuple[Tensor, State]:
    """Runs all layers and directions of a call, each by `scan`.

    Returns:
        The output of the last layer (T, B, directions * H), and the final state, each part (L, B, H).
    """
    directions = 2 if call.bidirectional else 1
    x_TBD = call.x_TBD
    finals: list[State] = []
    for layer in range(call.num_layers):
        outputs = []
        for reverse in (False, True)[:directions]:
            index = directions * layer + reverse
            output, final = scan(_pass(call, x_TBD, index, reverse))
            outputs.append(output)
            finals.append(final)
        x_TBD = outputs[0] if directions == 1 else torch.cat(outputs, -1)
        if layer < call.num_layers - 1 and call.dropout > 0:
            x_TBD = functional.dropout(x_TBD, call.dropout, call.training)
    if len(finals) == 1:  # a view costs less than a copy
        return x_TBD, tuple([part.unsqueeze(0) for part in finals[0]])
    return x_TBD, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))


def _pass(call: Call, x_TBD: Tensor, index: int, reverse: bool) -> Pass:
    # Of a single layer the axis is dropped, which costs nothing on the way back either.
    state = tuple([part.squeeze(0) if len(part) == 1 else part[index] for part in call.state])
    mask_BH = None
    hold: tuple[Tensor, ...] | float | None = None
    if call.recurrent_dropout > 0 and call.training:
        mask_BH = functional.dropout(torch.ones_like(state[0]), call.recurrent_dropout)
    if call.zoneout > 0:
        hold = call.zoneout
        if call.training:
            hold = tuple([masks.draw(part, (len(x_TBD), *part.shape), call.zoneout) for part in state])
    return Pass(
        call.cell,
        call.input_gates,
        call.step,
        x_TBD,
        state,
        call.weights[index],
        call.lengths_B,
        call.resets_TB,
        reverse,
        mask_BH,
        hold,
    )
