"""A program in torch again, so that gradients flow through a network of which only the program is known.

Axes: B sequences, T steps of the stream, ... the axes of a value, S steps and D features of a recurrence over a value.
"""

from collections.abc import Callable, Mapping
from typing import assert_never

import torch
from torch import Tensor
from torch.nn import functional

from whorl.errors import ArgumentError
from whorl.nn import cells
from whorl.nn.cells.cell import Cell
from whorl.nn.loops import in_order, looped
from whorl.ops.call import Weights
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import needed_for_answers_alone
from whorl.runtime.operations import AnyOperation, Name
from whorl.runtime.program import Program

_ACTIVATE: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    "exp": torch.exp,
    "sqrt": torch.sqrt,
    "square": torch.square,
}
_COMBINE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "subtract": torch.subtract,
    "multiply": torch.multiply,
    "divide": torch.divide,
    "maximum": torch.maximum,
}


class Replay:
    """Runs whole sequences through a program from a fresh state, as the interpreter does.

    Args:
        program: of a fitted network.
        dtype: of all values; in float64 gradients hundreds of steps apart are still told from rounding.
    """

    def __init__(self, program: Program, dtype: torch.dtype = torch.float64) -> None:
        self._loop = looped(program)
        if any(ops.is_stateful(op) and not isinstance(op, ops.Previous | ops.Keep) for op in self._loop):
            raise ArgumentError(
                "`program` reads what it said at the step before, which is not replayed. Ask for a network without "
                "`input_feeding` and `wait`."
            )
        self.program, self.dtype = program, dtype
        self.tensors = {name: torch.tensor(array, dtype=dtype) for name, array in program.tensors.items()}

    def run(self, inputs: Mapping[str, Tensor], *, last: bool = False) -> "Pass":
        """Runs sequences.

        Args:
            inputs: name -> (B, T, ...); static ones (B, ...).
            last: the answer of the last step alone is wanted: what no state depends on has that step alone.
        """
        values: dict[Name, Tensor] = {}
        states: dict[Name, list[Tensor]] = {}
        steps = next(inputs[op.out].shape[1] for op in self.program.inputs if not op.static)
        late = needed_for_answers_alone(self.program) if last else set()
        for op in in_order(self.program, self._loop):
            if op is None:
                self._run_loop(values, steps)
            elif op.out in late and ops.operands(op):
                self._last_step(op, values, states)
            else:
                self._whole(op, inputs, steps, values, states)
        return Pass(values, states, self.program.output)

    def _whole(
        self,
        op: AnyOperation,
        inputs: Mapping[str, Tensor],
        steps: int,
        values: dict[Name, Tensor],
        states: dict[Name, list[Tensor]],
    ) -> None:
        """What an operation gives at all steps."""
        match op:
            case ops.Input(static=True):
                values[op.out] = inputs[op.out].to(self.dtype)[:, None].expand(-1, steps, *op.shape)
            case ops.Input():
                values[op.out] = inputs[op.out].to(self.dtype)
            case ops.Constant(tensor=tensor):
                first = next(iter(values.values()))
                values[op.out] = self.tensors[tensor].expand(*first.shape[:2], *self.tensors[tensor].shape)
            case ops.Recurrent() | ops.Scan():
                self._recur(op, values, states)
            case ops.Window() | ops.Running() | ops.Pool() | ops.First():
                values[op.out] = _carried(op, values[op.x])
            case _:
                values[op.out] = self._alone(op, values)

    def _run_loop(self, values: dict[Name, Tensor], steps: int) -> None:
        """What goes back to the next step, and what lies between, one step after the other."""
        batch_size = len(next(iter(values.values())))
        kept: dict[Name, Tensor] = {}
        made: dict[Name, list[Tensor]] = {op.out: [] for op in self._loop}
        for t in range(steps):
            now: dict[Name, Tensor] = {}
            for op in self._loop:
                own = {name: now[name] if name in now else values[name][:, t : t + 1] for name in ops.operands(op)}
                match op:
                    case ops.Previous(shape=shape):
                        before = kept.get(op.out)
                        now[op.out] = self._zeros(batch_size, shape) if before is None else before
                    case ops.Keep(x=x, previous=previous):
                        now[op.out] = kept[previous] = own[x]
                    case _:
                        now[op.out] = self._alone(op, own)
                made[op.out].append(now[op.out])
        values |= {name: torch.cat(each, dim=1) for name, each in made.items()}

    def _zeros(self, batch_size: int, shape: tuple[int, ...]) -> Tensor:
        return torch.zeros(batch_size, 1, *shape, dtype=self.dtype)

    def _last_step(self, op: AnyOperation, values: dict[Name, Tensor], states: dict[Name, list[Tensor]]) -> None:
        """What an operation gives at the last step, of operands that may have all steps."""
        match op:
            case ops.Window(x=x, length=length):
                padded = functional.pad(values[x], (*(0, 0) * (values[x].dim() - 2), length - 1, 0))
                values[op.out] = padded[:, None, -length:]
            case ops.Running() | ops.Pool() | ops.First():
                values[op.out] = _carried(op, values[op.x])[:, -1:]
            case ops.Recurrent(over="stream") | ops.Scan(over="stream"):
                self._recur(op, values, states)
            case _:
                own = {name: values[name][:, -1:] for name in ops.operands(op)}
                if isinstance(op, ops.Recurrent | ops.Scan):
                    given = set(own)
                    self._recur(op, own, states)
                    values |= {name: value for name, value in own.items() if name not in given}
                else:
                    values[op.out] = self._alone(op, own)

    def _recur(
        self, op: ops.Recurrent | ops.Scan, values: dict[Name, Tensor], states: dict[Name, list[Tensor]]
    ) -> None:
        over_value = op.over == "value"

        def flat(name: Name) -> Tensor:
            """The axis of time goes to the front, all others but the last are a batch."""
            moved = values[name].movedim(-2 if over_value else 1, 0)
            return moved.reshape(len(moved), -1, moved.shape[-1])

        given = None if op.initial is None else values[op.initial] if over_value else values[op.initial][:, 0]
        start = None if given is None else given.reshape(-1, given.shape[-1])
        if isinstance(op, ops.Scan):
            outputs, each = _scanned(op, flat(op.a), flat(op.b), start)
            like = values[op.b]
        else:
            outputs, each = self._scan(op, flat(op.x), start)
            like = values[op.x]
        lead = like.movedim(-2 if over_value else 1, 0).shape[:-1]
        values[op.out] = outputs.reshape(*lead, outputs.shape[-1]).movedim(0, -2 if over_value else 1)
        states[op.out] = each
        if isinstance(op, ops.Recurrent) and op.final is not None:
            values[op.final] = each[0 if op.reverse else -1].reshape(*lead[1:], -1)

    def _scan(self, op: ops.Recurrent, x: Tensor, start: Tensor | None) -> tuple[Tensor, list[Tensor]]:
        """Outputs (S, N, H) and the state after each step, (N, h and c side by side), of x (S, N, D)."""
        cell, weights = cells.make(op.cell), self._weights(op)
        width, units = weights.weight_hh.shape[1], len(weights.weight_hh) // ops.GATES[op.cell]
        sizes = [width, units] if cell.has_memory else [width]
        gates = cell.input_gates(x, weights)
        state = x.new_zeros(x.shape[1], sum(sizes)) if start is None else start
        # Gradients by states can be asked for, whatever is read.
        state = state if state.requires_grad else state.detach().requires_grad_()
        each: list[Tensor] = [state] * len(x)
        for t in reversed(range(len(x))) if op.reverse else range(len(x)):
            new = torch.cat(tuple(cell.step(gates[t], torch.split(state, sizes, dim=-1), weights)), dim=-1)
            state = op.zoneout * state + (1.0 - op.zoneout) * new if op.zoneout else new
            each[t] = state
        return torch.stack([one[:, :width] for one in each]), each

    def _weights(self, op: ops.Recurrent | ops.Step) -> Weights:
        def named(name: Name | None) -> Tensor | None:
            return None if name is None else self.tensors[name]

        norms = [self.tensors[name] for name in op.layer_norm]
        if isinstance(op, ops.Step):
            # The gates come with their bias and normalised, so that only what is done with U h is left.
            gains = (None, norms[0], *norms[2:]) if norms else ()
            bias = norms[1] if norms else named(op.bias_hh)
            weight = self.tensors[op.weight_hh]
            return Weights(weight, weight, None, bias, None, *gains)
        bias_ih, bias_hh = (norms[1], norms[3]) if norms else (named(op.bias_ih), named(op.bias_hh))
        gains = (norms[0], norms[2], *norms[4:]) if norms else ()
        both = self.tensors[op.weight_ih], self.tensors[op.weight_hh]
        return Weights(*both, bias_ih, bias_hh, named(op.weight_hr), *gains)

    def _convolved(self, op: ops.Convolve, x: Tensor) -> Tensor:
        shift = None if op.bias is None else self.tensors[op.bias]
        pictures = x.flatten(0, -4)  # all axes before those of a picture are a batch
        found: Tensor = functional.conv2d(pictures, self.tensors[op.weight], shift, op.stride, op.padding)
        return found.reshape(*x.shape[:-3], *found.shape[1:])

    def _alone(self, op: AnyOperation, values: dict[Name, Tensor]) -> Tensor:
        """An operation that acts on each step alone."""
        match op:
            case ops.Affine(x=x, weight=weight, bias=bias):
                return functional.linear(values[x], self.tensors[weight], None if bias is None else self.tensors[bias])
            case ops.Convolve():
                return self._convolved(op, values[op.x])
            case ops.Embed(x=x, table=table):
                rows = self.tensors[table]
                codes = torch.nan_to_num(values[x][..., 0]).long()
                return rows[torch.where((codes >= 0) & (codes < len(rows)), codes, 0)]
            case ops.Activate(x=x, function=function):
                return _ACTIVATE[function](values[x])
            case ops.Combine(a=a, b=b, function=function):
                return _COMBINE[function](values[a], values[b])
            case ops.Normalise(x=x, gain=gain, bias=bias, eps=eps):
                return functional.layer_norm(
                    values[x], values[x].shape[-1:], self.tensors[gain], self.tensors[bias], eps
                )
            case ops.Step():
                cell, weights = cells.make(op.cell), self._weights(op)
                return _step(cell, weights, values[op.gates], values[op.state])
            case ops.Attend():
                query, keys, rows, length = (values[name] for name in ops.operands(op))
                return _attended(query, keys, rows, length, None if op.vector is None else self.tensors[op.vector])
            case _:
                return _rearranged(op, values)


