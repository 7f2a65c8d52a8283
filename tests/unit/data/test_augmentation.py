"""Training series changed anew each time: what may change, and what must not."""

import numpy as np
import pytest

from whorl.data.augmentation import AugmentedBatches
from whorl.data.padded import SequenceBatches
from whorl.data.sequences import Sequence
from whorl.plans.changes import Augmentation
from whorl.specs import Fields, Flags, Reals, Tokens

SPEC = Fields({"numeric": Reals(2), "missing": Flags(1), "word": Tokens(50)})
STILL = Augmentation(warp=0.0, scale=0.0, noise=0.0)


def batches(plan: Augmentation, lengths=(9, 9, 9)) -> AugmentedBatches:
    made = []
    for n, length in enumerate(lengths):
        ramp = np.arange(length, dtype=np.float32)
        past = np.stack([ramp, -ramp, ramp % 2, 10 * n + ramp], axis=1)
        made.append(
            Sequence(key=str(n), past=past, time=np.arange(length), targets=np.array([n], np.float32), weight=1.0 + n)
        )
    return AugmentedBatches(SequenceBatches(made, 2, shuffle=False), plan, SPEC)


def test_the_same_batch_is_changed_in_the_same_way_and_each_epoch_in_another():
    one, other = batches(Augmentation()), batches(Augmentation())
    other.batch(1, seed=3, epoch=0)  # what was asked before does not matter
    first = one.batch(0, seed=3, epoch=0).inputs["past"]
    assert np.array_equal(first, other.batch(0, seed=3, epoch=0).inputs["past"])
    assert not np.array_equal(first, one.batch(0, seed=3, epoch=1).inputs["past"])
    assert not np.array_equal(first, one.batch(0, seed=4, epoch=0).inputs["past"])


def test_without_any_change_the_batches_are_as_they_were():
    plain = batches(STILL)._batches
    for index in range(2):
        found, wanted = batches(STILL).batch(index, seed=0, epoch=0), plain.batch(index, seed=0, epoch=0)
        assert np.array_equal(found.inputs["past"], wanted.inputs["past"])
        assert found.inputs["past"].dtype == np.float32
        assert np.array_equal(found.targets, wanted.targets)
        assert np.array_equal(found.weights, wanted.weights)


def test_numbers_are_scaled_by_column_and_codes_and_flags_are_not_touched():
    changed = batches(Augmentation(warp=0.0, scale=0.5, noise=0.0)).batch(0, seed=0, epoch=0).inputs["past"]
    wanted = batches(STILL).batch(0, seed=0, epoch=0).inputs["past"]
    factors = changed[:, 1:, :2] / wanted[:, 1:, :2]
    assert np.allclose(factors, factors[:, :1])
    assert len(np.unique(factors[:, 0].round(6))) == 4
    assert np.array_equal(changed[..., 2:], wanted[..., 2:])


@pytest.mark.parametrize("lengths", [(9, 9), (9, 5), (2, 9), (1, 9), (0, 3)])
def test_a_warp_keeps_order_ends_and_padding(lengths):
    changed = batches(Augmentation(warp=1.0, scale=0.0, noise=0.0), lengths).batch(0, seed=1, epoch=0).inputs["past"]
    wanted = batches(STILL, lengths).batch(0, seed=1, epoch=0).inputs["past"]
    for row, length in enumerate(lengths):
        ramp = changed[row, :length, 0]
        assert (np.diff(ramp) >= 0).all()
        assert np.allclose(ramp[:1], 0)
        assert np.allclose(ramp[-1:], length - 1)
        assert np.allclose(changed[row, :length, 1], -ramp)
        assert set(changed[row, :length, 2]) <= {0.0, 1.0}
        # A code is that of a step near by, never one between two.
        assert set(changed[row, :length, 3]) <= set(wanted[row, :length, 3])
        assert np.array_equal(changed[row, length:], wanted[row, length:])


def test_a_warp_changes_the_speed():
    changed = batches(Augmentation(warp=1.0, scale=0.0, noise=0.0)).batch(0, seed=1, epoch=0).inputs["past"]
    assert np.abs(np.diff(changed[..., 0], axis=1) - 1).max() > 0.2


def test_a_series_of_one_step_has_no_speed():
    changed = batches(Augmentation(warp=1.0, scale=0.0, noise=0.0), (1, 1)).batch(0, seed=1, epoch=0)
    assert np.array_equal(changed.inputs["past"][..., 0], np.zeros((2, 1)))
