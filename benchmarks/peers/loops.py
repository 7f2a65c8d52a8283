"""Recurrences as they are written in torch by those whose option torch.nn does not have: a loop over steps.

The product of the input is taken out of the loop, biases are added once, gates that share a function are computed
together, and rows are taken by `unbind`, whose backward pass is one copy. Written as TorchScript, which is deprecated,
the loops took 0.85 of the time that they take as they are.

Axes: T time, B batch, I features of a step, H hidden, G stacked gates.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from benchmarks.registry import RECURRENT_DROPOUT, ZONEOUT, Entry
from torch import Tensor
from torch.nn import functional

State = tuple[Tensor, ...]
Step = Callable[[Tensor, State, Tensor], State]
"""(input product of a step, state, h as the recurrent product reads it) -> the next state."""


class Masks(NamedTuple):
    """What an option draws for a sequence: factors of h, and what each part of the state keeps at each step."""

    recurrent: Tensor | None = None
    hold: tuple[Tensor, ...] | None = None


Scan = Callable[[str, Mapping[str, Tensor], Masks, Tensor | None, Tensor, Sequence[Tensor]], State]
"""The arguments and the answer of `scan`."""
Draw = Callable[[Sequence[int], float], Tensor]
"""(shape, probability) -> ones with that probability, else zeros, in float32."""


def bernoulli(shape: Sequence[int], probability: float) -> Tensor:
    """Masks as users of torch draw them."""
    return torch.empty(*shape).bernoulli_(probability)


def draw(entry: Entry, state: Sequence[Tensor], hold: Draw) -> Masks:
    """Draws in float32, whatever the state is, so that the same seed gives all peers the same masks.

    Args:
        entry: whose option says what is drawn.
        state: h, and c with an LSTM, each (B, H).
        hold: draws what zoneout keeps.
    """
    if entry.option == "recurrent dropout":
        ones = torch.ones(state[0].shape)
        return Masks(recurrent=functional.dropout(ones, RECURRENT_DROPOUT).to(state[0].dtype))
    if entry.option == "zoneout":
        drawn = [hold((entry.steps, *part.shape), ZONEOUT) for part in state]
        return Masks(hold=tuple(part.to(state[0].dtype) for part in drawn))
    return Masks()


def scan(
    cell: str, weights: Mapping[str, Tensor], masks: Masks, resets: Tensor | None, x: Tensor, state: Sequence[Tensor]
) -> State:
    """A loop over steps, the input product outside of it.

    Args:
        cell: 'rnn', 'gru' or 'lstm'.
        weights: by torch's names.
        masks: of `draw`.
        resets: (T, B, 1) of zeros where the state is forgotten and ones elsewhere, or None.
        x: (T, B, I).
        state: h, and c with an LSTM, each (B, H).

    Returns:
        Output (T, B, H) and the parts of the final state.
    """
    step = STEPS[cell](weights)
    gates_x = _input_product(cell, weights, x).unbind(0)
    keep = None if resets is None else resets.unbind(0)
    hold = None if masks.hold is None else list(zip(*(part.unbind(0) for part in masks.hold), strict=True))
    now: State = tuple(state)
    outputs = []
    for t, gates in enumerate(gates_x):
        if keep is not None:
            now = tuple(part * keep[t] for part in now)
        read = now[0] if masks.recurrent is None else now[0] * masks.recurrent
        new = step(gates, now, read)
        if hold is not None:
            new = tuple(torch.lerp(n, o, share) for n, o, share in zip(new, now, hold[t], strict=True))
        now = new
        outputs.append(now[0])
    return torch.stack(outputs), *now


def _input_product(cell: str, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    # The bias of the recurrent product of a GRU stands inside of its reset gate; all others are plain sums.
    if "norm_weight_ih" in weights:
        product = functional.linear(x, weights["weight_ih"])
        return functional.layer_norm(product, product.shape[-1:], weights["norm_weight_ih"], weights["bias_ih"])
    bias = weights["bias_ih"] if cell == "gru" else weights["bias_ih"] + weights["bias_hh"]
    return functional.linear(x, weights["weight_ih"], bias)


def _recurrent_product(weights: Mapping[str, Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """A function of (h, what is added) that returns h W_hh^T with its bias, plus what is added."""
    turned, bias, gain = weights["weight_hh"].t(), weights["bias_hh"], weights.get("norm_weight_hh")
    if gain is not None:
        return lambda h, added: added + functional.layer_norm(h @ turned, turned.shape[1:], gain, bias)
    return lambda h, added: torch.addmm(added, h, turned)


def _rnn(weights: Mapping[str, Tensor]) -> Step:
    product = _recurrent_product(weights)
    return lambda gates, state, read: (torch.tanh(product(read, gates)),)


def _gru(weights: Mapping[str, Tensor]) -> Step:
    size = weights["weight_hh"].shape[0] // 3
    normed = "norm_weight_hh" in weights
    product = _recurrent_product(weights)
    start = torch.zeros((), dtype=weights["bias_hh"].dtype) if normed else weights["bias_hh"]

    def step(gates: Tensor, state: State, read: Tensor) -> State:
        a_rz, a_n = gates.split([2 * size, size], 1)
        u_rz, u_n = product(read, start).split([2 * size, size], 1)
        r, z = torch.sigmoid(a_rz + u_rz).chunk(2, 1)
        n = torch.tanh(torch.addcmul(a_n, r, u_n))
        return (torch.lerp(n, state[0], z),)

    return step


def _lstm(weights: Mapping[str, Tensor]) -> Step:
    size = weights["weight_hh"].shape[0] // 4
    product = _recurrent_product(weights)
    gain, bias = weights.get("norm_weight_c"), weights.get("norm_bias_c")

    def step(gates: Tensor, state: State, read: Tensor) -> State:
        opened, g, o = product(read, gates).split([2 * size, size, size], 1)
        i, f = torch.sigmoid(opened).chunk(2, 1)
        c = f * state[1] + i * torch.tanh(g)
        shown = c if gain is None else functional.layer_norm(c, c.shape[-1:], gain, bias)
        return torch.sigmoid(o) * torch.tanh(shown), c

    return step


STEPS: dict[str, Callable[[Mapping[str, Tensor]], Step]] = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}
