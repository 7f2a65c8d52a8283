"""What an encoder reads of a source before any core does: vectors of symbols, features of numbers and of pictures.

Axes: P sources, S steps or cells, C columns of a step, E width of what is read of one, ... any leading axes.
"""

import math

import torch
from torch import Tensor, nn

from whorl.nn.core import State
from whorl.nn.emission import numpy
from whorl.nn.inputs import InputColumns
from whorl.nn.pictures import PictureEncoder, folded, over_batch
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Picture, Spec, Tokens

# The spread that a running mean keeps beside itself is not used; it only must not be zero.
_FLOOR = 1e-6
# Cells along the longer side of a picture, at most, and kernels of the first layer and at most: what is said of a cell
# has to do for a sentence.
_SIDE, _CHANNELS = 4, (24, 192)


class Symbols(nn.Module):
    """Learned vectors of symbols.

    Args:
        count: symbols.
        size: E.
    """

    # Cells of a picture; a symbol has none.
    num_cells: int | None = None
    num_columns = 1

    def __init__(self, count: int, size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(count, size)
        self.scale = math.sqrt(size)  # inputs of unit variance, outputs of small weights
        self.output_size = size

    def draw(self) -> None:
        """Draws the vectors anew, short ones: they also weigh what is written."""
        nn.init.normal_(self.table.weight, std=self.table.embedding_dim**-0.5)

    def forward(self, codes: Tensor) -> Tensor:
        """Vectors of codes, (...) -> (..., E)."""
        vectors: Tensor = self.table(codes) * self.scale
        return vectors

    def read(self, source_PSC: Tensor, lengths_P: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of the steps, (P, S, E), and how many there are."""
        return self(source_PSC[..., 0].long()), lengths_P

    def emit(self, program: Program, codes: Name) -> Name:
        """Adds the vectors of codes (1,)."""
        rows = program.add(ops.Embed(x=codes, table=program.tensor(f"{codes}.table", numpy(self.table.weight))))
        scale = program.add(ops.Constant(tensor=program.tensor("scale", numpy(torch.tensor([self.scale])))))
        return program.add(ops.Combine(a=rows, b=scale, function="multiply"))


class Features(nn.Module):
    """What is read of a step of numbers or of a picture: its features, mixed, normalised and cut off at zero.

    The norm is batch norm (Ioffe & Szegedy 2015, algorithm 1) over all real steps that are learned from together, and
    becomes a part of the weights. Frames of a video are alike: without it what differs between them is lost in what
    they share, and hardly any feature outlives the first epochs.

    Args:
        spec: what a step is.
        size: E.
    """

    num_cells: int | None = None

    def __init__(self, spec: Spec, size: int) -> None:
        super().__init__()
        self.columns = InputColumns(spec)
        self.mix, self.norm = nn.Linear(self.columns.size, size), nn.BatchNorm1d(size)
        self.num_columns, self.output_size = self.columns.num_columns, size

    def read(self, source_PSC: Tensor, lengths_P: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the steps, (P, S, E), zeros where there is none, and how many there are."""
        real_PS = torch.arange(source_PSC.shape[1], device=source_PSC.device) < lengths_P[:, None]
        read_NE = torch.relu(over_batch(self.norm, self.mix(self.columns(source_PSC[real_PS]))))
        x_PSE = read_NE.new_zeros(*real_PS.shape, self.output_size)
        x_PSE[real_PS] = read_NE
        return x_PSE, lengths_P

    def emit(self, program: Program, x: Name) -> Name:
        """Adds the features of a step (C,)."""
        weight, bias = folded(program, "source.mix", self.mix, self.norm)
        mixed = program.add(ops.Affine(x=self.columns.emit(program, x), weight=weight, bias=bias))
        return program.add(ops.Activate(x=mixed, function="relu"))


class Grid(nn.Module):
    """The cells of a picture, each with its features cut off at zero and a learned vector of its place beside them
    (added, as of positions by Vaswani et al. 2017, section 3.5): a source of one step becomes one of many.

    Args:
        spec: what a picture is.
        size: E.
    """

    def __init__(self, spec: Picture, size: int) -> None:
        super().__init__()
        self.encoder = PictureEncoder(spec, size, side=_SIDE, grid=True, channels=_CHANNELS, norm="batch")
        self.num_columns, self.output_size = spec.width, size
        self.num_cells: int | None = math.prod(self.encoder.places)
        self.places = nn.Parameter(torch.zeros(math.prod(self.encoder.places), size))

    def read(self, source_PSC: Tensor, lengths_P: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the cells of the first step, (P, cells, E), and how many there are."""
        cells = torch.relu(self.encoder(source_PSC[:, 0])) + self.places
        return cells, torch.full_like(lengths_P, cells.shape[1])

    def emit(self, program: Program, x: Name) -> Name:
        """Adds the features of the cells, (cells, E), of a picture (C,)."""
        cells = program.add(ops.Activate(x=self.encoder.emit(program, x), function="relu"))
        places = program.add(ops.Constant(tensor=program.tensor(program.fresh("places"), numpy(self.places))))
        return program.add(ops.Combine(a=cells, b=places, function="add"))


AnySource = Symbols | Features | Grid


def sources(spec: Spec, size: int, *, ordered: bool) -> AnySource:
    """What reads the steps of a source.

    Args:
        spec: what a step is.
        size: E.
        ordered: whether the steps have an order; a picture without is a grid of cells.
    """
    if isinstance(spec, Tokens):
        return Symbols(spec.n, size)
    if isinstance(spec, Picture) and not ordered:
        return Grid(spec, size)
    return Features(spec, size)


class Cells(nn.Module):
    """Stands in place of a core where what is read has no order: it says of each cell what was read of it.

    Args:
        size: E.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.output_size = size

    def forward(self, x_PSE: Tensor, *, lengths_B: Tensor) -> tuple[Tensor, State]:
        """The cells, zero where there is none, and no state."""
        real_PS = torch.arange(x_PSE.shape[1], device=x_PSE.device) < lengths_B[:, None]
        return torch.where(real_PS[..., None], x_PSE, 0.0), ()

    def last_output(self, memory_PSE: Tensor, state: State, lengths_P: Tensor) -> Tensor:
        """The mean of the cells, (P, E); zeros where there is none."""
        total: Tensor = memory_PSE.sum(dim=1) / lengths_P.clamp(min=1)[:, None]
        return total

    def emit(self, program: Program, x: Name) -> Name:
        """Adds nothing."""
        return x

    def emit_mean(self, program: Program, cells: Name) -> Name:
        """Adds the mean of the cells: those so far where each is a step, (E,), or those of a value (S, E)."""
        *_, size = shape = program.shapes[cells]
        if len(shape) == 2:
            mean = program.add(ops.Reduce(x=cells, axis=0, function="mean"))
        else:
            both = program.add(ops.Running(x=cells, decay=1.0, floor=_FLOOR))
            mean = program.add(ops.Slice(x=both, axis=0, start=0, stop=1))
        return program.add(ops.Reshape(x=mean, shape=(size,)))
