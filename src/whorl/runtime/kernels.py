"""What each operation of a program does, in numpy, for arrays of shape (B, T, ...). The reference of all engines.

Elementwise functions and the native affine product give a row the same bits whatever stands beside it, and sums are
taken from start to end; so every result here is independent of batch size, of chunks and of neighbours.
"""

import math

import numpy as np

from whorl import _native
from whorl.cells import CELLS, sigmoid
from whorl.runtime import operations as ops
from whorl.runtime import scans
from whorl.runtime.attention import attended
from whorl.runtime.convolutions import convolved, kernel_rows
from whorl.runtime.norm import Norm, mean
from whorl.runtime.operations import GATES, Name

Array = np.ndarray
State = dict[str, Array]

_ZERO = np.float32(0.0)


class Tensors:
    """The tensors of a program, and their packed forms for the affine product."""

    def __init__(self, tensors: dict[Name, Array]) -> None:
        self._tensors = tensors
        self._packed: dict[Name, _native.PackedWeight] = {}

    def __getitem__(self, name: Name) -> Array:
        return self._tensors[name]

    def __getstate__(self) -> dict[str, dict[Name, Array]]:
        """What a copy needs: packed forms belong to their process and are made again."""
        return {"_tensors": self._tensors, "_packed": {}}

    def affine(self, x: Array, weight: Name, bias: Name | None) -> Array:
        """Returns x W^T + b over the last axis, the same bits for a row whatever stands beside it; W may be kernels."""
        packed = self._packed.get(weight)
        if packed is None:
            matrix = self._tensors[weight]
            packed = self._packed[weight] = _native.pack(kernel_rows(matrix) if matrix.ndim == 4 else matrix)
        rows = np.ascontiguousarray(x, np.float32).reshape(-1, packed.in_features)
        y = _native.affine(rows, packed, None if bias is None else self._tensors[bias])
        return y.reshape(*x.shape[:-1], packed.out_features)


def state_fields(op: ops.AnyOperation, shapes: dict[Name, ops.Shape], tensors: dict[Name, Array]) -> State:
    """The state of one fresh stream that an operation carries: field -> zeros."""
    match op:
        case ops.Recurrent(over="stream"):
            units = tensors[op.weight_hh].shape[0] // GATES[op.cell]
            *lead, width = shapes[op.out]
            begun = {} if op.initial is None else {"begun": np.zeros(1, np.float32)}
            return {"state": np.zeros((*lead, CELLS[op.cell].state_size(units, width)), np.float32), **begun}
        case ops.Scan(over="stream"):
            return scans.fresh(op, shapes[op.out])
        case ops.Window(x=x, length=length):
            return {"rows": np.zeros((length - 1, *shapes[x]), np.float32)}
        case ops.Running(x=x):
            fields = {name: np.zeros(shapes[x], np.float64) for name in ("mean", "squares")}
            return {"weight": np.zeros(1, np.float64), **fields}
        case ops.Previous(shape=shape):
            return {"value": np.zeros(shape, np.float32)}
        case ops.First(x=x) | ops.Pool(x=x, function="max"):
            return {"value": np.zeros(shapes[x], np.float32), "seen": np.zeros(1, np.float32)}
        case ops.Pool(out=out):
            sizes = {"top": (1,), "total": (1,), "sums": shapes[out]}
            return {name: np.zeros(shape, np.float64) for name, shape in sizes.items()}
        case _:
            return {}


def carried(
    op: ops.AnyOperation, x: Array, state: State, valid: Array | None, tensors: Tensors, initial: Array | None = None
) -> tuple[Array, State]:
    """An operation with state: x (B, T, ...), state (B, ...), valid (B, T) or None -> result (B, T, ...), state.

    `initial` (B, ...) is what a recurrence starts from that was given one.
    """
    match op:
        case ops.Recurrent():
            return _over_stream(op, x, state, valid, tensors, initial)
        case ops.Window(length=length):
            return _window(length, x, state, valid)
        case ops.Running():
            return _running(op, x, state, valid)
        case ops.Pool(function="max"):
            return _largest(x, state, valid)
        case ops.Pool():
            return _softmax_mean(x, state, valid)
        case ops.First():
            first = np.where(_like(state["seen"][:, 0] > 0, x[:, 0]), state["value"], x[:, 0])
            result = np.broadcast_to(first[:, None], x.shape)
            if valid is None:
                return result, {"value": first, "seen": np.ones_like(state["seen"])}
            # A sequence of length 0 has not begun: what stands at its first step is padding.
            begun = valid[:, 0]
            value = np.where(_like(begun, first), first, state["value"])
            return result, {"value": value, "seen": np.where(begun[:, None], np.float32(1.0), state["seen"])}
        case _:
            raise TypeError(type(op))


