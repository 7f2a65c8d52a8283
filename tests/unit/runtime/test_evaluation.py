"""Evaluations: which answers are scored, metrics by hand, baselines."""

import numpy as np
import pytest
from tests.unit.live.tiny import forecaster, rows

from whorl.errors import ArgumentError, DataError
from whorl.runtime.metrics import Scores


@pytest.mark.parametrize("memory", ["carried", "window"])
def test_every_origin_with_full_context_and_full_horizon_is_scored(memory):
    model, data = forecaster(memory=memory), rows(10)
    scores = model.evaluate(data)
    assert scores.num_answers == 4  # 10 rows, context 4, horizon 3
    assert scores.prediction.value.shape == scores.target.shape == (4, 3, 1)
    assert scores.prediction.quantiles.shape == (4, 3, 1, 3)
    assert scores.index.origin.tolist() == [np.datetime64(row["time"], "us").item() for row in data[3:7]]
    for n in range(4):
        truth = [row["load"] for row in data[4 + n : 7 + n]]
        np.testing.assert_allclose(scores.target[n, :, 0], [np.nan if t is None else t for t in truth], rtol=1e-6)
    assert np.isnan(scores.target).sum() == 3  # the missing row 7, once in each of three windows
    every = model.predict(data, every_row=True)
    assert scores.prediction.value.tobytes() == every.value[:4].tobytes()


def test_the_metrics_are_those_of_the_kept_arrays():
    model, data = forecaster(), rows(31)
    scores = model.evaluate(data)
    error = scores.prediction.value - scores.target
    known = np.isfinite(error)
    lower, upper = scores.prediction.interval
    np.testing.assert_allclose(scores.metrics["mae"], np.abs(error[known]).mean(), rtol=1e-9)
    np.testing.assert_allclose(scores.metrics["rmse"], np.sqrt((error[known] ** 2).mean()), rtol=1e-9)
    np.testing.assert_allclose(scores.metrics["mae_scaled"], np.abs(error[known]).mean() / model.reader.scale[0])
    np.testing.assert_allclose(scores.metrics["mase"], np.abs(error[known]).mean() / 1.5)
    inside = (scores.target >= lower) & (scores.target <= upper)
    np.testing.assert_allclose(scores.metrics["coverage"], inside[known].mean())
    np.testing.assert_allclose(scores.by_step["mae"][:, 0], np.nanmean(np.abs(error), axis=0)[:, 0])
    assert set(scores.baseline) == {"last_value", "drift", "seasonal_naive"}
    assert all(set(found) >= {"mae", "rmse", "smape", "mase", "mae_scaled"} for found in scores.baseline.values())


def test_the_last_value_is_scored_as_the_last_value():
    model = forecaster()
    data = [{**row, "load": float(n)} for n, row in enumerate(rows(10))]
    found = model.evaluate(data).baseline
    assert found["last_value"]["mae"] == pytest.approx(2.0, rel=1e-6)  # a ramp: 1, 2 and 3 away
    assert found["drift"]["mae"] == pytest.approx(0.0, abs=1e-5)
    assert found["seasonal_naive"]["mae"] == pytest.approx(8 / 3, rel=1e-6)  # period 2: 2, 2 and 4 away


def test_answers_that_were_not_kept_are_missed_with_a_message():
    model, data = forecaster(), rows(12)
    kept, dropped = model.evaluate(data), model.evaluate(data, keep=False)
    assert dropped.metrics == kept.metrics
    assert dropped.num_answers == 6
    for name in ("prediction", "target", "index"):
        with pytest.raises(ArgumentError, match=r"6 answers were not kept.*keep=True"):
            getattr(dropped, name)


def test_answers_above_the_limit_are_not_kept_unless_asked_for(monkeypatch):
    from whorl.runtime import evaluation

    monkeypatch.setattr(evaluation, "KEEP_BYTES", 100)
    model, data = forecaster(), rows(12)
    with pytest.raises(ArgumentError, match="were not kept"):
        _ = model.evaluate(data).prediction
    assert len(model.evaluate(data, keep=True).prediction) == 6


def test_too_few_rows_to_score_are_named():
    model = forecaster()
    with pytest.raises(DataError, match="the longest sequence has 6 rows"):
        model.evaluate(rows(6))
    with pytest.raises(DataError, match="`context` is 4, but the table has only 3 rows"):
        model.predict(rows(3))


def test_metrics_of_tiny_arrays_are_those_of_a_pencil():
    scores = Scores(np.array([2.0]), np.array([0.5]), (0.25, 0.75))
    value = np.array([[[1.0], [2.0]], [[5.0], [0.0]]])
    target = np.array([[[2.0], [np.nan]], [[1.0], [0.0]]])
    quantiles = value[..., None] + np.array([-1.0, 1.0])
    scores.update(value[:1], target[:1], quantiles[:1])
    scores.update(value[1:], target[1:], quantiles[1:])
    found = scores.result()
    assert found["mae"] == pytest.approx(5 / 3)
    assert found["mse"] == pytest.approx(17 / 3)
    assert found["rmse"] == pytest.approx(np.sqrt(17 / 3))
    assert found["smape"] == pytest.approx((200 / 3 + 200 * 4 / 6 + 0) / 3)
    assert found["mae_scaled"] == pytest.approx(5 / 6)
    assert found["mse_scaled"] == pytest.approx(17 / 12)
    assert found["rmse_scaled"] == pytest.approx(np.sqrt(17 / 12))
    assert found["mase"] == pytest.approx(10 / 3)
    assert found["coverage"] == pytest.approx(2 / 3)  # 2 in [0, 2]; 1 not in [4, 6]; 0 in [-1, 1]
    assert found["width"] == pytest.approx(2.0)
    # pinball: (0.25*2 + 0.75*0)/2, (0.75*3 + 0.25*5)/2, (0.25*1 + 0.25*1)/2
    assert found["pinball"] == pytest.approx((0.25 + 1.75 + 0.25) / 3)
    steps = scores.steps()
    assert steps["mae"].ravel().tolist() == [2.5, 0.0]
    assert steps["coverage"].ravel().tolist() == [0.5, 1.0]
    assert steps["width"].ravel().tolist() == [2.0, 2.0]


def test_nothing_is_scored_where_no_truth_is_known():
    scores = Scores(np.array([1.0]))
    assert scores.result() == {}
    scores.update(np.ones((2, 1)), np.full((2, 1), np.nan))
    assert scores.result() == {}
    assert scores.steps() == {}


def test_a_perfect_answer_of_zero_has_no_error():
    scores = Scores(np.array([1.0]))
    scores.update(np.zeros((3, 1)), np.zeros((3, 1)))
    assert scores.result()["smape"] == 0.0
