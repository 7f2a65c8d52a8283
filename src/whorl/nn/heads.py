"""The learning side of an answer: how many numbers the last layer makes of an output, and how wrong they are.

Axes: N examples (and steps), K outputs, O numbers for each output.
"""

from typing import Any, NamedTuple, assert_never

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from whorl.nn.densities import nats
from whorl.plans.heads import Bernoulli, Categorical, Ctc, Head, Normal, Point, Quantiles, StudentT

Floats = tuple[float, ...]


class LossSum(NamedTuple):
    """Sum of weighted losses of all known targets, and the sum of their weights."""

    total: Tensor
    weight: Tensor


def num_outputs(head: Head, num_classes: int | None = None) -> int:
    """O: numbers that the last layer makes for each output; one for each of `num_classes` where it is a class."""
    match head:
        case Point() | Bernoulli():
            return 1
        case Categorical() | Ctc():
            assert num_classes is not None
            return num_classes
        case Quantiles(levels=levels):
            return 1 + len(levels)
        case Normal():
            return 2
        case StudentT():
            return 3
        case _:
            assert_never(head)


def loss(head: Head, outputs: Tensor, targets: Tensor, weights: Tensor) -> LossSum:
    """Compares outputs with targets.

    A point learns by its squared or absolute error. With quantiles, the point learns by its absolute error and the
    quantiles by twice the pinball loss (Koenker & Bassett 1978), averaged over the levels: both are of one size. A
    class learns by the cross entropy of its probability, as does an output that is 0 or 1; a distribution by its
    negative log-likelihood, in nats.

    Args:
        head: what the outputs mean.
        outputs: (B, ..., K, O).
        targets: (B, ..., K), for classes their numbers from 0 on; NaN is unknown and counts for nothing.
        weights: (B,).
    """
    # In the order in which the outputs lie in memory: elementwise operations over two orders are several times slower.
    truth = torch.empty_like(outputs[..., 0], dtype=targets.dtype).copy_(targets)
    known = torch.isfinite(truth)
    truth = torch.where(known, truth, 0.0)
    weight = weights.reshape(-1, *(1 for _ in targets.shape[1:])) * known
    match head:
        case Point(loss="mse"):
            total = ((truth - outputs[..., 0]).square() * weight).sum()
        case Point():
            total = _tilted(outputs, truth, weight, (0.5,), (1.0,))
        case Categorical(smoothing=smoothing):
            classes = truth.long().flatten()
            logits = outputs.reshape(-1, outputs.shape[-1])
            each = cross_entropy(logits, classes, reduction="none", label_smoothing=smoothing)
            total = (each.reshape(truth.shape) * weight).sum()
        case Bernoulli(joint=joint):
            total = (binary_cross_entropy_with_logits(outputs[..., 0], truth, reduction="none") * weight).sum()
            if joint:  # all outputs of a step are one answer
                weight = weight / truth.shape[-1]
        case Quantiles(levels=levels):
            # The absolute error is twice the pinball loss of the median.
            sizes = (1.0, *(1.0 / len(levels) for _ in levels))
            total = _tilted(outputs, truth, weight, (0.5, *levels), sizes)
        case Normal() | StudentT():
            total = (nats(head, outputs, truth) * weight).sum()
        case Ctc():
            raise ValueError("what a text is spread over is learned whole: see `whorl.nn.spread.spread_loss`")
        case _:
            assert_never(head)
    return LossSum(total, weight.sum())


def _tilted(outputs: Tensor, truth: Tensor, weight: Tensor, levels: Floats, sizes: Floats) -> Tensor:
    total: Tensor = _Tilted.apply(outputs, truth, weight, levels, sizes)  # type: ignore[no-untyped-call]
    return total


class _Tilted(torch.autograd.Function):
    """Weighted sum of twice the pinball losses of all outputs; the gradient is found with the loss, output by output.

    Written as a formula it is some thirty passes over large tensors, a good part of a step of a small network.
    """

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        outputs: Tensor,
        truth: Tensor,
        weight: Tensor,
        levels: Floats,
        sizes: Floats,
    ) -> Tensor:
        """Sums size_o * weight * (|e_o| + (2 * level_o - 1) * e_o) over all outputs o, where e_o = truth - output_o.

        Shape:
            outputs (..., O), truth and weight (...); the result is a scalar.
        """
        total, gradient = truth.new_zeros(()), torch.empty_like(outputs, dtype=truth.dtype)
        for number, (level, size) in enumerate(zip(levels, sizes, strict=True)):
            error = truth - outputs[..., number]
            slope = torch.sign(error, out=gradient[..., number])
            if level != 0.5:
                slope.add_(2.0 * level - 1.0)
            slope.mul_(weight if size == 1.0 else size * weight)
            total += error.mul_(slope).sum()
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        """The slopes, with the sign of the output in the error."""
        (gradient,) = ctx.saved_tensors
        return gradient * -grad, None, None, None, None
