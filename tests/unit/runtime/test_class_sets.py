"""Sets of classes: a threshold counted by hand, and the promise it makes over many draws."""

import numpy as np
import pytest

from whorl.errors import ModelFileError
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.prediction import Index, in_set, labelled


def logits(shares):
    return np.log(np.array(shares, np.float64)).astype(np.float32)[:, None, :]


def test_the_threshold_is_the_probability_that_so_many_truths_reach():
    own = np.array([0.9, 0.2, 0.6, 0.5, 0.8, 0.3, 0.7, 0.95, 0.4])
    outputs, truths = logits(np.stack([own, 1 - own], axis=1)), np.zeros((9, 1), np.float32)
    for coverage, rank in ((0.9, 1), (0.8, 2), (0.7, 3), (0.5, 5), (0.89, 1), (0.1, 9)):
        readout = CategoricalReadout(coverage=coverage).fit(outputs, truths)
        shares = np.sort(readout.stacked(outputs)[:, 0])
        assert readout.threshold == shares[rank - 1]
    # Nine truths cannot tell what more than nine of ten reach: every class may be the true one.
    readout = CategoricalReadout(coverage=0.95).fit(outputs, truths)
    assert readout.threshold == 0
    assert in_set(readout.stacked(outputs), 0.0).all()


def test_unknown_truths_do_not_count_and_without_any_all_classes_are_in_the_set():
    outputs = logits([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    some = CategoricalReadout(coverage=0.5).fit(outputs, np.array([[0], [np.nan], [0]], np.float32))
    assert some.threshold == some.stacked(outputs)[2, 0]
    assert CategoricalReadout(coverage=0.5).fit(outputs, np.full((3, 1), np.nan, np.float32)).threshold == 0


@pytest.mark.parametrize("coverage", [0.7, 0.9])
def test_sets_hold_the_truth_as_often_as_was_promised_whatever_the_network_thinks(coverage):
    rng, held, sizes = np.random.default_rng(0), [], []
    for _ in range(300):
        shares = rng.dirichlet(np.full(4, 0.5), 49 + 20)
        truths = np.array([rng.choice(4, p=row) for row in shares])
        outputs = logits(shares ** rng.uniform(0.3, 3) + 1e-9)  # too sure, or not sure enough
        readout = CategoricalReadout(coverage=coverage).fit(outputs[:49], truths[:49, None].astype(np.float32))
        sets = in_set(readout.stacked(outputs[49:]), readout.threshold)
        held += sets[np.arange(20), truths[49:]].tolist()
        sizes += sets.sum(axis=1).tolist()
    # Of 300 thresholds from 49 truths each, asked 20 times, the mean has a standard error of 0.005 at 0.9 and of 0.007
    # at 0.7. Of a set that would be empty the most probable class is often the true one.
    assert coverage - 0.021 < np.mean(held) < coverage + 0.05
    assert 1 <= np.mean(sizes) < 3


def test_sets_are_ordered_and_never_empty():
    answers = labelled(
        Index(np.array(["", ""], object), np.zeros(2, np.int64)),
        np.array([[0.2, 0.5, 0.3], [0.4, 0.35, 0.25]]),
        np.array(["a", "b", "c"], object),
        ("y",),
        threshold=0.3,
    )
    assert answers.sets == [["b", "c"], ["a", "b"]]
    assert answers.take(slice(1, 2)).sets == [["a", "b"]]
    assert labelled(answers.index, answers.probabilities, answers.classes, ("y",), threshold=0.9).sets == [["b"], ["a"]]


@pytest.mark.parametrize(
    "sets", [[0.9], [0.9, 0.1, 0.2], [1.0, 0.1], [0.0, 0.1], [0.9, -0.1], [0.9, 1.1], [np.nan, 0.1], [0.9, np.nan]]
)
def test_damaged_sets_are_refused(sets):
    with pytest.raises(ModelFileError, match="`sets`"):
        CategoricalReadout.restore({"temperature": np.ones(1), "sets": np.array(sets)})
    with pytest.raises(ModelFileError, match="`sets`"):
        CategoricalReadout.restore({"temperature": np.ones(1), "sets": np.array([0.9, 0.1], np.float32)})
