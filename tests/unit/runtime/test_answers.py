"""Predictions and evaluations: indices, records, files, metrics by hand, calibrated intervals."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from tests.unit.live.tiny import LEVELS, accumulator, forecaster, rows

from whorl.errors import ArgumentError, DataError, MissingExtraError, ModelFileError, ResourceError
from whorl.runtime.export_records import to_csv, write_records
from whorl.runtime.metrics import Scores
from whorl.runtime.prediction import Index, Prediction, joined
from whorl.runtime.readouts import PointReadout, QuantileReadout


def prediction(count=2, horizon=3, names=("a", "b"), levels=LEVELS, series="north"):
    value = np.arange(count * horizon * len(names), dtype=np.float64).reshape(count, horizon, len(names))
    spread = np.array([-1.0, 0.0, 2.0])
    origin = np.datetime64("2024-03-01T00:00", "us") + np.arange(count) * np.timedelta64(1, "h")
    time = origin[:, None] + np.arange(1, horizon + 1) * np.timedelta64(30, "m")
    return Prediction(
        value=value,
        index=Index(np.array([series] * count, object), origin, time),
        names=names,
        quantiles=value[..., None] + spread if levels else None,
        levels=levels,
        probabilities=np.arange(2.0 * count).reshape(count, 2),
        score=np.arange(1.0 * count),
    )


def test_an_interval_is_the_outermost_quantiles():
    answer = prediction()
    lower, upper = answer.interval
    assert lower.shape == upper.shape == answer.value.shape
    assert ((upper - lower) == 3.0).all()
    with pytest.raises(ArgumentError, match="needs two quantiles"):
        _ = prediction(levels=()).interval


def test_taking_and_joining_are_inverse():
    answer = prediction(count=5)
    again = joined([answer.take(slice(0, 2)), answer.take(np.array([2, 3, 4]))])
    for name in ("value", "quantiles", "probabilities", "score"):
        assert np.array_equal(getattr(again, name), getattr(answer, name))
    for part, twin in zip(again.index, answer.index, strict=True):
        assert np.array_equal(part, twin)
    assert (again.names, again.levels, again.final, len(again)) == (answer.names, answer.levels, True, 5)


def test_records_have_one_row_for_each_answer_step_and_output():
    records = list(prediction().to_records())
    assert len(records) == 2 * 3 * 2
    assert records[7] == {
        "series": "north",
        "origin": "2024-03-01 01:00:00",
        "time": "2024-03-01 01:30:00",
        "step": 1,
        "output": "b",
        "value": 7.0,
        "q0.1": 6.0,
        "q0.5": 7.0,
        "q0.9": 9.0,
    }
    assert records[0]["origin"] == "2024-03-01 00:00:00"


def test_records_of_a_regressor_have_one_step_and_no_time():
    answer = accumulator().predict([np.array([[1.0, 0.0], [2.5, 0.0]]), np.array([[4.0, 0.0]])])
    assert [(r["series"], r["origin"], r["time"], r["step"], r["value"]) for r in answer.to_records()] == [
        ("0", 1, None, 1, 3.5),
        ("1", 0, None, 1, 4.0),
    ]


def test_a_frame_has_the_records():
    frame = prediction().to_frame()
    assert frame.to_dicts() == list(prediction().to_records())


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".ndjson", ".parquet", ".CSV"])
def test_records_are_written_in_the_format_of_the_ending(suffix, tmp_path):
    import polars

    path = tmp_path / f"answers{suffix}"
    path.write_text("before")
    prediction().write(path)
    records = list(prediction().to_records())
    if suffix == ".parquet":
        assert polars.read_parquet(path).to_dicts() == records
    elif suffix in (".jsonl", ".ndjson"):
        assert [json.loads(line) for line in path.read_text().splitlines()] == records
    else:
        read = list(csv.DictReader(io.StringIO(path.read_text())))
        assert [float(row["value"]) for row in read] == [record["value"] for record in records]
        assert [row["time"] for row in read] == [record["time"] for record in records]
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_bad_ending_or_place_is_refused_and_nothing_is_written(tmp_path):
    for name in ("answers.xlsx", "answers", "answers.csv.gz"):
        with pytest.raises(ArgumentError, match=r"must end in \.csv, \.jsonl or \.parquet"):
            prediction().write(tmp_path / name)
    with pytest.raises(ResourceError, match="could not be written"):
        prediction().write(tmp_path / "missing" / "answers.csv")
    assert not list(tmp_path.iterdir())


def test_json_lines_hold_null_for_what_is_no_number(tmp_path):
    write_records(tmp_path / "x.jsonl", [{"value": float("nan"), "q0.1": float("-inf"), "step": 1}])
    assert json.loads((tmp_path / "x.jsonl").read_text()) == {"value": None, "q0.1": None, "step": 1}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0"])
def test_text_that_a_spreadsheet_would_run_is_escaped(text):
    """D5: in cells and in headers."""
    said = list(csv.DictReader(io.StringIO(to_csv([{"series": text, "value": -2.5, "step": 3}]), newline="")))
    assert said == [{"series": "'" + text, "value": "-2.5", "step": "3"}]
    (header,) = csv.reader(io.StringIO(to_csv([{text: 1.0}]).rpartition("1.0")[0], newline=""))
    assert header == ["'" + text]


@pytest.mark.parametrize("text", ["north", "a=b", "7", "", "'quoted'", 'say "x"', "a,b", "a\nb", "ü"])
def test_other_text_and_numbers_are_written_as_they_are(text):
    """D5: -1e-7 is a number."""
    said = list(csv.DictReader(io.StringIO(to_csv([{"series": text, "value": -1e-7}]), newline="")))
    assert said == [{"series": text, "value": "-1e-07"}]


def test_a_series_with_a_formula_for_a_name_is_escaped_in_the_file(tmp_path):
    prediction(series="=HYPERLINK(A1)").write(tmp_path / "x.csv")
    assert "'=HYPERLINK(A1)" in (tmp_path / "x.csv").read_text()
    assert ",=HYPERLINK" not in (tmp_path / "x.csv").read_text()


@pytest.mark.parametrize("levels", [LEVELS, ()])
def test_a_plot_has_a_panel_for_each_output(levels):
    from matplotlib.figure import Figure

    figure = prediction(levels=levels).plot(row=1)
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 2
    for k, axis in enumerate(figure.axes):
        assert axis.lines[0].get_ydata().tolist() == prediction().value[1, :, k].tolist()
        assert len(axis.collections) == bool(levels)
    single = accumulator().predict([np.ones((3, 2))]).plot()
    assert single.axes[0].lines[0].get_ydata().tolist() == [3.0]


def test_what_needs_an_extra_names_it():
    code = """
