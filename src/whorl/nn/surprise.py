"""How improbable each number of a row is, from a core that read what came before it.

The core reads the rows a delay behind; its output says a distribution of each number of the row that is there now.

Axes: B sequences, T steps, D columns of a row, C features, H hidden, K numbers that are judged, O numbers of a head.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from whorl.nn.core import Core
from whorl.nn.densities import Density, emit_nats, freedom_of, nats
from whorl.nn.emission import emit_affine, numpy
from whorl.nn.inputs import InputColumns
from whorl.nn.network import Network
from whorl.plans.heads import StudentT
from whorl.plans.wiring import Surprise
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Fields, Flags, Spec

# The spread that a running mean keeps beside itself is not used; it only must not be zero.
_FLOOR = 1e-6
# How far a step of the optimizer moves what is carried, in steps of other weights: it starts far from where it may end.
SPEED = 10.0


class SurpriseNetwork(Network):
    """Answers at each step how many nats each number of the row surprises, averaged over the last rows.

    Args:
        past: what a row is; its first `num_targets` columns are judged. Where each of its numbers has a flag that it
            is missing, what is missing surprises nobody.
        shape: delay and smoothing.
        head: the distribution.
        core: builds the core for an input size.
        num_targets: K.
        dropout: on the way to the last layer.
    """

    def __init__(
        self,
        past: Spec,
        shape: Surprise,
        head: Density,
        core: Callable[[int], Core],
        num_targets: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.columns = InputColumns(past)
        self.shape, self.head, self.num_targets, self.lag = shape, head, num_targets, shape.lag or 1
        self.first_flag = first_flag(past)
        self.core = core(self.columns.size)
        if self.columns.size > num_targets:
            self.core.ignore_inputs(num_targets)
        self.last = nn.Linear(self.core.output_size, 2 * num_targets)
        # What a number was is the first guess of what it is, as far as it has been learned to be one.
        self.carry = nn.Parameter(torch.zeros(num_targets))
        # Numbers of a row go together: each is told from those before it too, so that their surprises add up to that of
        # the row.
        self.together = nn.Parameter(torch.zeros(num_targets, num_targets))
        self.freedom = nn.Parameter(torch.full((num_targets,), 4.0)) if isinstance(head, StudentT) else None
        self.dropout = nn.Dropout(dropout)
        with torch.no_grad():
            self.last.weight.mul_(0.1)
            self.last.bias[:num_targets] = 0.0
            self.last.bias[num_targets:] = math.log(math.expm1(1.0 - head.floor))

    def judged(
        self, inputs: dict[str, Tensor], targets: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Raw outputs of the head (B, T, K, O), what each number could be, and the truths (B, T, K) as they are."""
        return self._distributions(inputs, lengths), targets

    def _distributions(self, inputs: dict[str, Tensor], lengths: Tensor | None) -> Tensor:
        past = without_padding(inputs["past"], lengths)
        x_BTC = self.columns(past)
        lag = self.lag
        x_BTC = torch.cat([x_BTC.new_zeros(len(x_BTC), lag, x_BTC.shape[2]), x_BTC], dim=1)[:, : past.shape[1]]
        y_BTH, _ = self.core(x_BTC, lengths_B=lengths)
        out = self.last(self.dropout(y_BTH))
        location, scale = out[..., : self.num_targets], out[..., self.num_targets :]
        location = location + SPEED * self.carry * x_BTC[..., : self.num_targets]
        location = location + past[..., : self.num_targets] @ (SPEED * self.together.tril(-1)).T
        parts = [location, scale]
        if self.freedom is not None:
            parts.append(self.freedom.expand_as(location))
        return torch.stack(parts, dim=-1)

    def forward(self, inputs: dict[str, Tensor], lengths: Tensor | None = None) -> Tensor:
        """Surprise of each number and whether it was known, averaged over the last rows: (B, T, K, 2)."""
        past = without_padding(inputs["past"], lengths)
        truth, known = past[..., : self.num_targets], known_numbers(past, self.first_flag, self.num_targets)
        found = nats(self.head, self._distributions(inputs, lengths), truth) * known
        return smoothed(torch.stack([found, known], dim=-1), self.shape.decay)

    def emit(self, program: Program) -> Name:
        """Adds the network to a program, whose answer at each step is that of `forward`."""
        count = self.num_targets
        row = program.add(ops.Input(out="past", shape=(self.columns.num_columns,)))
        truth = program.add(ops.Slice(x=row, axis=0, start=0, stop=count))
        x = self.columns.emit(program, row)
        x = delayed(program, x, self.lag)
        h = self.core.emit(program, x)
        out = emit_affine(program, "last", self.last, h)
        location = program.add(ops.Slice(x=out, axis=0, start=0, stop=count))
        scale = program.add(ops.Slice(x=out, axis=0, start=count, stop=2 * count))
        before = program.add(ops.Slice(x=x, axis=0, start=0, stop=count))
        share = program.add(ops.Constant(tensor=program.tensor("carry", SPEED * numpy(self.carry))))
        before = program.add(ops.Combine(a=before, b=share, function="multiply"))
        location = program.add(ops.Combine(a=location, b=before, function="add"))
        beside = program.tensor("together", SPEED * numpy(self.together.tril(-1)))
        beside = program.add(ops.Affine(x=truth, weight=beside))
        location = program.add(ops.Combine(a=location, b=beside, function="add"))
        found = emit_nats(program, self.head, (location, scale), truth, freedom_of(self.freedom, count))
        program.output = emit_scores(program, row, found, self.first_flag, self.shape.decay)
        return program.output


