"""Programs of networks that answer side by side, as one program."""

import re
from collections.abc import Callable, Collection, Sequence

import msgspec
import numpy as np

from whorl.runtime import operations as ops
from whorl.runtime.operations import AnyOperation, Name
from whorl.runtime.program import Program

# Fields of operations with names of values and tensors in them; other texts are of a closed list.
_NAMES = (Name, Name | None, tuple[Name, ...])
_PREFIX = re.compile(r"member(\d+)\.")


def member_of(name: Name) -> int:
    """Whose value or tensor it is, counted from 0; what all share is the first one's."""
    found = _PREFIX.match(name)
    return int(found[1]) if found else 0


def num_members(program: Program) -> int:
    """How many networks a program holds side by side."""
    return 1 + max((member_of(op.out) for op in program.operations), default=0)


def add_member(program: Program, other: Program, number: int, *, told: Collection[Name] = ()) -> Name:
    """Adds another program to one; what is read at each step is read by both.

    Args:
        program: is added to.
        other: its values and tensors get names of their own.
        number: of the member, counted from 0; the first one is what `program` held before.
        told: static inputs that both share, too.

    Returns:
        The name of its output.
    """
    shared = {op.out for op in other.inputs if op.out in program.shapes and (not op.static or op.out in told)}

    def own(name: Name) -> Name:
        return name if name in shared else f"member{number}.{name}"

    for name, value in other.tensors.items():
        program.tensor(own(name), value)
    for op in other.operations:
        if op.out not in shared:
            program.add(_renamed(op, own))
    return own(other.output)


def add_sum(program: Program, names: list[Name], weights: Sequence[float]) -> Name:
    """Adds the weighted sum of values of one shape."""
    if len(set(weights)) > 1:
        names = [_times(program, name, weight) for name, weight in zip(names, weights, strict=True)]
        weights = [1.0]
    total = names[0]
    for name in names[1:]:
        total = program.add(ops.Combine(a=total, b=name, function="add"))
    return total if weights[0] == 1.0 else _times(program, total, weights[0])


def _times(program: Program, name: Name, factor: float) -> Name:
    share = np.full((1,) * len(program.shapes[name]), factor)
    each = program.add(ops.Constant(tensor=program.tensor(program.fresh("share"), share)))
    return program.add(ops.Combine(a=name, b=each, function="multiply"))


def _renamed(op: AnyOperation, own: Callable[[Name], Name]) -> AnyOperation:
    changed: dict[str, object] = {}
    for field in msgspec.structs.fields(op):
        value = getattr(op, field.name)
        if field.type not in _NAMES or value is None:
            continue
        changed[field.name] = own(value) if isinstance(value, str) else tuple(map(own, value))
    return msgspec.structs.replace(op, **changed)
