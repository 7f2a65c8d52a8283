"""Recurrences that are linear in their state, in plain PyTorch: the equations of the cells, and a parallel scan.

It supports everything, is differentiable twice, and defines what is correct.

Axes: B batch, T time, H hidden, G stacked gates, S numbers of a state: H, or H real parts and H imaginary ones.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from whorl.cells import LINEAR_CELLS, LinearName


class LinearPass(NamedTuple):
    """One layer read in one direction.

    Args:
        cell: 'mingru', 'minlstm' or 'lru'.
        gates_BTG: the input product with its bias, of an 'lru' gamma B x alone; at padding anything that is finite.
        decay_S: lambda of an 'lru', real and imaginary; None for others.
        state_BS: the state before the first step that is read.
        lengths_B: int64, real steps; None where all are T.
        resets_BT: True where the state before that step is zero; None where nothing is reset.
        reverse: reads from the last real step to the first.
        owned: nobody else reads `gates_BTG` any more, so that their gradients may be written over them.
    """

    cell: LinearName
    gates_BTG: Tensor
    decay_S: Tensor | None
    state_BS: Tensor
    lengths_B: Tensor | None
    resets_BT: Tensor | None
    reverse: bool
    owned: bool = False


def candidate(x: Tensor) -> Tensor:
    """g(x) = x + 1/2 from 0 on and sigmoid(x) below: positive, and continuous (Feng et al. 2024, appendix B)."""
    return torch.where(x >= 0, x + 0.5, torch.sigmoid(x))


def terms(cell: LinearName, gates: Tensor, decay_S: Tensor | None) -> tuple[Tensor, Tensor]:
    """The factor a and the addend b of the next state h = a h' + b, (..., S) each.

    minGRU (Feng et al. 2024, section 3.1), gates z, c:       a = 1 - sigmoid(z),  b = sigmoid(z) g(c)
    minLSTM (section 3.2), gates i, f, c, with the shares that add up to one:
        a = sigmoid(f) / (sigmoid(f) + sigmoid(i)),  b = (1 - a) g(c)
    LRU (Orvieto et al. 2023, eq. 7), gates: real and imaginary part of gamma B x:
        a = lambda,  b = gamma B x

    Args:
        cell: which equation.
        gates: (..., G), of the input alone.
        decay_S: lambda of an 'lru'.
    """
    if cell == "lru":
        assert decay_S is not None
        return decay_S, gates
    if cell == "mingru":
        z, c = gates.chunk(2, -1)
        return torch.sigmoid(-z), torch.sigmoid(z) * candidate(c)
    i, f, c = gates.chunk(3, -1)
    # Of the quotient, as of a sigmoid of the difference of logarithms: both gates may be as good as zero.
    apart = functional.logsigmoid(f) - functional.logsigmoid(i)
    return torch.sigmoid(apart), torch.sigmoid(-apart) * candidate(c)


def product(cell: LinearName, a: Tensor, b: Tensor) -> Tensor:
    """The product a b, elementwise; of a cell whose numbers are complex, of pairs of halves of the last axis."""
    if LINEAR_CELLS[cell].state_parts == 1:
        return a * b
    (a_re, a_im), (b_re, b_im) = a.chunk(2, -1), b.chunk(2, -1)
    return torch.cat([a_re * b_re - a_im * b_im, a_re * b_im + a_im * b_re], -1)


def scan(layer: LinearPass) -> tuple[Tensor, Tensor]:
    """Applies h_t = a_t h_{t-1} + b_t to one step after the other, in one direction.

    A reset is a factor of zero, and padding a factor of one beside nothing to add, so that both are exact.

    Returns:
        The state after each step (B, T, S), 0 at padding, and the one after the last step that was read.
    """
    num_steps = layer.gates_BTG.shape[1]
    if num_steps == 0:
        return layer.state_BS.new_empty(len(layer.state_BS), 0, layer.state_BS.shape[-1]), layer.state_BS
    a, b = terms(layer.cell, layer.gates_BTG, layer.decay_S)
    a = a.expand_as(b)
    real_BT1 = None
    cuts_BT = cuts(layer)
    if cuts_BT is not None:
        a = torch.where(cuts_BT[..., None], 0.0, a)
    if layer.lengths_B is not None:
        real_BT1 = real_steps(layer.lengths_B, num_steps, a.device)[..., None]
        one_S = a.new_ones(a.shape[-1])
        if LINEAR_CELLS[layer.cell].state_parts == 2:
            one_S[one_S.shape[0] // 2 :] = 0.0
        a, b = torch.where(real_BT1, a, one_S), torch.where(real_BT1, b, 0.0)
    if layer.reverse:
        a, b = a.flip(1), b.flip(1)
    first = product(layer.cell, a[:, :1], layer.state_BS[:, None]) + b[:, :1]
    h_BTS = _parallel(layer.cell, a, torch.cat([first, b[:, 1:]], 1))
    final_BS = h_BTS[:, -1]
    if layer.reverse:
        h_BTS = h_BTS.flip(1)
    return h_BTS if real_BT1 is None else torch.where(real_BT1, h_BTS, 0.0), final_BS


def _parallel(cell: LinearName, a: Tensor, b: Tensor) -> Tensor:
    """h_t = a_t h_{t-1} + b_t, with h_{-1} = 0 (Blelloch 1990, section 1.4): O(T) work in O(log T) operations.

    Two steps are one: a_{t+1} a_t, and a_{t+1} b_t + b_{t+1}. Every other h is that of half as many such steps.
    """
    num_steps = b.shape[1]
    if num_steps == 1:
        return b
    even = num_steps - num_steps % 2
    a_odd, b_odd = a[:, 1:even:2], b[:, 1:even:2]
    h_odd = _parallel(cell, product(cell, a_odd, a[:, 0:even:2]), product(cell, a_odd, b[:, 0:even:2]) + b_odd)
    a_even, b_even = a[:, 2::2], b[:, 2::2]
    h_even = torch.cat([b[:, :1], product(cell, a_even, h_odd[:, : a_even.shape[1]]) + b_even], 1)
    h = torch.stack([h_even[:, : even // 2], h_odd], 2).flatten(1, 2)
    return h if even == num_steps else torch.cat([h, h_even[:, -1:]], 1)


def real_steps(lengths_B: Tensor, num_steps: int, device: torch.device) -> Tensor:
    """(B, T), True at the real steps."""
    return torch.arange(num_steps, device=device) < lengths_B.to(device)[:, None]


def cuts(layer: LinearPass) -> Tensor | None:
    """(B, T), True at steps that are read from a state of zero; None where none is.

    A reset at t separates t - 1 from t: it zeroes the state before t or, read backwards, before t - 1.
    """
    if layer.resets_BT is None:
        return None
    cuts_BT = layer.resets_BT.to(layer.gates_BTG.device)
    if not layer.reverse:
        return cuts_BT
    if layer.lengths_B is not None:
        # A reset in the padding would zero the initial state on its way to the last real step.
        cuts_BT = cuts_BT & real_steps(layer.lengths_B, cuts_BT.shape[1], cuts_BT.device)
    return torch.cat([cuts_BT[:, 1:], torch.zeros_like(cuts_BT[:, :1])], 1)
