"""Recurrences as most users of torch write them: its cells, or a cell of their own, called at each step.

Axes: T time, B batch, I features of a step, H hidden, G stacked gates.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from benchmarks.peers.loops import Masks, State
from torch import Tensor
from torch.nn import functional

Step = Callable[[Tensor, State, Tensor], State]
"""(x of a step, state, h as the recurrent product reads it) -> the next state."""


def scan(
    cell: str, weights: Mapping[str, Tensor], masks: Masks, resets: Tensor | None, x: Tensor, state: Sequence[Tensor]
) -> State:
    """A loop over torch's cells, or over one of one's own.

    Arguments and answer are those of `loops.scan`.
    """
    own = "norm_weight_ih" in weights or (cell == "gru" and masks.recurrent is not None)
    step = (OWN if own else TORCH)[cell](weights)
    now: State = tuple(state)
    outputs = []
    for t in range(len(x)):
        if resets is not None:
            now = tuple(part * resets[t] for part in now)
        new = step(x[t], now, now[0] if masks.recurrent is None else now[0] * masks.recurrent)
        if masks.hold is not None:
            new = tuple(torch.where(kept[t] > 0, o, n) for n, o, kept in zip(new, now, masks.hold, strict=True))
        now = new
        outputs.append(now[0])
    return torch.stack(outputs), *now


def _torch(function: Callable[..., Tensor]) -> Callable[[Mapping[str, Tensor]], Step]:
    """What torch.nn.RNNCell and GRUCell call."""

    def with_weights(weights: Mapping[str, Tensor]) -> Step:
        tensors = [weights[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        return lambda x, state, read: (function(x, read, *tensors),)

    return with_weights


def _torch_lstm(weights: Mapping[str, Tensor]) -> Step:
    """What torch.nn.LSTMCell calls."""
    tensors = [weights[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    return lambda x, state, read: torch.lstm_cell(x, (read, state[1]), *tensors)


def _products(weights: Mapping[str, Tensor]) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """A function of (x, h) that returns the input and the recurrent product, normalised if the weights say so."""

    def product(value: Tensor, side: str) -> Tensor:
        weight, bias, gain = weights[f"weight_{side}"], weights[f"bias_{side}"], weights.get(f"norm_weight_{side}")
        if gain is None:
            return functional.linear(value, weight, bias)
        return functional.layer_norm(functional.linear(value, weight), gain.shape, gain, bias)

    return lambda x, h: (product(x, "ih"), product(h, "hh"))


def _own_rnn(weights: Mapping[str, Tensor]) -> Step:
    products = _products(weights)
    return lambda x, state, read: (torch.tanh(sum(products(x, read))),)  # type: ignore[arg-type]


def _own_gru(weights: Mapping[str, Tensor]) -> Step:
    products = _products(weights)

    def step(x: Tensor, state: State, read: Tensor) -> State:
        a, u = products(x, read)
        a_r, a_z, a_n = a.chunk(3, 1)
        u_r, u_z, u_n = u.chunk(3, 1)
        r, z = torch.sigmoid(a_r + u_r), torch.sigmoid(a_z + u_z)
        n = torch.tanh(a_n + r * u_n)
        return ((1 - z) * n + z * state[0],)

    return step


def _own_lstm(weights: Mapping[str, Tensor]) -> Step:
    products = _products(weights)
    gain, bias = weights["norm_weight_c"], weights["norm_bias_c"]

    def step(x: Tensor, state: State, read: Tensor) -> State:
        a, u = products(x, read)
        i, f, g, o = (a + u).chunk(4, 1)
        c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(functional.layer_norm(c, gain.shape, gain, bias)), c

    return step


TORCH = {"rnn": _torch(torch.rnn_tanh_cell), "gru": _torch(torch.gru_cell), "lstm": _torch_lstm}
OWN = {"rnn": _own_rnn, "gru": _own_gru, "lstm": _own_lstm}
