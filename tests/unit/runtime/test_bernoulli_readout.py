"""Several labels at once: a temperature, thresholds found by hand, and arrays that are refused."""

from types import SimpleNamespace

import numpy as np
import pytest

from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.heads import Bernoulli, Point
from whorl.plans.wiring import ManyToOne, Sequences, Wiring
from whorl.runtime.bernoulli_readout import BernoulliReadout
from whorl.runtime.indicator_metrics import FrequencyScores, IndicatorScores

WIRING = {"pairing": Sequences(), "inputs": "table", "shape": ManyToOne(), "outputs": "table", "readout": "bernoulli"}


def logits(shares):
    shares = np.array(shares, np.float64)
    return np.log(shares / (1 - shares)).astype(np.float32)[..., None]


def f1(answers, truths):
    return 2 * (answers & truths).sum() / (answers.sum() + truths.sum())


def test_probabilities_are_of_each_label_and_need_not_sum_to_one():
    shares = np.array([[0.9, 0.8, 0.7], [0.1, 0.2, 0.001]])
    np.testing.assert_allclose(BernoulliReadout().stacked(logits(shares)), shares, rtol=1e-6)
    far = BernoulliReadout(2.0).stacked(np.array([[[-1e4], [0.0], [1e4]]], np.float32))
    assert far.tolist() == [[0.0, 0.5, 1.0]]


def test_a_threshold_is_that_of_the_largest_f1_and_lies_between_two_probabilities():
    shares = np.array([[0.9], [0.6], [0.4], [0.3], [0.2]])
    truths = np.array([[1.0], [0.0], [1.0], [1.0], [0.0]])
    readout = BernoulliReadout().fit(logits(shares), truths)
    answers = readout.stacked(logits(shares))
    assert (answers >= readout.thresholds).ravel().tolist() == [True, True, True, True, False]
    assert answers[4, 0] < readout.thresholds[0] < answers[3, 0]


def test_no_other_threshold_has_a_larger_f1_and_of_equal_ones_the_nearest_to_a_half_is_taken():
    rng = np.random.default_rng(0)
    shares = np.round(rng.uniform(0.01, 0.99, (57, 7)), 2)  # with ties
    truths = (rng.random((57, 7)) < shares**2).astype(np.float64)
    readout = BernoulliReadout().fit(logits(shares), truths)
    answers = readout.stacked(logits(shares))
    for k in range(7):
        own = f1(answers[:, k] >= readout.thresholds[k], truths[:, k] > 0)
        assert own >= max(f1(answers[:, k] >= at, truths[:, k] > 0) for at in answers[:, k]) - 1e-12
    # Every threshold is as good here: all examples have the label, or the only one that has it is the surest.
    assert BernoulliReadout().fit(logits([[0.9], [0.8]]), np.ones((2, 1))).thresholds[0] < 0.9
    apart = BernoulliReadout().fit(logits([[0.9], [0.1]]), np.array([[1.0], [0.0]]))
    assert apart.thresholds[0] == pytest.approx(0.5, abs=1e-6)


def test_a_label_without_an_example_in_validation_is_answered_from_one_half_on():
    truths = np.array([[1.0, 0.0, np.nan], [0.0, 0.0, np.nan], [1.0, np.nan, np.nan]])
    readout = BernoulliReadout().fit(logits([[0.6, 0.2, 0.3], [0.1, 0.3, 0.1], [0.7, 0.9, 0.8]]), truths)
    assert readout.thresholds.tolist()[1:] == [0.5, 0.5]
    nothing = BernoulliReadout().fit(logits(np.full((3, 2), 0.3)), np.full((3, 2), np.nan))
    assert (nothing.temperature, nothing.thresholds.tolist()) == (1.0, [0.5, 0.5])
    assert BernoulliReadout().fit(np.empty((0, 2, 1), np.float32), np.empty((0, 2))).thresholds.tolist() == [0.5, 0.5]


def test_a_network_that_is_too_sure_is_cooled_down():
    rng = np.random.default_rng(1)
    shares = rng.uniform(0.02, 0.98, (400, 3))
    truths = (rng.random((400, 3)) < shares).astype(np.float64)
    readout = BernoulliReadout().fit(3.0 * logits(shares), truths)
    assert readout.temperature == pytest.approx(3.0, rel=0.2)
    np.testing.assert_allclose(readout.stacked(3.0 * logits(shares)), shares, atol=0.1)


def test_rivals_are_as_sure_as_they_say_and_scored_by_what_frequencies_allow():
    readout = BernoulliReadout().fit(3.0 * logits([[0.6, 0.2], [0.1, 0.3]]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert readout.of_rivals().temperature == 1.0 != readout.temperature
    reader = SimpleNamespace(names=("rain", "wind"))
    assert type(readout.of_rivals().scores(reader)) is FrequencyScores
    assert type(readout.scores(reader)) is IndicatorScores


def test_a_head_of_something_else_has_another_readout():
    assert BernoulliReadout.of(Wiring(**WIRING, head=Bernoulli()), {}).thresholds is None
    with pytest.raises(ArgumentError, match="needs a head of several labels"):
        BernoulliReadout.of(Wiring(**WIRING, head=Point()), {})


SOUND = {"temperature": np.array([1.5]), "thresholds": np.array([0.5, 0.2])}


@pytest.mark.parametrize(
    "damage",
    [
        {"temperature": None},
        {"temperature": np.array([0.0])},
        {"temperature": np.array([np.nan])},
        {"temperature": np.array([1.0, 1.0])},
        {"temperature": np.array([1.0], np.float32)},
        {"thresholds": np.array([[0.5, 0.2]])},
        {"thresholds": np.array([0.5, np.nan])},
        {"thresholds": np.array([0.5, 0.0])},
        {"thresholds": np.array([0.5, 1.1])},
        {"thresholds": np.array([0.5, 0.5], np.float32)},
        {"sets": np.array([0.5])},
    ],
    ids=str,
)
def test_damaged_arrays_are_refused(damage):
    assert BernoulliReadout.restore(dict(SOUND)).thresholds.tolist() == [0.5, 0.2]
    broken = {name: array for name, array in {**SOUND, **damage}.items() if array is not None}
    with pytest.raises(ModelFileError):
        BernoulliReadout.restore(broken)