def _scanned(op: ops.Scan, a: Tensor, b: Tensor, start: Tensor | None) -> tuple[Tensor, list[Tensor]]:
    """Outputs (S, N, D) and the state after each step, (N, D), of a and b (S, N, D)."""
    state = torch.zeros_like(b[0]) if start is None else start
    state = state if state.requires_grad else state.detach().requires_grad_()
    each: list[Tensor] = [state] * len(b)
    for t in reversed(range(len(b))) if op.reverse else range(len(b)):
        if op.numbers == "real":
            state = a[t] * state + b[t]
        else:
            (a_re, a_im), (h_re, h_im) = a[t].chunk(2, -1), state.chunk(2, -1)
            state = torch.cat([a_re * h_re - a_im * h_im, a_re * h_im + a_im * h_re], dim=-1) + b[t]
        each[t] = state
    return torch.stack(each), each


class Pass:
    """What a program said of some sequences.

    Args:
        values: name -> (B, T, ...).
        states: recurrence -> its state after each of its steps, (N, h and c side by side); N are the sequences, or,
            over a value, all rows of its leading axes.
        output: name of the answer.
    """

    def __init__(self, values: dict[Name, Tensor], states: dict[Name, list[Tensor]], output: Name) -> None:
        self.values, self.states, self.output = values, states, values[output]


