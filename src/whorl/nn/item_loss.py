"""The loss of next items: over a whole catalogue, or over some items of a large one that are drawn for each batch.

Where it is learned, too, when the next event comes, its bin of time is one more class to be told.

Where seen items are left out of answers, they are left out of the loss: a network need not learn what is filtered.

Axes: B sessions, T steps, M steps whose truth is known, V items, K items that are drawn, H width of the last layer.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear

from whorl.nn.autoregressive import NextToken
from whorl.nn.heads import LossSum
from whorl.plans.heads import Categorical


def item_loss(
    network: NextToken,
    head: Categorical,
    inputs: Mapping[str, Tensor],
    lengths: Tensor | None,
    targets: Tensor,
    weights: Tensor,
) -> LossSum:
    """The cross entropy of the items that came; unknown ones (NaN, or below 0) count for nothing.

    Where the network leaves seen items out, the choice is among those that the session has not had so far, and the item
    that came.

    Only steps with a truth meet the last layer, which is most of the work where a catalogue is large. In training with
    `head.negatives` the sum over all items is estimated by so many (see `drawn`); it is exact otherwise.

    Args:
        network: reads sessions.
        head: smoothing and negatives.
        inputs: past (B, T, D).
        lengths: (B,), real steps of each session; None where all are.
        targets: (B, T, 1), numbers of items from 0 on; where the network says when, (B, T, 3), of which the last is the
            number of a bin of time.
        weights: (B,).
    """
    y_BTH, _ = network.read(dict(inputs), lengths=lengths)
    truths_BT = targets[..., 0]
    known_BT = torch.isfinite(truths_BT) & (truths_BT >= 0)
    truths_M, y_MH = truths_BT[known_BT].long(), network.narrowed(y_BTH[known_BT])
    weights_M = weights[:, None].expand_as(truths_BT)[known_BT]
    row_M, step_M = known_BT.nonzero(as_tuple=True)
    seen = None
    if network.items is not None and network.items.seen:
        seen = _first_steps(inputs["past"][..., 0], truths_BT, len(network.bias)), row_M, step_M
    if network.training and head.negatives:
        each_M = _sampled(network, y_MH, truths_M, head.negatives, seen)
    else:
        each_M = _exact(network, y_MH, truths_M, head.smoothing, seen)
    if network.until is None:
        return LossSum((each_M * weights_M).sum(), weights_M.sum())
    when = _until_loss(network.until, y_BTH, targets[..., -1], weights)
    return LossSum((each_M * weights_M).sum() + when.total, when.weight)


def _until_loss(layer: nn.Linear, y_BTH: Tensor, bins_BT: Tensor, weights: Tensor) -> LossSum:
    """The cross entropy of the bins of time that came, and the weight of all events that did.

    An item that training does not have came at a time, too, so this weight is that of the sum of both losses: together
    they are the surprise at what came and when, the two being told apart from each other.
    """
    known_BT = torch.isfinite(bins_BT)
    weights_M = weights[:, None].expand_as(bins_BT)[known_BT]
    each_M = cross_entropy(layer(y_BTH[known_BT]), bins_BT[known_BT].long(), reduction="none")
    return LossSum((each_M * weights_M).sum(), weights_M.sum())


# The step at which each item was first seen, (B, V); session and step of each row, (M,) both.
_Seen = tuple[Tensor, Tensor, Tensor]


def _first_steps(codes_BT: Tensor, truths_BT: Tensor, num_items: int) -> Tensor:
    """The step at which each item has been seen first, (B, V); T + 1 where it never is.

    An item that training has forgotten on its way in is known as the truth of the step before it.
    """
    num_rows, length = codes_BT.shape
    after_BT = torch.nan_to_num(truths_BT, nan=-1.0) + 1.0  # code 0, an unknown item, where nobody knows
    codes = torch.cat([codes_BT, after_BT], dim=1).long()
    steps = torch.arange(length, dtype=torch.int32, device=codes.device)  # int64 would be twice the scores' memory
    steps = torch.cat([steps, steps + 1]).expand(num_rows, -1)
    first = torch.full((num_rows, num_items + 1), length + 1, dtype=torch.int32, device=codes.device)
    return first.scatter_reduce_(1, codes, steps, "amin")[:, 1:]


def _exact(network: NextToken, y_MH: Tensor, truths_M: Tensor, smoothing: float, seen: _Seen | None) -> Tensor:
    """The cross entropy over all items but seen ones, (M,); `smoothing` is spread evenly over these."""
    s_MV = network.logits(y_MH)
    if seen is None:
        return cross_entropy(s_MV, truths_M, reduction="none", label_smoothing=smoothing)
    first_BV, row_M, step_M = seen
    out_MV = (first_BV[row_M] <= step_M[:, None]).scatter_(1, truths_M[:, None], False)
    log_MV = torch.log_softmax(s_MV.masked_fill(out_MV, -torch.inf), dim=-1)
    own_M = log_MV.gather(1, truths_M[:, None])[:, 0]
    if smoothing:
        spread_M = log_MV.masked_fill(out_MV, 0.0).sum(dim=-1) / (~out_MV).sum(dim=-1)
        own_M = (1.0 - smoothing) * own_M + smoothing * spread_M
    return -own_M


def _sampled(network: NextToken, y_MH: Tensor, truths_M: Tensor, count: int, seen: _Seen | None) -> Tensor:
    """-s_t + log(exp(s_t) + the sum over drawn items j other than t of exp(s_j - log(K q_j))), (M,).

    The sum is that over all other items on average (importance sampling, Bengio & Senecal 2008, section III.B), or over
    those that were not seen.
    """
    others_K, log_q_K = drawn(truths_M, len(network.bias), count)
    vectors, bias = network.answers, network.bias
    own_M = (y_MH * vectors[truths_M]).sum(dim=-1) + bias[truths_M]
    s_MK = linear(y_MH, vectors[others_K], bias[others_K]) - log_q_K - math.log(count)
    out_MK = others_K == truths_M[:, None]
    if seen is not None:
        first_BV, row_M, step_M = seen
        out_MK |= first_BV[:, others_K][row_M] <= step_M[:, None]
    total_M: Tensor = torch.logsumexp(torch.cat([own_M[:, None], s_MK.masked_fill(out_MK, -torch.inf)], dim=1), dim=1)
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
