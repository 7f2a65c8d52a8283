"""`whorl fit detect`, and every command on the model it makes."""

import json
import math
from types import SimpleNamespace

import pytest

import whorl
from whorl.cli.streams import describe

from .conftest import as_json, run, write_csv

SMALL = ["--hidden-size", "4", "--epochs", "2", "--seed", "1", "--lag", "2", "--smooth", "3"]


def rows(count, odd=()):
    made = []
    for t in range(count):
        x = round(math.sin(t / 3) + (t * 7919 % 13) / 50, 4)
        y = round(x / 2 + (t * 104729 % 17) / 50 + 9 * (t in odd), 4)
        made.append((t, x, y, int(t in odd)))
    return made


@pytest.fixture(scope="module")
def pump(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pump")
    train = write_csv(folder / "train.csv", "t,x,drück,bad", rows(150))
    test = write_csv(folder / "test.csv", "t,x,drück,bad", rows(60, range(30, 40)))
    model = folder / "pump.whorl"
    fitted = run("fit", "detect", train, "--time", "t", "--label", "bad", *SMALL, "--out", model)
    return SimpleNamespace(train=train, test=test, model=model, fitted=fitted, folder=folder)


def test_fit_says_what_is_judged_and_how_many_alarms_there_are(pump):
    assert (pump.fitted.exit_code, pump.fitted.stderr) == (0, "")
    assert "target: x, drück" in pump.fitted.stdout
    assert "label: bad" in pump.fitted.stdout
    assert "set the threshold" in pump.fitted.stdout
    assert "z_score" in pump.fitted.stdout
    assert f"whorl stream {pump.model} < {pump.train}" in pump.fitted.stdout


def test_evaluate_scores_the_alarms_beside_the_rivals(pump):
    found = as_json(run("evaluate", pump.model, pump.test, "--json"))
    assert found["answers"] == 60
    assert {"f1", "false_alarm_rate", "vus_pr", "event_recall"} < set(found["metrics"])
    assert set(found["baselines"]) == {"z_score", "difference"}
    told = run("evaluate", pump.model, pump.test)
    assert "vus_pr" in told.stdout
    assert told.exit_code == 0


def test_predict_writes_a_row_for_each_row_with_the_channel_that_is_odd(pump):
    out = pump.folder / "answers.csv"
    result = run("predict", pump.model, pump.test, "--out", out)
    assert (result.exit_code, result.stderr) == (0, "")
    header, *lines = out.read_text(encoding="utf-8").splitlines()
    assert header == "series,origin,value,score,threshold,channel,surprise(x),surprise(drück)"
    assert len(lines) == 60
    assert lines[31].split(",")[2] == "1"
    assert lines[31].split(",")[5] == "drück"


def test_a_stream_answers_each_row_with_score_and_alarm_as_predict_does(pump):
    result = run("stream", pump.model, "--input", pump.test)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    answers = whorl.load(pump.model).predict(pump.test)
    assert lines == json.loads(json.dumps(describe(answers)))
    assert set(lines[0]) == {"series", "origin", "alarm", "score", "threshold", "channel", "surprise"}
    assert lines[31]["alarm"] is True
    assert lines[31]["channel"] == "drück"


def test_a_stream_tells_null_where_nothing_was_known(pump):
    result = run("stream", pump.model, stdin='{"t": 0, "x": null, "drück": null}\n')
    assert json.loads(result.stdout) == {
        "series": "",
        "origin": 0,
        "alarm": False,
        "score": None,
        "threshold": whorl.load(pump.model).model_.readout.threshold,
        "channel": None,
        "surprise": {"x": None, "drück": None},
    }


def test_inspect_and_report_know_the_alarms(pump):
    told = run("inspect", pump.model).stdout
    assert "smooth 3, false_alarm_rate 0.01" in told
    page = pump.folder / "page.html"
    assert run("report", pump.model, pump.test, "--out", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "Detection in x, drück" in text
    assert "Scores and threshold" in text
    assert "Rows that are labelled as anomalies are shaded: 10." in text


def test_whole_lines_of_an_archive_are_judged(tmp_path):
    data = tmp_path / "Beats_TRAIN.tsv"
    lines = [
        [1 + (n % 5 == 4), *(round(math.sin(t / 2 + n) * (1 + (n % 5 == 4)), 3) for t in range(9))] for n in range(25)
    ]
    data.write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
    model = tmp_path / "beats.whorl"
    small = [*SMALL[:6], "--code", "2"]
    fitted = run("fit", "detect", data, "--per", "sequence", "--normal", "1", *small, "--out", model)
    assert (fitted.exit_code, fitted.stderr) == (0, "")
    found = as_json(run("evaluate", model, data, "--json"))
    assert found["answers"] == 25
    assert "auroc" in found["metrics"]


def test_labels_that_are_none_are_refused_with_the_row(pump):
    bad = write_csv(pump.folder / "bad.csv", "t,x,drück,bad", [(0, 1, 1, 0), (1, 1, 1, "maybe")])
    result = run("evaluate", pump.model, bad)
    assert result.exit_code == 3
    assert "column 'bad' says of row 1 that it is 'maybe'" in result.stderr
