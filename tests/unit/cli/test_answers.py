"""`whorl predict`, `evaluate`, `inspect`, `check`, `doctor`: results on standard output, errors as one message."""

import csv
import json
import subprocess
import sys

import pytest

import whorl

from .conftest import as_json, hours, run, write_csv


def test_predict_writes_csv_with_the_numbers_of_python(tiny):
    result = run("predict", tiny.model, tiny.data)
    assert (result.exit_code, result.stderr) == (0, "")
    records = list(csv.DictReader(result.stdout.splitlines()))
    expected = whorl.runtime.load(tiny.model).predict(str(tiny.data)).value[0, :, 0]
    assert [float(record["value"]) for record in records] == expected.tolist()
    assert {record["output"] for record in records} == {"größe"}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_predict_writes_a_file_of_every_origin(tiny, tmp_path, ending):
    out = tmp_path / f"answers.{ending}"
    result = run("predict", tiny.model, tiny.data, "--every-row", "--out", out)
    assert (result.exit_code, result.stdout) == (0, f"277 answers written to {out}\n")
    assert out.stat().st_size > 0


def test_predict_refuses_an_ending_it_does_not_know(tiny, tmp_path):
    result = run("predict", tiny.model, tiny.data, "--out", tmp_path / "answers.xls")
    assert result.exit_code == 2
    assert ".parquet" in result.stderr


def test_known_covariates_come_from_a_table_of_their_own(shops, tmp_path):
    without = run("predict", shops.model, shops.data)
    assert without.exit_code == 3
    ahead = [(time, shop, 0) for shop in (7, 8) for time in hours(6, start=120)]
    future = write_csv(tmp_path / "future.csv", "time,shop,holiday", ahead)
    answers = as_json(run("predict", shops.model, shops.data, "--known", future, "--json"))["answers"]
    assert [answer["series"] for answer in answers] == ["7"] * 6 + ["8"] * 6


def test_evaluate_prints_the_model_beside_its_rivals_and_how_the_intervals_did(tiny):
    result = run("evaluate", tiny.model, tiny.data)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("271 answers, größe:\n")
    for word in ("model", "last_value", "drift", "seasonal_naive", "mae", "in their interval"):
        assert word in result.stdout
    scores = as_json(run("evaluate", tiny.model, tiny.data, "--json"))
    assert scores["metrics"]["mae"] == whorl.runtime.load(tiny.model).evaluate(str(tiny.data)).metrics["mae"]


def test_inspect_prints_the_card(tiny):
    text = run("inspect", tiny.model).stdout
    for line in (
        "parameters",
        "operations",
        "memory              the last 24 rows",
        "streams             yes",
        "versions",
    ):
        assert line in text
    assert as_json(run("inspect", tiny.model, "--json"))["data"]["rows"] == 300


@pytest.mark.parametrize(
    ("name", "text", "task"),
    [
        ("notes.txt", "The cat sleeps.\nA dog runs, and eats.\n" * 20, "generate"),
        ("words.bio", "a\tDET\ndog\tNOUN\n\n" * 20, "tag"),
    ],
)
def test_check_leaves_what_is_no_table_to_the_fit_that_reads_it(name, text, task, tmp_path):
    data = tmp_path / name
    data.write_text(text)
    found = run("check", data)
    assert (found.exit_code, found.stdout.startswith(f"note: `whorl fit {task}`")) == (0, True)
    asked = run("check", data, "--target", "load")  # whoever names columns has a table
    assert asked.exit_code == 3


def test_check_names_each_problem_with_the_option_that_repairs_it(tiny, tmp_path):
    clean = run("check", tiny.data, "--target", "größe", "--context", "24", "--horizon", "6")
    assert (clean.exit_code, clean.stderr) == (0, "")
    times = hours(60)
    data = write_csv(tmp_path / "bad.csv", "time,load", [(time, n) for n, time in enumerate([*times, times[3]])])
    dirty = run("check", data, "--target", "load")
    assert dirty.exit_code == 3
    assert "error: " in dirty.stdout
    assert "--on-" in dirty.stdout
    found = json.loads(run("check", data, "--target", "load", "--json").stdout)
    assert found["errors"] >= 1
    assert found["problems"][0]["option"].startswith("--on-")
    repaired = run("check", data, "--target", "load", "--on-unsorted", "sort", "--on-duplicate", "last")
    assert repaired.exit_code == 0, repaired.stdout


def test_doctor_finds_this_installation_well():
    result = run("doctor")
    assert result.exit_code == 0, result.stdout
    assert result.stdout.endswith("Everything works.\n")
    assert as_json(run("doctor", "--json"))["native code"]["ok"]


@pytest.mark.parametrize("command", [["predict"], ["evaluate"], ["stream"], ["inspect"], ["report"]])
def test_a_file_that_is_no_model_is_refused_without_a_traceback(tiny, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    data = [str(tiny.data)] if command[0] in ("predict", "evaluate") else []
    for model in (tiny.data, tmp_path / "none.whorl"):
        result = run(*command, model, *data)
        assert result.exit_code == 4, result.stderr
        assert result.stderr.startswith("Error: `")
        assert "Traceback" not in result.stderr


def test_a_traceback_is_shown_on_request_before_or_after_the_command(tiny):
    for line in (["--debug", "inspect", tiny.data], ["inspect", tiny.data, "--debug"]):
        result = run(*line)
        assert result.exit_code == 4
        assert "Traceback" in result.stderr


def test_bad_data_names_file_row_and_column(tiny, tmp_path):
    rows = [*tiny.rows[:50], (tiny.rows[50][0], "n.n.", 1), *tiny.rows[51:]]
    data = write_csv(tmp_path / "bad.csv", tiny.header, rows)
    result = run("predict", tiny.model, data)
    assert (result.exit_code, result.stdout) == (3, "")
    for word in ("bad.csv", "größe", "52", "n.n."):
        assert word in result.stderr


@pytest.mark.parametrize(("word", "close"), [("prdict", "predict"), ("straem", "stream"), ("docter", "doctor")])
def test_a_close_command_is_suggested(word, close):
    result = run(word)
    assert result.exit_code == 2
    assert f"Did you mean '{close}'?" in result.stderr


ABSENT = """
import sys
class Absent:
    names = {"torch", "polars", "rich", "matplotlib", "scipy", "sklearn", "pandas", "pyarrow", "jinja2"}
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from click.testing import CliRunner
from whorl.cli.app import app
model, data = sys.argv[1:]
for line in (["predict", model, data], ["evaluate", model, data], ["stream", model, "--input", data],
             ["inspect", model], ["check", data], ["doctor"]):
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 0 and not result.stderr, (line, result.stdout, result.stderr)
result = CliRunner().invoke(app, ["fit", "forecast", data, "--out", model + ".new"])
assert result.exit_code == 5, result.stderr
assert result.stderr.startswith('Error: `torch` is needed'), result.stderr
assert 'pip install "whorl[train]"' in result.stderr
"""


def test_everything_but_training_works_where_only_the_core_libraries_are_installed(tiny):
    done = subprocess.run(
        [sys.executable, "-c", ABSENT, tiny.model, tiny.data], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
