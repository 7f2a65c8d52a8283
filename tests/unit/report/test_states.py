"""What states hold: how wide open gates are, how many directions are used, what can be read from them, what is near."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.report.test_probes import KINDS, QUICK

import whorl
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError
from whorl.report import gates, traces
from whorl.report.carried import memory_cells
from whorl.report.probes import nearest, probe
from whorl.report.signals import encoded
from whorl.runtime import operations as ops


def test_what_a_linear_cell_keeps_is_its_gate():
    """From the share that is kept and the states follows what was written: h = keep h + (1 - keep) c, with c > 0."""
    model = KINDS["linear"](None)
    (layer,) = traces.layers(model.model_, list(model.held_out_.sequences), list(model.held_out_.steps))
    run = layer.runs[0]
    kept = gates.gates_of(layer, run, {})["keep"]
    assert ((kept > 0) & (kept < 1)).all()
    written = (run.h - kept * run.before) / (1 - kept)
    assert (written > 0).all()
    assert gates.probe_layer(layer, {}).cell == "minGRU"


def test_gates_are_those_of_the_equations(waves):
    """From gates and states the next states follow: o * tanh(c), c from f and i."""
    model, held_out = waves[0].model_, waves[0].held_out_
    (layer,) = traces.layers(model, list(held_out.sequences), list(held_out.steps))
    run, tensors = layer.runs[0], model.engine.program.tensors
    found = gates.gates_of(layer, run, tensors)
    op = layer.op
    sums = (
        run.x @ tensors[op.weight_ih].T
        + tensors[op.bias_ih]
        + run.before @ tensors[op.weight_hh].T
        + tensors[op.bias_hh]
    )
    g = np.tanh(sums[:, 16:24])
    c = np.zeros(8)
    for t in range(50):
        c = found["forget"][t] * c + found["input"][t] * g[t]
        np.testing.assert_allclose(found["output"][t] * np.tanh(c), run.h[t], atol=1e-5)


def test_a_stuck_gate_and_a_dead_unit_are_counted(waves):
    model, held_out = waves[0].model_, waves[0].held_out_
    (layer,) = traces.layers(model, list(held_out.sequences), list(held_out.steps))
    tensors = {name: np.array(array) for name, array in model.engine.program.tensors.items()}
    tensors[layer.op.bias_ih][:8] = -50.0  # the input gate
    tensors[layer.op.bias_ih][8:16] = 50.0  # the forget gate
    found = gates.probe_layer(layer, tensors)
    assert (found.closed["input"], found.opened["forget"]) == (1.0, 1.0)
    run = layer.runs[0]._replace(
        h=np.concatenate([layer.runs[0].h[:, :7], np.full((len(layer.runs[0].h), 1), 0.3)], axis=1)
    )
    assert gates.probe_layer(layer._replace(runs=[run]), tensors).dead_units == (8,)


def test_the_effective_rank_counts_directions():
    random = np.random.default_rng(0)
    directions = np.linalg.qr(random.standard_normal((10, 10)))[0][:3]
    states = np.linalg.qr(random.standard_normal((500, 3)) - 0.0)[0] @ directions
    assert gates.effective_rank(states) == pytest.approx(3.0, abs=0.05)
    assert gates.effective_rank(np.ones((50, 4))) == 0.0


def test_a_state_that_grows_in_a_long_stream_drifts(waves):
    model, held_out = waves[0].model_, waves[0].held_out_
    (layer,) = traces.layers(model, list(held_out.sequences), list(held_out.steps))
    calm = gates.probe_layer(layer, model.engine.program.tensors, goes_on=True)
    assert abs(calm.drift) < 0.1
    units = layer.states.shape[1]
    tensors = dict(model.engine.program.tensors)
    # All gates stay open, and each step writes a little more.
    for name in (layer.op.weight_ih, layer.op.weight_hh):
        tensors[name] = np.zeros_like(tensors[name])
    tensors[layer.op.bias_ih] = np.repeat([20.0, 20.0, 0.05, 20.0], units)
    tensors[layer.op.bias_hh] = np.zeros(4 * units)
    steps = np.arange(1, len(layer.runs[0].h) + 1)
    c = np.tanh(0.05) * np.repeat(steps[:, None], units, axis=1)
    run = layer.runs[0]._replace(h=np.tanh(c), before=np.tanh(np.concatenate([c[:1] * 0, c[:-1]])))
    (found,) = memory_cells(layer.op, run.x[None], run.before[None], None, tensors)
    np.testing.assert_allclose(found, c, rtol=1e-4)
    assert np.linalg.norm(run.h[-1]) < 1.1 * np.linalg.norm(run.h[len(c) // 3])  # what it says grows no more
    counting = layer._replace(runs=[run._replace(inside=c)])
    assert gates.probe_layer(counting, tensors, goes_on=True).drift > 0.5
    assert gates.probe_layer(counting, tensors).drift < 0.1  # as it was in training, which counted as far


def test_a_layer_that_reads_backwards_drifts_in_its_own_order():
    op = ops.Recurrent(out="r", x="x", cell="rnn_tanh", over="stream", weight_ih="w", weight_hh="u", reverse=True)
    grows = np.linspace(1, 4, 100)[::-1, None].astype(np.float32)
    layer = traces.Layer(op, [traces.Run(grows, grows, grows, None, None, 0, np.arange(100))])
    assert gates.probe_layer(layer, {}).drift > 0.5


def test_states_are_near_where_what_is_not_said_is_near_too(waves, monkeypatch):
    model, held_out = waves[0].model_, waves[0].held_out_
    before = [place.distance for place in nearest(model, held_out, 0, 700)]
    monkeypatch.setattr(traces.Layer, "whole", property(lambda layer: layer))
    assert [place.distance for place in nearest(model, held_out, 0, 700)] != before


def test_what_was_read_is_found_in_the_state(waves):
    found = {one.signal: one for one in probe(waves[0].model_, waves[0].held_out_).encoded}
    assert found["load"].explained > 0.9
    assert found["place in the sequence"].explained < 0.5
    assert 1 <= found["load"].unit <= 8


def test_a_count_that_an_lstm_keeps_to_itself_is_found_in_its_memory():
    random = np.random.default_rng(0)
    x = random.standard_normal((30, 20, 1)).astype(np.float32)
    said = random.standard_normal((30, 20, 3)).astype(np.float32)
    counts = np.zeros((30, 20, 3)) + np.arange(20.0)[:, None] * [1.0, 0.0, 0.0]
    runs = [
        traces.Run(own, h, h, count, count, n, np.arange(20))
        for n, (own, h, count) in enumerate(zip(x, said, counts, strict=True))
    ]
    op = ops.Recurrent(out="r", x="x", cell="lstm", over="stream", weight_ih="w", weight_hh="u")
    sequences = [Sequence(key=str(n), past=own, time=np.arange(20)) for n, own in enumerate(x)]
    found = {one.signal: one for one in encoded(traces.Layer(op, runs), sequences, ["load"], None)}
    count = found["place in the sequence"]
    assert (count.unit, count.part) == (1, "c")
    assert count.explained > 0.99
    assert not found["load"].follows
    # Of a projected state, which is smaller.
    small = traces.Layer(op, [run._replace(h=run.h[:, :1], before=run.before[:, :1]) for run in runs])
    found = {one.signal: one for one in encoded(small, sequences, ["load"], None)}
    assert (found["place in the sequence"].unit, found["place in the sequence"].part) == (1, "c")


def test_characters_are_found_in_the_state_of_a_language_model(tmp_path):
    (tmp_path / "t.txt").write_text("The cat sat. A dog ran 12 miles.\n" * 200)
    made = whorl.Generator(network=whorl.Recurrent("gru", hidden_size=16), training=QUICK)
    model = made.fit(tmp_path / "t.txt", verbose=False)
    found = {one.signal: one.explained for one in probe(model.model_, model.held_out_).encoded}
    assert {"vowel", "capital", "place in the word", "place in the line"} <= set(found)
    assert found["space"] > 0.5


def test_the_nearest_state_of_a_wave_is_a_period_away(waves):
    model, held_out = waves[0].model_, waves[0].held_out_
    places = nearest(model, held_out, 0, 700, count=4)
    assert [abs(place.step - 700) % 12 for place in places].count(0) >= 3
    assert [place.distance for place in places] == sorted(place.distance for place in places)
    steps = [700, *(place.step for place in places)]
    assert min(abs(a - b) for n, a in enumerate(steps) for b in steps[:n]) >= 10
    with pytest.raises(ArgumentError, match="`step` 9999 of `sequence` 0 was not looked at"):
        nearest(model, held_out, 0, 9999)


def test_two_targets_of_the_same_rows_stand_on_one_side():
    """States that know their row by heart tell nothing of noise in rows that were not learned from."""
    random = np.random.default_rng(0)
    rows, states = 400, random.standard_normal((400, 300)).astype(np.float32)
    noise = random.standard_normal((rows, 1)).astype(np.float32)
    sequence = Sequence(key="", past=noise, time=np.arange(rows))
    beside = [states, states + 0.1 * random.standard_normal(states.shape).astype(np.float32)]
    runs = [traces.Run(noise, h, h, None, None, 0, np.arange(rows)) for h in beside]
    op = ops.Recurrent(out="r", x="x", cell="gru", over="stream", weight_ih="w", weight_hh="u")
    found = {one.signal: one for one in encoded(traces.Layer(op, runs), [sequence], ["noise"], None)}
    assert found["noise"].explained < 0


def test_places_are_asked_for_by_the_numbers_of_the_sequences_given(waves):
    model, long = waves[0].model_, waves[0].model_.reader.read(waves[1], targets=True)[0]
    short = replace(long, past=long.past[:10], time=long.time[:10], targets=long.targets[:10], key="short")
    places = nearest(model, [short, long], sequence=1, step=500, count=2)
    assert {place.sequence for place in places} == {long.key}
    with pytest.raises(ArgumentError, match="`step` 5 of `sequence` 0 was not looked at"):
        nearest(model, [short, long], sequence=0, step=5)
