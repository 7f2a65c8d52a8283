"""Which weights of a program are kept in fewer bits, and what that costs."""

from typing import Literal, get_args

from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

Weights = Literal["fp32", "bf16", "int8"]
WEIGHTS: tuple[Weights, ...] = get_args(Weights)

# A product of fewer input features reads so few weights that fewer bits save nothing. The raw inputs of a model often
# are so few; where they are more, such as the segments of a windowed forecaster, their product is rounded like others.
_FEWEST_FEATURES = 32


def weight_formats(program: Program, weights: Weights) -> dict[Name, Weights]:
    """How each weight matrix of a program is kept.

    Only what feeds a recurrence is rounded: there the work is, and a state averages the errors of rounding. The layers
    behind the last recurrence make the answer itself; they, and small matrices, stay in float32.

    Args:
        program: what is run.
        weights: the format that is asked for.

    Returns:
        Name of a matrix -> its format, for every matrix that is a factor of a product.
    """
    formats: dict[Name, Weights] = {}
    feeds_recurrence: set[Name] = set()
    for op in reversed(program.operations):
        made = {op.out, op.final} if isinstance(op, ops.Recurrent) else {op.out}
        recurs = isinstance(op, ops.Recurrent | ops.Step)
        if recurs or made & feeds_recurrence:
            feeds_recurrence.update(ops.operands(op))
        for name in _matrices(op):
            large = program.tensors[name].shape[1] >= _FEWEST_FEATURES
            rounded = large and (recurs or op.out in feeds_recurrence)
            # A matrix with two uses is kept the more careful way.
            formats[name] = weights if rounded and formats.get(name, weights) == weights else "fp32"
    return formats


def _matrices(op: ops.AnyOperation) -> list[Name]:
    """The tensors that an operation multiplies rows with."""
    match op:
        case ops.Affine(weight=weight):
            return [weight]
        case ops.Recurrent():
            return [name for name in (op.weight_ih, op.weight_hh, op.weight_hr) if name is not None]
        case ops.Step(weight_hh=weight):
            return [weight]
        case _:
            return []
