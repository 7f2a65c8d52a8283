"""Probes find what was put there: weights whose memory is known, and data whose answers lie so far back."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import whorl
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError
from whorl.report import gates, gradients, traces
from whorl.report.carried import memory_cells
from whorl.report.memory import measured
from whorl.report.probes import Watch, nearest, probe
from whorl.report.reach import reach
from whorl.report.signals import encoded
from whorl.runtime import operations as ops
from whorl.runtime.engines import engine_for
from whorl.runtime.program import Program

QUICK = whorl.Training(epochs=1, device="cpu", seed=0)


def remembering(factor, *, steps=40, bias=0.0, nonlinearity="tanh"):
    """A regressor whose RNN halves (or so) its state at each step; its answer is the state at the end."""
    random = np.random.default_rng(0)
    x = [random.standard_normal((steps, 1)) * 0.01 for _ in range(60)]
    y = np.array([one[-1, 0] for one in x])
    half = whorl.Training(epochs=1, device="cpu", seed=0, validation=0.5)
    model = whorl.Regressor(
        network=whorl.Recurrent("rnn", hidden_size=2, nonlinearity=nonlinearity), training=half
    ).fit((x, y), verbose=False)
    tensors = model.model_.engine.program.tensors
    (op,) = [op for op in model.model_.engine.program.operations if isinstance(op, ops.Recurrent)]
    weights = {name: np.array(array) for name, array in tensors.items()}
    weights[op.weight_hh] = np.array([[factor, 0.0], [0.0, 0.0]], np.float32)
    weights[op.weight_ih] = np.array([[1e-3], [0.0]], np.float32)  # small states make tanh linear
    weights[op.bias_ih] = np.array([bias, 0.0], np.float32)
    weights[op.bias_hh] = np.zeros(2, np.float32)
    weights["last.weight"] = np.array([[1.0, 0.0]], np.float32)
    program = Program.from_json(model.model_.engine.program.to_json(), weights)
    return replace(model.model_, engine=engine_for(program)), model.held_out_


@pytest.mark.parametrize(("factor", "length"), [(0.5, 7), (0.25, 4), (0.8, 21)])
def test_the_memory_length_of_a_state_that_shrinks_is_known(factor, length):
    """The gradient k steps back is factor^k, as small states make tanh linear; 0.5^7 is the first below 1 %."""
    model, held_out = remembering(factor)
    found = probe(model, held_out)
    assert found.gradient.memory_length == length
    np.testing.assert_allclose(found.gradient.norms[:5], factor ** np.arange(5.0), rtol=0.02)
    np.testing.assert_array_equal(found.gradient.lags, np.arange(40))


def test_a_state_that_grows_is_felt_more_further_back():
    model, held_out = remembering(1.1)
    found = probe(model, held_out).gradient
    assert found.memory_length is None
    assert found.largest > 5


def test_answers_come_from_as_far_back_as_the_state_reaches():
    """Of a geometric sum with ratio r a share of r^k comes from k steps and more back."""
    model, held_out = remembering(0.8)
    found = probe(model, held_out).reach
    assert found.shares[0] == 1.0
    # What each part adds has the size of a sum of squares: sqrt((r^2)^k) of independent rows.
    np.testing.assert_allclose(found.shares[found.lags <= 8], 0.8 ** found.lags[found.lags <= 8], atol=0.12)
    assert found.half == pytest.approx(4, abs=1)


@pytest.fixture(scope="module")
def waves():
    t = np.arange(900)
    load = np.sin(2 * np.pi * t / 12) + 0.05 * np.random.default_rng(0).standard_normal(len(t))
    frame = pl.DataFrame({"t": t, "load": load})
    made = whorl.Forecaster(
        target="load", time="t", horizon=2, context=24, memory="carried",
        network=whorl.Recurrent("lstm", hidden_size=8), training=whorl.Training(epochs=4, device="cpu", seed=0),
    )  # fmt: skip
    return made.fit(frame, verbose=False), frame


def small(cell="gru", **options):
    return {"network": whorl.Recurrent(cell, hidden_size=4, **options), "training": QUICK}


def forecaster(**settings):
    return whorl.Forecaster(target="load", time="t", horizon=2, context=24, **settings)


def some_series():
    random = np.random.default_rng(0)
    x = [random.standard_normal((30, 2)) for _ in range(40)]
    return x, [str(int(one[:, 0].mean() > 0)) for one in x]


KINDS = {
    "carried": lambda frame: forecaster(memory="carried", **small("lstm")).fit(frame, verbose=False),
    "window": lambda frame: forecaster(**small()).fit(frame, verbose=False),
    "both ways": lambda _: whorl.Classifier(**small(bidirectional=True)).fit(some_series(), verbose=False),
    "side by side": lambda _: whorl.Classifier(**small("lstm", members=2, layer_norm=True)).fit(
        some_series(), verbose=False
    ),
    "texts": lambda _: whorl.Classifier(text="t", **small()).fit(
        (["a good film", "a bad film"] * 20, ["1", "0"] * 20), verbose=False
    ),
    "detector": lambda frame: whorl.Detector(**small("rnn")).fit(frame.drop("t"), verbose=False),
    "linear": lambda _: whorl.Classifier(**small("mingru")).fit(some_series(), verbose=False),
    "linear, complex": lambda _: whorl.Classifier(**small("lru")).fit(some_series(), verbose=False),
    "linear, window": lambda frame: forecaster(**small("minlstm")).fit(frame, verbose=False),
    "chained labels": lambda _: whorl.Tagger(crf=True, **small()).fit(
        ([["a", "b"] * 5] * 20, [["x", "y"] * 5] * 20), verbose=False
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_is_probed(waves, kind):
    model = KINDS[kind](waves[1])
    found = probe(model.model_, model.held_out_)
    assert found.gradient is not None
    assert found.gradient.norms[0] == pytest.approx(1.0)
    assert found.reach.shares[0] == pytest.approx(1.0)
    assert (np.diff(found.reach.shares) <= 0).all()
    assert len(found.layers) == (2 if kind == "both ways" else 1)
    for layer in found.layers:
        assert 0 < layer.rank <= layer.units
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["gradient"]["answers"] == found.gradient.answers


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


def test_what_does_not_recur_is_not_probed():
    model = whorl.Classifier(network=whorl.Convolution(hidden_size=4), training=QUICK).fit(some_series(), verbose=False)
    with pytest.raises(ArgumentError, match="nothing in this network does"):
        probe(model.model_, model.held_out_)
    assert measured(model.model_, model.held_out_) is None


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


@pytest.mark.parametrize("engine", [None, "numpy"])
def test_a_watched_stream_answers_as_it_does_alone(waves, engine, tmp_path):
    waves[0].save(tmp_path / "m.whorl")
    model = whorl.runtime.load(tmp_path / "m.whorl", engine=engine)
    watch, alone = Watch(model.stream()), model.stream()
    for row in waves[1].rows(named=True)[:40]:
        assert [list(one.to_records()) for one in watch.push(row)] == [
            list(one.to_records()) for one in alone.push(row)
        ]
    assert watch.norms.shape == (40, 1)
    ((_, state),) = watch.states().items()
    assert state.shape == (1, 16)  # h and c of the one target
    traced = traces.layers(model, model.reader.read(waves[1]), [np.array([39])])
    said, inside = (layer.runs[0].h for layer in traces.with_insides(traced))
    np.testing.assert_allclose(state[0], np.concatenate([said[39], inside[39]]), atol=1e-6)
    assert watch.norms[-1] == pytest.approx(np.linalg.norm(state))


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


def test_a_window_is_looked_at_whole(waves):
    model = whorl.Forecaster(target="load", time="t", horizon=2, context=500, **small()).fit(waves[1], verbose=False)
    found = probe(model.model_, model.held_out_).reach
    assert 375 in found.lags


def test_sequences_shorter_than_a_window_are_looked_at_as_far_as_they_go():
    x = [np.random.default_rng(n).standard_normal((5, 2)) for n in range(30)]
    model = whorl.Detector(method="reconstruction", context=8, **small()).fit(x, verbose=False)
    found = probe(model.model_, model.held_out_).reach
    assert found.lags.max() < 5
    assert found.shares[0] == 1.0


def test_a_watch_of_what_carries_no_state_is_refused(waves):
    with pytest.raises(ArgumentError, match="carries no state of a recurrence"):
        Watch(KINDS["window"](waves[1]).stream())
    assert Watch(waves[0].stream()).norms.shape == (0, 1)


def test_what_cannot_be_probed_is_refused(waves):
    pairs = ["a b", "b a"] * 10, ["x y", "y x"] * 10
    model = whorl.Translator(tokens=whorl.Text(unit="word"), wait=1, **small()).fit(pairs, verbose=False)
    with pytest.raises(ArgumentError, match="reads a text whole and writes another"):
        probe(model.model_, model.held_out_)
    with pytest.raises(ArgumentError, match="`stream` writes texts"):
        Watch(model.stream())
    with pytest.raises(ArgumentError, match="`data` has no row that is answered"):
        probe(waves[0].model_, [])
    window = KINDS["window"](waves[1])
    with pytest.raises(ArgumentError, match="each window starts anew"):
        nearest(window.model_, window.held_out_, 0, 100)


def test_without_truths_there_is_no_gradient(waves):
    model = waves[0].model_
    sequences = model.reader.read(waves[1])
    assert gradients.by_lag(model, [one for one in sequences if one.targets is None], []) is None
    assert reach(model, sequences, [np.array([], int)]) is None
