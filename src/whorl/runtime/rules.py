"""What every operation of a program is held to, and how one that breaks a rule is refused."""

import math

from whorl.errors import ModelFileError
from whorl.runtime.operations import Operation, Shape

# Of one value: 1 GB. A file of a few bytes could name a window of any size.
MAX_ELEMENTS = 2**28


def expect(condition: bool, op: Operation, rule: str) -> None:
    """Raises ModelFileError unless the rule holds for this operation."""
    if not condition:
        raise ModelFileError(f"operation `{op.out}` ({type(op).__name__.lower()}): {rule}. The program is damaged.")


def elements(op: Operation, shape: Shape) -> int:
    """Number of elements of a shape; raises ModelFileError where it is negative or absurdly large."""
    sound = len(shape) <= 8 and all(0 <= size <= MAX_ELEMENTS for size in shape) and math.prod(shape) <= MAX_ELEMENTS
    expect(sound, op, f"the shape {str(shape)[:80]} is outside the limits of a program")
    return math.prod(shape)
