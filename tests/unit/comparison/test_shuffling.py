"""Steps change places, and nothing else does: truths go with their rows, padding and what comes late stay."""

import numpy as np
import pytest

from whorl.data.batches import Batch, Batches
from whorl.data.sequences import Sequence
from whorl.data.shuffling import ShuffledBatches, Shuffling
from whorl.plans.wiring import EachRow, Sequences, Windows


class OneBatch(Batches):
    def __init__(self, past, targets, lengths=None):
        weights = np.ones(len(past), np.float32)
        self.given = Batch({"past": past, "future": past[:, :1]}, targets, weights, lengths)

    def __len__(self):
        return 1

    def batch(self, index, *, seed, epoch):
        return self.given


def numbered(count, steps):
    """Sequences whose rows are all different."""
    return np.arange(count * steps * 2, dtype=np.float32).reshape(count, steps, 2)


def shuffled(pairing, past, targets, lengths=None, *, seed=0, epoch=0):
    return ShuffledBatches(OneBatch(past, targets, lengths), Shuffling(pairing)).batch(0, seed=seed, epoch=epoch)


def sorted_rows(past):
    return np.sort(past, axis=-2)


def test_each_sequence_keeps_its_rows_in_an_order_of_its_own():
    past, targets = numbered(6, 20), np.zeros((6, 1), np.float32)
    found = shuffled(Sequences(), past, targets).inputs["past"]
    np.testing.assert_array_equal(sorted_rows(found), past)
    orders = (found - found.min(axis=1, keepdims=True))[..., 0]
    assert len(np.unique(orders, axis=0)) == 6


def test_an_order_is_new_in_each_epoch_and_the_same_for_the_same_arguments():
    past, targets = numbered(2, 20), np.zeros((2, 1), np.float32)
    first, again = (shuffled(Sequences(), past, targets).inputs["past"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, shuffled(Sequences(), past, targets, epoch=1).inputs["past"])
    assert not np.array_equal(first, shuffled(Sequences(), past, targets, seed=1).inputs["past"])


def test_padding_stays_at_the_end():
    past, lengths = numbered(3, 9), np.array([9, 4, 0])
    for n, length in enumerate(lengths):
        past[n, length:] = 0.0
    found = shuffled(Sequences(), past, np.zeros((3, 1), np.float32), lengths).inputs["past"]
    np.testing.assert_array_equal(found[1, 4:], 0.0)
    np.testing.assert_array_equal(sorted_rows(found[1, :4]), past[1, :4])
    np.testing.assert_array_equal(found[2], 0.0)


@pytest.mark.parametrize("pairing", [Sequences(every_step=True), EachRow(length=9, whole=True)])
def test_truths_of_rows_go_with_them(pairing):
    past = numbered(3, 9)
    found = shuffled(pairing, past, 10 * past[..., :1])
    assert not np.array_equal(found.inputs["past"], past)
    np.testing.assert_array_equal(found.targets, 10 * found.inputs["past"][..., :1])


def test_truths_that_stand_later_than_their_rows_still_do():
    past, lengths = numbered(2, 9), np.array([9, 6])
    targets = np.full((2, 9, 1), np.nan, np.float32)
    for n, length in enumerate(lengths):
        past[n, length - 2 :] = 0.0  # the empty steps at the end
        targets[n, 2:length] = 10 * past[n, : length - 2, :1]
    found = shuffled(Sequences(every_step=True, lookahead=2), past, targets, lengths)
    for n, length in enumerate(lengths):
        np.testing.assert_array_equal(found.targets[n, 2:length], 10 * found.inputs["past"][n, : length - 2, :1])
        np.testing.assert_array_equal(found.inputs["past"][n, length - 2 :], 0.0)
        assert np.isnan(found.targets[n, :2]).all()


def test_of_a_window_the_last_row_and_what_comes_stay():
    past = numbered(4, 12)
    targets = np.arange(4 * 3, dtype=np.float32).reshape(4, 3, 1)
    found = shuffled(Windows(12, 3), past, targets)
    np.testing.assert_array_equal(found.inputs["past"][:, -1], past[:, -1])
    np.testing.assert_array_equal(sorted_rows(found.inputs["past"]), past)
    assert not np.array_equal(found.inputs["past"], past)
    np.testing.assert_array_equal(found.targets, targets)
    np.testing.assert_array_equal(found.inputs["future"], past[:, :1])


def test_a_sequence_is_shuffled_as_batches_are():
    (past,) = numbered(1, 9)
    one = Sequence(key="a", past=past, time=np.arange(9), targets=10 * past[:, :1])
    found = Shuffling(EachRow(length=9, whole=True)).shuffled(one, np.random.default_rng(0))
    np.testing.assert_array_equal(found.targets, 10 * found.past[:, :1])
    assert not np.array_equal(found.past, past)
    window = Shuffling(Windows(6, 3)).shuffled(one, np.random.default_rng(0))
    np.testing.assert_array_equal(window.past[5:], past[5:])
    np.testing.assert_array_equal(window.targets[5:], one.targets[5:])
    assert not np.array_equal(window.past, past)
    assert one.past is past


@pytest.mark.parametrize("steps", [0, 1])
def test_sequences_of_no_and_of_one_step_stay(steps):
    past = numbered(2, steps)
    found = shuffled(Sequences(), past, np.zeros((2, 1), np.float32)).inputs["past"]
    np.testing.assert_array_equal(found, past)
