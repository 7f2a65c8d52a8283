"""A forecaster on all kinds of data, and settings that cannot do anything."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

import whorl
from whorl.data.sequences import Sequence
from whorl.data.strips import StripBatches
from whorl.plans.wiring import Strips
from whorl.runtime.evaluation import evaluate
from whorl.tasks.preparation import prepare
from whorl.tasks.rivals import season_of

QUICK = whorl.Training(epochs=1, seed=3)


def forecaster(**settings):
    given = {"horizon": 3, "context": 12, "network": whorl.Recurrent(hidden_size=4), "training": QUICK, **settings}
    return whorl.Forecaster(**given)


def waves(count=80, width=2, phase=0.0):
    steps = np.arange(count)[:, None] + phase
    return np.sin(steps / np.arange(2, 2 + width)) + 0.01 * steps


@pytest.mark.parametrize("memory", ["window", "carried"])
def test_arrays_are_series_and_never_joined(memory):
    arrays = np.stack([waves(phase=5 * n) for n in range(3)])
    model = forecaster(memory=memory).fit(arrays)
    assert model.model_.reader.names == ("c0", "c1")
    assert model.model_.card["data"]["series"] == 3
    assert model.predict(arrays).value.shape == (3, 3, 2)
    assert model.evaluate(arrays).num_answers == 3 * (80 - 12 - 3 + 1)
    stream = model.stream()
    for row in arrays[1]:
        answers = stream.push(tuple(row))
    np.testing.assert_array_equal(answers[0].value, model.predict(arrays[1]).value)


def test_a_flat_array_is_one_series_and_a_list_may_have_any_lengths():
    one = forecaster().fit(waves(width=1)[:, 0])
    assert one.predict(waves(40, 1)).value.shape == (1, 3, 1)
    several = forecaster().fit([waves(80), waves(51), waves(64)])
    assert several.predict([waves(20), waves(33)]).index.origin.tolist() == [19, 32]


@pytest.mark.parametrize("memory", ["window", "carried"])
def test_the_scores_of_the_card_are_those_of_an_evaluation_of_the_held_out_part(memory):
    model = forecaster(memory=memory).fit([waves(80), waves(51), waves(64)])
    held_out = model.held_out_
    scores = evaluate(model.model_, held_out.sequences, held_out.steps)
    assert model.model_.card["scores"]["metrics"] == dict(scores.metrics)
    assert model.model_.card["scores"]["answers"] == scores.num_answers


def test_strips_of_another_part_are_those_that_are_cut_afresh():
    random = np.random.default_rng(0)
    sequences = [
        Sequence(key=str(n), past=random.random((n, 2), np.float32), time=np.arange(n), targets=np.zeros((n, 2)))
        for n in (50, 41)
    ]
    calls = []

    def running(targets):
        calls.append(len(targets))
        return np.stack([targets.cumsum(0), targets], axis=1)

    first = StripBatches(sequences, Strips(4, 3, num_lags=2), 2, 8, [(0, 30), (0, 41)], running, season=4)
    spans = [(30, 50), (41, 41)]
    again = first.elsewhere(spans, shuffle=False)
    assert calls == [50, 41]
    afresh = StripBatches(sequences, Strips(4, 3, num_lags=2), 2, 8, spans, running, season=4, shuffle=False)
    assert len(again) == len(afresh)
    for index in range(len(again)):
        one, other = (each.batch(index, seed=0, epoch=3) for each in (again, afresh))
        assert one.inputs.keys() == other.inputs.keys()
        for name in one.inputs:
            np.testing.assert_array_equal(one.inputs[name], other.inputs[name])
        np.testing.assert_array_equal(one.targets, other.targets)


def test_strips_have_what_stood_a_season_before_each_answer():
    """Five rows are answered with a season of three: a row of each, and again the two that come first."""
    rows = 1.0 + np.arange(30)
    one = Sequence(key="", past=rows[:, None].astype(np.float32), time=np.arange(30), targets=rows[:, None])
    batches = StripBatches(
        [one], Strips(4, 5), 1, 30, [(0, 30)], lambda rows: rows[:, None].repeat(2, 1), season=3, shuffle=False
    )
    season = batches.batch(0, seed=0, epoch=0).inputs["season"][0, ..., 0]
    np.testing.assert_array_equal(season[10], [9, 10, 11, 9, 10])  # row 10 is 11
    np.testing.assert_array_equal(season[1], [0, 1, 2, 0, 1])  # before the first row there is none


def test_a_lone_name_is_a_list_of_one():
    table = pl.DataFrame({"y": waves(80, 1)[:, 0], "hol": np.arange(80) % 7, "noise": np.cos(np.arange(80.0))})
    model = forecaster(target="y", known="hol").fit(table)
    assert model.model_.reader.schema.known == ("hol",)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"memory": "carried", "stride": 2}, "`stride` is of windows"),
        ({"memory": "carried", "segment_length": 4}, "`segment_length` is of windows"),
        ({"segment_length": 13}, "context has 12 rows"),
        ({"quantiles": (0.9, 0.1)}, "ascending"),
        ({"network": "gro"}, "Did you mean 'gru'"),
        ({"horizon": 0}, "`horizon` is a whole number >= 1"),
    ],
)
def test_settings_that_cannot_do_anything_are_refused(settings, message):
    with pytest.raises(whorl.ArgumentError, match=message):
        forecaster(**settings)


def test_known_rows_for_a_model_without_known_columns_are_refused():
    model = forecaster().fit(waves())
    with pytest.raises(whorl.ArgumentError, match="no known covariates"):
        model.predict(waves(), known=waves(3))


def test_sizes_may_be_numbers_of_numpy():
    model = forecaster(context=np.int64(12), memory="carried", network=whorl.Recurrent(hidden_size=np.int64(4)))
    assert model.fit(waves()).predict(waves()).value.shape == (1, 3, 2)


def test_a_value_lies_in_its_interval():
    prediction = forecaster(target="c0").fit(waves(300)).predict(waves(300), every_row=True)
    lower, upper = prediction.interval
    assert (lower <= prediction.value).all()
    assert (prediction.value <= upper).all()


def test_validation_without_truths_is_found_before_training():
    table = pl.DataFrame({"y": [*waves(80, 1)[:60, 0], *[None] * 20]})
    with pytest.raises(whorl.DataError, match="no value in the validation part"):
        forecaster(target="y", training=whorl.Training(epochs=1, validation=20)).fit(table)


def test_a_fit_that_is_told_to_be_silent_is(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    forecaster().fit(waves(), verbose=False)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_a_fit_leaves_the_random_numbers_of_the_caller_alone():
    before = torch.random.get_rng_state()
    forecaster().fit(waves())
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    "other", [{"quantiles": (0.02, 0.5, 0.98)}, {"network": whorl.Recurrent(hidden_size=4, zoneout=0.5)}]
)
def test_a_run_is_not_resumed_as_another_task(tmp_path, other):
    training = whorl.Training(epochs=1, seed=3, checkpoint=str(tmp_path / "runs"))
    forecaster(training=training).fit(waves())
    with pytest.raises(whorl.ModelFileError, match="task differs"):
        forecaster(training=training, **other).fit(waves(), resume=True)


def test_an_answer_that_fails_leaves_the_stream_as_it_was(monkeypatch):
    model = forecaster().fit(waves())
    stream = model.stream()
    for row in waves(20):
        stream.push(tuple(row))
    before = bytes(stream.state)
    with monkeypatch.context() as patch:
        patch.setattr(type(model.model_), "answered", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stream.push((0.1, 0.2))
    assert bytes(stream.state) == before


def test_a_series_too_short_to_be_scored_is_named():
    model = forecaster().fit([waves(80), waves(70)])
    scored = model.evaluate([waves(40), waves(5)])
    assert scored.skipped == ("1",)


def test_many_long_series_are_answered_one_after_the_other(monkeypatch):
    model = forecaster(memory="carried").fit(waves())
    arrays = [waves(30), waves(41), waves(25)]
    together = model.predict(arrays).value
    monkeypatch.setattr("whorl.runtime.answering._PIECE", 40)
    np.testing.assert_array_equal(model.predict(arrays).value, together)


def test_a_fitted_model_can_be_pickled_and_copied():
    model = forecaster().fit(waves())
    wanted = model.predict(waves()).value
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(twin.predict(waves()).value, wanted)


@pytest.mark.parametrize("name", ["target", "known", "static"])
def test_columns_are_named_by_text(name):
    with pytest.raises(whorl.ArgumentError, match="named by text"):
        forecaster(**{name: 3}).fit(waves())


def weeks(count, noise=0.02, period=21):
    """Steps of a week that have nothing to do with each other, and are much the same in each week."""
    random = np.random.default_rng(5)
    week = random.standard_normal(period)
    return np.tile(week, count)[:, None] + noise * random.standard_normal((period * count, 1))


def shares(model):
    return {name: tensor for name, tensor in model.model_.engine.program.tensors.items() if "season.share" in name}


@pytest.mark.parametrize("memory", ["window", "carried"])
def test_a_season_that_the_context_holds_has_a_way_of_its_own(memory):
    def fitted(data, **given):
        return forecaster(context=21, horizon=5, memory=memory, **given).fit(data)

    (share,) = shares(fitted(weeks(12))).values()
    assert share.shape == (5, 1)
    assert np.all(share > 0)  # it was learned
    assert not shares(fitted(weeks(12), network="cnn"))
    assert not shares(fitted(np.cumsum(np.random.default_rng(0).standard_normal((252, 1)), axis=0)))


def test_seasons_are_given_time_to_be_learned_where_nobody_said_how_long():
    def plan(data, *, network="gru", **given):
        training = whorl.Training(max_seconds=0.5, batch_size=64, **given)
        model = forecaster(context=21, horizon=5, network=network, training=training)
        return model.fit(data).model_.card["training"]

    steps = np.cumsum(np.random.default_rng(0).standard_normal((252, 1)), axis=0)
    batches = -(-(252 - 25 - 21 - 5 + 1) // 64)
    assert (plan(weeks(12))["epochs"], plan(steps)["epochs"]) == (800 // batches, 400 // batches)
    assert (plan(weeks(12))["patience"], plan(steps)["patience"]) == (800 // batches // 3, 400 // batches // 3)
    assert plan(weeks(12), epochs=7, patience=None)["epochs"] == 7
    assert plan(weeks(12), network="mlp")["epochs"] == 800 // batches  # as others that it is compared with


@pytest.mark.parametrize("memory", ["window", "carried"])
def test_weeks_are_forecast_by_eight_units_as_well_as_by_the_week_before(memory):
    """Without the way of a season their error is more than ten times as large: so few units do not hold a week."""
    model = forecaster(
        context=21,
        horizon=5,
        memory=memory,
        network=whorl.Recurrent(hidden_size=8),
        training=whorl.Training(seed=0, device="cpu"),
    ).fit(weeks(20))
    found = model.evaluate(weeks(26)[-7 * 21 :])
    assert found.metrics["mae"] < 1.1 * found.baseline["seasonal_naive"]["mae"]


def test_the_season_is_that_of_the_rows_that_are_learned_from():
    """It is looked for once, and anew where other rows are learned from, as in a backtest."""
    model = forecaster(context=21, horizon=5)
    assert season_of(model.wiring(), replace(prepare(model, weeks(12)), seasonal=False)) is None
    apart = np.concatenate([weeks(12, period=7), 5 * weeks(12, period=18)])
    whole = prepare(model, apart)
    early = replace(whole, cuts=[84])
    assert (season_of(model.wiring(), whole), season_of(model.wiring(), early)) == (18, 7)
    assert (season_of(model.wiring(), whole), season_of(model.wiring(), early)) == (18, 7)