def kept(x: Array, state: State, valid: Array | None) -> State:
    """What is kept of one step x (B, 1, ...) where it is real, beside what was kept before it."""
    now = x[:, 0]
    return {"value": now if valid is None else np.where(_like(valid[:, 0], now), now, state["value"])}


def alone(op: ops.AnyOperation, values: dict[Name, Array], tensors: Tensors) -> Array:
    """An operation without state, at all steps at once; `values` holds its operands, (B, T, ...)."""
    match op:
        case ops.Affine(x=x, weight=weight, bias=bias):
            return tensors.affine(values[x], weight, bias)
        case ops.Convolve():
            kernel = tensors[op.weight].shape[2:]
            return convolved(op, values[op.x], kernel, lambda rows: tensors.affine(rows, op.weight, op.bias))
        case ops.Embed(x=x, table=table):
            rows = tensors[table]
            codes = np.nan_to_num(values[x][..., 0], nan=0.0, posinf=0.0, neginf=0.0).astype(np.int64)
            return rows[np.where((codes >= 0) & (codes < len(rows)), codes, 0)]
        case ops.Activate(x=x, function=function):
            return _activate(function, values[x])
        case ops.Combine(a=a, b=b, function=function):
            return _combine(function, values[a], values[b])
        case ops.Normalise(x=x, gain=gain, bias=bias, eps=eps):
            return Norm(tensors[gain], tensors[bias], eps)(values[x])
        case ops.Step():
            h = values[op.state][..., : tensors[op.weight_hh].shape[1]]
            gates_h = tensors.affine(h, op.weight_hh, op.bias_hh)
            norms = _norms(op.layer_norm, tensors)
            gates_h = norms[0](gates_h) if norms else gates_h
            return CELLS[op.cell].step(values[op.gates], gates_h, values[op.state], norms[1] if norms[1:] else None)
        case ops.Scan():
            return scans.over_value(op, values[op.a], values[op.b], None if op.initial is None else values[op.initial])
        case ops.Attend():
            query, keys, rows, length = (values[name] for name in ops.operands(op))
            return attended(op, query, keys, rows, length, None if op.vector is None else tensors[op.vector])
        case _:
            return _rearrange(op, values)


def _rearrange(op: ops.AnyOperation, values: dict[Name, Array]) -> Array:
    match op:
        case ops.Slice(x=x, axis=axis, start=start, stop=stop):
            return values[x][(slice(None),) * (axis + 2) + (slice(start, stop),)]
        case ops.Take(x=x, axis=axis, indices=indices):
            return np.take(values[x], indices, axis=axis + 2)
        case ops.Reshape(x=x, shape=shape):
            return values[x].reshape(*values[x].shape[:2], *shape)
        case ops.Transpose(x=x, axes=axes):
            return values[x].transpose(0, 1, *(axis + 2 for axis in axes))
        case ops.Concat(parts=parts, axis=axis):
            return np.concatenate([values[part] for part in parts], axis=axis + 2)
        case ops.Repeat(x=x, axis=axis, count=count):
            return np.repeat(values[x], count, axis=axis + 2)
        case ops.Reduce(x=x, axis=axis, function=function):
            if function == "mean":
                return mean(values[x], axis + 2)
            return values[x].max(axis=axis + 2, keepdims=True)
        case _:
            raise TypeError(type(op))


def over_value(op: ops.Recurrent, x: Array, initial: Array | None, tensors: Tensors) -> tuple[Array, Array]:
    """A recurrence over axis -2 of a value: x (..., S, D), initial (..., state) -> outputs (..., S, H), final state."""
    lead, num_steps = x.shape[:-2], x.shape[-2]
    flat = x.reshape(math.prod(lead), num_steps, x.shape[-1])
    cell = _Layer(op, tensors)
    start = (
        np.zeros((len(flat), cell.state_size), np.float32)
        if initial is None
        else initial.reshape(len(flat), cell.state_size)
    )
    outputs, final = cell.scan(flat, start, None)
    return outputs.reshape(*lead, num_steps, cell.width), final.reshape(*lead, cell.state_size)


