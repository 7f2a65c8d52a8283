"""The shape that each operation of a program gives; where the rule of an operation is broken, a ModelFileError."""

import math
from collections.abc import Mapping
from typing import assert_never

from whorl.cells import CELLS
from whorl.runtime import operations as ops
from whorl.runtime.operations import GATES, Name, Shape
from whorl.runtime.rules import MAX_ELEMENTS, elements, expect


def result_shape(op: ops.AnyOperation, values: Mapping[Name, Shape], tensors: Mapping[Name, Shape]) -> Shape:
    """Checks an operation against the values and tensors it names, and returns the shape of its result."""
    match op:
        case ops.Input(shape=shape) | ops.Previous(shape=shape):
            return shape
        case ops.Constant(tensor=tensor):
            return tensors[tensor]
        case ops.Affine():
            return _affine(op, values[op.x], tensors)
        case ops.Convolve():
            return _convolve(op, values, tensors)
        case ops.Embed(x=x, table=table):
            expect(values[x][-1:] == (1,), op, "its input must end in an axis of size 1")
            expect(len(tensors[table]) == 2 and tensors[table][0] > 0, op, "its table must be (n, d) with n > 0")
            return (*values[x][:-1], tensors[table][1])
        case ops.Activate(x=x):
            return values[x]
        case ops.Combine(a=a, b=b):
            return _stretch(op, values[a], values[b])
        case ops.Normalise(x=x, gain=gain, bias=bias, eps=eps):
            last = values[x][-1:]
            expect(last not in ((), (0,)), op, "its last axis must not be empty")
            expect(tensors[gain] == last == tensors[bias], op, "gain and bias must fit the last axis")
            expect(0 < eps <= 1, op, "eps must be in (0, 1]")
            return values[x]
        case ops.Keep(x=x, previous=previous):
            expect(values[x] == values[previous], op, f"{values[x]} is not of the shape {values[previous]}")
            return values[x]
        case ops.Recurrent():
            return _recurrent(op, values, tensors)
        case ops.Step():
            return _step(op, values, tensors)
        case ops.Scan():
            return _scan(op, values)
        case ops.Attend():
            return _attend(op, values, tensors)
        case ops.Window(x=x, length=length):
            expect(1 <= length <= 1_000_000, op, "its length must be within 1 and 1,000,000")
            return (length, *values[x])
        case ops.Running(x=x, decay=decay, floor=floor):
            expect(0 < decay <= 1 and 0 < floor <= 1e9, op, "decay must be in (0, 1] and floor in (0, 1e9]")
            return (2, *values[x])
        case ops.Pool(x=x, function="softmax"):
            expect(len(values[x]) == 1 and values[x][0] > 1, op, "it needs numbers and their weight on one axis")
            return (values[x][0] - 1,)
        case ops.First(x=x) | ops.Pool(x=x):
            return values[x]
        case _:
            return _rearranged(op, values)


def final_shape(op: ops.Recurrent, values: Mapping[Name, Shape], tensors: Mapping[Name, Shape]) -> Shape:
    """The shape of the final state that a recurrence over a value gives beside its outputs."""
    return (*values[op.x][:-2], _state_size(op, tensors))


def carried_elements(
    op: ops.AnyOperation, values: Mapping[Name, Shape], tensors: Mapping[Name, Shape], result: Shape
) -> int:
    """How many numbers a checked operation keeps from step to step of the stream, about."""
    if isinstance(op, ops.Recurrent):
        return math.prod(values[op.x][:-1]) * _state_size(op, tensors)
    return math.prod(result)


def _rearranged(
    op: ops.Slice | ops.Take | ops.Reshape | ops.Transpose | ops.Concat | ops.Repeat | ops.Reduce,
    values: Mapping[Name, Shape],
) -> Shape:
    match op:
        case ops.Slice(x=x, axis=axis, start=start, stop=stop):
            size = _axis(op, values[x], axis)
            expect(0 <= start <= stop <= size, op, f"the range {start}:{stop} must lie within 0:{size}")
            return _with(values[x], axis, stop - start)
        case ops.Take(x=x, axis=axis, indices=indices):
            size = _axis(op, values[x], axis)
            expect(all(0 <= index < size for index in indices), op, f"indices must be within 0 and {size - 1}")
            return _with(values[x], axis, len(indices))
        case ops.Reshape(x=x, shape=shape):
            expect(elements(op, shape) == math.prod(values[x]), op, f"{values[x]} does not fill {shape}")
            return shape
        case ops.Transpose(x=x, axes=axes):
            expect(sorted(axes) == list(range(len(values[x]))), op, "axes must be a permutation")
            return tuple(values[x][axis] for axis in axes)
        case ops.Concat(parts=parts, axis=axis):
            expect(len(parts) > 0, op, "it needs a part")
            first = values[parts[0]]
            total = sum(_axis(op, values[part], axis) for part in parts)
            for part in parts:
                expect(_with(values[part], axis, 0) == _with(first, axis, 0), op, "its parts must fit")
            return _with(first, axis, total)
        case ops.Repeat(x=x, axis=axis, count=count):
            expect(_axis(op, values[x], axis) == 1 and count >= 0, op, "it stretches an axis of size 1")
            return _with(values[x], axis, count)
        case ops.Reduce(x=x, axis=axis):
            expect(_axis(op, values[x], axis) > 0, op, "it reduces an axis that is not empty")
            return _with(values[x], axis, 1)
        case _:
            assert_never(op)


