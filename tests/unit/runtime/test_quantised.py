"""Programs with weights in fewer bits: which weights those are, that the laws of engines hold, and what it costs."""

import re

import numpy as np
import pytest

import whorl
from whorl.errors import ArgumentError, ModelFileError
from whorl.runtime import operations as ops
from whorl.runtime.engines import engine_for
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.runtime.quantised import weight_formats

ROUNDED = ["bf16", "int8"]


def recurrent(program, x, name, size, hidden, cell="lstm", seed=0):
    random = np.random.default_rng(seed)
    gates = ops.GATES[cell]
    for suffix, shape in {"ih": (size,), "hh": (hidden,), "b": ()}.items():
        values = random.uniform(-1, 1, (gates * hidden, *shape)) / np.sqrt(hidden)
        program.tensor(f"{name}.{suffix}", values.astype(np.float32))
    return program.add(
        ops.Recurrent(
            x=x, weight_ih=f"{name}.ih", weight_hh=f"{name}.hh", bias_ih=f"{name}.b", cell=cell, over="stream"
        )
    )


def affine(program, x, name, outputs):
    size = program.shapes[x][-1]
    random = np.random.default_rng(3)
    weight = program.tensor(name, random.uniform(-1, 1, (outputs, size)).astype(np.float32) / np.float32(np.sqrt(size)))
    return program.add(ops.Affine(x=x, weight=weight))


def stacked(cell="lstm", hidden=33):
    """Inputs, an affine layer, two recurrent layers and two last layers."""
    program = Program()
    x = program.add(ops.Input(out="x", shape=(5,)))
    embedded = affine(program, affine(program, x, "embed", 40), "mix", 37)
    first = recurrent(program, embedded, "first", 37, hidden, cell)
    second = recurrent(program, first, "second", hidden, hidden, cell, seed=1)
    program.output = affine(program, affine(program, second, "late", 64), "last", 3)
    return program


def rows(num_sequences, num_steps, seed=0):
    return {"x": np.random.default_rng(seed).standard_normal((num_sequences, num_steps, 5)).astype(np.float32)}


def test_what_feeds_a_recurrence_is_rounded_and_what_answers_is_not():
    formats = weight_formats(stacked(), "int8")
    assert formats == {
        "embed": "fp32",  # five features: too small to matter
        "mix": "int8",
        **{f"{layer}.{matrix}": "int8" for layer in ("first", "second") for matrix in ("ih", "hh")},
        "late": "fp32",
        "last": "fp32",
    }


def test_a_matrix_with_two_uses_is_kept_the_more_careful_way():
    program = Program()
    x = program.add(ops.Input(out="x", shape=(40,)))
    shared = affine(program, x, "shared", 40)
    hidden = recurrent(program, shared, "cell", 40, 40)
    program.output = program.add(ops.Affine(x=hidden, weight="shared"))
    formats = weight_formats(program, "bf16")
    assert formats == {"shared": "fp32", "cell.ih": "bf16", "cell.hh": "bf16"}


def test_a_program_without_a_recurrence_keeps_all_its_bits():
    program = Program()
    program.output = affine(program, program.add(ops.Input(out="x", shape=(5,))), "only", 50)
    program.output = affine(program, program.output, "last", 2)
    assert set(weight_formats(program, "int8").values()) == {"fp32"}
    x = rows(2, 3)
    assert np.array_equal(NativeEngine(program, weights="int8").run(x), NativeEngine(program).run(x))


# Measured with five draws of the rows: at most 1.3 % (bf16) and 4.3 % (int8) of the answers' standard deviation, both
# with `rnn_tanh`.
@pytest.mark.parametrize(("weights", "tolerance"), [("bf16", 0.03), ("int8", 0.1)])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh"])
def test_answers_are_near_those_of_float32_and_not_the_same(cell, weights, tolerance):
    program, x = stacked(cell), rows(4, 30)
    exact = Interpreter(program).run(x)
    found = NativeEngine(program, weights=weights).run(x)
    assert 0 < np.abs(found - exact).max() < tolerance * exact.std()


@pytest.mark.parametrize("weights", ROUNDED)
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn_tanh"])
def test_sequence_is_step_is_many_streams_bit_for_bit(cell, weights):
    engine = NativeEngine(stacked(cell), weights=weights)
    x = rows(31, 9)
    whole = engine.run(x)
    slots = [engine.open() for _ in range(31)]
    together = np.stack([engine.step(slots, {"x": x["x"][:, t]}) for t in range(9)], axis=1)
    assert together.tobytes() == whole.tobytes()
    alone = engine.open()
    for t in range(9):
        assert engine.step([alone], {"x": x["x"][7:8, t]}).tobytes() == whole[7:8, t].tobytes()


