"""The closed list of operations that a fitted network is made of, and the shape that each one gives.

A value is what stands at one time step: an array of a fixed shape, float32. Time itself is implicit: operations with
`over="stream"` carry a state from step to step, all others act on each step alone. The axes of a value count from 0.
"""

from typing import Literal

import msgspec

from whorl.cells import CELLS, CellName

Name = str
Shape = tuple[int, ...]


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="op"):
    """What all operations share: the name of the value they make; a program gives one to those that have none."""

    out: Name = ""


class Input(Operation, frozen=True, kw_only=True, tag="input"):
    """A value that the caller gives at every step; `static` ones are given once, when a slot is opened."""

    shape: Shape
    static: bool = False


class Constant(Operation, frozen=True, kw_only=True, tag="constant"):
    """A tensor, the same at every step."""

    tensor: Name


class Affine(Operation, frozen=True, kw_only=True, tag="affine"):
    """y = x W^T + b over the last axis; W is (out, in)."""

    x: Name
    weight: Name
    bias: Name | None = None


class Convolve(Operation, frozen=True, kw_only=True, tag="convolve"):
    """Pictures (..., C, H, W) through kernels (O, C, kh, kw), `stride` pixels apart: (..., O, H', W').

    y[o, i, j] = b[o] + sum over c, u, v of W[o, c, u, v] x[c, s i + u - p, s j + v - p]; outside of x stand zeros. So
    H' = (H + 2p - kh) // s + 1, and W' alike.
    """

    x: Name
    weight: Name
    bias: Name | None = None
    stride: int = 1
    padding: int = 0


class Embed(Operation, frozen=True, kw_only=True, tag="embed"):
    """Row of a table (n, d) for a code in a last axis of size 1; codes outside [0, n) read row 0."""

    x: Name
    table: Name


class Activate(Operation, frozen=True, kw_only=True, tag="activate"):
    """An elementwise function."""

    x: Name
    function: Literal["tanh", "relu", "sigmoid", "softplus", "exp", "sqrt", "square"]


class Combine(Operation, frozen=True, kw_only=True, tag="combine"):
    """An elementwise function of two values; sizes of 1 stretch, as in numpy."""

    a: Name
    b: Name
    function: Literal["add", "subtract", "multiply", "divide", "maximum"]


class Normalise(Operation, frozen=True, kw_only=True, tag="normalise"):
    """Layer norm over the last axis: gain * (x - mean) / sqrt(var + eps) + bias."""

    x: Name
    gain: Name
    bias: Name
    eps: float = 1e-5


class Recurrent(Operation, frozen=True, kw_only=True, tag="recurrent"):
    """One layer and direction of a cell, over the stream or over axis -2 of a value; leading axes are a batch.

    It starts from `initial` (h, or h and c side by side; zero if None): over="value" at each step of the stream, and it
    also gives the final state (same layout) under the name `final`; over the stream once, from a static input.
    reverse=True reads backwards; over the stream that needs the whole sequence. `layer_norm` names gain and bias for
    W x, U h and, of a cell that has one, c.
    """

    x: Name
    cell: CellName
    over: Literal["stream", "value"]
    weight_ih: Name
    weight_hh: Name
    bias_ih: Name | None = None
    bias_hh: Name | None = None
    weight_hr: Name | None = None
    layer_norm: tuple[Name, ...] = ()
    zoneout: float = 0.0
    reverse: bool = False
    initial: Name | None = None
    final: Name | None = None


class Step(Operation, frozen=True, kw_only=True, tag="step"):
    """One step of a cell from a given state: gates (..., G*H) and state (..., H or 2H) stretch against each other.

    `layer_norm` names gain and bias for U h and, of a cell that has one, c; the gates come normalised.
    """

    gates: Name
    state: Name
    cell: CellName
    weight_hh: Name
    bias_hh: Name | None = None
    layer_norm: tuple[Name, ...] = ()


class Scan(Operation, frozen=True, kw_only=True, tag="scan"):
    """h_t = a_t h_{t-1} + b_t, elementwise, over the stream or over axis -2 of a value; its leading axes are a batch.

    It starts from `initial` (zero if None): over="value" at each step of the stream; over the stream once, from a
    static input. 'complex' numbers are pairs: the last axis holds the real parts and then as many imaginary ones.
    reverse=True reads backwards; over the stream that needs the whole sequence.
    """

    a: Name
    b: Name
    over: Literal["stream", "value"]
    numbers: Literal["real", "complex"] = "real"
    reverse: bool = False
    initial: Name | None = None


class Window(Operation, frozen=True, kw_only=True, tag="window"):
    """The last `length` values of the stream, oldest first; zeros before its start."""

    x: Name
    length: int


class Running(Operation, frozen=True, kw_only=True, tag="running"):
    """Exponentially weighted mean and standard deviation of the stream so far, this step included: (2, ...).

    With weight w_t = d w_{t-1} + 1: mean_t = mean_{t-1} + (x_t - mean_{t-1}) / w_t and
    m_t = d m_{t-1} + (x_t - mean_{t-1}) (x_t - mean_t); std_t = sqrt(m_t / w_t + floor^2). Kept in float64.
    """

    x: Name
    decay: float
    floor: float