class _Layer:
    """One layer and direction of a cell, ready to scan (N, S, D)."""

    def __init__(self, op: ops.Recurrent, tensors: Tensors) -> None:
        self.op, self.tensors = op, tensors
        units = len(tensors[op.weight_hh]) // GATES[op.cell]
        self.width = tensors[op.weight_hh].shape[1]
        self.state_size = CELLS[op.cell].state_size(units, self.width)
        self.norms = _norms(op.layer_norm, tensors)

    def scan(self, x: Array, state: Array, valid: Array | None) -> tuple[Array, Array]:
        op = self.op
        gates_x = self.tensors.affine(x, op.weight_ih, op.bias_ih)
        if self.norms:
            gates_x = self.norms[0](gates_x)
        outputs = np.empty((*x.shape[:2], self.width), np.float32)
        steps = range(x.shape[1])
        for t in reversed(steps) if op.reverse else steps:
            new = self._step(gates_x[:, t], state)
            state = new if valid is None else np.where(valid[:, t, None], new, state)
            outputs[:, t] = state[:, : self.width]
        return outputs, state

    def _step(self, gates_x: Array, state: Array) -> Array:
        op = self.op
        gates_h = self.tensors.affine(state[:, : self.width], op.weight_hh, op.bias_hh)
        if self.norms:
            gates_h = self.norms[1](gates_h)
        new = CELLS[op.cell].step(gates_x, gates_h, state, self.norms[2] if len(self.norms) == 3 else None)
        if op.weight_hr is not None:
            units = self.state_size - self.width
            h = self.tensors.affine(new[:, :units], op.weight_hr, None)
            new = np.concatenate([h, new[:, units:]], axis=1)
        if op.zoneout:
            new = np.float32(op.zoneout) * state + np.float32(1.0 - op.zoneout) * new
        return new


def _norms(names: tuple[Name, ...], tensors: Tensors) -> list[Norm]:
    return [Norm(tensors[names[i]], tensors[names[i + 1]], 1e-5) for i in range(0, len(names), 2)]


def _over_stream(
    op: ops.Recurrent, x: Array, state: State, valid: Array | None, tensors: Tensors, initial: Array | None
) -> tuple[Array, State]:
    batch_size, num_steps, *lead, size = x.shape
    count = int(np.prod(lead))
    flat = batch_size * count
    rows = np.moveaxis(x.reshape(batch_size, num_steps, count, size), 1, 2).reshape(flat, num_steps, size)
    cell = _Layer(op, tensors)
    before, begun = state["state"], {}
    if initial is not None:
        # A sequence of length 0 has not begun.
        begins = np.ones(batch_size, bool) if valid is None else valid[:, 0]
        fresh = begins & (state["begun"][:, 0] == 0)
        before = np.where(_like(fresh, before), initial, before)
        begun = {"begun": np.where(begins[:, None], np.float32(1.0), state["begun"])}
    start = before.reshape(flat, cell.state_size)
    outputs, final = cell.scan(rows, start, None if valid is None else np.repeat(valid, count, axis=0))
    outputs = np.moveaxis(outputs.reshape(batch_size, count, num_steps, cell.width), 1, 2)
    carried_on = {"state": final.reshape(before.shape), **begun}
    return outputs.reshape(batch_size, num_steps, *lead, cell.width), carried_on


def _window(length: int, x: Array, state: State, valid: Array | None) -> tuple[Array, State]:
    rows = np.concatenate([state["rows"], x], axis=1)
    windows = np.moveaxis(np.lib.stride_tricks.sliding_window_view(rows, length, axis=1), -1, 2)
    num_new = np.full(len(x), x.shape[1]) if valid is None else valid.sum(axis=1)
    last = num_new[:, None] + np.arange(length - 1)
    return windows, {"rows": rows[np.arange(len(x))[:, None], last]}


