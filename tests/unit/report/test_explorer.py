"""What the explorer of a page is told: the states of the network, its gates, and what was read."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import msgspec
import numpy as np
import polars as pl
import pytest
from tests.unit.report.conftest import records, table
from tests.unit.report.test_probes import KINDS, QUICK, small

import whorl
from whorl.data.sequences import Sequence
from whorl.report import explorer, traces, views, written_views
from whorl.report.evidence import gather
from whorl.report.gates import _GATES, gates_of
from whorl.report.signals import Followed, followed
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.program import Program


@pytest.fixture(scope="module")
def frame():
    t = np.arange(900)
    return pl.DataFrame({"t": t, "load": np.sin(2 * np.pi * t / 12) + 5.0})


def seen(model, held_out=None):
    held_out = model.held_out_ if held_out is None else held_out
    return views.views(model.model_, gather(model.model_, held_out))


def states_of(layer):
    """The numbers that the script would read, (S, U)."""
    raw = np.frombuffer(base64.b64decode(layer["states"]), "<i2").reshape(-1, len(layer["units"]))
    return raw / 10.0 ** layer["decimals"]


def gate_of(layer, name):
    (gate,) = [one for one in layer["gates"] if one["name"] == name]
    values, mean = (np.frombuffer(base64.b64decode(gate[part]), "u1") / 100 for part in ("values", "mean"))
    return values.reshape(-1, len(layer["units"])), mean


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_is_explored(kind, frame):
    model = KINDS[kind](frame)
    found = seen(model)
    made = explorer.data(found)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    for view, told in zip(found, made["views"], strict=True):
        assert len(told["names"]) == len(view) >= 1
        assert (told["tokens"] is None) != (told["read"] == [])
        assert all(len(column["values"]) % len(view) == 0 for column in told["read"])
        for layer, one in zip(view.layers, told["layers"], strict=True):
            states = layer.runs[0].h
            assert states.shape == (len(view), one["all"])
            np.testing.assert_allclose(
                states_of(one), states[:, np.array(one["units"]) - 1], atol=0.5 * 10.0 ** -one["decimals"] + 1e-7
            )


def test_the_states_are_those_that_the_interpreter_goes_through(carried):
    model, held_out = carried.model_, carried.held_out_
    (view,) = seen(carried)
    program, rows = model.engine.program, view.layers[0].runs[0].steps
    for sequence in held_out.sequences:
        said = [layer for layer in view.layers if not layer.is_inside]
        inputs = sequence.inputs(0, rows[-1] + 1, model.reader.horizon)
        values = Interpreter(program).trace(inputs, [layer.name for layer in said])
        alike = [np.array_equal(values[layer.name][0, rows, 0], layer.runs[0].h) for layer in said]
        if all(alike):
            break
    else:
        pytest.fail("no sequence has these states")
    assert len(said) == 2
    assert view.read[0].values[-1] == pytest.approx(model.reader.decode(sequence.row_targets)[rows[-1], 0], rel=1e-5)


@pytest.mark.parametrize("kind", ["carried", "window", "linear", "linear, complex", "detector"])
def test_gates_are_those_of_the_layer(kind, frame):
    model = KINDS[kind](frame)
    view = seen(model)[0]
    known = gates_of(view.last_layer, view.last_layer.runs[0], model.model_.engine.program.tensors)
    assert set(known) <= set(explorer.MEANING)
    told, *behind = explorer.data([view])["views"][0]["layers"]
    assert [gate["name"] for gate in told["gates"]] == list(known)
    for name, values in known.items():
        own, mean = gate_of(told, name)
        np.testing.assert_allclose(own, values[:, np.array(told["units"]) - 1], atol=0.005001)
        np.testing.assert_allclose(mean, values.mean(axis=1), atol=0.005001)
    for one in behind:  # what a layer carries beside what it says has its units and its gates
        assert (one["op"], one["units"], one["gates"]) == (told["op"], told["units"], None)


def test_every_gate_has_a_meaning():
    assert {name for gates in _GATES.values() for name in gates} | {"keep"} == set(explorer.MEANING)


def test_a_window_has_its_rows_below_its_segments(forecaster):
    view = seen(forecaster)[0]
    assert view.step == "segment"
    assert len(view) == 4
    assert view.names[0].count(" to ") == 1
    assert len(view.read[0].values) == 16
    assert "Of 2 targets" in view.left_out
    rows = view.layers[0].runs[0].steps
    truths = [
        forecaster.model_.reader.decode(one.row_targets)[rows[0] - 15 : rows[0] + 1, 0]
        for one in forecaster.held_out_.sequences
    ]
    assert any(np.allclose(view.read[0].values, own, rtol=1e-5) for own in truths if len(own) == 16)


def test_rows_before_the_start_of_a_sequence_are_no_rows():
    random = np.random.default_rng(0)
    x = [random.standard_normal((5, 2)) for _ in range(30)]
    model = whorl.Detector(method="reconstruction", context=8, **small()).fit(x, verbose=False)
    view = seen(model)[0]
    assert view.names == ["no row"] * 3 + ["1", "2", "3", "4", "5"]
    values = explorer.data([view])["views"][0]["read"][0]["values"]
    assert len(values) == 8
    assert values[:3] == [None] * 3
    assert None not in values[3:]


def test_of_a_long_window_the_end_is_shown(frame):
    model = whorl.Detector(method="reconstruction", context=300, **small()).fit(frame.drop("t"), verbose=False)
    view = seen(model)[0]
    assert len(view) == len(view.last_layer.runs[0].h) == len(view.read[0].values) == views.MOST_STEPS
    assert view.left_out == "The last 240 of 300 steps are shown. "
    last = view.last_layer.runs[0].steps[-1]
    (sequence,) = model.held_out_.sequences
    assert view.read[0].values[-1] == pytest.approx(model.model_.reader.past.decode(sequence.past)[last, 0])


def test_a_text_is_told_token_by_token(tmp_path):
    text = "One </script> two.\nThree, <b>four</b>! 🙂\n" * 20
    (tmp_path / "t.txt").write_text(text)
    made = whorl.Generator(tokens=whorl.Text(unit="character"), **small()).fit(tmp_path / "t.txt", verbose=False)
    (view,) = seen(made)
    assert "".join(view.tokens).removeprefix("<begin>") in text
    assert len(view) == 240
    assert view.left_out.startswith("Of 8")
    made.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<b>four" not in page
    assert page.count("</script>") == 2


def test_a_late_answer_stands_at_the_row_that_it_was_read_at():
    words = [["a", "b", "c", "d"]] * 30, [["x", "y", "x", "y"]] * 30
    model = whorl.Tagger(lookahead=2, **small()).fit(words, verbose=False)
    (view, *_) = seen(model)
    assert view.tokens == ["a ", "b ", "c ", "d ", " ", " "]


@pytest.mark.parametrize("wait", [None, 1])
def test_both_sides_of_a_translator_are_explored(wait):
    pairs = ["a b b", "b a"] * 10, ["x y", "y x x"] * 10
    model = whorl.Translator(tokens=whorl.Text(unit="word"), wait=wait, **small()).fit(pairs, verbose=False)
    found = written_views.views(model.model_, model.held_out_)
    assert [view.title.split(", ")[1] for view in found] == ["as it is read", "the true one as it is written"] * 2
    assert found[0].tokens[-1] == "<end>"
    assert found[1].tokens[0] == "<begin>"
    assert len(found[0].layers) == (2 if wait is None else 1)
    for view in found:
        assert all(len(layer.runs[0].h) == len(view) for layer in view.layers)
    assert explorer.explorer(found).data["views"][0]["step"] == "token"


def test_what_does_not_recur_has_no_explorer(tmp_path, frame):
    model = whorl.Forecaster(
        target="load", time="t", horizon=2, context=24, network=whorl.Perceptron(hidden_size=4), training=QUICK
    ).fit(frame, verbose=False)
    assert seen(model) == []
    assert explorer.explorer([]) is None
    model.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page
    assert "script-src" not in page
    assert "Nothing in this network recurs." in page
    assert "hidden state to explore" in page


def test_one_of_several_networks_is_explored(frame, tmp_path):
    model = KINDS["side by side"](frame)
    made = explorer.explorer(seen(model))
    assert made.note == "Of the 2 networks side by side the first is shown."
    assert [layer["name"] for layer in made.data["views"][0]["layers"]] == ["lstm_l0: LSTM", "lstm_l0: LSTM, memory c"]


RELU = ops.Recurrent(out="r", x="x", cell="rnn_relu", over="stream", weight_ih="w", weight_hh="u")


def view_of(states):
    """A view of one layer with these states (S, H)."""
    steps = np.arange(len(states))
    layers = [traces.Layer(RELU, [traces.Run(np.zeros((len(states), 1)), states, states, None, None, 0, steps)])]
    names = [str(n + 1) for n in steps]
    return views.View(title="t", step="row", program=Program(), layers=layers, names=names, tokens=None, read=[])


def layer_of(states, follows=()):
    return explorer.data([view_of(states)], list(follows))["views"][0]["layers"][0]


def test_units_that_follow_a_signal_come_first_and_then_the_largest_last_states():
    states = np.array([[0.0, 0.0, 0.0, 0.0], [0.1, -0.5, 0.9, 0.4]])
    follows = [Followed(layer="r", unit=n, signal="s", correlation=r) for n, r in ((1, 0.7), (2, -0.9))]
    assert explorer.chosen_units(states, follows, 64) == [1, 0, 2, 3]
    assert explorer.chosen_units(states, follows, 3) == [1, 0, 2]
    assert explorer.chosen_units(states, follows, 1) == [1]
    told = layer_of(states, follows)
    assert told["follows"] == ["s (-0.90)", "s (+0.70)", "", ""]
    assert told["units"] == [2, 1, 3, 4]


@pytest.mark.parametrize(("largest", "decimals"), [(1.0, 4), (3.3, 3), (40.0, 2), (1e6, -2), (0.0, 4)])
def test_a_state_of_any_size_fits(largest, decimals):
    states = np.array([[largest, -largest / 3]])
    told = layer_of(states)
    assert told["decimals"] == decimals
    order = np.array(told["units"]) - 1
    np.testing.assert_allclose(states_of(told), states[:, order], atol=0.5 * 10.0**-decimals)


def test_states_that_are_no_numbers_do_not_break_a_page():
    told = layer_of(np.array([[np.nan, 0.5], [np.inf, 0.25]]))
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_a_page_stays_small():
    wide = view_of(np.random.default_rng(0).uniform(-1, 1, (240, 500)).astype(np.float32))
    (layer,) = wide.layers
    run = layer.runs[0]._replace(inside=layer.runs[0].h, inside_before=layer.runs[0].h)
    ops_of = [msgspec.structs.replace(RELU, out=f"r{n}") for n in range(12)]
    wide = replace(wide, layers=traces.with_insides([traces.Layer(op, [run]) for op in ops_of]))
    made = explorer.data([wide] * 3)
    assert len(json.dumps(made)) < 500_000
    assert [layer["op"] for layer in made["views"][0]["layers"]] == [f"r{n // 2}" for n in range(8, 24)]
    assert made["views"][0]["left_out"] == "The first 4 layers are not shown."
    assert len(made["views"][0]["layers"][0]["units"]) == 8


def test_what_is_remembered_for_thousands_of_rows_is_read_from_where_it_began():
    t = np.arange(6_000)
    frame = pl.DataFrame({"t": t, "load": np.sin(2 * np.pi * t / 12) + 5.0})
    network = whorl.Recurrent("lstm", hidden_size=4, forget_bias=9.0)
    model = whorl.Forecaster(
        target="load", time="t", memory="carried", context=24, horizon=2, network=network, training=QUICK
    ).fit(frame, verbose=False)
    (view,) = seen(model)
    (layer, inside), rows = view.layers, view.layers[0].runs[0].steps
    (sequence,) = model.model_.reader.read(frame)
    engine, inputs = Interpreter(model.model_.engine.program), sequence.inputs(0, rows[-1] + 1, 2)
    (whole,) = traces.traced(engine, inputs, 0, np.arange(rows[-1] + 1), np.empty(0, np.int64))
    assert rows[0] > 4_500  # where a network that began 4,000 rows before would say something else
    np.testing.assert_allclose(inside.runs[0].h, whole.runs[0].inside[rows], rtol=1e-5)
    np.testing.assert_array_equal(layer.runs[0].h, whole.runs[0].h[rows])
    assert "began" not in view.left_out


def test_a_state_that_is_read_from_too_late_says_so(monkeypatch):
    monkeypatch.setattr(views, "_MOST_ROWS", 1_000)
    monkeypatch.setattr(views, "_LEAST_ROWS", 1_000)
    t = np.arange(3_000)
    frame = pl.DataFrame({"t": t, "load": np.sin(2 * np.pi * t / 12) + 5.0})
    network = whorl.Recurrent("lstm", hidden_size=4, forget_bias=9.0)
    model = whorl.Forecaster(
        target="load", time="t", memory="carried", context=24, horizon=2, network=network, training=QUICK
    ).fit(frame, verbose=False)
    (view,) = seen(model)
    assert f"States are those of a network that began {1_000 - len(view)} rows before." in view.left_out


def test_a_unit_that_follows_a_signal_is_found_with_its_sign():
    random = np.random.default_rng(0)
    load = random.standard_normal((500, 1)).astype(np.float32)
    states = random.standard_normal((500, 3)).astype(np.float32)
    states[:, 1] = -load[:, 0] + 0.1 * states[:, 1]
    states[4:, 2] = load[:-4, 0]
    layer = traces.Layer(RELU, [traces.Run(load, states, states, None, None, 0, np.arange(500))])
    sequence = Sequence(key="", past=load, time=np.arange(500))
    found = followed(layer, [sequence], ["load"], None)
    assert [(one.unit, one.signal) for one in found] == [(2, "load"), (3, "load, 4 ago")]
    assert found[0].correlation < -0.95
    assert followed(layer._replace(op=msgspec.structs.replace(RELU, over="value")), [sequence], ["load"], None) == ()


def test_the_digest_is_that_of_the_script(regressor, tmp_path):
    regressor.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "unsafe-inline" not in page.split("script-src")[1].split('"')[0]


def test_sequences_given_to_a_report_are_explored(carried):
    sequences = carried.model_.reader.read(records(table(60, 1)), targets=True)
    (view,) = views.views(carried.model_, gather(carried.model_, sequences))
    assert len(view) == 60
    assert view.left_out.startswith("Of 2 targets")
