"""What cores of a finite reach share: at each step they look back at a number of rows, and remember no more.

Axes: B batch, T time, W rows before the first step, D features, J rows that a step reads, H outputs.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from whorl.nn.core import Core
from whorl.nn.emission import emit_affine
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# A step that no sequence begins after.
_NEVER = -(2**62)
# From so many neighbouring rows on a view of all windows is copied faster than the rows one after the other: for 32 of
# 64 numbers in half the time.
_MANY = 8


@dataclass(frozen=True)
class Reading:
    """What is known of the steps of a call of `Core.forward`, whatever layer reads them.

    Args:
        num_steps: T.
        lengths_B: real steps of each sequence; None where all are T.
        begins_BT: the last step at or before each one at which the state was zero, far before the first one where there
            is none; None where there is none anywhere.
    """

    num_steps: int
    lengths_B: Tensor | None
    begins_BT: Tensor | None

    @classmethod
    def of(cls, x_BTD: Tensor, lengths_B: Tensor | None, resets_BT: Tensor | None) -> Self:
        """As the arguments of `Core.forward` say."""
        lengths = None if lengths_B is None else lengths_B.to(x_BTD.device)
        if resets_BT is None or not resets_BT.shape[1]:
            return cls(x_BTD.shape[1], lengths, None)
        steps_T = torch.arange(x_BTD.shape[1], device=x_BTD.device)
        begins_BT = torch.where(resets_BT.to(x_BTD.device), steps_T, _NEVER).cummax(dim=1).values
        return cls(x_BTD.shape[1], lengths, begins_BT)

    def without_padding(self, x_BTD: Tensor) -> Tensor:
        """Zeros where there is padding, which may hold anything."""
        if self.lengths_B is None:
            return x_BTD
        real_BT = torch.arange(self.num_steps, device=x_BTD.device) < self.lengths_B[:, None]
        return torch.where(real_BT[..., None], x_BTD, 0.0)

    def looked_back(self, before_BWD: Tensor, x_BTD: Tensor, back: range) -> Tensor:
        """The rows that lie so many steps back, side by side (B, T, J * D); zeros for those before a reset.

        Args:
            before_BWD: rows before the first step; none is looked for before them.
            x_BTD: rows.
            back: numbers of steps from W down to 0.
        """
        rows, start, steps = torch.cat([before_BWD, x_BTD], dim=1), before_BWD.shape[1], self.num_steps
        if steps and self.begins_BT is None and back.step == -1 and len(back) >= _MANY:
            return rows.unfold(1, len(back), 1).transpose(2, 3).flatten(2)
        parts = [rows[:, start - far : start - far + steps] for far in back]
        if self.begins_BT is not None:
            steps_T = torch.arange(steps, device=rows.device)
            parts = [
                torch.where((steps_T - far >= self.begins_BT)[..., None], part, 0.0)
                for far, part in zip(back, parts, strict=True)
            ]
        return torch.cat(parts, dim=-1)

    def kept(self, before_BWD: Tensor, x_BTD: Tensor) -> Tensor:
        """The last W rows up to the last real step of each sequence, zeros for those before a reset."""
        width = before_BWD.shape[1]
        rows = torch.cat([before_BWD, x_BTD], dim=1)
        if self.lengths_B is None and self.begins_BT is None:
            return rows[:, self.num_steps :]
        each_B = torch.arange(len(rows), device=rows.device)[:, None]
        lengths_B1 = (each_B * 0 + self.num_steps) if self.lengths_B is None else self.lengths_B[:, None]
        steps_BW = lengths_B1 + torch.arange(-width, 0, device=rows.device)
        last = rows[each_B, steps_BW + width]
        if self.begins_BT is None:
            return last
        begins_B1 = self.begins_BT.gather(1, (lengths_B1 - 1).clamp(min=0))
        # A sequence of length 0 did not come to its reset.
        return torch.where(((steps_BW >= begins_B1) | (lengths_B1 == 0))[..., None], last, 0.0)


class LookingBack(Core):
    """A core that at each step looks back at a number of steps, and says as many numbers as its layers are wide."""

    hidden_size: int

    @property
    def is_causal(self) -> bool:
        """True."""
        return True

    @property
    def output_size(self) -> int:
        """`hidden_size`."""
        return self.hidden_size


class Lookback(nn.Module):
    """y_t = b + sum_j W_j x_{t-dj}, j from 0 to J - 1, with zeros before the first step.

    Args:
        num_features: D.
        num_outputs: H.
        size: J.
        dilation: d.
    """

    def __init__(self, num_features: int, num_outputs: int, size: int, dilation: int = 1) -> None:
        super().__init__()
        self.num_features, self.size, self.dilation = num_features, size, dilation
        # Rows lie side by side, the oldest first, as a window of a program has them.
        self.linear = nn.Linear(size * num_features, num_outputs)
        nn.init.kaiming_normal_(self.linear.weight, nonlinearity="relu")
        nn.init.zeros_(self.linear.bias)

    @property
    def reach(self) -> int:
        """Rows before a step that it depends on."""
        return (self.size - 1) * self.dilation

    def ignore_inputs(self, start: int) -> None:
        """Zeroes the weights of the features from `start` on."""
        with torch.no_grad():
            self.linear.weight.view(-1, self.size, self.num_features)[..., start:] = 0.0

    def forward(self, x_BTD: Tensor, before_BWD: Tensor, reading: Reading) -> tuple[Tensor, Tensor]:
        """The outputs (B, T, H), and the rows that the next step will look back at; `reach` of them came before."""
        back = range(self.reach, -1, -self.dilation)
        return self.linear(reading.looked_back(before_BWD, x_BTD, back)), reading.kept(before_BWD, x_BTD)

    def emit(self, program: Program, name: str, x: Name) -> Name:
        """Adds the layer over the stream: x (..., D) gives (..., H)."""
        lead = program.shapes[x][:-1]
        window = program.add(ops.Window(x=x, length=self.reach + 1))
        if self.dilation > 1:
            read = tuple(range(0, self.reach + 1, self.dilation))
            window = program.add(ops.Take(x=window, axis=0, indices=read))
        if lead:
            axes = (*range(1, len(lead) + 1), 0, len(lead) + 1)
            window = program.add(ops.Transpose(x=window, axes=axes))
        flat = program.add(ops.Reshape(x=window, shape=(*lead, self.linear.in_features)))
        return emit_affine(program, name, self.linear, flat)

    def emit_value(self, program: Program, name: str, x: Name) -> Name:
        """Adds the layer over axis 1 of a value: x (K, S, D) gives (K, S, H)."""
        lead, steps, size = program.shapes[x]
        if self.reach:
            zeros = program.tensor(program.fresh("before"), np.zeros((lead, self.reach, size)))
            x = program.add(ops.Concat(parts=(program.add(ops.Constant(tensor=zeros)), x), axis=1))
        first = range(0, self.reach + 1, self.dilation)
        parts = tuple(program.add(ops.Slice(x=x, axis=1, start=at, stop=at + steps)) for at in first)
        return emit_affine(program, name, self.linear, program.add(ops.Concat(parts=parts, axis=2)))
