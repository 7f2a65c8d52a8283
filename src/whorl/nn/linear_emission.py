"""A layer that is linear in its state, as operations of a program."""

from typing import Literal

import numpy as np

from whorl.nn.emission import numpy, shared
from whorl.nn.linear_layer import LinearLayer
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program


def emit_layer(
    program: Program,
    layer: LinearLayer,
    x: Name,
    name: str,
    over: Literal["stream", "value"],
    reverse: bool,
    initial: Name | None,
    *,
    entered: bool,
) -> tuple[Name, Name]:
    """Adds one layer and direction.

    Args:
        program: what is added to.
        layer: its weights.
        x: what is read, (..., D); `entered`: the input products themselves, (..., G).
        name: what its values and tensors begin with.
        over: which way time goes; see `ops.Scan`.
        reverse: reads backwards.
        initial: what its state begins with; zero if None.
        entered: see `x`.

    Returns:
        What the layer says, and its states.
    """

    def tensor(part: str, value: object) -> Name:
        return shared(program, f"{name}.{part}", numpy(value))

    gates = x
    if not entered:
        weight, bias = layer.product()
        named = None if bias is None else tensor("bias_ih", bias)
        gates = program.add(ops.Affine(x=x, weight=tensor("weight_ih", weight), bias=named))
    size, axis = layer.hidden_size, len(program.shapes[gates]) - 1
    decay = layer.decay()
    if decay is None:
        parts = [
            program.add(ops.Slice(x=gates, axis=axis, start=start, stop=start + size))
            for start in range(0, program.shapes[gates][axis], size)
        ]
        a, b = (_min_gru if layer.cell == "mingru" else _min_lstm)(program, parts)
    else:
        a = _stretched(program, tensor("decay", decay), program.shapes[gates][:-1])
        b = program.add(ops.Slice(x=gates, axis=axis, start=0, stop=2 * size))
    h = program.add(
        ops.Scan(
            out=program.fresh(name),
            a=a,
            b=b,
            over=over,
            numbers="real" if decay is None else "complex",
            reverse=reverse,
            initial=initial,
        )
    )
    if decay is None:
        return h, h
    y = program.add(ops.Affine(x=h, weight=tensor("weight_ho", layer.weight_ho)))
    passed = program.add(ops.Slice(x=gates, axis=axis, start=2 * size, stop=3 * size))
    y = program.add(ops.Combine(a=y, b=passed, function="add"))
    opened = ops.Affine(x=y, weight=tensor("weight_glu", layer.weight_glu), bias=tensor("bias_glu", layer.bias_glu))
    share = program.add(ops.Activate(x=program.add(opened), function="sigmoid"))
    return program.add(ops.Combine(a=y, b=share, function="multiply")), h


def _min_gru(program: Program, gates: list[Name]) -> tuple[Name, Name]:
    z, c = gates
    share = program.add(ops.Activate(x=z, function="sigmoid"))
    kept = program.add(ops.Combine(a=_number(program, 1.0, share), b=share, function="subtract"))
    return kept, program.add(ops.Combine(a=share, b=_candidate(program, c), function="multiply"))


def _min_lstm(program: Program, gates: list[Name]) -> tuple[Name, Name]:
    """The shares f / (f + i) and i / (f + i) of opened gates, which may both be as good as zero.

    sigmoid(x) = exp(min(x, 0)) sigmoid(|x|), so that with d = min(f, 0) - min(i, 0) the two are as
    sigmoid(d) sigmoid(|f|) to sigmoid(-d) sigmoid(|i|), whose sum is never below 1/4.
    """
    *opened, c = gates
    below, sized = [], []
    for gate in opened:
        above = program.add(ops.Activate(x=gate, function="relu"))
        below.append(program.add(ops.Combine(a=gate, b=above, function="subtract")))
        size = program.add(ops.Combine(a=above, b=below[-1], function="subtract"))
        sized.append(program.add(ops.Activate(x=size, function="sigmoid")))
    parts = []
    for own, other in ((0, 1), (1, 0)):
        apart = program.add(ops.Combine(a=below[own], b=below[other], function="subtract"))
        share = program.add(ops.Activate(x=apart, function="sigmoid"))
        parts.append(program.add(ops.Combine(a=share, b=sized[own], function="multiply")))
    total = program.add(ops.Combine(a=parts[0], b=parts[1], function="add"))
    written, kept = (program.add(ops.Combine(a=part, b=total, function="divide")) for part in parts)
    return kept, program.add(ops.Combine(a=written, b=_candidate(program, c), function="multiply"))


def _candidate(program: Program, c: Name) -> Name:
    """g(c) = relu(c) + sigmoid(c - relu(c)): c + 1/2 from 0 on, sigmoid(c) below."""
    above = program.add(ops.Activate(x=c, function="relu"))
    below = program.add(ops.Activate(x=program.add(ops.Combine(a=c, b=above, function="subtract")), function="sigmoid"))
    return program.add(ops.Combine(a=above, b=below, function="add"))


def _number(program: Program, value: float, like: Name) -> Name:
    """A constant that stretches to a value."""
    shape = (1,) * len(program.shapes[like])
    named = shared(program, f"number.{value:g}.{len(shape)}", np.full(shape, value, np.float32))
    return program.add(ops.Constant(tensor=named))


def _stretched(program: Program, tensor: Name, lead: tuple[int, ...]) -> Name:
    """A vector once for each place in leading axes."""
    made = program.add(ops.Constant(tensor=tensor))
    if lead:
        made = program.add(ops.Reshape(x=made, shape=(*(1 for _ in lead), program.shapes[made][0])))
    for axis, count in enumerate(lead):
        if count != 1:
            made = program.add(ops.Repeat(x=made, axis=axis, count=count))
    return made