@pytest.mark.parametrize("weights", ROUNDED)
def test_the_number_of_threads_changes_no_bit(weights):
    program, x = stacked(hidden=101), rows(65, 12)
    one, two = (NativeEngine(program, weights=weights, num_threads=n).run(x) for n in (1, 2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("weights", ROUNDED)
def test_nan_in_one_stream_never_reaches_another(weights):
    engine = NativeEngine(stacked(), weights=weights)
    x = rows(9, 6)
    clean = engine.run(x)
    x["x"][4, 2, 1] = np.nan
    sick = engine.run(x)
    others = np.arange(9) != 4
    assert sick[others].tobytes() == clean[others].tobytes()
    assert np.isnan(sick[4, 2:]).all()
    assert sick[4, :2].tobytes() == clean[4, :2].tobytes()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A forecaster whose memory is large enough to be rounded, saved."""
    folder = tmp_path_factory.mktemp("quantised")
    time = np.arange("2024-01-01", "2024-02-01", dtype="datetime64[h]")
    load = 10 + 3 * np.sin(np.arange(len(time)) / 24 * 2 * np.pi) + np.random.default_rng(0).normal(size=len(time))
    data = {"time": np.datetime_as_string(time, unit="s").tolist(), "load": load.tolist()}
    paths = {}
    for memory in ("window", "carried"):
        model = whorl.Forecaster(
            target="load",
            time="time",
            horizon=6,
            context=48,
            memory=memory,
            network=whorl.Recurrent("gru", hidden_size=33),
            training=whorl.Training(epochs=1, seed=0),
        )
        model.fit(data, verbose=False)
        paths[memory] = folder / f"{memory}.whorl"
        model.save(paths[memory])
    return paths, data


@pytest.mark.parametrize("weights", ROUNDED)
@pytest.mark.parametrize("memory", ["window", "carried"])
def test_a_loaded_model_loses_less_than_half_a_percent_of_the_metric(saved, memory, weights):
    paths, data = saved
    exact = whorl.runtime.load(paths[memory]).evaluate(data)
    model = whorl.runtime.load(paths[memory], weights=weights)
    found = model.evaluate(data)
    assert not np.array_equal(found.prediction.value, exact.prediction.value)
    for name in ("mae", "rmse"):
        assert found.metrics[name] == pytest.approx(exact.metrics[name], rel=0.005)


@pytest.mark.parametrize("memory", ["window", "carried"])
def test_a_stream_with_int8_weights_gives_the_numbers_of_predict(saved, memory):
    paths, data = saved
    model = whorl.runtime.load(paths[memory], weights="int8")
    stream = model.stream()
    for time, load in zip(data["time"][:60], data["load"][:60], strict=True):
        answers = stream.push({"time": time, "load": load})
    first = {name: column[:60] for name, column in data.items()}
    assert np.array_equal(answers[0].value, model.predict(first).value)


def test_weights_that_do_not_exist_are_refused(saved):
    with pytest.raises(ArgumentError, match="`weights` must be 'fp32', 'bf16' or 'int8', but is 'int4'"):
        whorl.runtime.load(saved[0]["window"], weights="int4")
    with pytest.raises(ArgumentError, match="`weights` must be 'fp32' on the numpy engine"):
        whorl.runtime.load(saved[0]["window"], weights="int8", engine="numpy")


@pytest.mark.parametrize(("made", "read"), [("int8", "fp32"), ("fp32", "int8"), ("int8", "bf16"), ("bf16", "int8")])
@pytest.mark.parametrize("memory", ["window", "carried"])
def test_a_state_goes_on_only_with_the_weights_that_made_it(saved, memory, made, read):
    paths, data = saved
    stream = whorl.runtime.load(paths[memory], weights=made).stream()
    for time, load in zip(data["time"][:50], data["load"][:50], strict=True):
        stream.push({"time": time, "load": load})
    stored = bytes(stream.state)
    other = whorl.runtime.load(paths[memory], weights=read).stream()
    with pytest.raises(ModelFileError, match=f"made with {made} weights, but this model runs with {read} weights"):
        other.state = whorl.State.from_bytes(stored)
    assert other.num_rows == 0
    same = whorl.runtime.load(paths[memory], weights=made).stream()
    same.state = whorl.State.from_bytes(stored)
    row = {"time": data["time"][50], "load": data["load"][50]}
    assert same.push(row)[0].value.tobytes() == stream.push(row)[0].value.tobytes()


def test_a_state_of_float32_is_that_of_the_program_alone_whatever_engine_made_it(saved):
    native, reference = (whorl.runtime.load(saved[0]["carried"], engine=name) for name in ("native", "numpy"))
    assert native.identity == reference.identity
    assert re.fullmatch("[0-9a-f]{64}", native.identity)


def test_fewer_bits_are_not_promised_to_a_program_that_the_native_engine_refuses():
    program = Program()
    x = program.add(ops.Input(out="x", shape=(2,)))
    vector = program.tensor("vector", np.ones(3, np.float32))
    ih, hh = (program.tensor(name, np.ones((3, width), np.float32)) for name, width in (("ih", 2), ("hh", 3)))
    op = {"weight_ih": ih, "weight_hh": hh, "bias_hh": vector, "layer_norm": (vector,) * 4}
    program.output = program.add(ops.Recurrent(x=x, cell="rnn_tanh", over="stream", **op))
    assert isinstance(engine_for(program), Interpreter)
    for engine in (None, "native"):
        with pytest.raises(ArgumentError, match=r"cannot run this program: .*Use weights='fp32'"):
            engine_for(program, engine=engine, weights="int8")
    with pytest.raises(ArgumentError, match="Use the numpy interpreter"):
        engine_for(program, engine="native")
