"""The loss of next items: over a whole catalogue, or over some items of a large one that are drawn for each batch.

Axes: B sessions, T steps, M steps whose truth is known, V items, K items that are drawn, H width of the last layer.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from whorl.nn.autoregressive import NextToken
from whorl.nn.heads import LossSum
from whorl.plans.wiring import Categorical


def item_loss(
    network: NextToken,
    head: Categorical,
    inputs: Mapping[str, Tensor],
    lengths: Tensor | None,
    targets: Tensor,
    weights: Tensor,
) -> LossSum:
    """The cross entropy of the items that came; unknown ones (NaN, or below 0) count for nothing.

    Only steps with a truth meet the last layer, which is most of the work where a catalogue is large. In training with
    `head.negatives` the sum over all items is estimated by so many (see `drawn`); it is exact otherwise.

    Args:
        network: reads sessions.
        head: smoothing and negatives.
        inputs: past (B, T, D).
        lengths: (B,), real steps of each session; None where all are.
        targets: (B, T, 1), numbers of items from 0 on.
        weights: (B,).
    """
    y_BTH, _ = network.read(dict(inputs), lengths=lengths)
    truths_BT = targets[..., 0]
    known_BT = torch.isfinite(truths_BT) & (truths_BT >= 0)
    truths_M, y_MH = truths_BT[known_BT].long(), y_BTH[known_BT]
    weights_M = weights[:, None].expand_as(truths_BT)[known_BT]
    if network.training and head.negatives:
        each_M = _sampled(network, y_MH, truths_M, head.negatives)
    else:
        each_M = cross_entropy(network.logits(y_MH), truths_M, reduction="none", label_smoothing=head.smoothing)
    return LossSum((each_M * weights_M).sum(), weights_M.sum())


def _sampled(network: NextToken, y_MH: Tensor, truths_M: Tensor, count: int) -> Tensor:
    """-s_t + log(exp(s_t) + the sum over drawn items j other than t of exp(s_j - log(K q_j))), (M,).

    The sum is that over all other items on average (importance sampling, Bengio & Senecal 2008, section III.B).
    """
    others_K, log_q_K = drawn(truths_M, len(network.bias), count)
    vectors, bias = network.answers, network.bias
    own_M = (y_MH * vectors[truths_M]).sum(dim=-1) + bias[truths_M]
    s_MK = linear(y_MH, vectors[others_K], bias[others_K]) - log_q_K - math.log(count)
    s_MK = s_MK.masked_fill(others_K == truths_M[:, None], -torch.inf)
    total_M: Tensor = torch.logsumexp(torch.cat([own_M[:, None], s_MK], dim=1), dim=1)
    return total_M - own_M


def drawn(truths_M: Tensor, num_items: int, count: int) -> tuple[Tensor, Tensor]:
    """Items that truths are set against, and the logarithm of the probability q of drawing each, (K,) both.

    Half of the probability is spread evenly, so that any item may come, half goes by how often the batch has an item:
    these are the hard ones.
    """
    evenly = torch.rand(count, device=truths_M.device) < 0.5
    whatever = torch.randint(num_items, (count,), device=truths_M.device)
    if not len(truths_M):
        return whatever, torch.full((count,), -math.log(num_items))
    place = torch.randint(len(truths_M), (count,), device=truths_M.device)
    others_K = torch.where(evenly, whatever, truths_M[place])
    counts = torch.bincount(truths_M, minlength=num_items)
    q_V = 0.5 / num_items + 0.5 * counts / len(truths_M)
    return others_K, torch.log(q_V[others_K])