class Pool(Operation, frozen=True, kw_only=True, tag="pool"):
    """The stream so far as one value, this step included.

    'max': the largest of each number. 'softmax', of x (n + 1,): the mean of the first n numbers, each step weighted by
    exp(s), where s is the last number; kept in float64.
    """

    x: Name
    function: Literal["max", "softmax"]


class Previous(Operation, frozen=True, kw_only=True, tag="previous"):
    """What a `Keep` behind it kept at the step before; zeros at the first step, and where nothing is kept."""

    shape: Shape


class Keep(Operation, frozen=True, kw_only=True, tag="keep"):
    """x, which `previous` gives at the next step: the only way in which a value goes back to operations before it.

    A program that has one runs step by step, and reads nothing backwards.
    """

    x: Name
    previous: Name


class Attend(Operation, frozen=True, kw_only=True, tag="attend"):
    """The mean of the first rows of `values` (S, D), each weighted by how well its key fits the query, (D,).

    The weights are softmax(s) over the first n rows, n = min(`length`, S). 'dot': s_i = q . k_i (Luong et al. 2015,
    eq. 8), 'additive': s_i = v . tanh(q + k_i) (Bahdanau et al. 2015, appendix A.1.2), where the tensor `vector` is v.
    The query is (A,), the keys (S, A), the length (1,). Other rows may hold anything; of no rows the mean is 0.
    """

    query: Name
    keys: Name
    values: Name
    length: Name
    function: Literal["dot", "additive"] = "dot"
    vector: Name | None = None


class First(Operation, frozen=True, kw_only=True, tag="first"):
    """The value at step 0 of the stream, at every step; needs the whole sequence when x reads backwards."""

    x: Name


class Slice(Operation, frozen=True, kw_only=True, tag="slice"):
    """x[..., start:stop, ...] along an axis."""

    x: Name
    axis: int
    start: int
    stop: int


class Take(Operation, frozen=True, kw_only=True, tag="take"):
    """x[..., indices, ...] along an axis."""

    x: Name
    axis: int
    indices: tuple[int, ...]


class Reshape(Operation, frozen=True, kw_only=True, tag="reshape"):
    """The same elements in another shape, in row-major order."""

    x: Name
    shape: Shape


class Transpose(Operation, frozen=True, kw_only=True, tag="transpose"):
    """The axes in another order."""

    x: Name
    axes: tuple[int, ...]


class Concat(Operation, frozen=True, kw_only=True, tag="concat"):
    """Values side by side along an axis."""

    parts: tuple[Name, ...]
    axis: int


class Repeat(Operation, frozen=True, kw_only=True, tag="repeat"):
    """An axis of size 1 stretched to `count`."""

    x: Name
    axis: int
    count: int


class Reduce(Operation, frozen=True, kw_only=True, tag="reduce"):
    """An axis reduced to size 1, adding from its start to its end."""

    x: Name
    axis: int
    function: Literal["mean", "max"]


AnyOperation = (
    Input
    | Constant
    | Affine
    | Convolve
    | Embed
    | Activate
    | Combine
    | Normalise
    | Recurrent
    | Step
    | Scan
    | Window
    | Running
    | Pool
    | Previous
    | Keep
    | Attend
    | First
    | Slice
    | Take
    | Reshape
    | Transpose
    | Concat
    | Repeat
    | Reduce
)

GATES = {name: cell.num_gates for name, cell in CELLS.items()}


def operands(op: AnyOperation) -> tuple[Name, ...]:
    """The values that an operation reads."""
    match op:
        case Input() | Constant() | Previous():
            return ()
        case Keep(x=x, previous=previous):
            return (x, previous)
        case Combine(a=a, b=b):
            return (a, b)
        case Concat(parts=parts):
            return parts
        case Step(gates=gates, state=state):
            return (gates, state)
        case Attend():
            return (op.query, op.keys, op.values, op.length)
        case Recurrent(x=x, initial=initial):
            return (x,) if initial is None else (x, initial)
        case Scan(a=a, b=b, initial=initial):
            return (a, b) if initial is None else (a, b, initial)
        case _:
            return (op.x,)


def is_stateful(op: AnyOperation) -> bool:
    """True where an operation carries something from step to step of the stream."""
    match op:
        case Window() | Running() | Pool() | Previous() | Keep() | First():
            return True
        case Recurrent(over=over) | Scan(over=over):
            return over == "stream"
        case _:
            return False


def tensors_of(op: AnyOperation) -> list[Name]:
    """The tensors that an operation names; their shapes are checked by `result_shape`."""
    match op:
        case Constant(tensor=tensor):
            return [tensor]
        case Affine(weight=weight, bias=bias) | Convolve(weight=weight, bias=bias):
            names: tuple[Name | None, ...] = (weight, bias)
        case Embed(table=table):
            return [table]
        case Normalise(gain=gain, bias=bias):
            return [gain, bias]
        case Recurrent():
            names = (op.weight_ih, op.weight_hh, op.bias_ih, op.bias_hh, op.weight_hr, *op.layer_norm)
        case Step(weight_hh=weight, bias_hh=bias, layer_norm=norms):
            names = (weight, bias, *norms)
        case Attend(vector=vector):
            names = (vector,)
        case _:
            return []
    return [name for name in names if name is not None]
