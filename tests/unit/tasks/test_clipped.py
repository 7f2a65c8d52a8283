"""`Table(clip=...)` through tasks: numbers that are read have a bound, and what is forecast or judged has none."""

import numpy as np
import pytest

import whorl

ONCE = whorl.Training(epochs=1, device="cpu", validation=0.2)
SMALL = whorl.Recurrent("gru", hidden_size=3)
BOUND = whorl.Table(clip=2.0)
OUTSIDE, FURTHER = 4.0, 9.0  # beyond the bound, and such that gates which read them as they are tell them apart


def rows(last=None, count=60):
    """Two columns of noise beside a time, with these values in the last row."""
    draw = np.random.default_rng(0)
    columns = {"when": np.arange(count), "y": draw.normal(size=count), "x": draw.normal(size=count)}
    for name, value in (last or {}).items():
        columns[name][-1] = value
    return columns


@pytest.fixture(scope="module")
def forecaster():
    settings = {"target": "y", "time": "when", "horizon": 2, "context": 10, "network": SMALL, "training": ONCE}
    return whorl.Forecaster(memory="carried", table=BOUND, **settings).fit(rows(), verbose=False)


def test_a_covariate_that_is_far_out_is_read_as_one_at_the_bound(forecaster):
    outside, further, inside = (forecaster.predict(rows({"x": x})).value.tolist() for x in (OUTSIDE, FURTHER, 0.0))
    assert outside == further != inside


def test_a_target_that_is_far_out_is_read_as_it_is(forecaster):
    found = forecaster.predict(rows({"y": 1e6})).value
    assert np.abs(found - 1e6).max() < 0.5e6  # forecasts are told from the last value


@pytest.mark.parametrize("task", [whorl.Classifier, whorl.Regressor])
def test_arrays_are_clipped_in_predictions_and_in_streams(task):
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(30, 6, 2)), np.arange(30) % 2
    model = task(network=SMALL, training=ONCE, table=BOUND).fit((x, y), verbose=False)
    near, far = x[:1].copy(), x[:1].copy()
    near[0, -1, 0], far[0, -1, 0] = OUTSIDE, FURTHER
    assert model.predict(near).value.tolist() == model.predict(far).value.tolist()
    if task is whorl.Classifier:
        assert model.predict(near).probabilities.tolist() == model.predict(far).probabilities.tolist()
    stream = model.stream()
    last = [stream.push(row)[-1] for row in far[0]][-1]
    assert np.ravel(last.value).tolist() == np.ravel(model.predict(near).value).tolist()


@pytest.mark.parametrize("per", ["row", "sequence"])
def test_what_is_judged_surprises_the_more_the_further_out_it_is(per):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(30, 8, 1))
    model = whorl.Detector(per=per, network=SMALL, training=ONCE, table=BOUND, lag=1, code=2).fit(x, verbose=False)
    near, far = x[:1].copy(), x[:1].copy()
    near[0, -1, 0], far[0, -1, 0] = 10.0, 100.0
    assert model.predict(far).score.max() > 1.0 + model.predict(near).score.max()
