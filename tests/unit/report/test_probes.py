"""Probes find what was put there: weights whose memory is known, and data whose answers lie so far back."""

import json
from dataclasses import replace

import numpy as np
import pytest

import whorl
from whorl.errors import ArgumentError
from whorl.report import gradients, traces
from whorl.report.memory import measured
from whorl.report.probes import Watch, nearest, probe
from whorl.report.reach import reach
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


def test_what_does_not_recur_is_not_probed():
    model = whorl.Classifier(network=whorl.Convolution(hidden_size=4), training=QUICK).fit(some_series(), verbose=False)
    with pytest.raises(ArgumentError, match="nothing in this network does"):
        probe(model.model_, model.held_out_)
    assert measured(model.model_, model.held_out_) is None


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
