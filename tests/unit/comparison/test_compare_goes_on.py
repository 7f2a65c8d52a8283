"""What comparisons write down: nothing is fitted twice, and nothing that stops one loses a fit."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import whorl
from whorl.comparison import compare as module
from whorl.comparison import fits
from whorl.errors import ArgumentError, DataError, ResourceError, TrainingError

from .conftest import forecaster


def test_a_comparison_that_is_asked_for_again_fits_nothing(compared, waves, monkeypatch):
    found, folder = compared
    monkeypatch.setattr(fits, "learn", None)
    again = whorl.compare(forecaster(), waves, networks=["gru", "rnn", "mlp"], seeds=2, folder=folder)
    assert [one.scores for one in again.networks] == [one.scores for one in found.networks]


def test_another_metric_of_fits_that_are_done_is_looked_up(compared, waves, monkeypatch):
    _, folder = compared
    monkeypatch.setattr(fits, "learn", None)
    asked = {"networks": ["gru", "rnn", "mlp"], "seeds": 2, "folder": folder}
    assert whorl.compare(forecaster(), waves, metric="rmse", **asked).metric == "rmse"
    with pytest.raises(ArgumentError, match="`metric` is 'bleu', which models of this task do not have"):
        whorl.compare(forecaster(), waves, metric="bleu", **asked)


def test_other_data_or_settings_are_other_fits(compared, waves, monkeypatch):
    _, folder = compared
    done = []

    def fit(estimator, *rest, **named):
        done.append(estimator.network)
        raise TrainingError("stop")

    monkeypatch.setattr(fits, "learn", fit)
    changed = {**waves, "load": waves["load"] + (np.arange(420) == 3)}
    whorl.compare(forecaster(), changed, networks=["gru", "rnn"], seeds=1, folder=folder)
    assert len(done) == 2
    other = replace(forecaster(), training=replace(forecaster().training, learning_rate=0.02))
    whorl.compare(other, waves, networks=["gru", "rnn"], seeds=1, folder=folder)
    assert len(done) == 4


def test_data_that_differ_by_their_scale_or_by_their_labels_are_other_data(labelled, tmp_path):
    series, labels = labelled
    small = whorl.Recurrent("gru", hidden_size=4)
    asked = {"networks": ["gru", "rnn"], "seeds": 1, "match": "none", "folder": tmp_path}
    plan = whorl.Training(epochs=1, validation=0.2)
    first = whorl.compare(whorl.Regressor(network=small, training=plan), (series, labels * 1.0), **asked)
    twice = whorl.compare(whorl.Regressor(network=small, training=plan), (series, labels * 2.0), **asked)
    assert twice.rivals[0].scores["mae"].mean == pytest.approx(2 * first.rivals[0].scores["mae"].mean)
    for words in (("yes", "no"), ("ja", "nein")):
        named = np.array(words)[labels]
        found = whorl.compare(whorl.Classifier(network=small, training=plan), (series, named), **asked)
        assert set(whorl.load(found.networks[0].model).predict(series).value) <= set(words)


def test_a_metric_that_models_do_not_have_is_said_after_one_fit(waves, monkeypatch):
    real, done = fits.learn, []

    def learn(estimator, *rest, **named):
        done.append(estimator.network)
        return real(estimator, *rest, **named)

    monkeypatch.setattr(fits, "learn", learn)
    with pytest.raises(ArgumentError, match="`metric` is 'bleu', which models of this task do not have"):
        whorl.compare(forecaster(), waves, networks=["gru", "rnn"], seeds=2, metric="bleu")
    assert len(done) == 1


def test_no_more_processes_are_started_than_there_are_fits(waves, monkeypatch):
    started = []
    monkeypatch.setattr(fits, "_side_by_side", lambda course, jobs, workers: started.append(workers) or iter(()))
    list(fits.each(fits.Course(folder=Path(), estimator=None, data=None, test=None, identity=""), [1, 2], None, 500))
    assert started == [2]


def test_sizes_that_were_matched_by_a_clock_are_kept(waves, tmp_path, monkeypatch):
    asked = {"networks": ["gru", "rnn"], "seeds": 1, "match": "latency", "folder": tmp_path}
    first = whorl.compare(forecaster(), waves, **asked)
    monkeypatch.setattr(module.entrants, "made_alike", None)
    again = whorl.compare(forecaster(), waves, **asked)
    assert [one.recipe for one in again.networks] == [one.recipe for one in first.networks]


def test_what_was_interrupted_goes_on_where_it_stopped(waves, tmp_path, monkeypatch):
    real, done = fits.learn, []

    def fit(estimator, *rest, **named):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(estimator.network)
        return real(estimator, *rest, **named)

    monkeypatch.setattr(fits, "learn", fit)
    asked = {"networks": ["gru", "rnn"], "seeds": 2, "folder": tmp_path / "c"}
    with pytest.raises(KeyboardInterrupt):
        whorl.compare(forecaster(), waves, **asked)
    assert len(done) == 2
    monkeypatch.setattr(fits, "learn", real)
    resumed = whorl.compare(forecaster(), waves, **asked)
    whole = whorl.compare(forecaster(), waves, networks=["gru", "rnn"], seeds=2)
    assert [one.scores for one in resumed.networks] == [one.scores for one in whole.networks]


def test_side_by_side_the_scores_are_the_same(compared, waves):
    found, _ = compared
    side = whorl.compare(forecaster(), waves, networks=["gru", "rnn", "mlp"], seeds=2, workers=2)
    for one, other in zip(found.networks, side.networks, strict=True):
        assert one.name == other.name
        assert one.scores["mae"].mean == pytest.approx(other.scores["mae"].mean, rel=1e-3)


class Deadly(dict):
    """A table that ends a process that is sent it."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_worker_that_is_killed_loses_no_result(waves, tmp_path):
    asked = {"seeds": 1, "folder": tmp_path}
    first = whorl.compare(forecaster(), waves, networks=["gru", "rnn"], **asked)
    every = ["gru", "rnn", "lstm", "mingru"]
    with pytest.raises(ResourceError, match="a process that fitted a network died"):
        whorl.compare(forecaster(), Deadly(waves), networks=every, workers=2, **asked)
    found = whorl.compare(forecaster(), waves, networks=every, **asked)
    known = {one.name: one.scores["mae"] for one in found.networks}
    assert len(known) == 4
    assert all(known[one.name].mean == one.scores["mae"].mean for one in first.networks)


