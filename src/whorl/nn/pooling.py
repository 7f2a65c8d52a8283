"""Many outputs to one: what a sequence was about, while it comes and at its end.

Axes: B batch, T time, H features.
"""

from typing import assert_never

import torch
from torch import Tensor, nn

from whorl.nn.emission import numpy
from whorl.plans.wiring import Pooling
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# The spread that a running mean keeps beside itself is not used; it only must not be zero.
_FLOOR = 1e-6


class Pool(nn.Module):
    """Pools the outputs of a core over time, in one or several ways side by side.

    'last' is the final output (of a core that reads both ways, the final output of each direction), 'mean' and 'max'
    are taken over all real steps, and 'attention' is their mean weighted by exp(w y) (Yang et al. 2016, eq. 5-7, with
    one learned vector).

    Args:
        size: H.
        ways: which.
    """

    def __init__(self, size: int, ways: tuple[Pooling, ...]) -> None:
        super().__init__()
        self.ways, self.output_size = ways, size * len(ways)
        self.score = nn.Linear(size, 1, bias=False) if "attention" in ways else None

    def forward(self, y_BTH: Tensor, last_BH: Tensor, real_BT: Tensor | None) -> Tensor:
        """Returns (B, output_size); of an empty sequence the mean, the maximum and the attention are zero."""
        return torch.cat([self._pooled(way, y_BTH, last_BH, real_BT) for way in self.ways], dim=-1)

    def _pooled(self, way: Pooling, y_BTH: Tensor, last_BH: Tensor, real_BT: Tensor | None) -> Tensor:
        if way == "last":
            return last_BH
        if not y_BTH.shape[1]:
            return torch.zeros_like(last_BH)
        if real_BT is None:
            real_BT = torch.ones(y_BTH.shape[:2], dtype=torch.bool, device=y_BTH.device)
        padding = ~real_BT[..., None]
        match way:
            case "mean":
                total = y_BTH.masked_fill(padding, 0.0).sum(dim=1)
                return total / real_BT.sum(dim=1, keepdim=True).clamp(min=1)
            case "max":
                empty = ~real_BT.any(dim=1, keepdim=True)
                return y_BTH.masked_fill(padding, -torch.inf).amax(dim=1).masked_fill(empty, 0.0)
            case "attention":
                assert self.score is not None
                # Finite, so that an empty sequence has no NaN in its gradient.
                score: Tensor = self.score(y_BTH)
                weight = torch.softmax(score.masked_fill(padding, torch.finfo(score.dtype).min), dim=1)
                return (weight.masked_fill(padding, 0.0) * y_BTH).sum(dim=1)
            case _:
                assert_never(way)

    def emit(self, program: Program, y: Name, last: Name) -> Name:
        """Adds the same over the steps so far; `y` and `last` are values of shape (H,)."""
        parts = [last if way == "last" else self._emit(way, program, y) for way in self.ways]
        return parts[0] if len(parts) == 1 else program.add(ops.Concat(parts=tuple(parts), axis=0))

    def _emit(self, way: Pooling, program: Program, y: Name) -> Name:
        (size,) = program.shapes[y]
        match way:
            case "mean":
                both = program.add(ops.Running(x=y, decay=1.0, floor=_FLOOR))
                mean = program.add(ops.Slice(x=both, axis=0, start=0, stop=1))
                return program.add(ops.Reshape(x=mean, shape=(size,)))
            case "max":
                return program.add(ops.Pool(x=y, function="max"))
            case "attention":
                assert self.score is not None
                weight = program.tensor(program.fresh("attention"), numpy(self.score.weight))
                score = program.add(ops.Affine(x=y, weight=weight))
                both = program.add(ops.Concat(parts=(y, score), axis=0))
                return program.add(ops.Pool(x=both, function="softmax"))
            case _:
                raise AssertionError(way)
