"""Adam, the learning-rate schedule and gradient clipping."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from whorl.errors import ArgumentError
from whorl.plans.training import Training

WARM_UP_FRACTION = 0.05
WARM_UP_MOST = 100


def learning_rate(step: int, num_steps: int, training: Training) -> float:
    """Returns the learning rate of step `step` (from 0) in a run of `num_steps` steps.

    'cosine': a linear rise over the first 5 % of the steps (at most 100; Adam's second moments are noise until then),
    then peak · (1 + cos(π · progress)) / 2, which would be 0 at the step after the last.
    """
    peak = training.learning_rate
    assert peak is not None
    if training.schedule == "constant":
        return peak
    warm_up = min(int(num_steps * WARM_UP_FRACTION), WARM_UP_MOST)
    if step < warm_up:
        return peak * (step + 1) / (warm_up + 1)
    progress = (step - warm_up) / (num_steps - warm_up)
    return peak * 0.5 * (1.0 + math.cos(math.pi * progress))


def make_optimizer(network: nn.Module, training: Training) -> torch.optim.Adam:
    """Returns Adam, or AdamW when `weight_decay` is positive.

    Biases, gains and other vectors are not decayed: pulling them to zero regularises nothing and costs accuracy.

    Raises:
        ArgumentError: the network has nothing to learn.
    """
    learnable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not learnable:
        raise ArgumentError("`network` has no parameter that requires a gradient. Unfreeze at least one.")
    peak = training.learning_rate
    assert peak is not None
    # Fused on a CPU: one call in place of some twelve for each tensor. Elsewhere its count of steps would live on the
    # device, where checkpoints do not look for it.
    fused = all(parameter.device.type == "cpu" for parameter in learnable)
    if not training.weight_decay:
        return torch.optim.Adam(learnable, lr=peak, fused=fused, foreach=not fused)
    groups = [
        {"params": [p for p in learnable if p.ndim >= 2], "weight_decay": training.weight_decay},
        {"params": [p for p in learnable if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=peak, fused=fused, foreach=not fused)


def gradient_norm(parameters: Iterable[Tensor]) -> Tensor:
    """Returns the 2-norm of all gradients together, a scalar tensor; 0 where there is no gradient."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return torch.zeros(())
    return nn.utils.get_total_norm(gradients, foreach=True)


def clip(parameters: Iterable[Tensor], norm: Tensor, largest: float) -> None:
    """Scales gradients of that norm down to the largest one allowed."""
    nn.utils.clip_grads_with_norm_(parameters, largest, norm, foreach=True)