def emit_scores(program: Program, row: Name, found: Name, first_flag: int | None, decay: float) -> Name:
    """Adds the average of what was found of K known numbers over the last rows, and that of their being known.

    Args:
        program: what is added to.
        row: a row (D,).
        found: (K,).
        first_flag: column of the first of K flags that a number is missing; None where there are none.
        decay: of the weight of a row from one row to the next; 0 averages over a single row.

    Returns:
        The name of a value (K, 2).
    """
    (count,) = program.shapes[found]
    known = emit_known(program, row, first_flag, count)
    found = program.add(ops.Combine(a=found, b=known, function="multiply"))
    return emit_smoothed(program, found, known, decay)


def emit_known(program: Program, row: Name, first_flag: int | None, count: int) -> Name:
    """Adds which of `count` numbers of a row are known, (count,) of ones and zeros; see `first_flag`."""
    known = program.add(ops.Constant(tensor=program.tensor(program.fresh("known"), np.ones(count))))
    if first_flag is None:
        return known
    flags = program.add(ops.Slice(x=row, axis=0, start=first_flag, stop=first_flag + count))
    return program.add(ops.Combine(a=known, b=flags, function="subtract"))


def emit_smoothed(program: Program, found: Name, known: Name, decay: float) -> Name:
    """Adds the running means of two values of K numbers, side by side (K, 2); the values where the decay is 0."""
    shape = (program.shapes[found][-1], 1)
    parts = tuple(program.add(ops.Reshape(x=part, shape=shape)) for part in (found, known))
    both = program.add(ops.Concat(parts=parts, axis=1))
    if not decay:
        return both
    running = program.add(ops.Running(x=both, decay=decay, floor=_FLOOR))
    mean = program.add(ops.Slice(x=running, axis=0, start=0, stop=1))
    return program.add(ops.Reshape(x=mean, shape=program.shapes[both]))


def delayed(program: Program, x: Name, lag: int) -> Name:
    """Adds the value of `lag` steps ago; zeros before the start of the stream."""
    window = program.add(ops.Window(x=x, length=lag + 1))
    first = program.add(ops.Slice(x=window, axis=0, start=0, stop=1))
    return program.add(ops.Reshape(x=first, shape=program.shapes[x]))


def first_flag(past: Spec) -> int | None:
    """Where the flags of missing numbers begin, in rows that have one for each number."""
    if not isinstance(past, Fields) or "numeric" not in past.fields:
        return None
    flags = past.fields.get("missing")
    each = isinstance(flags, Flags) and flags.width == past.fields["numeric"].width
    return past.offsets()["missing"] if each else None


def known_numbers(past: Tensor, first_flag: int | None, count: int) -> Tensor:
    """Which of the first `count` numbers of rows (..., D) are known, (..., count) of ones and zeros."""
    known = torch.ones_like(past[..., :count])
    return known if first_flag is None else known - past[..., first_flag : first_flag + count]


def without_padding(past: Tensor, lengths: Tensor | None) -> Tensor:
    """Padding may hold anything; symbols must be looked up somewhere."""
    if lengths is None:
        return past
    real = torch.arange(past.shape[1], device=past.device) < lengths[:, None]
    return torch.where(real[..., None], past, 0.0)


def smoothed(found: Tensor, decay: float) -> Tensor:
    """The running mean over axis 1 of what `Running` would read."""
    if not decay:
        return found
    weight, mean, means = 0.0, torch.zeros_like(found[:, 0]), []
    for t in range(found.shape[1]):
        weight = decay * weight + 1.0
        mean = mean + (found[:, t] - mean) / weight
        means.append(mean)
    return torch.stack(means, dim=1) if means else found
