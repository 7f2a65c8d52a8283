"""The sizes of a network, read off its program: no other description can differ from what runs."""

import re
from dataclasses import dataclass

from whorl.cells import CELLS, LINEAR_CELLS
from whorl.runtime import operations as ops
from whorl.runtime.members import member_of, num_members
from whorl.runtime.program import Program

Recurrence = ops.Recurrent | ops.Scan


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """What a recurrent network is made of.

    Args:
        layers: cells and units of each network of those side by side; what else there is are sizes of the first.
        cell: its name, such as GRU.
        num_layers: layers on top of each other.
        hidden_size: units of a layer.
        bidirectional: whether it reads both ways.
        row_size: numbers in a row that is read.
        input_size: numbers that the first layer reads at a step.
        num_read: steps over the segments of a window; None where every row is a step and the state is carried.
        window: rows of the window, None without one.
        segment: rows of a segment, None without one.
        num_decoded: steps that decode the horizon at once; 0 where the last layer alone answers.
        output_shape: (H, K, O), or (K, O).
        num_parameters: numbers in all tensors.
        recurrent_parameters: those of them in the recurrent layers.
    """

    layers: tuple[tuple[tuple[str, int], ...], ...]
    cell: str
    num_layers: int
    hidden_size: int
    bidirectional: bool
    row_size: int
    input_size: int
    num_read: int | None
    window: int | None
    segment: int | None
    num_decoded: int
    output_shape: tuple[int, ...]
    num_parameters: int
    recurrent_parameters: int

    @property
    def members(self) -> int:
        """Networks side by side, whose answers are summed."""
        return len(self.layers)

    @property
    def which(self) -> str:
        """Of which of several networks the sizes are, before they are told."""
        return "each " if len(set(self.layers)) == 1 else "the first "


# What the values and tensors of a layer that is linear in its state are called.
_LINEAR = re.compile(rf"(?:member\d+\.)?({'|'.join(LINEAR_CELLS)})_l\d+(?:_reverse)?")


def recurrences(program: Program) -> list[Recurrence]:
    """The recurrent operations that read, in order; of several networks side by side those of the first."""
    found = [op for op in program.operations if isinstance(op, ops.Recurrent | ops.Scan) and member_of(op.out) == 0]
    return [op for op in found if not isinstance(op, ops.Scan) or not _decodes(op)]


def _decodes(op: ops.Scan) -> bool:
    """Whether a scan takes single steps from the state that another one ended with."""
    return op.over == "value" and op.initial is not None


def last_layer(program: Program) -> Recurrence | None:
    """The recurrence nearest to the answer; of two directions the one that reads forwards."""
    found = [op for op in recurrences(program) if not op.reverse]
    return found[-1] if found else None


def dissect(program: Program) -> Anatomy | None:
    """Reads the sizes off a program; None where nothing in it recurs."""
    found, top = recurrences(program), last_layer(program)
    if top is None:
        return None
    over_value = top.over == "value"
    num_read = program.shapes[top.out][-2] if over_value else None
    windows = [op.length for op in program.operations if isinstance(op, ops.Window)]
    return Anatomy(
        layers=tuple(_layers(program, number) for number in range(num_members(program))),
        cell=cell_of(top),
        num_layers=sum(not op.reverse for op in found),
        hidden_size=hidden_size(program, top),
        bidirectional=any(op.reverse for op in found),
        row_size=next((op.shape[-1] for op in program.inputs if op.out == "past"), 0),
        input_size=_input_size(program, found[0]),
        num_read=num_read,
        window=windows[0] if windows and over_value else None,
        segment=_segment(program, num_read, windows[0] if windows else 0),
        num_decoded=_num_decoded(program),
        output_shape=program.shapes[program.output],
        num_parameters=program.num_parameters(),
        recurrent_parameters=program.num_parameters(sorted(_recurrent_tensors(program))),
    )


def _layers(program: Program, member: int) -> tuple[tuple[str, int], ...]:
    """Cells and units of the layers of one of several networks."""
    own = [op for op in program.operations if isinstance(op, ops.Recurrent | ops.Scan) and member_of(op.out) == member]
    return tuple((cell_of(op), hidden_size(program, op)) for op in own)


def hidden_size(program: Program, op: Recurrence) -> int:
    """Units of a layer; a complex one has two numbers in the state."""
    if isinstance(op, ops.Recurrent):
        return int(program.tensors[op.weight_hh].shape[1])
    return program.shapes[op.out][-1] // (2 if op.numbers == "complex" else 1)


def cell_of(op: Recurrence) -> str:
    """The name of a layer's cell, such as GRU."""
    if isinstance(op, ops.Recurrent):
        return CELLS[op.cell].recipe.upper()
    found = _LINEAR.match(op.out)
    return next((cell.name for name, cell in LINEAR_CELLS.items() if found and found[1] == name), "scan")


def layer_name(op: Recurrence) -> str:
    """What the tensors of a layer begin with, of one that is linear in its state."""
    found = _LINEAR.match(op.out)
    return found[0] if found else op.out


def _input_size(program: Program, op: Recurrence) -> int:
    """Numbers that a layer reads: of a scan, what the product before it reads."""
    if isinstance(op, ops.Recurrent):
        return program.shapes[op.x][-1]
    makers = {one.out: one for one in program.operations}
    behind: ops.AnyOperation = makers[op.b]
    while not isinstance(behind, ops.Affine) and ops.operands(behind):
        behind = makers[ops.operands(behind)[-1]]
    return program.shapes[behind.x][-1] if isinstance(behind, ops.Affine) else program.shapes[op.b][-1]


def _num_decoded(program: Program) -> int:
    decoded = [program.shapes[op.out][-2] for op in program.operations if isinstance(op, ops.Step)]
    scans = [op for op in program.operations if isinstance(op, ops.Scan) and _decodes(op)]
    decoded += [program.shapes[op.out][-3] for op in scans if len(program.shapes[op.out]) > 2]
    return decoded[-1] if decoded else 0


def _recurrent_tensors(program: Program) -> set[str]:
    every = [op for op in program.operations if isinstance(op, ops.Recurrent | ops.Step)]
    return {name for op in every for name in ops.tensors_of(op)} | {
        name for name in program.tensors if _LINEAR.match(name)
    }


def _segment(program: Program, num_read: int | None, window: int) -> int | None:
    """Rows of a segment: the first value that is cut into as many pieces as steps are read, and covers the window."""
    if num_read is None:
        return None
    if num_read == window:
        return 1
    shapes = [op.shape for op in program.operations if isinstance(op, ops.Reshape)]
    sizes = [shape[-1] for shape in shapes if len(shape) == 3 and shape[1] == num_read]
    return next((size for size in sizes if (num_read - 1) * size < window <= num_read * size), None)
