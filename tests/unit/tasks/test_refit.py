"""A second fit with nothing held out: what it learns from, and what stays of the first."""

import itertools
import re

import numpy as np
import pytest
import torch
from tests.laws.models import MODELS
from tests.unit.tasks.sessions import recommender, turns
from tests.unit.tasks.stopping import StopAfter

import whorl
from whorl.errors import ArgumentError
from whorl.tasks import refitting
from whorl.tasks.telling import Teller
from whorl.train import Interrupted

PLAN = whorl.Training(epochs=6, seed=3, validation=20, learning_rate=1e-2, patience=None)
EACH_TASK = (
    *("window forecaster, everything", "carried forecaster, everything", "regressor on a table", "classifier on texts"),
    *("several labels of arrays", "tagger on words, chained", "detector on a table", "detector on arrays"),
    *("generator of words", "composer of chords", "translator", "summarizer that recalls", "chatbot"),
    *("captioner of cells, side by side", "transcriber, n-grams", "recommender that says when"),
)


def forecaster(**settings):
    given = {"horizon": 2, "context": 8, "network": whorl.Recurrent(hidden_size=6), "training": PLAN, **settings}
    return whorl.Forecaster(**given)


def sine(count=150):
    return np.sin(np.arange(count) / 3) + 0.1 * np.random.default_rng(1).standard_normal(count)


def changed(count=120, held=40):
    """A slow sine; where the validation part begins it gives way to a pattern of five rows."""
    steps, rows = np.arange(count), 0.05 * np.random.default_rng(0).standard_normal(count)
    return rows + np.where(steps < count - held, np.sin(0.7 * steps), np.where(steps % 5 < 2, 2.0, -1.0))


def weights(model):
    return {name: tensor.tobytes() for name, tensor in model.model_.engine.program.tensors.items()}


def without_drawings(page):
    """A page without its pictures, whose parts have other names each time."""
    return re.sub(r'src="data:[^"]*"', "", page)


@pytest.mark.parametrize("memory", ["window", "carried"])
def test_what_was_held_out_is_learned(memory):
    plan = whorl.Training(epochs=100, seed=3, validation=40, learning_rate=1e-2, patience=None, batch_size=32)
    errors = []
    for refit in (False, True):
        model = forecaster(training=plan, memory=memory).fit(changed(), refit=refit)
        errors.append(model.evaluate(changed()[80:]).metrics["mae"])
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.parametrize("name", EACH_TASK)
def test_of_every_task_the_weights_change_and_the_scores_stay(name):
    subject = MODELS[name]()
    once, again = (subject.new().fit(subject.fitting_data(), refit=refit, verbose=False) for refit in (False, True))
    first, second = once.model_.card, again.model_.card
    assert weights(again) != weights(once)
    assert second.pop("refit")["epochs"] == first["history"]["kept_epoch"]
    for card in (first, second):
        card["history"] = [epoch["valid_loss"] for epoch in card["history"]["epochs"]]
    assert second == first


def test_codecs_and_calibration_stay_those_of_the_first_fit():
    once, again = (forecaster().fit(sine(), refit=refit) for refit in (False, True))
    assert again.history_ == once.history_
    assert again.model_.reader.config() == once.model_.reader.config()
    known = once.model_.readout.arrays()
    assert known
    for key, array in again.model_.readout.arrays().items():
        np.testing.assert_array_equal(array, known[key])


def test_labels_are_decided_together_by_the_network_that_was_fitted_last():
    subject = MODELS["tagger on words, chained"]()
    model = subject.new().fit(subject.fitting_data(), refit=True, verbose=False)
    learned = model.network_.learned()["chain"]
    for mine, of_network in zip(model.model_.readout.chain, learned, strict=True):
        np.testing.assert_array_equal(mine, of_network)


