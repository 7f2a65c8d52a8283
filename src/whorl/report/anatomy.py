"""The sizes of a network, read off its program: no other description can differ from what runs."""

from dataclasses import dataclass

from whorl.cells import CELLS
from whorl.runtime import operations as ops
from whorl.runtime.members import member_of, num_members
from whorl.runtime.program import Program


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """What a recurrent network is made of.

    Args:
        members: such networks side by side, whose answers are averaged.
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

    members: int
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


def recurrences(program: Program) -> list[ops.Recurrent]:
    """The recurrent operations of a network, in order; of several side by side those of the first."""
    return [op for op in program.operations if isinstance(op, ops.Recurrent) and member_of(op.out) == 0]


def last_layer(program: Program) -> ops.Recurrent | None:
    """The recurrence nearest to the answer; of two directions the one that reads forwards."""
    found = [op for op in recurrences(program) if not op.reverse]
    return found[-1] if found else None


def dissect(program: Program) -> Anatomy | None:
    """Reads the sizes off a program; None where nothing in it recurs."""
    found, top = recurrences(program), last_layer(program)
    if top is None:
        return None
    every = [op for op in program.operations if isinstance(op, ops.Recurrent | ops.Step)]
    over_value = top.over == "value"
    num_read = program.shapes[top.out][-2] if over_value else None
    windows = [op.length for op in program.operations if isinstance(op, ops.Window)]
    steps = [op for op in program.operations if isinstance(op, ops.Step)]
    tensors = {name for op in every for name in ops.tensors_of(op)}
    return Anatomy(
        members=num_members(program),
        cell=CELLS[top.cell].recipe.upper(),
        num_layers=sum(not op.reverse for op in found),
        hidden_size=program.tensors[top.weight_hh].shape[1],
        bidirectional=any(op.reverse for op in found),
        row_size=next((op.shape[-1] for op in program.inputs if op.out == "past"), 0),
        input_size=program.shapes[found[0].x][-1],
        num_read=num_read,
        window=windows[0] if windows and over_value else None,
        segment=_segment(program, num_read),
        num_decoded=program.shapes[steps[-1].out][-2] if steps else 0,
        output_shape=program.shapes[program.output],
        num_parameters=program.num_parameters(),
        recurrent_parameters=program.num_parameters(sorted(tensors)),
    )


def _segment(program: Program, num_read: int | None) -> int | None:
    """Rows of a segment: the first value that is cut into as many pieces as steps are read."""
    if num_read is None:
        return None
    shapes = [op.shape for op in program.operations if isinstance(op, ops.Reshape)]
    return next((shape[-1] for shape in shapes if len(shape) == 3 and shape[1] == num_read), None)
