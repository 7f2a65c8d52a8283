"""Metrics of classes, on answers small enough to count by hand."""

import numpy as np
import pytest
from sklearn import metrics

from whorl.runtime.class_metrics import ClassScores, auroc

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.6, 0.3, 0.1], [0.2, 0.5, 0.3]])
TRUTHS = np.array([0.0, 1.0, 2.0, 1.0, np.nan])


def scored(probabilities, truths):
    scores = ClassScores(probabilities.shape[1])
    scores.update(probabilities, truths)
    return scores.result()


def test_answers_are_counted_and_unknown_truths_are_not():
    found = scored(PROBABILITIES, TRUTHS)
    assert found["accuracy"] == 3 / 4
    assert found["balanced_accuracy"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert found["f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert found["nll"] == pytest.approx(-np.log([0.7, 0.8, 0.4, 0.3]).mean())
    assert found["brier"] == pytest.approx(np.mean([0.14, 0.06, 0.54, 0.86]))


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truths = rng.integers(0, 4, 301)
    probabilities = rng.dirichlet(np.ones(4), 301).round(2)  # ties, too
    probabilities[np.arange(301), truths] += 0.3
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found, answers = scored(probabilities, truths.astype(float)), probabilities.argmax(axis=1)
    assert found["f1"] == pytest.approx(metrics.f1_score(truths, answers, average="macro"))
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truths, answers))
    assert found["nll"] == pytest.approx(metrics.log_loss(truths, probabilities))
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(truths, probabilities, multi_class="ovr"))


def test_of_two_classes_the_second_one_is_looked_for():
    rng = np.random.default_rng(1)
    truths, scores = rng.integers(0, 2, 57), rng.random(57).round(1)
    found = scored(np.stack([1 - scores, scores], axis=1), truths.astype(float))
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(truths, scores))


def test_pieces_give_the_scores_of_the_whole():
    pieces = ClassScores(3)
    for n in range(len(TRUTHS)):
        pieces.update(PROBABILITIES[n : n + 1], TRUTHS[n : n + 1])
    assert pieces.result() == scored(PROBABILITIES, TRUTHS)
    assert pieces.confusion().tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]


def test_truths_are_looked_for_in_sets_that_are_never_empty():
    scores = ClassScores(3)
    scores.update(PROBABILITIES, TRUTHS, threshold=0.35)
    # Sets of 1, 1, 1 and 1 classes: the second truth of class 1 had a probability of 0.3.
    assert (scores.result()["coverage"], scores.result()["set_size"]) == (3 / 4, 1.0)
    scores = ClassScores(3)
    scores.update(PROBABILITIES[:3], TRUTHS[:3], threshold=0.3)
    scores.update(PROBABILITIES[3:], TRUTHS[3:], threshold=0.3)
    assert (scores.result()["coverage"], scores.result()["set_size"]) == (1.0, (1 + 1 + 3 + 2) / 4)
    scores = ClassScores(3)
    scores.update(PROBABILITIES, TRUTHS, threshold=0.99)
    assert (scores.result()["coverage"], scores.result()["set_size"]) == (3 / 4, 1.0)
    assert "coverage" not in scored(PROBABILITIES, TRUTHS)


def test_a_sure_answer_that_is_wrong_costs_much_but_not_everything():
    found = scored(np.array([[1.0, 0.0]]), np.array([1.0]))
    assert 700 < found["nll"] < 710
    assert found["ece"] == 1.0


def test_what_cannot_be_said_is_left_out():
    assert scored(PROBABILITIES, np.full(5, np.nan)) == {}
    assert "auroc" not in scored(PROBABILITIES[:2, :2], np.zeros(2))
    assert auroc(np.array([0.1, 0.2]), np.array([True, True])) is None


def test_labels_that_training_does_not_have_count_as_wrong():
    # Labels 3 and 4 are two such; the fourth answer is 0.
    truths = np.array([0.0, 1.0, 3.0, 4.0, np.nan])
    scores = ClassScores(3)
    scores.update(PROBABILITIES, truths, threshold=0.99)
    found, answers = scores.result(), PROBABILITIES[:4].argmax(axis=1)
    assert found["accuracy"] == found["coverage"] == found["unseen"] == 0.5
    assert found["set_size"] == 1.0
    assert found["balanced_accuracy"] == pytest.approx(np.mean([1, 1, 0, 0]))
    assert found["f1"] == pytest.approx(metrics.f1_score(truths[:4], answers, average="macro"))
    assert found["nll"] == pytest.approx(-np.log([0.7, 0.8]).mean())
    assert scores.confusion().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert scored(PROBABILITIES[:2], np.array([3.0, 4.0])) == {
        "accuracy": 0.0,
        "balanced_accuracy": 0.0,
        "f1": 0.0,
        "unseen": 1.0,
    }
    assert "unseen" not in scored(PROBABILITIES, TRUTHS)
