"""A forecast at every step of a series, from a state that is carried through the whole of it.

Rows are read singly, each target by itself with shared weights. What is read of a target is where it stands relative
to its running mean, and how the rows before it differ from it; the answer is the last value plus what the last layer
says. With `rescale` both are in units of the running standard deviation, for series of different sizes. The running
statistics are part of the state. What stood a season before has a way of its own around the core.

Axes: B strips, T steps, D columns of a row, H horizon, K targets, N lags, F columns known ahead, O outputs of the head.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.nn.core import Core, State
from whorl.nn.dropout import dropout
from whorl.nn.emission import emit_affine, numpy
from whorl.nn.inputs import InputColumns
from whorl.nn.layers import planes
from whorl.nn.network import Network
from whorl.nn.seasonal import SeasonalWay
from whorl.plans.wiring import Strips
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Spec

# Smallest running standard deviation, in units of the training scale: a series that stands still is not blown up.
FLOOR = 1e-2


def decay_of(warm_up: int) -> float:
    """Decay of the running statistics: what is half the warm-up old counts half."""
    return float(0.5 ** (2.0 / max(2, warm_up)))


class CarriedForecaster(Network):
    """Reads rows one by one and answers the whole horizon at every row.

    Args:
        past: what a row is; its first `num_targets` columns are the targets.
        ahead: what is known of a row ahead, or None.
        num_targets: K.
        pairing: warm-up, lags and horizon.
        rescale: measure targets in units of their running standard deviation.
        season: rows of a season that the warm-up holds; None has no way around the core for it.
        core: builds the core for an input size.
        num_outputs: O.
        dropout: of the state on its way to the last layer.
    """

    def __init__(
        self,
        *,
        past: Spec,
        ahead: Spec | None,
        num_targets: int,
        pairing: Strips,
        rescale: bool,
        season: int | None,
        core: Callable[[int], Core],
        num_outputs: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.pairing, self.num_targets, self.num_outputs, self.dropout = pairing, num_targets, num_outputs, dropout
        self.rescale = rescale
        self.covariates = InputColumns(past, skip=num_targets)
        self.core = core(1 + pairing.num_lags + self.covariates.size)
        self.core.ignore_inputs(1 + pairing.num_lags)
        self.target = nn.Parameter(0.1 * torch.randn(num_targets, self.core.output_size))
        self.last = nn.Linear(self.core.output_size, pairing.horizon * num_outputs)
        nn.init.zeros_(self.last.bias)
        self.season = None if season is None else SeasonalWay(season, num_targets, pairing.horizon)
        self.future = None if ahead is None else InputColumns(ahead)
        self.last_future = None
        if self.future is not None:
            self.last_future = nn.Linear(self.future.size, num_targets * num_outputs, bias=False)
            nn.init.zeros_(self.last_future.weight)

    def forward(self, inputs: dict[str, Tensor], state: State | None = None) -> tuple[Tensor, State]:
        """Answers every step.

        Shape:
            past (B, N + T, D): the T rows, and N before them, zeros before the start of a series;
            running (B, T, 2, K): mean and standard deviation of the targets up to each step; future (B, T, H, F);
            season (B, T, H, K), where there is one: targets a season before each answered row;
            starts (B, T), where any is: True at the first row of a series, before which there is no state.
            The result is (B, T, H, K, O), and the state after the last step.
        """
        num_strips, num_steps = inputs["running"].shape[:2]
        # The core reads one step after the other, so all is laid out with time first; a batch-first copy of any of
        # these tensors costs as much as what is computed of it.
        features, now_TBK1, scale_TBK1 = self._features(inputs)
        starts = inputs.get("starts")
        resets = None if starts is None else starts.bool().repeat_interleave(self.num_targets, 0)
        h, state = self.core(features.flatten(1, 2).transpose(0, 1), state, resets_BT=resets)
        h_TBKH = h.transpose(0, 1).reshape(num_steps, num_strips, self.num_targets, -1) + self.target
        rows = dropout(h_TBKH, self.dropout, self.training).flatten(0, 2)
        out = functional.linear(rows, *planes(self.last, self.num_outputs))
        if self.future is not None and self.last_future is not None:
            known = self.last_future(self.future(inputs["future"]))
            known = known.reshape(*known.shape[:-1], self.num_targets, -1)
            out = out + known.permute(1, 0, 3, 4, 2).reshape(out.shape)
        now, scale = now_TBK1.reshape(-1, 1), None if scale_TBK1 is None else scale_TBK1.reshape(-1, 1)
        out = out + now if scale is None else torch.addcmul(now, out, scale)
        out = out.reshape(num_steps, num_strips, self.num_targets, self.num_outputs, self.pairing.horizon)
        out = out.permute(1, 0, 4, 2, 3)
        if self.season is not None:
            now_BT1K = now_TBK1.permute(1, 0, 3, 2)
            out = out + self.season(inputs["season"], now_BT1K)[..., None]
        return out, state

    def _features(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor | None]:
        """What the core reads (T, B, K, 1 + N + C), the last values (T, B, K, 1) and their scale where there is one."""
        lags = self.pairing.num_lags
        past, running = inputs["past"].transpose(0, 1), inputs["running"].transpose(0, 1)
        rows_TBKN = past[..., : self.num_targets].unfold(0, lags + 1, 1)
        now_TBK1 = rows_TBKN[..., -1:]
        parts = [now_TBK1 - running[:, :, 0, :, None], rows_TBKN[..., :-1] - now_TBK1]
        scale_TBK1 = running[:, :, 1, :, None] if self.rescale else None
        if scale_TBK1 is not None:
            parts = [part / scale_TBK1 for part in parts]
        if self.covariates.size:
            extra = self.covariates(past[lags:])
            parts.append(extra[:, :, None].expand(-1, -1, self.num_targets, -1))
        return torch.cat(parts, dim=-1), now_TBK1, scale_TBK1

    def emit(self, program: Program) -> Name:
        """Adds the network to a program; its inputs are one row, and what is known ahead of it."""
        num_targets, lags = self.num_targets, self.pairing.num_lags
        row = program.add(ops.Input(out="past", shape=(self.covariates.num_columns,)))
        targets = program.add(ops.Slice(x=row, axis=0, start=0, stop=num_targets))
        running = program.add(ops.Running(x=targets, decay=decay_of(self.pairing.warm_up), floor=FLOOR))
        running = program.add(ops.Transpose(x=running, axes=(1, 0)))
        mean = program.add(ops.Slice(x=running, axis=1, start=0, stop=1))
        scale = program.add(ops.Slice(x=running, axis=1, start=1, stop=2)) if self.rescale else None
        length = max(lags + 1, self.season.season if self.season is not None else 1)
        window = program.add(ops.Window(x=targets, length=length))
        close = program.add(ops.Slice(x=window, axis=0, start=length - 1 - lags, stop=length))
        rows = program.add(ops.Transpose(x=close, axes=(1, 0)))
        now = program.add(ops.Slice(x=rows, axis=1, start=lags, stop=lags + 1))
        before = program.add(ops.Slice(x=rows, axis=1, start=0, stop=lags))
        parts = [
            program.add(ops.Combine(a=now, b=mean, function="subtract")),
            program.add(ops.Combine(a=before, b=now, function="subtract")),
        ]
        if scale is not None:
            parts = [program.add(ops.Combine(a=part, b=scale, function="divide")) for part in parts]
        if self.covariates.size:
            extra = self.covariates.emit(program, row)
            extra = program.add(ops.Reshape(x=extra, shape=(1, self.covariates.size)))
            parts.append(program.add(ops.Repeat(x=extra, axis=0, count=num_targets)))
        h = self.core.emit(program, program.add(ops.Concat(parts=tuple(parts), axis=1)))
        own = program.add(ops.Constant(tensor=program.tensor("target", numpy(self.target))))
        out = self._emit_answer(program, program.add(ops.Combine(a=h, b=own, function="add")), now, scale)
        if self.season is not None:
            out = program.add(ops.Combine(a=out, b=self.season.emit(program, window), function="add"))
        program.output = out
        return out

    def _emit_answer(self, program: Program, h: Name, now: Name, scale: Name | None) -> Name:
        horizon, num_targets, num_outputs = self.pairing.horizon, self.num_targets, self.num_outputs
        out = emit_affine(program, "last", self.last, h)
        out = program.add(ops.Reshape(x=out, shape=(num_targets, horizon, num_outputs)))
        out = program.add(ops.Transpose(x=out, axes=(1, 0, 2)))
        if self.future is not None and self.last_future is not None:
            future = program.add(ops.Input(out="future", shape=(horizon, self.future.num_columns)))
            weight = program.tensor("last_future.weight", numpy(self.last_future.weight))
            known = program.add(ops.Affine(x=self.future.emit(program, future), weight=weight))
            known = program.add(ops.Reshape(x=known, shape=(horizon, num_targets, num_outputs)))
            out = program.add(ops.Combine(a=out, b=known, function="add"))
        if scale is not None:
            scale = program.add(ops.Reshape(x=scale, shape=(1, num_targets, 1)))
            out = program.add(ops.Combine(a=out, b=scale, function="multiply"))
        now = program.add(ops.Reshape(x=now, shape=(1, num_targets, 1)))
        return program.add(ops.Combine(a=out, b=now, function="add"))
