"""Each way of breaking the rule of an operation."""

import math
from typing import get_args

import msgspec
import numpy as np
import pytest

from whorl.errors import ModelFileError
from whorl.runtime import operations as ops
from whorl.runtime.program import Program

SHAPES = {
    "v": (3,), "m": (2, 3), "one": (1,), "none": (0,), "scalar": (), "h": (2,), "gates": (6,), "hc": (4,),
    "turned": (3, 2), "picture": (2, 4, 5), "deep": (1, 1, 1, 1, 2, 4, 5), "low": (2, 1, 5),
    "large": (2, 2**12, 2**14),
}  # fmt: skip
GIVEN_ONCE = {"given": (3,)}
TENSORS = {
    "w": (2, 3), "b": (2,), "t": (4, 2), "g": (3,), "wx": (6, 3), "wh": (6, 2), "b6": (6,), "n2": (2,),
    "lx": (8, 3), "lh": (8, 2), "lp": (1, 2), "l1": (8, 1), "e": (0, 2), "w0": (0, 3), "flat": (6,), "e2": (0, 0),
    "g0": (0,), "k": (2, 2, 3, 2), "k3": (2, 3, 3, 2), "k0": (0, 2, 3, 2),
}  # fmt: skip


def recurrent(**changes):
    usual = {"out": "bad", "x": "v", "cell": "gru", "over": "stream", "weight_ih": "wx", "weight_hh": "wh"}
    return ops.Recurrent(**{**usual, **changes})


def convolve(**changes):
    usual = {"out": "bad", "x": "picture", "weight": "k"}
    return ops.Convolve(**{**usual, **changes})


def attend(**changes):
    usual = {"out": "bad", "query": "v", "keys": "m", "values": "m", "length": "one"}
    return ops.Attend(**{**usual, **changes})