import sys
for name in ("polars", "matplotlib"):
    sys.modules[name] = None
from tests.unit.runtime.test_answers import prediction
from whorl.errors import MissingExtraError
for use in (lambda: prediction().to_frame(), lambda: prediction().plot(), lambda: prediction().write("x.parquet")):
    try:
        use()
    except MissingExtraError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.count('pip install "whorl[train]"') == 3, done.stderr
    assert issubclass(MissingExtraError, ImportError)


# Evaluation


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


# Metrics by hand


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


# Readouts


def sample(count, seed, horizon=4, num_targets=2, spread=3.0):
    """Outputs that promise a tenth of the spread that truths have; all heteroscedastic."""
    draw = np.random.default_rng(seed)
    size = np.exp(draw.normal(0, 0.5, (count, horizon, num_targets)))
    middle = draw.normal(0, 1, (count, horizon, num_targets))
    quantiles = middle[..., None] + size[..., None] * np.array([-0.3, 0.0, 0.2])
    outputs = np.concatenate([middle[..., None], quantiles], axis=-1).astype(np.float32)
    targets = middle + spread * size * draw.normal(0, 1, middle.shape)
    return outputs, targets.astype(np.float32)


@pytest.mark.parametrize("spread", [0.05, 3.0])
def test_calibrated_intervals_cover_what_they_promise_on_fresh_data(spread):
    readout = QuantileReadout(LEVELS).fit(*sample(500, 0, spread=spread))
    outputs, targets = sample(4000, 1, spread=spread)
    quantiles = readout(outputs).quantiles
    inside = (targets >= quantiles[..., 0]) & (targets <= quantiles[..., -1])
    by_step = inside.mean(axis=(0, 2))
    # 500 x 2 scores and their neighbours' behind each factor: one standard error is below 0.01.
    assert (np.abs(by_step - 0.8) < 0.03).all()
    raw = QuantileReadout(LEVELS)(outputs).quantiles
    before = ((targets >= raw[..., 0]) & (targets <= raw[..., -1])).mean()
    assert abs(before - 0.8) > 0.1