def _step(cell: Cell, weights: Weights, gates: Tensor, state: Tensor) -> Tensor:
    width, units = weights.weight_hh.shape[1], len(weights.weight_hh) // ops.GATES[cell.name]
    sizes = [width, units] if cell.has_memory else [width]
    return torch.cat(tuple(cell.step(gates, torch.split(state, sizes, dim=-1), weights)), dim=-1)


def _carried(op: ops.Window | ops.Running | ops.Pool | ops.First, x: Tensor) -> Tensor:
    """Operations over the stream, x (B, T, ...)."""
    match op:
        case ops.Window(length=length):
            padded = torch.cat([x.new_zeros(x.shape[0], length - 1, *x.shape[2:]), x], dim=1)
            return padded.unfold(1, length, 1).movedim(-1, 2)
        case ops.Running():
            return _running(op, x)
        case ops.Pool(function="max"):
            return torch.cummax(x, dim=1).values
        case ops.Pool():
            return _softmax_mean(x)
        case ops.First():
            return x[:, :1].expand_as(x)
        case _:
            assert_never(op)


def _softmax_mean(x: Tensor) -> Tensor:
    """The mean of the first numbers so far, each step weighted by exp of the last number."""
    shares = torch.exp(x[..., -1:] - torch.logcumsumexp(x[..., -1:], dim=1))  # of each step among those up to it
    mean, result = torch.zeros_like(x[:, 0, :-1]), []
    for t in range(x.shape[1]):
        mean = mean + shares[:, t] * (x[:, t, :-1] - mean)
        result.append(mean)
    return torch.stack(result, dim=1)


