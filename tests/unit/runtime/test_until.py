"""The time until the next event: quantiles of a distribution over bins."""

from dataclasses import replace

import numpy as np
import pytest

from whorl.data.event_inputs import Lapses
from whorl.errors import ArgumentError
from whorl.runtime.prediction import Index, joined, labelled
from whorl.runtime.until import Until

# 0 alone; from e - 1 to e^2 - 1, between whose logarithms of 1 + t lies 1; 9 to 99.
LAPSES = Lapses(np.array([0, np.e - 1, 9], np.float32), np.array([0, np.e**2 - 1, 99], np.float32))

CLASSES = np.array(["a", "b"], object)


def until(*shares):
    return Until(shares=np.array(shares, np.float64), lapses=LAPSES)


def test_a_quantile_lies_evenly_within_the_logarithms_of_its_bin():
    found = until([0.25, 0.5, 0.25], [0.0, 1.0, 0.0])
    np.testing.assert_allclose(np.log1p(found.median), [1.5, 1.5], rtol=1e-6)  # edges are float32
    np.testing.assert_allclose(np.log1p(found.quantile(0.375)), [1.25, 1.375], rtol=1e-6)


def test_a_time_that_fills_a_bin_is_a_quantile_itself():
    found = until([0.6, 0.4, 0.0])
    assert found.median.tolist() == [0.0]
    assert found.interval[0].tolist() == [0.0]
    assert found.interval[1][0] > np.e - 1


def test_quantiles_ascend_and_the_last_one_is_no_longer_than_any_time_of_training():
    draw = np.random.default_rng(0)
    shares = draw.dirichlet(np.ones(3), 50)
    shares[0] = [1 / 3, 1 / 3, 1 / 3 - 1e-16]  # whose sum is rounded
    found = until(*shares)
    every = np.stack([found.quantile(level) for level in np.linspace(0.001, 0.999999, 200)])
    assert (np.diff(every, axis=0) >= 0).all()
    assert every.max() <= 99.0 * (1 + 1e-6)


def test_surprise_is_that_of_the_bin():
    found = until([0.25, 0.5, 0.25], [0.0, 1.0, 0.0])
    np.testing.assert_allclose(found.surprise(np.array([3.0, 4.0])), [np.log(2.0), 0.0])
    assert np.isfinite(found.surprise(np.array([0.0, 0.0]))).all()  # what was impossible surprises finitely


@pytest.mark.parametrize("level", ["x", None, np.nan, 0.0, 1.0, 1.5, True, np.array([0.1, 0.9]), np.array([0.5])])
def test_a_level_is_one_number_between_zero_and_one(level):
    with pytest.raises(ArgumentError, match=r"`level` is a probability within \(0, 1\), but is"):
        until([0.25, 0.5, 0.25]).quantile(level)


def test_answers_are_joined_though_none_of_them_has_a_row():
    nothing = labelled(Index(np.empty(0, object), np.empty(0, np.int64)), np.empty((0, 2)), CLASSES, ("item",))
    one = labelled(Index(np.array(["u"], object), np.zeros(1, np.int64)), np.array([[0.5, 0.5]]), CLASSES, ("item",))
    when = until([0.6, 0.4, 0.0])
    nothing, one = replace(nothing, until=when.take(slice(0))), replace(one, until=when)
    assert len(joined([nothing, nothing]).until) == 0
    assert joined([nothing, one]).until.median.tolist() == [0.0]


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, float("nan")])
def test_levels_outside_of_probabilities_are_refused(level):
    with pytest.raises(ArgumentError, match="`level` is a probability"):
        until([1.0, 0.0, 0.0]).quantile(level)