@pytest.fixture
def failing(monkeypatch):
    """The training of any rnn fails."""
    real = fits.learn

    def fit(estimator, *rest, **named):
        if estimator.network.cell == "rnn":
            raise TrainingError("the loss is not a number")
        return real(estimator, *rest, **named)

    monkeypatch.setattr(fits, "learn", fit)


@pytest.mark.usefixtures("failing")
def test_training_that_fails_is_told_and_loses_nothing(waves):
    found = whorl.compare(forecaster(), waves, networks=["gru", "rnn"], seeds=1)
    assert [one.failed for one in found.networks] == [None, "the loss is not a number"]
    assert "rnn: the loss is not a number" in found.notes
    assert any("failed" in line for line in found.lines())


@pytest.mark.usefixtures("failing")
def test_of_a_network_that_fails_at_every_rate_no_score_is_asked(waves):
    asked = {"networks": ["gru", "rnn"], "seeds": 1, "metric": "rmse", "learning_rates": [0.001, 0.01]}
    found = whorl.compare(forecaster(), waves, **asked)
    assert [one.failed for one in found.networks] == [None, "the loss is not a number"]


def test_other_data_that_cannot_be_scored_are_refused_before_anything_is_fitted(waves, monkeypatch):
    monkeypatch.setattr(fits, "learn", None)
    for test, says in (
        ({name: values[:29] for name, values in waves.items()}, "`test` has no row with full context"),
        ({"time": waves["time"], "laod": waves["load"]}, "load"),
    ):
        with pytest.raises(DataError, match=says):
            whorl.compare(forecaster(), waves, networks=["gru", "rnn"], seeds=1, test=test)
