"""Programs by hand: with those of the networks, every operation, function and cell of an engine."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from tests.laws.builder import Builder

from whorl.runtime import operations as ops
from whorl.runtime.operations import GATES, Name
from whorl.runtime.program import Program


def elementwise() -> Program:
    """Every function of Activate and Combine, kept within their domains."""
    add = Builder()
    x = add(ops.Input(out="x", shape=(3,)))
    bounded = add(ops.Activate(x=x, function="tanh"))
    parts = [bounded]
    functions = ("relu", "sigmoid", "softplus", "exp", "square")
    parts.extend(add(ops.Activate(x=bounded, function=function)) for function in functions)
    parts.append(add(ops.Activate(x=parts[-1], function="sqrt")))
    tensor = add(ops.Constant(tensor=add.weights(3)))
    functions = ("add", "subtract", "multiply", "maximum")
    parts.extend(add(ops.Combine(a=x, b=tensor, function=function)) for function in functions)
    parts.append(add(ops.Combine(a=x, b=parts[4], function="divide")))
    return add.done(add(ops.Concat(parts=tuple(parts), axis=0)))


def rearranged() -> Program:
    """Slices, takes, transposes, repeats and reductions of a matrix, normalised, with symbols looked up."""
    add = Builder()
    x = add(ops.Input(out="x", shape=(4, 6)))
    code = add(ops.Slice(x=x, axis=1, start=5, stop=6))
    looked_up = add(ops.Embed(x=code, table=add.weights(3, 2)))
    taken = add(ops.Take(x=x, axis=1, indices=(4, 0, 0)))
    turned = add(ops.Transpose(x=add(ops.Concat(parts=(taken, looked_up), axis=1)), axes=(1, 0)))
    normalised = add(ops.Normalise(x=turned, gain=add.weights(4), bias=add.weights(4)))
    mean = add(ops.Reduce(x=normalised, axis=0, function="mean"))
    most = add(ops.Reduce(x=normalised, axis=1, function="max"))
    stretched = add(ops.Repeat(x=mean, axis=0, count=5))
    both = add(ops.Combine(a=stretched, b=most, function="multiply"))
    flat = add(ops.Reshape(x=both, shape=(20,)))
    return add.done(add(ops.Affine(x=flat, weight=add.weights(7, 20), bias=add.weights(7))))


def convolved() -> Program:
    """Pictures padded and not, strided and not, side by side, of windows, and of axes that were turned."""
    add = Builder()
    x = add(ops.Input(out="x", shape=(2, 5, 7)))
    maps = add(ops.Convolve(x=x, weight=add.weights(3, 2, 3, 2), bias=add.weights(3), stride=2, padding=1))
    small = add(ops.Activate(x=maps, function="tanh"))
    windows = add(ops.Window(x=small, length=3))
    whole = add(ops.Convolve(x=windows, weight=add.weights(5, 3, 3, 4)))
    turned = add(ops.Transpose(x=windows, axes=(2, 0, 3, 1)))  # channels that do not stand where they are read
    alone = add(ops.Convolve(x=turned, weight=add.weights(17, 3, 1, 1), stride=3))
    wide = add(ops.Convolve(x=x, weight=add.weights(1, 2, 5, 7), bias=add.weights(1), padding=4))
    shapes = add.program.shapes
    parts = [add(ops.Reshape(x=name, shape=(int(np.prod(shapes[name])),))) for name in (whole, alone, wide)]
    return add.done(add(ops.Concat(parts=tuple(parts), axis=0)))


def running_statistics() -> Program:
    """Running statistics of a vector and of a matrix, the first value, and a window of the statistics."""
    add = Builder()
    x, y = add(ops.Input(out="x", shape=(2,))), add(ops.Input(out="y", shape=(2, 3)))
    statistics = add(ops.Running(x=x, decay=0.8, floor=0.1))
    late = add(ops.Window(x=statistics, length=3))
    matrix = add(ops.Running(x=y, decay=1.0, floor=1e-3))
    first = add(ops.First(x=y))
    shapes = add.program.shapes
    parts = [add(ops.Reshape(x=name, shape=(int(np.prod(shapes[name])),))) for name in (late, matrix, first)]
    return add.done(add(ops.Concat(parts=tuple(parts), axis=0)))


def pooled() -> Program:
    """The largest of a matrix so far, the weighted mean of a vector so far, and the largest of that."""
    add = Builder()
    x, y = add(ops.Input(out="x", shape=(3,))), add(ops.Input(out="y", shape=(2, 3)))
    mean = add(ops.Pool(x=x, function="softmax"))
    parts = [add(ops.Reshape(x=add(ops.Pool(x=y, function="max")), shape=(6,)))]
    parts += [mean, add(ops.Pool(x=mean, function="max"))]
    return add.done(add(ops.Concat(parts=tuple(parts), axis=0)))


def windows_of_windows() -> Program:
    """A mean of the last four maxima of the last three rows: a memory of six rows."""
    add = Builder()
    x = add(ops.Input(out="x", shape=(2,)))
    inner = add(ops.Reduce(x=add(ops.Window(x=x, length=3)), axis=0, function="max"))
    outer = add(ops.Reduce(x=add(ops.Window(x=inner, length=4)), axis=0, function="mean"))
    alone = add(ops.Window(x=x, length=1))
    return add.done(add(ops.Concat(parts=(add(ops.Reshape(x=outer, shape=(1, 2))), alone), axis=0)))


def static_context() -> Program:
    """A recurrence whose input stands beside a context that is given once."""
    add = Builder()
    x, context = add(ops.Input(out="x", shape=(3,))), add(ops.Input(out="context", shape=(2,), static=True))
    return add.done(add.cell(add(ops.Concat(parts=(context, x), axis=0)), "gru", "stream"))


def looped() -> Program:
    """Two values that go back to the next step: one through a recurrence, one in columns that are turned and not."""
    add = Builder()
    x = add(ops.Input(out="x", shape=(3,)))
    last = add(ops.Previous(shape=(5,)))
    both = add(ops.Concat(parts=(x, last), axis=0))
    h = add.cell(both, "gru", "stream")
    back = add(ops.Activate(x=add(ops.Affine(x=h, weight=add.weights(5, 5))), function="tanh"))
    kept = add(ops.Keep(x=back, previous=last))
    matrix = add(ops.Previous(shape=(2, 3)))
    rows = add(ops.Reshape(x=add(ops.Concat(parts=(x, x), axis=0)), shape=(3, 2)))
    turned = add(ops.Transpose(x=rows, axes=(1, 0)))
    mean = add(ops.Activate(x=add(ops.Combine(a=turned, b=matrix, function="subtract")), function="sigmoid"))
    add(ops.Keep(x=turned, previous=matrix))
    never = add(ops.Previous(shape=(2,)))
    window = add(ops.Reshape(x=add(ops.Window(x=kept, length=2)), shape=(10,)))
    parts = (last, add(ops.Reshape(x=mean, shape=(6,))), never, window, kept)
    return add.done(add(ops.Concat(parts=parts, axis=0)))


def attending(function: str) -> Callable[[], Program]:
    """Attention to rows that are given once, and to a window of the stream, of as many rows as the stream says."""

    def build() -> Program:
        add = Builder()
        x = add(ops.Input(out="x", shape=(3,)))
        keys = add(ops.Input(out="keys", shape=(5, 3), static=True))
        values = add(ops.Input(out="values", shape=(5, 7), static=True))
        window = add(ops.Window(x=x, length=4))
        turned = add(ops.Reshape(x=add(ops.Transpose(x=window, axes=(1, 0))), shape=(3, 4)))
        back = add(ops.Transpose(x=turned, axes=(1, 0)))  # rows whose numbers do not stand side by side
        count = add(ops.Activate(x=add(ops.Slice(x=x, axis=0, start=0, stop=1)), function="square"))
        v = add.weights(3) if function == "additive" else None
        parts = [
            add(ops.Attend(query=x, keys=k, values=v_, length=count, function=function, vector=v))  # type: ignore[arg-type]
            for k, v_ in ((keys, values), (back, window))
        ]
        h = add.cell(add(ops.Concat(parts=tuple(parts), axis=0)), "gru", "stream")
        late = ops.Attend(query=x, keys=keys, values=values, length=count, function=function, vector=v)  # type: ignore[arg-type]
        return add.done(add(ops.Concat(parts=(h, add(late)), axis=0)))

    return build


def started(cell: str) -> Callable[[], Program]:
    """Two layers over the stream, each from a state that is given once; the second with rows beside each other."""

    def build() -> Program:
        add = Builder()
        x = add(ops.Input(out="x", shape=(2, 3)))
        sizes = {"rnn_tanh": 5, "gru": 5, "lstm": 10}[cell]
        one = add(ops.Input(out="one", shape=(sizes,), static=True))
        two = add(ops.Input(out="two", shape=(2, sizes), static=True))
        flat = add(ops.Reshape(x=x, shape=(6,)))
        h = add.cell(flat, cell, "stream", initial=one, zoneout=0.1)
        rows = add.cell(x, cell, "stream", initial=two)
        return add.done(add(ops.Concat(parts=(h, add(ops.Reshape(x=rows, shape=(10,)))), axis=0)))

    return build


def stacked(cell: str, **options: object) -> Callable[[], Program]:
    """Two layers over the stream."""

    def build() -> Program:
        add = Builder()
        x = add(ops.Input(out="x", shape=(3,)))
        return add.done(add.cell(add.cell(x, cell, "stream", **options), cell, "stream", **options))

    return build


def over_value(cell: str, norm: bool = False) -> Callable[[], Program]:
    """Windows read forwards and, from the final state, backwards; then one step of the cell from what is left."""

    def build() -> Program:
        add = Builder()
        x = add(ops.Input(out="x", shape=(3,)))
        window = add(ops.Reshape(x=add(ops.Window(x=x, length=4)), shape=(2, 2, 3)))
        there = add.cell(window, cell, "value", norm=norm, final="left")
        back = add.cell(there, cell, "value", norm=norm, reverse=True, initial="left", zoneout=0.1, final="end")
        rows = GATES[cell] * 5
        gates = add(ops.Affine(x=back, weight=add.weights(rows, 5)))
        state = add(ops.Reshape(x="end", shape=(2, 1, add.program.shapes["end"][-1])))
        sizes = (rows, rows) + ((5, 5) if cell == "lstm" else ())
        step = ops.Step(
            gates=gates,
            state=state,
            cell=cell,  # type: ignore[arg-type]
            weight_hh=add.weights(rows, 5),
            bias_hh=None if norm else add.weights(rows),
            layer_norm=tuple(add.weights(size) for size in sizes) if norm else (),
        )
        return add.done(add(step))

    return build


def factors(add: Builder, x: Name, *shape: int) -> tuple[Name, Name]:
    """What a scan reads, made of a vector: factors between 0 and 1, and addends."""
    size = int(np.prod(shape))
    made = [add(ops.Affine(x=x, weight=add.weights(size, add.program.shapes[x][0]))) for _ in range(2)]
    a, b = (add(ops.Reshape(x=name, shape=shape)) for name in made)
    return add(ops.Activate(x=a, function="sigmoid")), b


def scanned(numbers: Literal["real", "complex"]) -> Callable[[], Program]:
    """Over the stream from zero, and from a given state in rows; over windows forwards and, from its end, backwards.

    What the last of them reads does not stand side by side, or is the same at every step.
    """

    def build() -> Program:
        add = Builder()
        x = add(ops.Input(out="x", shape=(3,)))
        given = add(ops.Input(out="given", shape=(2, 18), static=True))
        a, b = factors(add, x, 20)
        h = add(ops.Scan(a=a, b=b, over="stream", numbers=numbers))
        a, b = factors(add, h, 2, 18)
        rows = add(ops.Scan(a=a, b=b, over="stream", numbers=numbers, initial=given))
        windows = add(ops.Window(x=add(ops.Reshape(x=rows, shape=(36,))), length=3))
        windows = add(ops.Reshape(x=windows, shape=(3, 2, 18)))
        turned = add(ops.Transpose(x=windows, axes=(1, 0, 2)))
        opened = add(ops.Activate(x=turned, function="sigmoid"))
        there = add(ops.Scan(a=opened, b=turned, over="value", numbers=numbers))
        end = add(ops.Slice(x=there, axis=1, start=2, stop=3))
        still = add(ops.Reshape(x=add(ops.Constant(tensor=add.weights(18))), shape=(1, 1, 18)))
        still = add(ops.Repeat(x=add(ops.Repeat(x=still, axis=0, count=2)), axis=1, count=3))
        back = ops.Scan(
            a=still,
            b=turned,
            over="value",
            numbers=numbers,
            reverse=True,
            initial=add(ops.Reshape(x=end, shape=(2, 18))),
        )
        parts = [add(ops.Reshape(x=name, shape=(2, 54))) for name in (there, add(back))]
        return add.done(add(ops.Concat(parts=(*parts, rows), axis=1)))

    return build


def scanned_both_ways() -> Program:
    """A scan over the stream backwards, of pairs and of numbers, and what is carried after it."""
    add = Builder()
    x = add(ops.Input(out="x", shape=(3,)))
    a, b = factors(add, x, 6)
    backward = add(ops.Scan(a=a, b=b, over="stream", numbers="complex", reverse=True))
    a, b = factors(add, backward, 5)
    parts = (backward, add(ops.Scan(a=a, b=b, over="stream", reverse=True)), add.cell(backward, "gru", "stream"))
    return add.done(add(ops.Concat(parts=parts, axis=0)))


def read_windows(add: Builder) -> tuple[Name, Name]:
    """A recurrence over windows of four steps: the mean of its h, and its final state `end`, (5,) each."""
    x = add(ops.Input(out="x", shape=(3,)))
    h = add.cell(add(ops.Window(x=x, length=4)), "gru", "value", final="end")
    return add(ops.Reshape(x=add(ops.Reduce(x=h, axis=0, function="mean")), shape=(5,))), "end"


def final_carried() -> Program:
    """Of the two values of a recurrence over windows the final state goes on into a state, the other does not."""
    add = Builder()
    mean, end = read_windows(add)
    return add.done(add(ops.Concat(parts=(add.cell(end, "gru", "stream"), mean), axis=0)))


def sequence_carried() -> Program:
    """The other way round."""
    add = Builder()
    mean, end = read_windows(add)
    return add.done(add(ops.Concat(parts=(add.cell(mean, "gru", "stream"), end), axis=0)))


def both_ways() -> Program:
    """A recurrence over the stream that reads backwards, what it says at step 0, and a value that it does not read."""
    add = Builder()
    mean, end = read_windows(add)
    backward = add.cell(mean, "lstm", "stream", reverse=True)
    return add.done(add(ops.Concat(parts=(backward, add(ops.First(x=backward)), end), axis=0)))


BY_HAND: dict[str, Callable[[], Program]] = {
    "elementwise": elementwise,
    "rearranged": rearranged,
    "convolved": convolved,
    "running statistics": running_statistics,
    "pooled": pooled,
    "windows of windows": windows_of_windows,
    "static context": static_context,
    "looped": looped,
    "attention, dot": attending("dot"),
    "attention, additive": attending("additive"),
    "gru from a given state": started("gru"),
    "lstm from a given state": started("lstm"),
    "rnn tanh": stacked("rnn_tanh", zoneout=0.2),
    "rnn relu": stacked("rnn_relu"),
    "gru, layer norm": stacked("gru", norm=True),
    "lstm, projected": stacked("lstm", projected=3),
    "lstm, layer norm": stacked("lstm", norm=True, zoneout=0.1),
    "rnn over a window": over_value("rnn_tanh"),
    "rnn relu over a window": over_value("rnn_relu", norm=True),
    "gru over a window": over_value("gru", norm=True),
    "lstm over a window": over_value("lstm", norm=True),
    "final state carried": final_carried,
    "sequence carried": sequence_carried,
    "both ways": both_ways,
    "scan": scanned("real"),
    "scan of complex numbers": scanned("complex"),
    "scan, both ways": scanned_both_ways,
}
