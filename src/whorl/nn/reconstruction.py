"""How improbable each number of a window is, given a code of the window that is too short to copy it.

The code is a linear map of the window and of what a core makes of reading it; a linear map of the code says a
distribution of each number at each place. Without the core this is a principal component analysis by likelihood.

Axes: B sequences, T steps, N windows, W rows of a window, C features, H hidden, K numbers that are judged.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.nn.densities import Density, emit_nats, freedom_of, nats
from whorl.nn.emission import emit_affine
from whorl.nn.inputs import InputColumns
from whorl.nn.network import Network
from whorl.nn.recurrent import RecurrentCore
from whorl.nn.surprise import emit_known, emit_smoothed, first_flag, known_numbers, smoothed, without_padding
from whorl.plans.wiring import StudentT, Surprise
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Spec

# In training one window of so many steps is judged: neighbours say nearly the same.
_EVERY = 4


class ReconstructionNetwork(Network):
    """Answers at each step how many nats each number of the last rows surprises on average.

    Args:
        past: what a row is; its first `num_targets` columns are judged. Where each of its numbers has a flag that it
            is missing, what is missing surprises nobody; neither does what would stand before a sequence.
        shape: rows of a window, numbers of the code, smoothing.
        head: the distribution.
        core: builds the core for an input size.
        num_targets: K.
        dropout: of the code.
        whole: training judges the window at the end of a sequence alone.
    """

    def __init__(
        self,
        past: Spec,
        shape: Surprise,
        head: Density,
        core: Callable[[int], RecurrentCore],
        num_targets: int,
        dropout: float = 0.0,
        *,
        whole: bool = False,
    ) -> None:
        super().__init__()
        assert shape.context is not None
        self.columns = InputColumns(past)
        self.shape, self.head, self.num_targets, self.whole = shape, head, num_targets, whole
        self.first_flag = first_flag(past)
        self.core = core(self.columns.size)
        if self.columns.size > num_targets:
            self.core.ignore_inputs(num_targets)
        count = shape.context * num_targets
        self.narrow = nn.Linear(self.core.output_size + count, shape.code)
        self.last = nn.Linear(shape.code, 2 * count)
        self.freedom = nn.Parameter(torch.full((num_targets,), 4.0)) if isinstance(head, StudentT) else None
        self.dropout = nn.Dropout(dropout)
        with torch.no_grad():
            self.last.weight[count:] *= 0.1
            self.last.bias[:count] = 0.0
            self.last.bias[count:] = math.log(math.expm1(1.0 - head.floor))

    def judged(
        self, inputs: dict[str, Tensor], targets: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Raw outputs of the head for windows (B, N, W, K, O), and their truths (B, N, W, K); targets (B, T, K)."""
        past, rows = without_padding(inputs["past"], lengths), targets
        if self.whole:
            steps = torch.full((len(past),), past.shape[1], device=past.device) if lengths is None else lengths
            return self._distributions(self._ends(past, steps, 0.0)), self._ends(rows, steps, torch.nan)
        return self._distributions(self._windows(past, 0.0)[:, ::_EVERY]), self._windows(rows, torch.nan)[:, ::_EVERY]

    def _windows(self, x: Tensor, filler: float) -> Tensor:
        """The window that ends at each step, (B, T, W, C) of (B, T, C)."""
        assert self.shape.context is not None
        padded = functional.pad(x, (0, 0, self.shape.context - 1, 0), value=filler)
        return padded.unfold(1, self.shape.context, 1).transpose(2, 3)

    def _ends(self, x: Tensor, lengths: Tensor, filler: float) -> Tensor:
        """The window at the end of each sequence, (B, 1, W, C)."""
        assert self.shape.context is not None
        padded = functional.pad(x, (0, 0, self.shape.context, 0), value=filler)
        rows = lengths[:, None] + torch.arange(self.shape.context, device=x.device)
        return torch.take_along_dim(padded, rows[..., None], dim=1)[:, None]

    def _distributions(self, windows: Tensor) -> Tensor:
        """Raw outputs of the head (..., W, K, O) of windows of rows (..., W, D)."""
        *lead, length, width = windows.shape
        rows = windows.reshape(-1, length, width)
        y, _ = self.core(self.columns(rows))
        flat = rows[..., : self.num_targets].flatten(1)
        code = self.narrow(torch.cat([y[:, -1], flat], dim=1))
        out = self.last(self.dropout(code)).reshape(*lead, 2, length, self.num_targets)
        parts = [out[..., 0, :, :], out[..., 1, :, :]]
        if self.freedom is not None:
            parts.append(self.freedom.expand_as(parts[0]))
        return torch.stack(parts, dim=-1)

    def forward(self, inputs: dict[str, Tensor], lengths: Tensor | None = None) -> Tensor:
        """Surprise of each number and whether it was known, averaged over the last rows: (B, T, K, 2)."""
        past = without_padding(inputs["past"], lengths)
        known = known_numbers(past, self.first_flag, self.num_targets)
        windows, known = self._windows(past, 0.0), self._windows(known, 0.0)
        outputs = self._distributions(windows)
        found = nats(self.head, outputs, windows[..., : self.num_targets]) * known
        both = torch.stack([found.mean(dim=2), known.mean(dim=2)], dim=-1)
        return smoothed(both, self._decay)

    @property
    def _decay(self) -> float:
        """Whole windows are averaged already."""
        return 0.0 if self.whole else self.shape.decay

    def emit(self, program: Program) -> Name:
        """Adds the network to a program, whose answer at each step is that of `forward`."""
        assert self.shape.context is not None
        count, length = self.num_targets, self.shape.context
        row = program.add(ops.Input(out="past", shape=(self.columns.num_columns,)))
        window = program.add(ops.Window(x=row, length=length))
        truth = program.add(ops.Slice(x=window, axis=1, start=0, stop=count))
        # A value of one window: the core reads over axis -2 of a batch.
        rows = self.columns.emit(program, window)
        rows = program.add(ops.Reshape(x=rows, shape=(1, length, self.columns.size)))
        state = self.core.emit_states(program, rows)[-1]
        h = program.add(ops.Slice(x=state, axis=1, start=0, stop=self.core.output_size))
        h = program.add(ops.Reshape(x=h, shape=(self.core.output_size,)))
        flat = program.add(ops.Reshape(x=truth, shape=(length * count,)))
        code = emit_affine(program, "narrow", self.narrow, program.add(ops.Concat(parts=(h, flat), axis=0)))
        out = emit_affine(program, "last", self.last, code)
        out = program.add(ops.Reshape(x=out, shape=(2 * length, count)))
        location = program.add(ops.Slice(x=out, axis=0, start=0, stop=length))
        scale = program.add(ops.Slice(x=out, axis=0, start=length, stop=2 * length))
        found = emit_nats(program, self.head, (location, scale), truth, freedom_of(self.freedom, count))
        known = program.add(ops.Window(x=emit_known(program, row, self.first_flag, count), length=length))
        found = program.add(ops.Combine(a=found, b=known, function="multiply"))
        found, known = (program.add(ops.Reduce(x=part, axis=0, function="mean")) for part in (found, known))
        program.output = emit_smoothed(program, found, known, self._decay)
        return program.output
