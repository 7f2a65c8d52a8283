"""Predictions: indices, records, files, plots."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from tests.unit.live.tiny import LEVELS, accumulator

from whorl.errors import ArgumentError, MissingExtraError, ResourceError
from whorl.runtime.export_records import to_csv, write_records
from whorl.runtime.prediction import Index, Prediction, joined, judged


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


def bars(answers, row):
    """Names of the bars of a picture, the first one at the top, with their lengths."""
    (axes,) = answers.plot(row).axes
    drawn = [
        (label.get_text(), bar.get_width()) for label, bar in zip(axes.get_yticklabels(), axes.patches, strict=True)
    ]
    return drawn if axes.yaxis_inverted() else drawn[::-1]


def test_a_plot_of_alarms_has_a_bar_for_each_channel_and_one_of_steps_for_each_label():
    index = Index(np.array(["a", "b"], object), np.arange(2))
    alarms = judged(index, np.array([[1.0, 3.0, 2.0, 1.0], [0.0, 0.5, np.nan, 0.5]]), ("x", "y"), 2.0)
    assert bars(alarms, 0) == [("y", 1.0), ("x", 2.0)]
    assert bars(alarms, 1) == [("y", 0.5), ("x", 0.0)]
    shares, classes = [np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])], np.array(["N", "V"], object)
    labels = [np.array(["N", "V", "V"], object)]
    alone = Index(index.series[:1], index.origin[:1])
    steps = Prediction(value=labels, index=alone, names=("tag",), probabilities=shares, classes=classes)
    assert bars(steps, 0) == [("N", 0.9), ("V", 0.6), ("V", 0.3)]


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