def test_the_second_run_has_the_epochs_of_the_weights_that_were_kept():
    plan = whorl.Training(epochs=40, seed=3, validation=20, learning_rate=3e-2, patience=2, batch_size=16)
    noise = np.random.default_rng(5).standard_normal(150)
    model = forecaster(training=plan).fit(noise, refit=True)
    assert model.history_.stopped == "patience"
    assert 1 <= model.history_.kept_epoch < len(model.history_.epochs)
    epochs, batches = model.history_.kept_epoch, -(-(len(noise) - 8 - 2 + 1) // 16)
    assert model.model_.card["refit"] == {"epochs": epochs, "steps": epochs * batches}


def test_rivals_learn_from_all_that_the_network_learned_from():
    rows = np.concatenate([np.arange(100) % 3, 10.0 * (np.arange(30) % 3)])
    scales = [forecaster().fit(rows, refit=refit).model_.naive_mae for refit in (False, True)]
    assert scales[0] != scales[1]
    events = turns(60)
    model = recommender().fit(events, refit=True, verbose=False)
    popular = model.evaluate(turns(5, seed=1)).baseline
    assert set(popular) == set(recommender().fit(events, verbose=False).evaluate(turns(5, seed=1)).baseline)


def test_a_seed_says_what_a_refit_is():
    one, other = (forecaster().fit(sine(), refit=True) for _ in range(2))
    assert weights(one) == weights(other)
    different = forecaster(training=whorl.Training(epochs=6, seed=4, validation=20)).fit(sine(), refit=True)
    assert weights(different) != weights(one)


def test_a_refit_is_saved_and_streams_like_any_model(tmp_path):
    model = forecaster().fit(sine(), refit=True)
    model.save(tmp_path / "m.whorl")
    loaded = whorl.load(tmp_path / "m.whorl")
    stream = loaded.stream()
    for row in sine(30):
        answers = stream.push((row,))
    np.testing.assert_array_equal(answers[0].value, model.predict(sine(30)).value)
    assert loaded.model_.card["refit"] == model.model_.card["refit"]


@pytest.mark.parametrize("steps", [1, 17, 24, 25, 40, 49])
def test_a_fit_that_is_stopped_in_either_run_resumes_bit_for_bit(tmp_path, monkeypatch, steps):
    plan = whorl.Training(epochs=6, seed=3, validation=20, patience=None, batch_size=32, checkpoint=str(tmp_path))
    torch.set_num_threads(1)
    whole = forecaster(training=whorl.Training(**{**vars(plan), "checkpoint": None})).fit(sine(), refit=True)
    with monkeypatch.context() as patch:
        stop = StopAfter(steps)
        patch.setattr(Teller, "progress", lambda self: stop)
        with pytest.raises(Interrupted, match=rf"checkpoint in '{re.escape(str(tmp_path))}' with resume=True"):
            forecaster(training=plan).fit(sine(), refit=True)
    resumed = forecaster(training=plan).fit(sine(), refit=True, resume=True)
    assert weights(resumed) == weights(whole)
    assert resumed.history_ == whole.history_


def test_an_unfinished_second_run_is_not_overwritten(tmp_path, monkeypatch):
    plan = whorl.Training(epochs=6, seed=3, validation=20, patience=None, batch_size=32, checkpoint=str(tmp_path))
    stop = StopAfter(40)
    with monkeypatch.context() as patch:
        patch.setattr(Teller, "progress", lambda self: stop)
        with pytest.raises(Interrupted):
            forecaster(training=plan).fit(sine(), refit=True)
    begun = itertools.count()
    monkeypatch.setattr(Teller, "progress", lambda self: next(begun))
    with pytest.raises(ArgumentError, match="unfinished run"):
        forecaster(training=plan).fit(sine(), refit=True)
    assert next(begun) == 0
    with pytest.raises(ArgumentError, match="unfinished run"):
        forecaster(training=plan).fit(sine())
    assert next(begun) == 1


def test_a_second_run_of_an_earlier_fit_is_forgotten(tmp_path, monkeypatch):
    rows, alike = sine(4000), sine(4000)
    alike[1000:1003] = alike[1000:1003][::-1]  # in no batch by which a run is known
    plan = whorl.Training(epochs=2, seed=3, validation=20, patience=None, batch_size=32, checkpoint=str(tmp_path))
    earlier = forecaster(training=plan).fit(rows, refit=True)
    with monkeypatch.context() as patch:
        stop = StopAfter(3)
        patch.setattr(Teller, "progress", lambda self: stop)
        with pytest.raises(Interrupted):
            forecaster(training=plan).fit(alike, refit=True)
    resumed = forecaster(training=plan).fit(alike, refit=True, resume=True)
    assert weights(resumed) != weights(earlier)
    whole = forecaster(training=whorl.Training(**{**vars(plan), "checkpoint": None})).fit(alike, refit=True)
    assert weights(resumed) == weights(whole)


def test_a_season_that_the_training_rows_have_stays_theirs():
    steps, rng = np.arange(240), np.random.default_rng(0)
    rows = np.sin(2 * np.pi * steps / 12) + 0.02 * rng.standard_normal(240)
    rows[-60:] = 20 * rng.standard_normal(60)
    plan = whorl.Training(epochs=2, seed=1, validation=60)
    for memory in ("window", "carried"):
        model = forecaster(context=24, memory=memory, training=plan).fit(rows, refit=True)
        assert model.model_.card["data"]["period"] == 12


def test_what_all_rows_say_is_not_said_of_the_first_fit():
    steps = np.arange(400)
    rows = np.sin(2 * np.pi * steps / 7) + np.where(steps > 250, 3 * np.sin(2 * np.pi * steps / 40), 0)
    plan = whorl.Training(epochs=3, seed=1, validation=140)
    model = forecaster(horizon=1, context=10, training=plan).fit(rows, refit=True)
    assert model.judged_.card["data"]["season"] == 7
    assert model.model_.card["data"] == model.judged_.card["data"]


def test_the_first_fit_is_there_where_the_second_one_is_stopped(monkeypatch):
    stop = StopAfter(8)
    with monkeypatch.context() as patch:
        patch.setattr(Teller, "progress", lambda self: stop)
        model = forecaster()
        with pytest.raises(Interrupted, match=r"SIGINT\. 2 of 6 steps were taken"):
            model.fit(sine(), refit=True)
    assert weights(model) == weights(forecaster().fit(sine()))
    assert "refit" not in model.model_.card


def test_whether_to_fit_again_is_true_or_false():
    with pytest.raises(ArgumentError, match="`refit` is True or False, but is 'no'"):
        forecaster().fit(sine(), refit="no")
    with pytest.raises(ArgumentError, match="`refit` is True or False, but is 'no'"):
        whorl.Refits(refit="no")
    with pytest.raises(ArgumentError, match="nothing is fitted"):
        whorl.Refits(refit=True, every="never")


def test_a_timed_fit_takes_its_share_of_steps_again(monkeypatch):
    plan = whorl.Training(epochs=4000, seed=3, validation=20, patience=None, batch_size=16, max_seconds=0.4)
    seen = []
    monkeypatch.setattr(refitting, "train", _watched(refitting.train, seen))
    model = forecaster(training=plan).fit(sine(), refit=True)
    history = model.history_
    assert history.stopped == "max_seconds"
    (again,) = seen
    first, second = -(-(130 - 9) // 16), -(-(150 - 9) // 16)
    assert again.num_steps == max(1, second * history.num_steps // first)
    assert abs(len(again.epochs) - history.kept_epoch) <= 1


def _watched(train, seen):
    def watched(*args, **options):
        seen.append(train(*args, **options))
        return seen[-1]

    return watched


def test_it_is_told(capsys):
    forecaster().fit(sine(), refit=True, verbose=True)
    assert "fits again with nothing held out, 6 epochs" in capsys.readouterr().out


def test_a_report_of_what_was_held_out_shows_the_network_that_had_not_learned_from_it(tmp_path):
    once, again = (forecaster().fit(sine(), refit=refit) for refit in (False, True))
    pages = {}
    for name, model, data in (("once", once, None), ("again", again, None), ("given", again, sine(60))):
        model.report(tmp_path / f"{name}.html", data)
        pages[name] = (tmp_path / f"{name}.html").read_text()
    note = "the network was fitted again with nothing held out, in 6 epochs."
    before = " This page shows it as it was before, for it has learned from what is shown here by now."
    assert note not in pages["once"]
    assert note + before in pages["again"]
    assert note in pages["given"]
    assert before not in pages["given"]
    told = f'<p class="note">After it was scored on the validation part, {note}{before}</p>'
    assert without_drawings(pages["again"]).replace(told, "") == without_drawings(pages["once"])
    assert again.model_.identity != again.judged_.identity
    assert again.judged_.identity == once.model_.identity
