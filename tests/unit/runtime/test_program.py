"""Programs as values: names, JSON and back, memory, hash."""

import json

import msgspec
import numpy as np
import pytest

from whorl.errors import ModelFileError
from whorl.runtime import operations as ops
from whorl.runtime.program import Program


def line(length=1):
    """y = 2 x + 1 of the sum of a window."""
    program = Program()
    x = program.add(ops.Input(out="x", shape=(1,)))
    window = program.add(ops.Reshape(x=program.add(ops.Window(x=x, length=length)), shape=(length,)))
    weight, bias = program.tensor("w", np.full((1, length), 2.0)), program.tensor("b", np.ones(1))
    program.output = program.add(ops.Affine(out="y", x=window, weight=weight, bias=bias))
    return program


def changed(program, **changes):
    """The JSON of a program with its last operation changed."""
    plain = json.loads(program.to_json())
    plain["operations"][-1].update(changes)
    return json.dumps(plain)


def test_a_program_comes_back_from_its_json():
    program = line(5)
    back = Program.from_json(program.to_json(), program.tensors)
    assert back.operations == program.operations
    assert back.output == "y"
    assert back.to_json() == program.to_json()
    assert back.hash == program.hash
    assert back.num_parameters() == 6


def test_memory_is_the_number_of_rows_that_an_answer_depends_on():
    assert line(1).memory == 1
    assert line(7).memory == 7
    twice = Program()
    x = twice.add(ops.Input(out="x", shape=(1,)))
    inner = twice.add(ops.Window(x=x, length=4))
    twice.output = twice.add(ops.Window(x=inner, length=3))
    assert twice.memory == 6
    endless = Program()
    endless.output = endless.add(ops.Running(x=endless.add(ops.Input(out="x", shape=(1,))), decay=0.9, floor=0.1))
    assert endless.memory is None


def test_fresh_names_are_new():
    program = line()
    names = [program.add(ops.Input(shape=(1,))) for _ in range(3)]
    assert len(set(names)) == 3
    assert program.fresh("w") == "w.1"


def test_a_tensor_may_be_named_twice_only_with_the_same_numbers():
    program = line()
    program.tensor("w", np.full((1, 1), 2.0))
    with pytest.raises(ModelFileError, match="defined twice"):
        program.tensor("w", np.full((1, 1), 3.0))
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ModelFileError, match="must be finite"):
            program.tensor("z", np.array([bad]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"operations":[],"output":"y","code":"x"}',
        '{"operations":[{"op":"input","out":"x","shape":[1],"extra":1}],"output":"x"}',
        '{"operations":[{"op":"input","out":"x","shape":"1"}],"output":"x"}',
        '{"operations":[{"op":"input","out":"x"}],"output":"x"}',
        '{"operations":[{"op":"import","out":"x"}],"output":"x"}',
        '{"operations":[{"op":"input","out":"","shape":[1]}],"output":"x"}',
        '{"operations":[{"op":"input","out":"x","shape":[1e400]}],"output":"x"}',
        '{"operations":[{"op":"input","out":"x","shape":[99999999999999999999999999]}],"output":"x"}',
        '{"operations":[{"op":"input","out":"x","shape":[1]}],"output":"z"}',
        '{"operations":[{"op":"input","out":"x","shape":[1]}],"output":NaN}',
        '{"operations":' + "[" * 100_000,
    ],
    ids=lambda text: text[:60],
)
def test_what_is_no_program_is_refused(text):
    with pytest.raises(ModelFileError):
        Program.from_json(text, {})


def test_tensors_are_float32_and_each_belongs_to_an_operation():
    program = line()
    with pytest.raises(ModelFileError, match=r"\['more'\] belong to no operation"):
        Program.from_json(program.to_json(), {**program.tensors, "more": np.zeros(1, np.float32)})
    with pytest.raises(ModelFileError, match="`b`, which is missing"):
        Program.from_json(program.to_json(), {"w": program.tensors["w"]})
    for kind in (np.float64, np.int64, np.uint8, np.bool_):
        with pytest.raises(ModelFileError, match="`b` must be float32"):
            Program.from_json(program.to_json(), {**program.tensors, "b": np.ones(1, kind)})
    with pytest.raises(ModelFileError, match="does not fit"):
        Program.from_json(program.to_json(), {**program.tensors, "w": np.zeros((1, 2), np.float32)})


def test_the_hash_tells_programs_apart():
    one, two = line(), line()
    two.tensors["b"] = two.tensors["b"] + np.float32(2**-20)
    other = Program.from_json(changed(line(), out="z").replace('"output": "y"', '"output": "z"'), line().tensors)
    assert len({one.hash, two.hash, other.hash, line(2).hash}) == 4
    assert line().hash == one.hash


def test_the_state_of_a_stream_has_a_limit():
    program = Program()
    x = program.add(ops.Input(out="x", shape=(200,)))
    program.add(ops.Window(x=x, length=1_000_000))
    with pytest.raises(ModelFileError, match="exceed 1 GB"):
        program.add(ops.Window(x=x, length=1_000_000))


def projected(lead, units, **options):
    """An LSTM over so many rows, its outputs far fewer than its units."""
    program = Program()
    x = program.add(ops.Input(out="x", shape=(1, 1)))
    x = program.add(ops.Repeat(x=x, axis=0, count=lead))
    inward, back = program.tensor("w", np.ones((4 * units, 1))), program.tensor("p", np.ones((1, units)))
    program.add(ops.Recurrent(x=x, cell="lstm", weight_ih=inward, weight_hh=inward, weight_hr=back, **options))
    return program


def test_the_limits_count_what_a_projection_hides():
    program = projected(2**16, 2**10, over="stream")
    for _ in range(2):
        program.add(msgspec.structs.replace(program.operations[2], out=""))
    with pytest.raises(ModelFileError, match="exceed 1 GB"):
        program.add(msgspec.structs.replace(program.operations[2], out=""))
    for over in ("stream", "value"):
        with pytest.raises(ModelFileError, match="outside the limits"):
            projected(2**17, 2**10, over=over)


def test_the_final_state_of_a_recurrence_is_within_the_limits_of_a_value():
    program = Program()
    x = program.add(ops.Input(out="x", shape=(2**19, 0, 1)))
    weight, back = program.tensor("w", np.ones((4 * 2**10, 1))), program.tensor("p", np.ones((1, 2**10)))
    op = ops.Recurrent(x=x, cell="lstm", over="value", weight_ih=weight, weight_hh=weight, weight_hr=back, final="f")
    with pytest.raises(ModelFileError, match="outside the limits"):
        program.add(op)
