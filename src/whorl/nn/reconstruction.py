"""How improbable each number of a window is, given a code of the window that is too short to copy it.

The code is a linear map of the window and of what a core makes of reading it; a linear map of the code says a
distribution of each number at each place. Without the core this is a principal component analysis by likelihood. A code
may also be one that no normal window has, however well the window can be built again from it: how far it lies from
those of training counts beside the numbers (as in the probabilistic reading of that analysis, Tipping & Bishop 1999).

Axes: B sequences, T steps, N windows, W rows of a window, C features, H hidden, K numbers that are judged, Z code.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from whorl.nn.cores import AnyCore
from whorl.nn.densities import Density, emit_nats, freedom_of, nats
from whorl.nn.emission import emit_affine, emit_last, numpy
from whorl.nn.inputs import InputColumns
from whorl.nn.network import Network
from whorl.nn.surprise import emit_known, emit_smoothed, first_flag, known_numbers, smoothed, without_padding
from whorl.plans.heads import StudentT
from whorl.plans.wiring import Surprise
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Spec

# In training one window of so many steps is judged: neighbours say nearly the same.
_EVERY = 4
# Least weight of a batch in what is known of codes, and what is added to their variances as a share of the mean one.
_LEAST, _RIDGE = 0.01, 1e-3


class ReconstructionNetwork(Network):
    """Answers at each step how many nats each number of the last rows surprises on average, and a number of their code
    beside it: half its squared distance from the codes of training, in units of their spread (Mahalanobis 1936).

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
        core: Callable[[int], AnyCore],
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
        self.codes_mean: Tensor
        self.codes_covariance: Tensor
        self.codes_batches: Tensor
        self.register_buffer("codes_mean", torch.zeros(shape.code))
        self.register_buffer("codes_covariance", torch.eye(shape.code))
        self.register_buffer("codes_batches", torch.zeros(()))
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
            windows, truths = self._ends(past, steps, 0.0), self._ends(rows, steps, torch.nan)
        else:
            windows, truths = self._windows(past, 0.0)[:, ::_EVERY], self._windows(rows, torch.nan)[:, ::_EVERY]
        code = self._code(windows)
        if self.training:
            self._note(code.detach()[~truths[:, :, -1].isnan().all(dim=-1)])
        return self._distributions(code), truths

    @torch.no_grad()
    def _note(self, codes: Tensor) -> None:
        """Takes codes (N, Z) of training into the mean and the covariance: the first hundred batches count alike, and
        then the later the more, as weights are best at the end.
        """
        if not len(codes):
            return
        # In half the digits a covariance would not be one any more.
        with torch.autocast(codes.device.type, enabled=False):
            codes = codes.to(self.codes_mean.dtype)
            self.codes_batches += 1
            share = torch.clamp(1.0 / self.codes_batches, min=_LEAST)
            mean = codes.mean(dim=0)
            step, apart = mean - self.codes_mean, codes - mean
            between = (1.0 - share) * torch.outer(step, step)
            self.codes_covariance += share * (apart.T @ apart / len(codes) + between - self.codes_covariance)
            self.codes_mean += share * step

    def _whitening(self) -> Tensor:
        """The map (Z, Z) after which codes of training are independent and of variance one."""
        covariance = self.codes_covariance.double()
        least = _RIDGE * covariance.diagonal().mean().clamp(min=torch.finfo(torch.float32).tiny)
        identity = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
        factor = torch.linalg.cholesky(covariance + least * identity)
        inverse: Tensor = torch.linalg.solve_triangular(factor, identity, upper=False)
        return inverse.to(self.codes_covariance.dtype)

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

    def _code(self, windows: Tensor) -> Tensor:
        """Codes (..., Z) of windows of rows (..., W, D)."""
        *lead, length, width = windows.shape
        rows = windows.reshape(-1, length, width)
        y, _ = self.core(self.columns(rows))
        flat = rows[..., : self.num_targets].flatten(1)
        code: Tensor = self.narrow(torch.cat([y[:, -1], flat], dim=1))
        return code.reshape(*lead, -1)

    def _distributions(self, code: Tensor) -> Tensor:
        """Raw outputs of the head (..., W, K, O) of codes (..., Z)."""
        out = self.last(self.dropout(code)).reshape(*code.shape[:-1], 2, -1, self.num_targets)
        parts = [out[..., 0, :, :], out[..., 1, :, :]]
        if self.freedom is not None:
            parts.append(self.freedom.expand_as(parts[0]))
        return torch.stack(parts, dim=-1)

    def forward(self, inputs: dict[str, Tensor], lengths: Tensor | None = None) -> Tensor:
        """Surprise of each number and whether it was known, averaged over the last rows: (B, T, K, 2)."""
        past = without_padding(inputs["past"], lengths)
        known = known_numbers(past, self.first_flag, self.num_targets)
        windows, known = self._windows(past, 0.0), self._windows(known, 0.0)
        code = self._code(windows)
        found = nats(self.head, self._distributions(code), windows[..., : self.num_targets]) * known
        share = known.mean(dim=2)
        far = 0.5 * ((code - self.codes_mean) @ self._whitening().T).square().mean(dim=-1, keepdim=True)
        both = torch.stack([found.mean(dim=2) + share * far, share], dim=-1)
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
        h = emit_last(program, self.core.emit_value(program, rows))
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
        far = program.add(ops.Combine(a=self._emit_far(program, code), b=known, function="multiply"))
        found = program.add(ops.Combine(a=found, b=far, function="add"))
        program.output = emit_smoothed(program, found, known, self._decay)
        return program.output

    def _emit_far(self, program: Program, code: Name) -> Name:
        """Adds half the mean square of a whitened code (Z,), once for each of K numbers: (1, K)."""
        whitening = self._whitening()
        weight, bias = program.tensor("codes.weight", numpy(whitening)), -(whitening @ self.codes_mean)
        white = program.add(ops.Affine(x=code, weight=weight, bias=program.tensor("codes.bias", numpy(bias))))
        square = program.add(ops.Activate(x=white, function="square"))
        share = torch.full((self.num_targets, self.shape.code), 0.5 / self.shape.code)
        far = program.add(ops.Affine(x=square, weight=program.tensor("codes.share", numpy(share))))
        return program.add(ops.Reshape(x=far, shape=(1, self.num_targets)))