def _running(op: ops.Running, x: Tensor) -> Tensor:
    weight, mean, squares = 0.0, torch.zeros_like(x[:, 0]), torch.zeros_like(x[:, 0])
    result = []
    for now in x.unbind(1):
        weight = op.decay * weight + 1.0
        delta = now - mean
        mean = mean + delta / weight
        squares = op.decay * squares + delta * (now - mean)
        result.append(torch.stack([mean, torch.sqrt(squares / max(weight, 1.0) + op.floor**2)], dim=1))
    return torch.stack(result, dim=1)


def _attended(query: Tensor, keys: Tensor, rows: Tensor, length: Tensor, vector: Tensor | None) -> Tensor:
    asked = query[..., None, :]
    scores = (asked * keys).sum(-1) if vector is None else torch.tanh(asked + keys) @ vector
    real = torch.arange(keys.shape[-2]) < torch.floor(length)
    # Rows behind the last may hold anything; where there are none, the mean is 0.
    shares = torch.softmax(scores.masked_fill(~real, -torch.inf), dim=-1).nan_to_num(0.0)
    return (shares[..., None] * torch.where(real[..., None], rows, 0.0)).sum(-2)


def _rearranged(op: AnyOperation, values: dict[Name, Tensor]) -> Tensor:
    match op:
        case ops.Slice(x=x, axis=axis, start=start, stop=stop):
            return values[x].narrow(axis + 2, start, stop - start)
        case ops.Take(x=x, axis=axis, indices=indices):
            return values[x].index_select(axis + 2, torch.tensor(indices, dtype=torch.long))
        case ops.Reshape(x=x, shape=shape):
            return values[x].reshape(*values[x].shape[:2], *shape)
        case ops.Transpose(x=x, axes=axes):
            return values[x].permute(0, 1, *(axis + 2 for axis in axes))
        case ops.Concat(parts=parts, axis=axis):
            return torch.cat([values[part] for part in parts], dim=axis + 2)
        case ops.Repeat(x=x, axis=axis, count=count):
            return values[x].repeat_interleave(count, dim=axis + 2)
        case ops.Reduce(x=x, axis=axis, function="mean"):
            return values[x].mean(axis + 2, keepdim=True)
        case ops.Reduce(x=x, axis=axis):
            return values[x].amax(axis + 2, keepdim=True)
        case _:
            raise TypeError(type(op))
