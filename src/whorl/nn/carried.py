"""A forecast at every step of a series, from a state that is carried through the whole of it.

Rows are read singly. Targets are scaled by running statistics that are part of the state: relative to their
exponentially weighted mean, in units of their exponentially weighted standard deviation. The answer is the last value
plus that standard deviation times what the last layer says.

Axes: B strips, T steps, D columns of a row, H horizon, K targets, F columns known ahead, O outputs of the head.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.nn.core import State
from whorl.nn.inputs import InputColumns, numpy
from whorl.nn.recurrent import RecurrentCore
from whorl.plans.wiring import Strips
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Spec

# Smallest running standard deviation, in units of the training scale: a series that stands still is not blown up.
FLOOR = 1e-2


def decay_of(warm_up: int) -> float:
    """Decay of the running statistics: they remember about as many rows as the warm-up has."""
    return 1.0 - 1.0 / max(2, warm_up)


class CarriedForecaster(nn.Module):
    """Reads rows one by one and answers the whole horizon at every row.

    Args:
        past: what a row is; its first `num_targets` columns are the targets.
        ahead: what is known of a row ahead, or None.
        num_targets: K.
        pairing: warm-up and horizon.
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
        core: Callable[[int], RecurrentCore],
        num_outputs: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.pairing, self.num_targets, self.num_outputs, self.dropout = pairing, num_targets, num_outputs, dropout
        self.covariates = InputColumns(past, skip=num_targets)
        self.core = core(num_targets + self.covariates.size)
        self.last = nn.Linear(self.core.output_size, pairing.horizon * num_targets * num_outputs)
        nn.init.zeros_(self.last.bias)
        self.future = None if ahead is None else InputColumns(ahead)
        self.last_future = None
        if self.future is not None:
            self.last_future = nn.Linear(self.future.size, num_targets * num_outputs, bias=False)
            nn.init.zeros_(self.last_future.weight)

    def forward(self, inputs: dict[str, Tensor], state: State | None = None) -> tuple[Tensor, State]:
        """Answers every step.

        Shape:
            past (B, T, D), running (B, T, 2, K): mean and standard deviation of the targets up to each step,
            future (B, T, H, F); result (B, T, H, K, O) and the state after the last step.
        """
        past, running = inputs["past"], inputs["running"]
        targets_BTK = past[..., : self.num_targets]
        mean_BTK, scale_BTK = running[:, :, 0], running[:, :, 1]
        features = (targets_BTK - mean_BTK) / scale_BTK
        if self.covariates.size:
            features = torch.cat([features, self.covariates(past)], dim=-1)
        h_BTH, state = self.core(features, state)
        out = self.last(functional.dropout(h_BTH, self.dropout, self.training))
        out = out.reshape(*out.shape[:2], self.pairing.horizon, self.num_targets, self.num_outputs)
        if self.future is not None and self.last_future is not None:
            out = out + self.last_future(self.future(inputs["future"])).reshape(out.shape)
        return out * scale_BTK[:, :, None, :, None] + targets_BTK[:, :, None, :, None], state

    def emit(self, program: Program) -> Name:
        """Adds the network to a program; its inputs are one row, and what is known ahead of it."""
        horizon, num_targets, num_outputs = self.pairing.horizon, self.num_targets, self.num_outputs
        row = program.add(ops.Input(out="past", shape=(self.covariates.num_columns,)))
        targets = program.add(ops.Slice(x=row, axis=0, start=0, stop=num_targets))
        running = program.add(ops.Running(x=targets, decay=decay_of(self.pairing.warm_up), floor=FLOOR))
        flat = program.add(ops.Reshape(x=running, shape=(2 * num_targets,)))
        mean = program.add(ops.Slice(x=flat, axis=0, start=0, stop=num_targets))
        scale = program.add(ops.Slice(x=flat, axis=0, start=num_targets, stop=2 * num_targets))
        features = program.add(ops.Combine(a=targets, b=mean, function="subtract"))
        features = program.add(ops.Combine(a=features, b=scale, function="divide"))
        if self.covariates.size:
            parts = (features, self.covariates.emit(program, row))
            features = program.add(ops.Concat(parts=parts, axis=0))
        h = self.core.emit(program, features)
        weight, bias = program.tensor("last.weight", numpy(self.last.weight)), numpy(self.last.bias)
        out = program.add(ops.Affine(x=h, weight=weight, bias=program.tensor("last.bias", bias)))
        out = program.add(ops.Reshape(x=out, shape=(horizon, num_targets, num_outputs)))
        if self.future is not None and self.last_future is not None:
            future = program.add(ops.Input(out="future", shape=(horizon, self.future.num_columns)))
            weight = program.tensor("last_future.weight", numpy(self.last_future.weight))
            known = program.add(ops.Affine(x=self.future.emit(program, future), weight=weight))
            known = program.add(ops.Reshape(x=known, shape=(horizon, num_targets, num_outputs)))
            out = program.add(ops.Combine(a=out, b=known, function="add"))
        scale = program.add(ops.Reshape(x=scale, shape=(1, num_targets, 1)))
        last = program.add(ops.Reshape(x=targets, shape=(1, num_targets, 1)))
        out = program.add(ops.Combine(a=out, b=scale, function="multiply"))
        program.output = program.add(ops.Combine(a=out, b=last, function="add"))
        return program.output
