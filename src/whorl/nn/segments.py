"""What a forecaster reads of a window: each target by itself, relative to its last value and cut into segments.

Axes: B windows, L context, D columns of a row, K targets, S segments of the context, C covariates.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from whorl.nn.inputs import InputColumns
from whorl.nn.seasonal import SeasonalWay
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# Smallest spread of a window, in units of the training scale: series a thousand times smaller are still seen.
FLOOR = 1e-4


def segment_length(context: int, horizon: int, chosen: int | None = None) -> int:
    """Rows of a segment: the one chosen, or a quarter of the context, at most 24."""
    return min(chosen or max(1, min(24, round(context / 4))), context)


class Emitted(NamedTuple):
    """Values of a program that `Segments` adds.

    Args:
        window: the last rows, (L, D).
        steps: what a core reads of them, (K, S, width).
        last: the last values, (K, 1).
        scale: the spreads, (K, 1), where these divide.
    """

    window: Name
    steps: Name
    last: Name
    scale: Name | None


class Segments:
    """Reads windows of rows as steps of a core, one segment a step; it has nothing of its own to learn.

    Args:
        covariates: reads what is no target.
        num_targets: K; the first columns of a row.
        context: L.
        segment: rows of a segment.
        rescale: divide the targets of a window by their spread in it.
    """

    def __init__(
        self, covariates: InputColumns, *, num_targets: int, context: int, segment: int, rescale: bool
    ) -> None:
        self.covariates, self.num_targets, self.context = covariates, num_targets, context
        self.segment, self.rescale = segment, rescale
        self.num_read = math.ceil(context / segment)
        self.width = segment * (1 + covariates.size)

    def read(self, past_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """The steps (B * K, S, width), the last values (B, K, 1), and the spreads (B, K, 1) where these divide."""
        targets_BKL = past_BLD[..., : self.num_targets].transpose(1, 2)
        last_BK1 = targets_BKL[..., -1:]
        scale_BK1 = self._scale(targets_BKL) if self.rescale else None
        relative_BKL = targets_BKL - last_BK1
        segments = self._segments(relative_BKL if scale_BK1 is None else relative_BKL / scale_BK1)
        # With time first, as the core reads: (S, B, K, ...).
        parts = [segments.permute(2, 0, 1, 3)]
        if self.covariates.size:
            extra_BCL = self.covariates(past_BLD).transpose(1, 2)
            extra = self._segments(extra_BCL).permute(2, 0, 1, 3).flatten(2)
            parts.append(extra[:, :, None].expand(-1, -1, self.num_targets, -1))
        return torch.cat(parts, dim=-1).flatten(1, 2).transpose(0, 1), last_BK1, scale_BK1

    def emit(self, program: Program) -> Emitted:
        """Adds the same of the last rows."""
        row = program.add(ops.Input(out="past", shape=(self.covariates.num_columns,)))
        length = self.context
        window = program.add(ops.Window(x=row, length=length))
        targets = program.add(ops.Slice(x=window, axis=1, start=0, stop=self.num_targets))
        targets = program.add(ops.Transpose(x=targets, axes=(1, 0)))
        last = program.add(ops.Slice(x=targets, axis=1, start=length - 1, stop=length))
        relative = program.add(ops.Combine(a=targets, b=last, function="subtract"))
        scale = self._emit_scale(program, targets) if self.rescale else None
        if scale is not None:
            relative = program.add(ops.Combine(a=relative, b=scale, function="divide"))
        segments = self._emit_segments(program, relative)
        if self.covariates.size:
            segments = self._emit_covariates(program, window, segments)
        return Emitted(window, segments, last, scale)

    def emit_back(self, program: Program, out: Name, read: Emitted, season: SeasonalWay | None = None) -> Name:
        """Adds answers (K, H, O) in the units and at the place of their targets, and what comes by a season, as
        (H, K, O).
        """
        for value, function in ((read.scale, "multiply"), (read.last, "add")):
            if value is not None:
                value = program.add(ops.Reshape(x=value, shape=(self.num_targets, 1, 1)))
                out = program.add(ops.Combine(a=out, b=value, function=function))  # type: ignore[arg-type]
        out = program.add(ops.Transpose(x=out, axes=(1, 0, 2)))
        if season is None:
            return out
        return program.add(ops.Combine(a=out, b=season.emit(program, read.window), function="add"))

    def _scale(self, targets_BKL: Tensor) -> Tensor:
        """The spread of each target in its window, (B, K, 1), kept off zero for windows that stand still."""
        centred = targets_BKL - targets_BKL.mean(-1, keepdim=True)
        return torch.sqrt(centred.square().mean(-1, keepdim=True) + FLOOR**2)

    def _segments(self, x: Tensor) -> Tensor:
        """(..., L) -> (..., S, segment), with zeros before the start where the context is no multiple of a segment."""
        missing = self.num_read * self.segment - x.shape[-1]
        if missing:
            x = functional.pad(x, (missing, 0))
        return x.reshape(*x.shape[:-1], self.num_read, self.segment)

    def _emit_scale(self, program: Program, targets: Name) -> Name:
        mean = program.add(ops.Reduce(x=targets, axis=1, function="mean"))
        centred = program.add(ops.Combine(a=targets, b=mean, function="subtract"))
        squares = program.add(ops.Activate(x=centred, function="square"))
        variance = program.add(ops.Reduce(x=squares, axis=1, function="mean"))
        floor = program.add(ops.Constant(tensor=program.tensor("floor", torch.full((1, 1), FLOOR**2).numpy())))
        variance = program.add(ops.Combine(a=variance, b=floor, function="add"))
        return program.add(ops.Activate(x=variance, function="sqrt"))

    def _emit_segments(self, program: Program, x: Name) -> Name:
        lead, length = program.shapes[x]
        missing = self.num_read * self.segment - length
        if missing:
            zeros = program.tensor(program.fresh("padding"), torch.zeros(lead, missing).numpy())
            x = program.add(ops.Concat(parts=(program.add(ops.Constant(tensor=zeros)), x), axis=1))
        return program.add(ops.Reshape(x=x, shape=(lead, self.num_read, self.segment)))

    def _emit_covariates(self, program: Program, window: Name, segments: Name) -> Name:
        extra = program.add(ops.Transpose(x=self.covariates.emit(program, window), axes=(1, 0)))
        extra = program.add(ops.Transpose(x=self._emit_segments(program, extra), axes=(1, 0, 2)))
        size = self.covariates.size * self.segment
        extra = program.add(ops.Reshape(x=extra, shape=(1, self.num_read, size)))
        extra = program.add(ops.Repeat(x=extra, axis=0, count=self.num_targets))
        return program.add(ops.Concat(parts=(segments, extra), axis=2))