def running_statistics(x: np.ndarray, decay: float, floor: float) -> np.ndarray:
    """What `Running` gives for one whole sequence: (T, K) -> (T, 2, K)."""
    op = ops.Running(x="x", decay=decay, floor=floor)
    state = {name: field[None] for name, field in state_fields(op, {"x": x.shape[1:]}, {}).items()}
    return _running(op, x[None], state, None)[0][0]


def _running(op: ops.Running, x: Array, state: State, valid: Array | None) -> tuple[Array, State]:
    weight, mean, squares = state["weight"], state["mean"], state["squares"]
    weight = weight.reshape(-1, *(1 for _ in x.shape[2:]))
    result = np.empty((*x.shape[:2], 2, *x.shape[2:]), np.float32)
    for t in range(x.shape[1]):
        new_weight = op.decay * weight + 1.0
        delta = x[:, t] - mean
        new_mean = mean + delta / new_weight
        new_squares = op.decay * squares + delta * (x[:, t] - new_mean)
        if valid is not None:
            keep = _like(valid[:, t], mean)
            new_weight = np.where(keep.reshape(weight.shape if x.ndim == 2 else keep.shape), new_weight, weight)
            new_mean, new_squares = np.where(keep, new_mean, mean), np.where(keep, new_squares, squares)
        weight, mean, squares = new_weight, new_mean, new_squares
        result[:, t, 0] = mean
        result[:, t, 1] = np.sqrt(squares / np.maximum(weight, 1.0) + op.floor**2)
    return result, {"weight": weight.reshape(len(x), 1), "mean": mean, "squares": squares}


def _largest(x: Array, state: State, valid: Array | None) -> tuple[Array, State]:
    value, seen = state["value"], state["seen"]
    result = np.empty_like(x)
    for t in range(x.shape[1]):
        largest = np.where(_like(seen[:, 0] > 0, value), np.maximum(value, x[:, t]), x[:, t])
        real = np.ones(len(x), bool) if valid is None else valid[:, t]
        value, seen = np.where(_like(real, value), largest, value), np.where(real[:, None], np.float32(1.0), seen)
        result[:, t] = value
    return result, {"value": value, "seen": seen}


def _softmax_mean(x: Array, state: State, valid: Array | None) -> tuple[Array, State]:
    top, total, sums = state["top"], state["total"], state["sums"]
    result = np.empty((*x.shape[:2], x.shape[2] - 1), np.float32)
    for t in range(x.shape[1]):
        now = x[:, t].astype(np.float64)
        score, begun = now[:, -1:], total > 0
        new_top = np.where(begun, np.maximum(top, score), score)
        # What came before counts less by as much as the largest weight has grown.
        with np.errstate(invalid="ignore", over="ignore"):
            kept, own = np.where(begun, np.exp(top - new_top), 0.0), np.exp(score - new_top)
        new_total, new_sums = total * kept + own, sums * kept + own * now[:, :-1]
        if valid is not None:
            real = valid[:, t, None]
            new_top, new_total = np.where(real, new_top, top), np.where(real, new_total, total)
            new_sums = np.where(real, new_sums, sums)
        top, total, sums = new_top, new_total, new_sums
        result[:, t] = sums / np.where(total > 0, total, 1.0)
    return result, {"top": top, "total": total, "sums": sums}


def _like(flags: Array, x: Array) -> Array:
    """Flags (B,) shaped to choose rows of x (B, ...)."""
    return flags.reshape(-1, *(1 for _ in x.shape[1:]))


def _activate(function: str, x: Array) -> Array:
    # Results must not depend on memory layout: numpy may choose another loop for strided input.
    x = np.ascontiguousarray(x)
    match function:
        case "tanh":
            return np.tanh(x)
        case "relu":
            return np.maximum(x, _ZERO)
        case "sigmoid":
            return sigmoid(x)
        case "softplus":
            return np.maximum(x, _ZERO) + np.log1p(np.exp(-np.abs(x)))
        case "exp":
            return np.exp(x)
        case "sqrt":
            return np.sqrt(x)
        case _:
            return x * x


def _combine(function: str, a: Array, b: Array) -> Array:
    match function:
        case "add":
            return a + b
        case "subtract":
            return a - b
        case "multiply":
            return a * b
        case "divide":
            return a / b
        case _:
            return np.maximum(a, b)
