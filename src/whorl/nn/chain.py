"""How labels follow each other: a conditional random field over a sequence (Lafferty et al. 2001).

Axes: B sequences, T steps, C classes. `chain` is (C + 1, C + 1): [i, j] scores class j after class i, the last row
what comes first, and the last column what comes last.
"""

import torch
from torch import Tensor

from whorl.nn.heads import LossSum


def chain_loss(
    logits_BTC: Tensor, targets_BT: Tensor, chain: Tensor, weights_B: Tensor, first: int, lengths_B: Tensor | None
) -> LossSum:
    """Negative logarithm of the probability of the truths, -(S(truths) - log sum over all labels of exp S).

    S adds the logits of the labels and the scores of their transitions (Lample et al. 2016, section 2.2); what is
    unknown is summed over.

    Args:
        logits_BTC: outputs; those before step `first` and from a sequence's length on are of no step.
        targets_BT: numbers of classes; NaN is unknown.
        chain: scores of transitions.
        weights_B: how much a sequence counts.
        first: step of the first answer.
        lengths_B: real steps of each sequence, or None when all are whole.
    """
    num_classes, steps = logits_BTC.shape[-1], torch.arange(logits_BTC.shape[1], device=logits_BTC.device)
    lengths = torch.full_like(weights_B, len(steps)) if lengths_B is None else lengths_B
    real_BT = (steps >= first) & (steps < lengths[:, None])
    known_BT = torch.isfinite(targets_BT) & real_BT
    truth = torch.where(known_BT, targets_BT, 0.0).long()
    is_truth = torch.nn.functional.one_hot(truth, num_classes).bool() | ~known_BT[..., None]
    # Finite, so that a class that is ruled out has a gradient of zero and not of NaN.
    own = logits_BTC.masked_fill(~is_truth, torch.finfo(logits_BTC.dtype).min / 1e6)
    nats = _log_sum(logits_BTC, chain, real_BT) - _log_sum(own, chain, real_BT)
    nats = torch.where(known_BT.any(dim=1), nats, 0.0)
    return LossSum((nats * weights_B).sum(), (known_BT.sum(dim=1) * weights_B).sum())


def _log_sum(logits_BTC: Tensor, chain: Tensor, real_BT: Tensor) -> Tensor:
    """Logarithm of the sum over all labels of exp S, (B,), by the forward algorithm; 0 of a sequence without a step."""
    num_classes = logits_BTC.shape[-1]
    among, begin, end = chain[:num_classes, :num_classes], chain[num_classes, :num_classes], chain[:num_classes, -1]
    score_BC = torch.zeros_like(logits_BTC[:, 0])
    begun = torch.zeros_like(real_BT[:, :1])
    for t in range(logits_BTC.shape[1]):
        onward = torch.where(begun, torch.logsumexp(score_BC[:, :, None] + among, dim=1), begin)
        real = real_BT[:, t : t + 1]
        score_BC = torch.where(real, onward + logits_BTC[:, t], score_BC)
        begun = begun | real
    return torch.where(begun[:, 0], torch.logsumexp(score_BC + end, dim=1), 0.0)
