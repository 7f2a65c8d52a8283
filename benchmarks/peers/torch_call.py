"""A forward and backward pass in torch, whoever computes the forward part.

Axes: T time, B batch, I features of a step, H hidden.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from benchmarks.peers import Subject
from benchmarks.problems import Problem
from torch import Tensor

Forward = Callable[[Tensor, Sequence[Tensor]], Sequence[Tensor]]
"""(x (T, B, I), the state's parts (B, H)) -> output (T, B, H) and the final state's parts (B, H)."""


class TorchPass:
    """Forward, and backward to x, the initial state and all weights.

    Args:
        code: what runs.
        problem: the numbers.
        forward: the layer.
        weights: name -> leaf that the layer computes with.
        dtype: of all numbers.
    """

    def __init__(
        self,
        code: str,
        problem: Problem,
        forward: Forward,
        weights: dict[str, Tensor],
        *,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.code = code
        self._seed = problem.seed
        self._forward = forward
        self._x = torch.tensor(problem.x, dtype=dtype, requires_grad=True)
        self._state = [torch.tensor(part, dtype=dtype, requires_grad=True) for part in problem.state]
        self._seeds = [torch.tensor(seed, dtype=dtype) for seed in problem.seeds]
        self._names = ["x", *("h0", "c0")[: len(self._state)], *weights]
        self._leaves = [self._x, *self._state, *weights.values()]

    def subject(self) -> Subject:
        """The pass as it is measured."""
        return Subject(code=self.code, results=self.results, call=self.call)

    def call(self) -> tuple[Tensor, ...]:
        """One pass; returns the gradients."""
        outputs = self._forward(self._x, self._state)
        return torch.autograd.grad(outputs, self._leaves, self._seeds)

    def results(self) -> dict[str, np.ndarray]:
        """Outputs, final state and gradients."""
        # What is drawn while it runs is drawn from here on, by every peer in the same order.
        torch.manual_seed(self._seed)
        outputs = self._forward(self._x, self._state)
        gradients = torch.autograd.grad(outputs, self._leaves, self._seeds)
        named = dict(zip(("output", "h", "c"), outputs, strict=False))
        named |= {f"grad {name}": gradient for name, gradient in zip(self._names, gradients, strict=True)}
        return {name: value.detach().numpy() for name, value in named.items()}


class NewLengths(TorchPass):
    """A pass of another number of steps at each call: T - 1, T + 1, T - 2, T + 2, and so on, so that the mean is T."""

    _count = 0

    def subject(self) -> Subject:
        """The pass as it is measured: one length below T and the one above, warmed up with T itself."""
        return Subject(code=self.code, results=self.results, call=self.call, warm=super().call, calls=2)

    def call(self) -> tuple[Tensor, ...]:
        half = len(self._x) // 2
        distance = self._count // 2 % half + 1
        length = len(self._x) + (distance if self._count % 2 else -distance)
        self._count += 1
        with torch.no_grad():
            x, seed = (torch.cat([part, part[:half]])[:length] for part in (self._x, self._seeds[0]))
        x.requires_grad_()
        outputs = self._forward(x, self._state)
        return torch.autograd.grad(outputs, [x, *self._leaves[1:]], [seed, *self._seeds[1:]])
