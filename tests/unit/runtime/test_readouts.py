"""Readouts: calibrated intervals, quantiles in order, and back from their arrays."""

import numpy as np
import pytest
from tests.unit.live.tiny import LEVELS

from whorl.errors import ModelFileError
from whorl.runtime.readouts import PointReadout, QuantileReadout


def sample(count, seed, horizon=4, num_targets=2, spread=3.0):
    """Outputs that promise a tenth of the spread that truths have; all heteroscedastic."""
    draw = np.random.default_rng(seed)
    size = np.exp(draw.normal(0, 0.5, (count, horizon, num_targets)))
    middle = draw.normal(0, 1, (count, horizon, num_targets))
    quantiles = middle[..., None] + size[..., None] * np.array([-0.3, 0.0, 0.2])
    outputs = np.concatenate([middle[..., None], quantiles], axis=-1).astype(np.float32)
    targets = middle + spread * size * draw.normal(0, 1, middle.shape)
    return outputs, targets.astype(np.float32)


def quantiles_of(readout, outputs):
    """(N, ..., K, Q)."""
    return np.moveaxis(readout.stacked(outputs)[1:], 0, -1)


@pytest.mark.parametrize("spread", [0.05, 3.0])
def test_calibrated_intervals_cover_what_they_promise_on_fresh_data(spread):
    readout = QuantileReadout(LEVELS).fit(*sample(500, 0, spread=spread))
    outputs, targets = sample(4000, 1, spread=spread)
    quantiles = quantiles_of(readout, outputs)
    inside = (targets >= quantiles[..., 0]) & (targets <= quantiles[..., -1])
    by_step = inside.mean(axis=(0, 2))
    # 500 x 2 scores and their neighbours' behind each factor: one standard error is below 0.01.
    assert (np.abs(by_step - 0.8) < 0.03).all()
    raw = quantiles_of(QuantileReadout(LEVELS), outputs)
    before = ((targets >= raw[..., 0]) & (targets <= raw[..., -1])).mean()
    assert abs(before - 0.8) > 0.1


def test_unknown_truths_are_left_out_of_the_calibration():
    outputs, targets = sample(300, 2)
    absent = np.random.default_rng(3).random(targets.shape) < 0.5
    holed = np.where(absent, np.float32(np.nan), targets)
    readout = QuantileReadout(LEVELS).fit(outputs, holed)
    assert np.isfinite(readout.shifts).all()
    fresh, truth = sample(4000, 4)
    quantiles = quantiles_of(readout, fresh)
    assert abs(((truth >= quantiles[..., 0]) & (truth <= quantiles[..., -1])).mean() - 0.8) < 0.03


def test_quantiles_never_cross_and_keep_their_middle():
    outputs = np.random.default_rng(0).normal(0, 1, (200, 4, 2, 4)).astype(np.float32)  # in no order at all
    readout = QuantileReadout(LEVELS).fit(*sample(50, 0))
    for readout_ in (readout, QuantileReadout(LEVELS)):
        quantiles = quantiles_of(readout_, outputs)
        assert (np.diff(quantiles, axis=-1) >= 0).all()
        np.testing.assert_array_equal(quantiles[..., 1], np.sort(outputs[..., 1:], axis=-1)[..., 1])
        np.testing.assert_array_equal(readout_.stacked(outputs)[0], outputs[..., 0])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_calibration_on_too_few_rows_is_finite(count):
    outputs, targets = sample(count, 0)
    readout = QuantileReadout(LEVELS).fit(outputs, targets)
    assert readout.shifts.shape == (4, 3)
    assert np.isfinite(readout.shifts).all()
    assert np.isfinite(quantiles_of(readout, sample(5, 1)[0])).all()
    if not count:
        assert (readout.shifts == 0).all()


def test_an_answer_depends_on_its_own_row_alone():
    readout = QuantileReadout(LEVELS).fit(*sample(50, 0))
    outputs = sample(9, 1)[0]
    whole = quantiles_of(readout, outputs)
    for n in range(9):
        assert quantiles_of(readout, outputs[n : n + 1]).tobytes() == whole[n : n + 1].tobytes()


def test_readouts_come_back_from_their_arrays():
    readout = QuantileReadout(LEVELS).fit(*sample(50, 0))
    back = QuantileReadout.restore(readout.arrays())
    outputs = sample(9, 1)[0]
    assert quantiles_of(back, outputs).tobytes() == quantiles_of(readout, outputs).tobytes()
    assert back.levels == LEVELS
    assert QuantileReadout.restore(QuantileReadout(LEVELS).arrays()).shifts is None
    assert PointReadout.restore({}).arrays() == {}
    with pytest.raises(ModelFileError):
        PointReadout.restore({"levels": np.ones(1)})
    for bad in ({}, {"levels": np.ones((1, 1))}, {"levels": np.ones(1), "more": np.ones(1)}):
        with pytest.raises(ModelFileError):
            QuantileReadout.restore(bad)
