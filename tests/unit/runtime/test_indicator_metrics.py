"""Metrics of several labels at once, counted by hand and beside those of scikit-learn."""

import itertools

import numpy as np
import pytest
from sklearn import metrics

from whorl.runtime.indicator_metrics import FrequencyScores, IndicatorScores
from whorl.runtime.prediction import Index, several_labelled

NAMES = ("rain", "wind", "fög")


def scored(probabilities, truths, thresholds, by=IndicatorScores):
    scores = by(len(thresholds))
    names = tuple(f"l{k}" for k in range(len(thresholds)))
    for part in np.array_split(np.arange(len(truths)), 3):
        index = Index(np.full(len(part), "", object), np.zeros(len(part), np.int64))
        answers = several_labelled(index, probabilities[part], np.array(names, object), names, thresholds)
        scores.add(answers, truths[part])
    assert scores.steps() == {}
    return scores.result()


def test_answers_are_counted_and_unknown_truths_are_not():
    probabilities = np.array([[0.9, 0.2, 0.6], [0.4, 0.7, 0.1], [0.8, 0.8, 0.3], [0.1, 0.1, 0.1]])
    truths = np.array([[1, 0, 1], [1, 1, np.nan], [0, 1, 0], [0, 0, 0]], np.float64)
    found = scored(probabilities, truths, np.array([0.5, 0.5, 0.5]))
    # rain: 2 true, 2 answered, 1 right; wind: 2, 2, 2; the third: 1, 1, 1.
    assert found["f1_micro"] == pytest.approx(2 * 4 / (5 + 5))
    assert found["f1_macro"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert found["subset_accuracy"] == pytest.approx(2 / 3)  # of the three that are known whole
    own = [0.9, 0.8, 0.6, 0.4, 0.7, 0.2, 0.8, 0.7, 0.9, 0.9, 0.9]
    assert found["nll"] == pytest.approx(-np.log(own).mean())


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truths = (rng.random((301, 4)) < (0.1, 0.5, 0.3, 0.8)).astype(np.float64)
    probabilities = np.round(np.clip(0.3 * truths + 0.7 * rng.random((301, 4)), 0.01, 0.99), 2)  # with ties
    thresholds = np.array([0.3, 0.5, 0.6, 0.45])
    found, answers = scored(probabilities, truths, thresholds), probabilities >= thresholds
    for average in ("micro", "macro"):
        assert found[f"f1_{average}"] == pytest.approx(metrics.f1_score(truths, answers, average=average))
    assert found["average_precision"] == pytest.approx(metrics.average_precision_score(truths, probabilities))
    assert found["subset_accuracy"] == pytest.approx(metrics.accuracy_score(truths, answers))
    nats = [metrics.log_loss(truths[:, k], probabilities[:, k]) for k in range(4)]
    assert found["nll"] == pytest.approx(np.mean(nats))


def test_without_truths_nothing_is_scored_and_a_label_that_nobody_has_is_left_out():
    assert scored(np.full((5, 2), 0.4), np.full((5, 2), np.nan), np.array([0.5, 0.5])) == {}
    truths = np.array([[1, 0], [0, 0], [np.nan, 0]], np.float64)
    found = scored(np.array([[0.9, 0.1], [0.2, 0.1], [0.3, 0.1]]), truths, np.array([0.5, 0.5]))
    assert found["f1_macro"] == found["average_precision"] == found["subset_accuracy"] == 1.0
    never = scored(np.full((3, 2), 0.2), np.zeros((3, 2)), np.array([0.5, 0.5]))
    assert "average_precision" not in never
    assert (never["f1_micro"], never["subset_accuracy"]) == (0.0, 1.0)


def test_probabilities_that_are_sure_and_wrong_cost_no_infinity():
    found = scored(np.array([[0.0, 1.0]] * 3), np.array([[1.0, 0.0]] * 3), np.array([0.5, 0.5]))
    assert 30 < found["nll"] < 40


@pytest.mark.parametrize("shares", [(0.6, 0.02, 0.02, 0.02), (0.4, 0.9, 0.7, 0.8), (0.1, 0.1, 0.2, 0.1)], ids=str)
def test_no_answer_that_is_the_same_for_all_examples_beats_that_of_the_frequencies(shares):
    truths = (np.arange(500)[:, None] % 100 < 100 * np.array(shares)).astype(np.float64)
    given = np.tile(truths.mean(axis=0), (500, 1))
    found = scored(given, truths, np.full(4, 0.5), FrequencyScores)
    each = list(itertools.product((0.0, 1.0), repeat=4))
    of_all = [scored(np.tile(one, (500, 1)), truths, np.full(4, 0.5)) for one in each]
    for metric in ("f1_micro", "f1_macro"):
        assert found[metric] == pytest.approx(max(one[metric] for one in of_all))
    usual = tuple(float(share > 0.5) for share in shares)
    assert found["subset_accuracy"] == of_all[each.index(usual)]["subset_accuracy"]
    assert found["average_precision"] == pytest.approx(truths.mean())
