"""What is drawn is what the model answers, and the worst window is the worst."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.report.conftest import records, table

from whorl.data.pairing import scored_steps
from whorl.report import curves, evidence, scores
from whorl.report.anatomy import dissect
from whorl.report.card import Epoch, History
from whorl.report.split import Bar, bars, timeline


@pytest.fixture
def gathered(forecaster):
    return evidence.gather(forecaster.model_, forecaster.held_out_)


def test_evidence_of_the_held_out_part_has_the_scores_of_the_card(forecaster, gathered):
    known = forecaster.model_.card["scores"]
    assert gathered.every == 1
    assert gathered.metrics["model"] == pytest.approx(known["metrics"])
    for name, metrics in known["baselines"].items():
        assert gathered.metrics[name] == pytest.approx(metrics)


def test_the_worst_window_is_the_one_whose_truth_was_moved(forecaster, gathered):
    target = gathered.prediction.value.copy()
    target[:, 0, 0] += 0.1
    target[7] += 50
    target[3] = gathered.prediction.value[3]
    target[5, 1:] = np.nan  # an unknown truth neither helps nor harms
    moved = replace(gathered, target=target)
    ranked = moved.ranked()
    assert ranked["worst"] == 7
    assert ranked["best"] == 3
    assert sorted(moved.errors)[len(target) // 2] == moved.errors[ranked["median"]]


def test_a_window_without_any_truth_has_no_rank(gathered):
    target = np.full_like(gathered.target, np.nan)
    assert replace(gathered, target=target).ranked() == {}
    target[4] = 1.0
    assert replace(gathered, target=target).ranked() == {"best": 4}


def test_targets_of_other_sizes_count_alike(gathered):
    value = gathered.prediction.value
    for k in range(2):
        target = value.copy()
        target[2 + k, :, k] += 10 * gathered.scale[k]
        target[6 + k, :, 1 - k] += 9 * gathered.scale[1 - k]
        assert replace(gathered, target=target).ranked()["worst"] == 2 + k


@pytest.mark.parametrize("name", ["forecaster", "carried", "regressor"])
def test_a_long_part_is_thinned_evenly_and_says_so(name, request, monkeypatch):
    model, held = (lambda one: (one.model_, one.held_out_))(request.getfixturevalue(name))
    whole = evidence.gather(model, held)
    monkeypatch.setattr(evidence, "_ANSWERS", 4)
    monkeypatch.setattr(evidence, "_BLOCK", 2)
    few = evidence.gather(model, held)
    assert len(few.prediction) <= 4 < len(whole.prediction)
    assert few.every == pytest.approx(len(whole.prediction) / len(few.prediction))
    at = {(id(s), int(t)): v for s, t, v in zip(whole.sequences, whole.steps, whole.prediction.value, strict=True)}
    for sequence, step, value in zip(few.sequences, few.steps, few.prediction.value, strict=True):
        np.testing.assert_array_equal(value, at[id(sequence), int(step)])


def test_the_sizes_are_those_of_the_network(forecaster, carried, regressor):
    window = dissect(forecaster.model_.engine.program)
    assert (window.cell, window.hidden_size, window.num_layers) == ("GRU", 6, 1)
    assert (window.window, window.segment, window.num_read, window.num_decoded) == (16, 4, 4, 2)
    assert window.output_shape == (5, 2, 4)
    lstm = dissect(carried.model_.engine.program)
    assert (lstm.cell, lstm.num_layers, lstm.num_read, lstm.window) == ("LSTM", 2, None, None)
    rnn = dissect(regressor.model_.engine.program)
    assert rnn.recurrent_parameters == 5 * (2 + 5 + 2)
    assert rnn.num_parameters == rnn.recurrent_parameters + 6 == regressor.model_.card["parameters"]


def test_the_bars_are_the_split(forecaster, regressor):
    data = evidence_card(forecaster)
    drawn = bars(data, forecaster.held_out_)
    assert sum(bar.training for bar in drawn) == data.training_rows
    assert sum(bar.validation for bar in drawn) == data.validation_rows
    assert drawn[0].times[0] == "2024-01-01 00:00"
    assert bars(data, None) == [Bar("rows", data.training_rows, data.validation_rows)]
    assert bars(evidence_card(regressor), regressor.held_out_) == [Bar("sequences", 54, 6)]
    assert "held out from" in timeline(drawn)


def test_times_without_room_for_both_are_one_text():
    times = ("2024-01-01 00:00", "2024-01-01 03:00")
    drawn = timeline([Bar("short", 3, 1, times), Bar("long", 300, 100, times)])
    assert drawn.count("2024-01-01 00:00 to 2024-01-01 03:00") == 1
    assert drawn.count(">2024-01-01 03:00<") == 1


def evidence_card(estimator):
    from whorl.report.card import read

    return read(estimator.model_.card).data


def test_the_verdict_names_the_best_rival():
    rows = {"model": {"mae": 2.0}, "a": {"mae": 3.0}, "b": {"mae": 2.5}}
    assert scores.verdict(rows) == (True, "The model's mae is 20.0 % below that of the best rival, b.")
    wins, sentence = scores.verdict({**rows, "a": {"mae": 1.0}})
    assert not wins
    assert "does not beat a" in sentence
    assert scores.table(rows).best == (("model",),)
    assert scores.table({"model": {"mae": 2.0}, "a": {"mae": 1.0}, "b": {"mae": 1.0}}).best == (("a", "b"),)


def test_losses_of_one_epoch_and_of_none_are_drawn_or_left_out():
    assert curves.losses(History()) is None
    picture = curves.losses(History(epochs=[Epoch(1.0, 2.0)], best_epoch=1))
    assert "after epoch 1" in picture.says


def test_rivals_that_are_the_same_share_a_curve():
    one, other = np.ones((3, 1)), np.zeros((3, 1))
    found = curves._rivals({"model": one, "a": one, "_b$": other, "c": one}, 0)
    assert [name for name, _ in found] == ["a = c", r"b\$"]


def test_data_with_truths_are_scored_at_every_scorable_step(forecaster):
    sequences = forecaster.model_.reader.read(records(table(60, 1)), targets=True)
    found = evidence.gather(forecaster.model_, sequences)
    np.testing.assert_array_equal(found.steps, scored_steps(forecaster.model_.wiring.pairing, 60))