VIOLATIONS = [
    (ops.Input(out="bad", shape=(-1,)), "outside the limits"),
    (ops.Input(out="bad", shape=(2**20, 2**20)), "outside the limits"),
    (ops.Input(out="bad", shape=(1,) * 9), "outside the limits"),
    (ops.Input(out="v", shape=(1,)), "must be new"),
    (ops.Constant(out="bad", tensor="nothing"), "tensor `nothing`, which is missing"),
    (ops.Affine(out="bad", x="later", weight="w"), "reads `later`, which is not defined before it"),
    (ops.Affine(out="bad", x="v", weight="nothing"), "is missing"),
    (ops.Affine(out="bad", x="h", weight="w"), "does not fit an input"),
    (ops.Affine(out="bad", x="scalar", weight="w"), "does not fit an input"),
    (ops.Affine(out="bad", x="v", weight="g"), "does not fit an input"),
    (ops.Affine(out="bad", x="v", weight="w0"), "must not be empty"),
    (ops.Affine(out="bad", x="v", weight="w", bias="g"), "does not fit weight"),
    (convolve(x="m"), "it reads"),
    (convolve(x="deep"), "it reads"),
    (convolve(weight="w"), "does not fit a picture"),
    (convolve(weight="k3"), "does not fit a picture"),
    (convolve(weight="k0"), "must not be empty"),
    (convolve(bias="g"), "its bias does not fit"),
    (convolve(stride=0), "its stride must be at least 1"),
    (convolve(stride=2**40), "its stride must be at least 1"),
    (convolve(padding=-1), "its padding -1 must be less"),
    (convolve(padding=2), "its padding 2 must be less"),
    (convolve(x="low"), "larger than the padded picture"),
    (convolve(x="large"), "outside the limits"),
    (ops.Embed(out="bad", x="v", table="t"), "axis of size 1"),
    (ops.Embed(out="bad", x="scalar", table="t"), "axis of size 1"),
    (ops.Embed(out="bad", x="one", table="g"), r"must be \(n, d\)"),
    (ops.Embed(out="bad", x="one", table="e"), r"with n > 0"),
    (ops.Activate(out="bad", x="nothing", function="tanh"), "not defined"),
    (ops.Combine(out="bad", a="v", b="m", function="add"), "same number of axes"),
    (ops.Combine(out="bad", a="v", b="h", function="add"), "do not stretch"),
    (ops.Normalise(out="bad", x="v", gain="b", bias="g"), "must fit the last axis"),
    (ops.Normalise(out="bad", x="v", gain="g", bias="b"), "must fit the last axis"),
    (ops.Normalise(out="bad", x="scalar", gain="g", bias="g"), "must not be empty"),
    (ops.Normalise(out="bad", x="none", gain="g0", bias="g0"), "must not be empty"),
    (ops.Normalise(out="bad", x="v", gain="g", bias="g", eps=0.0), "eps must be in"),
    (ops.Normalise(out="bad", x="v", gain="g", bias="g", eps=-1e-5), "eps must be in"),
    (ops.Normalise(out="bad", x="v", gain="g", bias="g", eps=math.nan), "eps must be in"),
    (recurrent(x="h"), "weight_ih"),
    (recurrent(x="scalar"), "weight_ih"),
    (recurrent(x="scalar", weight_ih="flat"), "at least one feature"),
    (recurrent(weight_hh="wx"), "weight_hh must read h"),
    (recurrent(weight_hh="g"), "weight_hh must be"),
    (recurrent(weight_hh="e2"), "must not be empty"),
    (recurrent(cell="lstm"), "weight_hh must be"),
    (recurrent(bias_ih="b"), "a bias must be"),
    (recurrent(bias_hh="g"), "a bias must be"),
    (recurrent(weight_hr="lp"), "only a cell that has a c, such as an LSTM, has a projection"),
    (recurrent(cell="lstm", weight_ih="lx", weight_hh="lh", weight_hr="w"), "weight_hr must be"),
    (recurrent(cell="lstm", weight_ih="lx", weight_hh="lh", weight_hr="lp"), "weight_hh must read h"),
    (recurrent(zoneout=1.0), "zoneout"),
    (recurrent(zoneout=-0.1), "zoneout"),
    (recurrent(zoneout=math.nan), "zoneout"),
    (recurrent(layer_norm=("b6", "b6")), "gain and bias for each norm"),
    (recurrent(layer_norm=("b6", "b6", "b6", "n2")), "layer norm tensor n2"),
    (recurrent(initial="h"), "must be a static input"),
    (recurrent(initial="given"), "initial state does not fit"),
    (recurrent(final="last"), "belongs to the engine"),
    (recurrent(over="value"), "reads \\(..., steps, features\\)"),
    (recurrent(over="value", x="m", initial="v"), "initial state does not fit"),
    (recurrent(over="value", x="m", final="v"), "must be new"),
    (recurrent(over="value", x="m", final="bad"), "must be new"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="wx"), "weight_hh must be"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="g"), "weight_hh must be"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="e2"), "must not be empty"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="wh", bias_hh="g"), "bias_hh must fit"),
    (ops.Step(out="bad", gates="gates", state="hc", cell="gru", weight_hh="wh"), "must fit weight_hh"),
    (ops.Step(out="bad", gates="v", state="h", cell="gru", weight_hh="wh"), "must fit weight_hh"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="wh", layer_norm=("b6",)), "for each norm"),
    (ops.Step(out="bad", gates="gates", state="h", cell="gru", weight_hh="wh", layer_norm=("b6", "g")), "tensor g"),
    (ops.Scan(out="bad", a="v", b="later", over="stream"), "not defined"),
    (ops.Scan(out="bad", a="h", b="v", over="stream"), "must be of one shape"),
    (ops.Scan(out="bad", a="one", b="v", over="stream"), "must be of one shape"),
    (ops.Scan(out="bad", a="scalar", b="scalar", over="stream"), "it reads"),
    (ops.Scan(out="bad", a="none", b="none", over="stream"), "it reads"),
    (ops.Scan(out="bad", a="v", b="v", over="value"), "over a value"),
    (ops.Scan(out="bad", a="v", b="v", over="stream", numbers="complex"), "as many real parts as imaginary ones"),
    (ops.Scan(out="bad", a="v", b="v", over="stream", initial="v"), "must be a static input"),
    (ops.Scan(out="bad", a="h", b="h", over="stream", initial="given"), "initial state does not fit"),
    (ops.Scan(out="bad", a="m", b="m", over="value", initial="m"), "initial state does not fit"),
    (ops.Scan(out="bad", a="v", b="v", over="stream", reverse=True), "reads the stream backwards"),
    (attend(query="m"), r"must be \(A,\)"),
    (attend(query="none"), r"must be \(A,\)"),
    (attend(keys="h"), "as wide as the query"),
    (attend(query="h"), "as wide as the query"),
    (attend(values="v"), "a row for each key"),
    (attend(values="turned"), "a row for each key"),
    (attend(length="v"), "of size 1"),
    (attend(function="additive"), "needs a vector"),
    (attend(vector="g"), "needs a vector"),
    (attend(function="additive", vector="b"), "as wide as the query"),
    (ops.Window(out="bad", x="v", length=0), "within 1 and 1,000,000"),
    (ops.Window(out="bad", x="v", length=1_000_001), "within 1 and 1,000,000"),
    (ops.Running(out="bad", x="v", decay=0.0, floor=1.0), "decay must be in"),
    (ops.Running(out="bad", x="v", decay=1.1, floor=1.0), "decay must be in"),
    (ops.Running(out="bad", x="v", decay=0.5, floor=0.0), "floor in"),
    (ops.Running(out="bad", x="v", decay=0.5, floor=math.inf), "floor in"),
    (ops.Pool(out="bad", x="m", function="softmax"), "numbers and their weight on one axis"),
    (ops.Pool(out="bad", x="one", function="softmax"), "numbers and their weight on one axis"),
    (ops.First(out="bad", x="nothing"), "not defined"),
    (ops.Previous(out="bad", shape=(2**20, 2**20)), "outside the limits"),
    (ops.Keep(out="bad", x="later", previous="was"), "not defined"),
    (ops.Keep(out="bad", x="h", previous="was"), "not of the shape"),
    (ops.Keep(out="bad", x="v", previous="v"), "does not give what is kept"),
    (ops.Keep(out="bad", x="v", previous="taken"), "kept for `taken` already"),
    (recurrent(reverse=True), "reads the stream backwards"),
    (ops.Slice(out="bad", x="v", axis=0, start=0, stop=4), "must lie within 0:3"),
    (ops.Slice(out="bad", x="v", axis=0, start=-1, stop=2), "must lie within 0:3"),
    (ops.Slice(out="bad", x="v", axis=0, start=2, stop=1), "must lie within 0:3"),
    (ops.Slice(out="bad", x="v", axis=1, start=0, stop=1), "axis 1 is not in shape"),
    (ops.Slice(out="bad", x="v", axis=-1, start=0, stop=1), "axis -1 is not in shape"),
    (ops.Take(out="bad", x="v", axis=0, indices=(3,)), "within 0 and 2"),
    (ops.Take(out="bad", x="v", axis=0, indices=(-1,)), "within 0 and 2"),
    (ops.Reshape(out="bad", x="v", shape=(2,)), "does not fill"),
    (ops.Reshape(out="bad", x="v", shape=(-1, -3)), "outside the limits"),
    (ops.Transpose(out="bad", x="m", axes=(0, 0)), "permutation"),
    (ops.Transpose(out="bad", x="m", axes=(0,)), "permutation"),
    (ops.Transpose(out="bad", x="m", axes=(0, 2)), "permutation"),
    (ops.Concat(out="bad", parts=(), axis=0), "needs a part"),
    (ops.Concat(out="bad", parts=("v", "m"), axis=0), "parts must fit"),
    (ops.Concat(out="bad", parts=("v", "v"), axis=1), "axis 1"),
    (ops.Repeat(out="bad", x="v", axis=0, count=2), "axis of size 1"),
    (ops.Repeat(out="bad", x="one", axis=0, count=-1), "axis of size 1"),
    (ops.Repeat(out="bad", x="one", axis=0, count=2**40), "outside the limits"),
    (ops.Reduce(out="bad", x="none", axis=0, function="mean"), "not empty"),
    (ops.Reduce(out="bad", x="v", axis=3, function="max"), "axis 3"),
]


