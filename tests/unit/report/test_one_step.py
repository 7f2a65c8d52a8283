"""One step with its numbers: they follow from each other by the equations that stand beside them."""

import numpy as np
import pytest
from tests.laws.networks import NETWORKS
from tests.unit.report.test_probes import small, some_series

import whorl
from whorl.report import views
from whorl.report.diagram import diagram, weights_of
from whorl.report.evidence import gather
from whorl.report.gates import candidate_of, gates_of
from whorl.report.one_step import one_step


def fitted(cell="gru", **options):
    model = whorl.Classifier(**small(cell, **options)).fit(some_series(), verbose=False)
    return model.model_, views.views(model.model_, gather(model.model_, model.held_out_))[0]


def numbers(step):
    return {line.name: np.array([float(number) for number in line.numbers]) for line in step.lines}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("layer_norm", [False, True])
def test_the_state_of_a_gru_follows_from_its_gates_and_its_candidate(layer_norm):
    model, view = fitted(layer_norm=layer_norm)
    layer = view.last_layer
    (run,) = layer.runs
    tensors = model.engine.program.tensors
    z, n = gates_of(layer, run, tensors)["update"], candidate_of(layer, run, tensors)
    np.testing.assert_allclose((1 - z) * n + z * run.before, run.h, atol=1e-6)


def test_the_memory_of_an_lstm_stands_among_the_numbers_of_its_step():
    _, view = fitted("lstm")
    found = numbers(one_step(view))
    c = found["forget"] * found["memory before"] + found["input"] * found["candidate"]
    np.testing.assert_allclose(found["memory"], c, atol=3e-4)
    np.testing.assert_allclose(found["state"], found["output"] * np.tanh(found["memory"]), atol=2e-4)


def test_the_numbers_that_are_written_are_those_of_the_last_step():
    model, view = fitted()
    step = one_step(view)
    found, op, tensors = numbers(step), view.last_layer.op, model.engine.program.tensors
    (run,) = view.last_layer.runs
    x, h = run.x[-1], run.before[-1]
    sums = tensors[op.weight_ih] @ x + tensors[op.bias_ih], tensors[op.weight_hh] @ h + tensors[op.bias_hh]
    r, z = (sigmoid(sums[0][part] + sums[1][part]) for part in (slice(0, 4), slice(4, 8)))
    n = np.tanh(sums[0][8:] + r * sums[1][8:])
    expected = {"read": x[:4], "state before": h, "reset": r, "update": z, "candidate": n, "state": run.h[-1]}
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=5.1e-5)
    assert {line.name: line.shape for line in step.lines}["read"] == f"({len(x)})"
    assert step.title == f"gru_l0, row {len(view)}"


@pytest.mark.parametrize(("cell", "names"), [("rnn", 3), ("lstm", 9), ("mingru", 3), ("minlstm", 3)])
def test_every_cell_with_an_equation_has_its_values(cell, names):
    step = one_step(fitted(cell)[1])
    assert len(step.lines) == names
    assert step.lines[-1].name == "state"


@pytest.mark.parametrize(("cell", "options"), [("lru", {}), ("gru", {"layer_norm": True}), ("lstm", {"zoneout": 0.1})])
def test_what_has_another_equation_is_not_written_out(cell, options):
    assert one_step(fitted(cell, **options)[1]) is None


def test_the_activation_is_that_of_the_network():
    lines = one_step(fitted("rnn", nonlinearity="relu")[1]).lines
    assert lines[-1].equation == "relu(W x + b + U h + b')"


def test_a_page_shows_a_step_and_the_shapes_of_the_weights(tmp_path):
    model = whorl.Classifier(**small(bidirectional=True)).fit(some_series(), verbose=False)
    model.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "One step, with its numbers: gru_l0, row 30" in page
    (weights,) = weights_of(model.model_.engine.program)
    assert f"W ({weights['W'][0]}, {weights['W'][1]})" in page
    assert weights["U"] == (12, 4)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_is_drawn_with_the_shapes_of_its_weights(name):
    program = NETWORKS[name]().program()
    drawn = diagram(program, every_step=True)
    layers = weights_of(program)
    assert (drawn is None) == (layers == [])
    for layer in layers[:3] if drawn else ():
        for sign, shape in layer.items():
            assert f"{sign} ({', '.join(map(str, shape))})" in drawn


def test_a_window_has_the_shape_of_its_answer_beside_the_arrow(forecaster):
    drawn = diagram(forecaster.model_.engine.program, every_step=False)
    assert ">(5, 2, 4)<" in drawn
    assert ">h (6)<" in drawn
