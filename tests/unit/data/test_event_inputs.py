"""Bins of the times between events, and what a step of a log is."""

import numpy as np
import pytest

from whorl.data.event_inputs import Lapses
from whorl.data.events import Session
from whorl.errors import ModelFileError


def after(*apart):
    return Session("u", ["a"] * (len(apart) + 1), np.cumsum([0, *apart]))


def test_bins_have_about_as_many_times_each():
    draw = np.random.default_rng(0)
    apart = np.exp(draw.normal(5.0, 2.0, 2000)).astype(np.int64) * 2000 + np.arange(2000)  # no two are alike
    lapses = Lapses.fit([after(*apart)])
    counts = np.bincount(lapses.bins(apart))
    assert len(lapses) == 64
    assert counts.min() >= 2000 // 64
    assert counts.max() <= 2000 // 64 + 1


def test_a_time_that_fills_a_bin_has_one_of_its_own():
    lapses = Lapses.fit([after(*([0] * 60), *([60] * 60), *range(1, 41), *range(100, 140))])
    for often in (0, 60):
        place = int(lapses.bins(np.array([often]))[0])
        assert (lapses.least[place], lapses.most[place]) == (often, often)
    below, own, above = lapses.bins(np.array([40, 60, 100])).tolist()
    assert (own - below, above - own) == (1, 1)


def test_times_beyond_those_of_training_are_in_the_outermost_bins():
    lapses = Lapses.fit([after(*range(5, 105))])
    assert lapses.bins(np.array([0.0, 1e12])).tolist() == [0, len(lapses) - 1]


@pytest.mark.parametrize("apart", [(7,), (0, 0, 0), tuple(range(9))])
def test_few_times_make_one_bin(apart):
    lapses = Lapses.fit([after(*apart)])
    assert (len(lapses), float(lapses.least[0]), float(lapses.most[0])) == (1, min(apart), max(apart))


@pytest.mark.parametrize(
    ("least", "most"),
    [
        ([0.0, 2.0], [3.0, 4.0]),  # they overlap
        ([1.0], [0.0]),
        ([-1.0], [0.0]),
        ([0.0], [np.inf]),
        ([np.nan], [1.0]),
        ([], []),
        ([0.0], [0.0, 1.0]),
    ],
)
def test_bins_that_no_fit_gives_are_refused(least, most):
    with pytest.raises(ModelFileError, match="its bins of times are none"):
        Lapses.restore({"least": np.array(least, np.float32), "most": np.array(most, np.float32)})
    with pytest.raises(ModelFileError, match="its bins of times are none"):
        Lapses.restore({"least": np.zeros(1, np.float32)})
