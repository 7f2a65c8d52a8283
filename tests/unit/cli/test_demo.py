"""`whorl demo [TASK]`."""

import pytest

from whorl import datasets
from whorl.cli.demo import DEMOS

from .conftest import as_json, run


def test_the_shipped_table_has_no_problem_that_would_stop_fit():
    result = run("check", datasets.path("beijing_air"), "--target", "pm2.5", "--context", "168", "--horizon", "24")
    assert result.exit_code == 0, result.stdout


def test_an_unknown_demo_is_refused():
    result = run("demo", "forcast")
    assert result.exit_code == 2
    assert "Did you mean 'forecast'?" in result.stderr


def test_the_page_of_the_demos_lists_each():
    result = run("demo", "--help")
    for name, entry in DEMOS.items():
        assert name in result.stdout
        assert entry.help in " ".join(result.stdout.split())


def test_the_classify_demo_tells_its_scores_and_streams_an_utterance(tmp_path):
    result = run("demo", "classify", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "never trained on, 370 answers:" in result.stdout
    live = result.stdout.partition("Utterance 640, by speaker 9")[2].splitlines()
    frames = datasets.load("japanese_vowels")["utterance"].count("640")
    assert [int(line.split()[0]) for line in live[2 : 2 + frames]] == list(range(1, frames + 1))
    assert {path.name for path in tmp_path.iterdir()} == {"speakers.whorl", "report.html", "train.csv", "test.csv"}
    assert f"whorl stream {tmp_path / 'speakers.whorl'} < {tmp_path / 'test.csv'}" in result.stdout


@pytest.mark.slow
def test_the_classify_demo_knows_the_speakers(tmp_path):
    found = as_json(run("demo", "classify", "--folder", tmp_path, "--json"))
    assert found["test"]["metrics"]["accuracy"] > 0.95
    assert found["test"]["baselines"]["prior"]["accuracy"] < 0.3


@pytest.mark.slow
def test_the_demo_beats_its_rivals_on_the_test_part_and_streams_a_day(tmp_path):
    result = run("demo", "--folder", tmp_path / "demo")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("The model's mae is") == 2
    assert result.stdout.count("\n  2014-12-31 ") == 24
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {
        "beijing.whorl",
        "report.html",
        "train.csv",
        "test.csv",
    }
