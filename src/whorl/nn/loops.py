"""Which operations of a program run one step after the other, since a step needs what the one before it said."""

from collections.abc import Iterator

from whorl.runtime import operations as ops
from whorl.runtime.operations import AnyOperation, Name
from whorl.runtime.program import Program


def _behind(program: Program) -> set[Name]:
    """Values that depend on what was kept."""
    found: set[Name] = set()
    for op in program.operations:
        if isinstance(op, ops.Previous) or found.intersection(ops.operands(op)):
            found.update(name for name in (op.out, getattr(op, "final", None)) if name is not None)
    return found


def looped(program: Program) -> list[AnyOperation]:
    """What goes back to the next step, and what lies between what was kept and what is kept, in order."""
    behind, kept = _behind(program), set[Name]()
    for op in reversed(program.operations):
        if isinstance(op, ops.Keep) or op.out in kept:
            kept.update(ops.operands(op))
    return [op for op in program.operations if isinstance(op, ops.Previous | ops.Keep) or op.out in behind & kept]


def in_order(program: Program, loop: list[AnyOperation]) -> Iterator[AnyOperation | None]:
    """Operations that do not wait for the loop, then None in its place, then those that do."""
    behind, own = _behind(program), {op.out for op in loop}
    yield from (op for op in program.operations if op.out not in behind | own)
    if loop:
        yield None
    yield from (op for op in program.operations if op.out in behind - own)