@pytest.mark.parametrize(("op", "message"), VIOLATIONS, ids=lambda value: type(value).__name__)
def test_an_operation_that_breaks_its_rule_is_named(op, message):
    program = Program()
    for name, shape in SHAPES.items():
        program.add(ops.Input(out=name, shape=shape))
    for name, shape in TENSORS.items():
        program.tensor(name, np.zeros(shape))
    for name, shape in GIVEN_ONCE.items():
        program.add(ops.Input(out=name, shape=shape, static=True))
    for name in ("was", "taken"):
        program.add(ops.Previous(out=name, shape=(3,)))
    program.add(ops.Keep(out="kept", x="v", previous="taken"))
    before = dict(program.shapes)
    with pytest.raises(ModelFileError, match=message) as caught:
        program.add(op)
    assert f"`{op.out}` ({type(op).__name__.lower()})" in str(caught.value)
    assert len(program.operations) == len(SHAPES) + len(GIVEN_ONCE) + 3
    assert set(program.shapes) - {"bad"} == set(before)


def test_what_goes_step_by_step_cannot_stand_behind_what_reads_backwards():
    program = Program()
    program.add(ops.Input(out="v", shape=(3,)))
    program.tensor("wx", np.zeros((6, 3)))
    program.tensor("wh", np.zeros((6, 2)))
    program.add(recurrent(out="back", reverse=True))
    with pytest.raises(ModelFileError, match="reads the stream backwards"):
        program.add(ops.Previous(shape=(3,)))


def test_every_operation_has_a_rule_that_can_be_broken():
    broken = {type(op) for op, _ in VIOLATIONS}
    assert broken == set(get_args(ops.AnyOperation))


def test_operations_are_told_apart_by_their_tags():
    for kind in get_args(ops.AnyOperation):
        assert kind.__struct_config__.tag == kind.__name__.lower()
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'[{"op":"shell","out":"x"}]', type=list[ops.AnyOperation])