def _axis(op: ops.Operation, shape: Shape, axis: int) -> int:
    expect(0 <= axis < len(shape), op, f"axis {axis} is not in shape {shape}")
    return shape[axis]


def _with(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])


def _stretch(op: ops.Operation, a: Shape, b: Shape) -> Shape:
    expect(len(a) == len(b), op, f"{a} and {b} must have the same number of axes")
    expect(all(m == n or 1 in (m, n) for m, n in zip(a, b, strict=True)), op, f"{a} and {b} do not stretch to fit")
    return tuple(n if m == 1 else m for m, n in zip(a, b, strict=True))


def _affine(op: ops.Affine, x: Shape, tensors: Mapping[Name, Shape]) -> Shape:
    weight = tensors[op.weight]
    expect(len(weight) == 2 and x[-1:] == weight[1:], op, f"weight {weight} does not fit an input of {x}")
    expect(0 not in weight, op, f"weight {weight} must not be empty")
    if op.bias is not None:
        expect(tensors[op.bias] == weight[:1], op, f"bias {tensors[op.bias]} does not fit weight {weight}")
    return (*x[:-1], weight[0])


# Axes before those of a picture: an engine walks over them, the patches' own five, the steps and the sequences.
_MOST_PICTURE_AXES = 3


def _convolve(op: ops.Convolve, values: Mapping[Name, Shape], tensors: Mapping[Name, Shape]) -> Shape:
    x, weight = values[op.x], tensors[op.weight]
    expect(3 <= len(x) <= 3 + _MOST_PICTURE_AXES, op, f"it reads (..., C, H, W), at most 6 axes, and not {x}")
    expect(len(weight) == 4 and x[-3] == weight[1], op, f"weight {weight} does not fit a picture of {x}")
    expect(0 not in weight, op, f"weight {weight} must not be empty")
    expect(op.bias is None or tensors[op.bias] == weight[:1], op, f"its bias does not fit weight {weight}")
    expect(1 <= op.stride <= MAX_ELEMENTS, op, f"its stride must be at least 1, not {op.stride}")
    expect(0 <= op.padding < min(weight[2:]), op, f"its padding {op.padding} must be less than the kernel {weight[2:]}")
    padded = tuple(size + 2 * op.padding for size in x[-2:])
    fits = all(0 < kernel <= size for kernel, size in zip(weight[2:], padded, strict=True))
    expect(fits, op, f"its kernel {weight[2:]} is larger than the padded picture {padded}")
    out = tuple((size - kernel) // op.stride + 1 for size, kernel in zip(padded, weight[2:], strict=True))
    elements(op, (*x[:-2], *padded))
    elements(op, (math.prod(x[:-3]), *out, *weight[1:]))  # the patches that the kernels are multiplied with
    return (*x[:-3], weight[0], *out)


def _sizes(op: ops.Recurrent, tensors: Mapping[Name, Shape]) -> tuple[int, int]:
    """Units of the cell and width of h (smaller with a projection)."""
    weight_hh = tensors[op.weight_hh]
    expect(len(weight_hh) == 2 and weight_hh[0] % GATES[op.cell] == 0, op, "weight_hh must be (gates * hidden, h)")
    expect(0 not in weight_hh, op, "weight_hh must not be empty")
    units = weight_hh[0] // GATES[op.cell]
    width = units
    if op.weight_hr is not None:
        expect(CELLS[op.cell].has_c, op, "only a cell that has a c, such as an LSTM, has a projection")
        weight_hr = tensors[op.weight_hr]
        expect(len(weight_hr) == 2 and weight_hr[1] == units, op, "weight_hr must be (projection, hidden)")
        width = weight_hr[0]
    expect(weight_hh[1] == width, op, "weight_hh must read h")
    return units, width


def _state_size(op: ops.Recurrent, tensors: Mapping[Name, Shape]) -> int:
    return CELLS[op.cell].state_size(*_sizes(op, tensors))


def _norm_of_c(op: ops.Recurrent | ops.Step, units: int) -> Shape:
    """Sizes of the gain and bias of c, where there is one."""
    return (units, units) if CELLS[op.cell].has_c else ()


def _recurrent(op: ops.Recurrent, values: Mapping[Name, Shape], tensors: Mapping[Name, Shape]) -> Shape:
    units, width = _sizes(op, tensors)
    rows = GATES[op.cell] * units
    x = values[op.x]
    expect(0.0 <= op.zoneout < 1.0, op, "zoneout must be in [0, 1)")
    expect(tensors[op.weight_ih] == (rows, *x[-1:]), op, f"weight_ih {tensors[op.weight_ih]} must be ({rows}, input)")
    expect(len(x) >= 1 and x[-1] > 0, op, "it reads at least one feature")
    for bias in (op.bias_ih, op.bias_hh):
        expect(bias is None or tensors[bias] == (rows,), op, f"a bias must be ({rows},)")
    sizes = (rows, rows, rows, rows, *_norm_of_c(op, units))
    expect(op.layer_norm == () or len(op.layer_norm) == len(sizes), op, "layer_norm names gain and bias for each norm")
    for name, size in zip(op.layer_norm, sizes, strict=False):
        expect(tensors[name] == (size,), op, f"layer norm tensor {name} must be ({size},)")
    if op.over == "stream":
        expect(len(x) >= 1, op, "a recurrence over the stream reads (..., features) at each step")
        expect(op.final is None, op, "the state of the stream belongs to the engine")
    else:
        expect(len(x) >= 2, op, "a recurrence over a value reads (..., steps, features)")
    if op.initial is not None:
        lead = x[:-1] if op.over == "stream" else x[:-2]
        expect(values[op.initial] == (*lead, _state_size(op, tensors)), op, "the initial state does not fit")
    elements(op, (*x[:-1], rows))  # the input products
    return (*x[:-1], width)


def _scan(op: ops.Scan, values: Mapping[Name, Shape]) -> Shape:
    shape = values[op.b]
    expect(values[op.a] == shape, op, f"{values[op.a]} and {shape} must be of one shape")
    fewest = 1 if op.over == "stream" else 2
    expect(len(shape) >= fewest and shape[-1] > 0, op, "it reads (..., numbers), over a value (..., steps, numbers)")
    expect(op.numbers == "real" or shape[-1] % 2 == 0, op, "complex numbers are as many real parts as imaginary ones")
    if op.initial is not None:
        state = shape if op.over == "stream" else (*shape[:-2], shape[-1])
        expect(values[op.initial] == state, op, "the initial state does not fit")
    return shape


def _attend(op: ops.Attend, values: Mapping[Name, Shape], tensors: Mapping[Name, Shape]) -> Shape:
    query, keys, rows = values[op.query], values[op.keys], values[op.values]
    expect(len(query) == 1 and query[0] > 0, op, "its query must be (A,) and not empty")
    expect(len(keys) == 2 and keys[1:] == query, op, f"its keys {keys} must be (S, {query[0]}), as wide as the query")
    expect(len(rows) == 2 and rows[0] == keys[0], op, f"its values {rows} must be ({keys[0]}, D), a row for each key")
    expect(values[op.length] == (1,), op, "its length must be of size 1")
    expect((op.vector is not None) == (op.function == "additive"), op, "an additive one, and no other, needs a vector")
    expect(op.vector is None or tensors[op.vector] == query, op, "its vector must be as wide as the query")
    return rows[1:]


def _step(op: ops.Step, values: Mapping[Name, Shape], tensors: Mapping[Name, Shape]) -> Shape:
    weight = tensors[op.weight_hh]
    expect(len(weight) == 2 and weight[0] == GATES[op.cell] * weight[1], op, "weight_hh must be (gates * h, h)")
    expect(0 not in weight, op, "weight_hh must not be empty")
    units = weight[1]
    size = CELLS[op.cell].state_size(units, units)
    expect(op.bias_hh is None or tensors[op.bias_hh] == weight[:1], op, "bias_hh must fit weight_hh")
    sizes = (*weight[:1], *weight[:1], *_norm_of_c(op, units))
    expect(op.layer_norm == () or len(op.layer_norm) == len(sizes), op, "layer_norm names gain and bias for each norm")
    for name, norm_size in zip(op.layer_norm, sizes, strict=False):
        expect(tensors[name] == (norm_size,), op, f"layer norm tensor {name} must be ({norm_size},)")
    gates, state = values[op.gates], values[op.state]
    expect(gates[-1:] == weight[:1] and state[-1:] == (size,), op, "gates and state must fit weight_hh")
    return (*_stretch(op, gates[:-1], state[:-1]), size)
