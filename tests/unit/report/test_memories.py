"""What layers carry beside what they say: the c of an LSTM, which no program names, and imaginary parts."""

from dataclasses import replace

import numpy as np
import pytest
from tests.laws.programs import BY_HAND

from whorl.report import traces
from whorl.report.gates import gates_of
from whorl.report.memory import memory
from whorl.report.probes import probe
from whorl.report.signals import Encoded
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.norm import Norm

SCANS = {name: BY_HAND[name] for name in ("scan of complex numbers", "scan, both ways")}
LSTMS = {name: make for name, make in BY_HAND.items() if "lstm" in name}


def said_by(op, run, output, tensors):
    """h of every step, by the equation of the cell."""
    new = (run.inside - op.zoneout * run.inside_before) / (1 - op.zoneout)
    norm = Norm(*(tensors[name] for name in op.layer_norm[4:]), 1e-5) if op.layer_norm else np.asarray
    said = output * np.tanh(norm(new.astype(np.float32)))
    projected = said if op.weight_hr is None else said @ tensors[op.weight_hr].T
    return op.zoneout * run.before + (1 - op.zoneout) * projected


def some_inputs(program):
    random = np.random.default_rng(1)
    return {
        op.out: random.normal(size=(1, *(() if op.static else (20,)), *op.shape)).astype(np.float32)
        for op in program.inputs
    }


@pytest.mark.parametrize("name", LSTMS)
def test_what_an_lstm_says_follows_from_its_memory_and_its_gate(name):
    program = LSTMS[name]()
    inputs = some_inputs(program)
    layers = traces.traced(Interpreter(program), inputs, 0, np.arange(20), np.array([12, 19]))
    lstms = [layer for layer in layers if layer.op.cell == "lstm"]
    assert [layer.inside.name for layer in lstms] == [f"{layer.name}.c" for layer in lstms]
    assert len(lstms) >= 1
    for layer in lstms:
        for run in layer.runs:
            output = gates_of(layer, run, program.tensors)["output"]
            np.testing.assert_allclose(said_by(layer.op, run, output, program.tensors), run.h, atol=2e-6)
            assert np.abs(run.inside).max() > 0.1


@pytest.mark.parametrize("name", SCANS)
def test_a_complex_state_is_whole_with_its_imaginary_part(name):
    program = SCANS[name]()
    inputs, engine = some_inputs(program), Interpreter(program)
    layers = traces.traced(engine, inputs, 0, np.arange(20), np.array([19]))
    scans = [layer for layer in layers if isinstance(layer.op, ops.Scan)]
    scans = [layer for layer in scans if layer.op.over == "stream" and layer.op.numbers == "complex"]
    values = engine.trace(inputs, [layer.op.out for layer in scans])
    assert len(scans) >= 1
    for layer in scans:
        whole = layer.whole
        beside = values[layer.op.out][0].reshape(20, -1, program.shapes[layer.op.out][-1])
        for n, run in enumerate(whole.runs):
            np.testing.assert_array_equal(run.h, beside[:, n])
        real, imaginary = traces.with_insides([layer])
        assert imaginary.name == f"{layer.op.out}.imaginary"
        np.testing.assert_array_equal(np.concatenate([real.states, imaginary.states], axis=1), whole.states)
        cut = imaginary.first(slice(5, 9)).runs[0]
        np.testing.assert_array_equal(cut.inside, cut.h)
        assert len(cut.h) == 4


def test_the_table_of_signals_says_of_which_part_a_unit_is(waves):
    found = probe(waves[0].model_, waves[0].held_out_)
    count = Encoded(signal="count", explained=0.9, unit=3, correlation=-0.8, part="c")
    shown = memory(replace(found, encoded=(count, replace(count, part=""), replace(count, correlation=0.1)))).signals
    assert shown == [("count", "90%", "3, c (-0.80)"), ("count", "90%", "3 (-0.80)"), ("count", "90%", "none alone")]