def test_unknown_truths_are_left_out_of_the_calibration():
    outputs, targets = sample(300, 2)
    absent = np.random.default_rng(3).random(targets.shape) < 0.5
    holed = np.where(absent, np.float32(np.nan), targets)
    readout = QuantileReadout(LEVELS).fit(outputs, holed)
    assert np.isfinite(readout.shifts).all()
    fresh, truth = sample(4000, 4)
    quantiles = readout(fresh).quantiles
    assert abs(((truth >= quantiles[..., 0]) & (truth <= quantiles[..., -1])).mean() - 0.8) < 0.03


def test_quantiles_never_cross_and_keep_their_middle():
    outputs = np.random.default_rng(0).normal(0, 1, (200, 4, 2, 4)).astype(np.float32)  # in no order at all
    readout = QuantileReadout(LEVELS).fit(*sample(50, 0))
    for readout_ in (readout, QuantileReadout(LEVELS)):
        answer = readout_(outputs)
        assert (np.diff(answer.quantiles, axis=-1) >= 0).all()
        np.testing.assert_array_equal(answer.quantiles[..., 1], np.sort(outputs[..., 1:], axis=-1)[..., 1])
        np.testing.assert_array_equal(answer.value, outputs[..., 0])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_calibration_on_too_few_rows_is_finite(count):
    outputs, targets = sample(count, 0)
    readout = QuantileReadout(LEVELS).fit(outputs, targets)
    assert readout.shifts.shape == (4, 3)
    assert np.isfinite(readout.shifts).all()
    assert np.isfinite(readout(sample(5, 1)[0]).quantiles).all()
    if not count:
        assert (readout.shifts == 0).all()


def test_an_answer_depends_on_its_own_row_alone():
    readout = QuantileReadout(LEVELS).fit(*sample(50, 0))
    outputs = sample(9, 1)[0]
    whole = readout(outputs).quantiles
    for n in range(9):
        assert readout(outputs[n : n + 1]).quantiles.tobytes() == whole[n : n + 1].tobytes()


def test_readouts_come_back_from_their_arrays():
    readout = QuantileReadout(LEVELS).fit(*sample(50, 0))
    back = QuantileReadout.restore(readout.arrays())
    outputs = sample(9, 1)[0]
    assert back(outputs).quantiles.tobytes() == readout(outputs).quantiles.tobytes()
    assert back.levels == LEVELS
    assert QuantileReadout.restore(QuantileReadout(LEVELS).arrays()).shifts is None
    assert PointReadout.restore({}).arrays() == {}
    with pytest.raises(ModelFileError):
        PointReadout.restore({"levels": np.ones(1)})
    for bad in ({}, {"levels": np.ones((1, 1))}, {"levels": np.ones(1), "more": np.ones(1)}):
        with pytest.raises(ModelFileError):
            QuantileReadout.restore(bad)
