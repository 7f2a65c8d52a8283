"""`whorl fit`: what it says, what it refuses before training, and interruption."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest

import whorl
from whorl.tasks.telling import Teller
from whorl.train import SilentProgress

from .conftest import TINY, as_json, run, write_csv


def test_fit_ends_with_scores_model_file_and_the_next_three_commands(tiny):
    assert tiny.fitted.exit_code == 0, tiny.fitted.stderr
    assert tiny.fitted.stderr == ""
    lines = tiny.fitted.stdout.splitlines()
    assert any(line.startswith("  seasonal_naive") for line in lines)
    assert any(line.startswith(f"model: {tiny.model} (") for line in lines)
    assert lines[lines.index("next:") - 1] == "not learned from: the validation part; --refit fits again with it"
    commands = lines[lines.index("next:") + 1 :]
    assert [shlex.split(line)[:2] for line in commands] == [
        ["whorl", "predict"],
        ["whorl", "stream"],
        ["whorl", "report"],
    ]


def test_the_commands_that_fit_recommends_work(tiny, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    lines = tiny.fitted.stdout.splitlines()
    words = shlex.split(lines[lines.index("next:") + 1])
    result = run(*words[1:])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1 + 6


def test_what_is_recommended_of_a_model_with_rows_ahead_names_them(shops):
    lines = shops.fitted.stdout.splitlines()
    predict, stream = (shlex.split(line) for line in lines[lines.index("next:") + 1 :][:2])
    assert predict[-2:] == ["--known", "AHEAD.csv"]
    assert stream == ["whorl", "stream", str(shops.model)]  # a table has no rows ahead of each of its rows


def test_the_options_reach_the_model(shops):
    settings = whorl.load(shops.model).get_params()
    assert settings["target"] == "load"
    assert settings["known"] == ("holiday",)
    assert settings["horizon"] == 6
    assert settings["network"].hidden_size == 8
    assert settings["training"].epochs == 1


def test_the_model_is_the_one_that_python_fits(tiny):
    own = whorl.Forecaster(
        target="größe",
        horizon=6,
        context=24,
        network=whorl.Recurrent(hidden_size=8),
        training=whorl.Training(epochs=1),
    ).fit(str(tiny.data), verbose=False)
    assert (own.predict(str(tiny.data)).value == whorl.runtime.load(tiny.model).predict(str(tiny.data)).value).all()


def test_columns_are_repeated_or_separated_by_commas_and_quoted_where_they_have_one(tmp_path):
    rows = [(f"2024-01-{n + 1:02}", n % 3, n % 4, n % 5) for n in range(28)]
    data = write_csv(tmp_path / "d.csv", 'time,a,"b, c",d', rows)
    small = ["--context", "4", "--horizon", "2", "--hidden-size", "4", "--epochs", "1"]
    for targets in (["--target", 'a,"b, c"'], ["--target", "a", "--target", '"b, c"']):
        out = tmp_path / "d.whorl"
        result = run("fit", "forecast", data, *targets, "--kinds", "d=ignore", *small, "--out", out, "--quiet")
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
        model = whorl.runtime.load(out)
        assert model.reader.names == ("a", "b, c")
        assert model.card["data"]["past"] == []


def test_json_is_one_document_with_the_scores(tiny, tmp_path):
    out = tmp_path / "m.whorl"
    result = as_json(
        run("fit", "forecast", tiny.data, "--target", "größe", *TINY, "--quantiles", "none", "--out", out, "--json")
    )
    assert result["model"] == str(out)
    assert result["bytes"] == out.stat().st_size
    assert set(result["scores"]["baselines"]) == {"last_value", "drift", "seasonal_naive"}
    assert "coverage" not in result["scores"]["metrics"]


def test_a_regressor_is_fitted_on_a_table_of_sequences(tmp_path):
    rows = [(f"s{n}", step, n % 4 + step, n % 4) for n in range(20) for step in range(5)]
    data = write_csv(tmp_path / "r.csv", "unit,step,x,y", rows)
    out = tmp_path / "r.whorl"
    line = [
        "fit",
        "regress",
        data,
        "--target",
        "y",
        "--series",
        "unit",
        "--hidden-size",
        "4",
        "--epochs",
        "1",
        "--out",
        out,
    ]
    assert as_json(run(*line, "--json"))["task"] == "regress"
    assert len(as_json(run("predict", out, data, "--json"))["answers"]) == 20


@pytest.mark.parametrize("flag", ["--out", "--report"])
def test_a_place_that_cannot_be_written_is_refused_before_training(tiny, tmp_path, flag, monkeypatch):
    monkeypatch.setattr(whorl.Forecaster, "fit", lambda *given, **options: pytest.fail("training began"))
    result = run("fit", "forecast", tiny.data, flag, tmp_path / "no" / "m.whorl")
    assert result.exit_code == 5
    assert f"`{flag}` is" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--hiden-size", "8"], 2, "Did you mean '--hidden-size'"),
        (["--network", "gruu"], 2, "Did you mean 'gru'?"),
        (["--on-gap", "fil"], 2, "Did you mean 'fill'?"),
        (["--kinds", "temp=categry"], 2, "Did you mean 'category'?"),
        (["--horizon", "many"], 2, "'many' is not a whole number"),
        (["--horizon", "0"], 2, "`horizon` is a whole number >= 1"),
        (["--quantiles", "0.9,0.1"], 2, "`quantiles` are ascending"),
        (["--quantiles", "low"], 2, "is not a list of numbers"),
        (["--resume"], 2, "--checkpoint DIR"),
        (["--target", "grösse"], 3, "Did you mean 'größe'?"),
        (["--context", "300"], 3, "Lower `context`"),
    ],
)
def test_a_mistake_is_one_message_with_the_way_out_and_an_exit_code(tiny, tmp_path, arguments, code, message):
    result = run("fit", "forecast", tiny.data, "--target", "größe", "--out", tmp_path / "m.whorl", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "m.whorl").exists()


def test_a_table_that_is_not_there_is_a_data_error(tmp_path):
    result = run("fit", "forecast", tmp_path / "none.csv", "--out", tmp_path / "m.whorl")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "is not there" in result.stderr


WHORL = [sys.executable, "-c", "from whorl.cli import main; main()"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_fit_says_how_to_go_on_and_going_on_finishes(tiny, tmp_path, number, code):
    line = ["fit", "forecast", str(tiny.data), "--target", "größe", *TINY[:-1], "60", "--batch-size", "16"]
    line += ["--patience", "none", "--checkpoint", "ck", "--out", "m.whorl", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*WHORL, *line], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "ck" / "latest").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    out, error = process.communicate(timeout=120)
    assert process.returncode == code, error
    assert out == ""
    assert "steps were taken" in error
    assert "Traceback" not in error
    assert not (tmp_path / "m.whorl").exists()
    words = shlex.split(error.splitlines()[-1])
    assert words[0] == "whorl"
    assert words[-1] == "--resume"
    if number == signal.SIGINT:
        done = subprocess.run(
            [*WHORL, *words[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert len(json.loads(done.stdout)["history"]["epochs"]) == 60
        assert (tmp_path / "m.whorl").exists()


def test_a_fit_is_made_again_with_nothing_held_out(tiny, tmp_path):
    out, page = tmp_path / "again.whorl", tmp_path / "again.html"
    result = run("fit", "forecast", tiny.data, "--target", "größe", *TINY, "--refit", "--out", out, "--report", page)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "fits again with nothing held out, 1 epoch; the scores are of the network before" in result.stdout
    assert "not learned from" not in result.stdout
    assert "This page shows it as it was before" in page.read_text(encoding="utf-8")
    card = run("inspect", out).stdout
    assert "fitted again, with nothing held out\n  epochs              1\n" in card
    told = as_json(run("fit", "forecast", tiny.data, "--target", "größe", *TINY, "--refit", "--out", out, "--json"))
    assert told["refit"]["epochs"] == 1
    again, once = (as_json(run("predict", model, tiny.data, "--json"))["answers"] for model in (out, tiny.model))
    assert again != once


def test_a_second_fit_that_is_stopped_leaves_the_model_of_the_first(tiny, tmp_path, monkeypatch):
    begun = []

    class Stop(SilentProgress):
        def start(self, num_steps, steps_taken):
            begun.append(num_steps)
            if len(begun) == 2:
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Teller, "progress", lambda self: Stop())
    out = tmp_path / "first.whorl"
    result = run("fit", "forecast", tiny.data, "--target", "größe", *TINY, "--refit", "--out", out)
    assert result.exit_code == 130
    assert f"{out} is the model of the first fit, without what was held out." in result.stderr
    assert "Nothing was saved" not in result.stderr
    first, once = (as_json(run("predict", model, tiny.data, "--json"))["answers"] for model in (out, tiny.model))
    assert first == once


def test_remaining_life_is_fitted_scored_and_streamed_from_files(tmp_path):
    rows = [(f"e{n}", t + 1, t / 5 + n % 3, n % 4) for n in range(12) for t in range(6 + n % 5)]
    data = write_csv(tmp_path / "e.csv", "engine,cycle,heat,hum", rows)
    out, page = tmp_path / "e.whorl", tmp_path / "e.html"
    line = ["fit", "regress", data, "--remaining", "--cap", "5", "--series", "engine", "--time", "cycle"]
    small = ["--hidden-size", "4", "--epochs", "1", "--out", out, "--report", page]
    assert "phm08" in as_json(run(*line, *small, "--json"))["scores"]["metrics"]
    assert "series" in page.read_text(encoding="utf-8")
    assert len(as_json(run("predict", out, data, "--json"))["answers"]) == 12
    assert as_json(run("evaluate", out, data, "--json"))["answers"] == len(rows)
    cut = write_csv(tmp_path / "c.csv", "engine,cycle,heat,hum,remaining", [(*row, 3) for row in rows])
    assert as_json(run("evaluate", out, cut, "--json"))["answers"] == 12
    streamed = run("stream", out, stdin=data.read_bytes())
    assert (streamed.exit_code, len(streamed.stdout.splitlines())) == (0, len(rows))
    assert "remaining" in run("inspect", out).stdout


def test_numbers_and_tags_are_fitted_on_folds_too(tmp_path):
    rows = [(f"s{n}", t, t / 5 + n % 3, n % 4) for n in range(12) for t in range(4)]
    data, out = write_csv(tmp_path / "s.csv", "piece,t,heat,life", rows), tmp_path / "m.whorl"
    small = ["--hidden-size", "4", "--epochs", "1", "--folds", "3", "--out", out, "--json"]
    told = as_json(run("fit", "regress", data, "--target", "life", "--series", "piece", "--time", "t", *small))
    assert (told["folds"]["count"], told["scores"]["answers"]) == (3, 12)
    words = tmp_path / "w.conll"
    words.write_text("a\tX\nb\tY\n\nb\tY\na\tX\n\n" * 6, encoding="utf-8")
    told = as_json(run("fit", "tag", words, *small))
    assert (told["folds"]["count"], told["scores"]["answers"]) == (3, 24)
    assert "`--folds` is not an option" in run("fit", "forecast", data, "--folds", "3").stderr
