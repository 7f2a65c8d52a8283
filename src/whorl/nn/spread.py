"""What texts cost that are spread over the steps of a sequence (connectionist temporal classification).

Axes: B sequences, T steps, V symbols, class 0 none of them.
"""

import torch
from torch import Tensor
from torch.nn import functional

from whorl.nn.heads import LossSum


def spread_loss(
    logits_BTV: Tensor, targets_BT: Tensor, weights_B: Tensor, lengths_B: Tensor | None, first: int = 0
) -> LossSum:
    """Minus the logarithm of the probability of each text, over all ways to spread it (Graves et al. 2006, eq. 3).

    A text that has more symbols than there are steps, or too few for the blanks between equal ones, has none and counts
    for nothing.

    Args:
        logits_BTV: outputs; those from a sequence's length on are of no step.
        targets_BT: codes of the text, NaN after them.
        weights_B: how much a sequence counts.
        lengths_B: real steps of each sequence, or None when all are whole.
        first: the first step that has an answer.

    Returns:
        The sum over texts, and the sum of the weights of all symbols: their ratio is in nats a symbol.
    """
    known_BT = torch.isfinite(targets_BT)
    sizes_B = known_BT.sum(dim=1)
    num_steps = logits_BTV.shape[1]
    whole_B = torch.full_like(sizes_B, num_steps) if lengths_B is None else lengths_B.to(sizes_B)
    steps_B = (whole_B - first).clamp(min=0)
    # One step is kept where none has an answer: torch takes no loss of none.
    logits_BTV = logits_BTV[:, min(first, num_steps - 1) :]
    codes_BT = torch.where(known_BT, targets_BT, 0.0).long()
    nats_B = functional.ctc_loss(
        logits_BTV.log_softmax(dim=-1).transpose(0, 1),
        codes_BT[:, : max(1, int(sizes_B.max()))],
        steps_B.cpu(),
        sizes_B.cpu(),
        reduction="none",
        zero_infinity=True,
    )
    fits_B = (steps_B > 0) & (steps_B >= _least_steps(codes_BT, known_BT))
    # A text without symbols is learned too, as silence: it counts like one symbol.
    counted_B = torch.where(fits_B, sizes_B.clamp(min=1), 0) * weights_B
    return LossSum((nats_B * weights_B).sum(), counted_B.sum())


def muted(logits_BTV: Tensor, nats_BT: Tensor) -> Tensor:
    """Logits of steps at which each symbol is so many nats less probable, beside none of them, than it was."""
    return torch.cat([logits_BTV[..., :1], logits_BTV[..., 1:] - nats_BT[..., None]], dim=-1)


def _least_steps(codes_BT: Tensor, known_BT: Tensor) -> Tensor:
    """Steps that a text needs: one for each symbol, and one between two equal ones."""
    same_BT = (codes_BT[:, 1:] == codes_BT[:, :-1]) & known_BT[:, 1:]
    return known_BT.sum(dim=1) + same_BT.sum(dim=1)
