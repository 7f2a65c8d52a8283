"""`whorl compare`: the same through words on a command line."""

import json
import signal
import subprocess
import sys
import time

import pytest

from .conftest import as_json, run

ASKED = ("--target", "größe", "--horizon", "6", "--context", "24", "--epochs", "1", "--hidden-size", "8")
FEW = ("--networks", "gru,rnn", "--seeds", "1")


@pytest.fixture(scope="module")
def compared(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "c"
    result = run("compare", "forecast", tiny.data, *ASKED, *FEW, "--folder", folder)
    assert result.exit_code == 0, result.stderr
    return folder, result.stdout


def test_a_task_is_compared_and_told_as_a_table(compared):
    folder, text = compared
    assert "fit 1 of 2: " in text
    assert "step p50" in text
    assert "one seed: intervals and p know nothing of how much other seeds would differ" in text
    assert f"page: {folder / 'comparison.html'}" in text
    assert json.loads((folder / "comparison.json").read_text(encoding="utf-8"))["task"] == "forecast"


def test_the_same_command_goes_on_and_answers_in_json(compared, tiny):
    folder, _ = compared
    found = as_json(run("compare", "forecast", tiny.data, *ASKED, *FEW, "--folder", folder, "--json"))
    assert [one["name"] for one in found["networks"]] in (["gru", "rnn"], ["rnn", "gru"])
    text = run("compare", "forecast", tiny.data, *ASKED, *FEW, "--folder", folder).stdout
    assert "2 of 2 fits are done already" in text


def test_a_model_file_has_the_settings_of_its_task(tiny, tmp_path):
    folder = tmp_path / "c"
    result = run("compare", tiny.model, tiny.data, *FEW, "--match", "none", "--folder", folder, "--quiet")
    assert result.exit_code == 0, result.stderr
    assert "Use the " in result.stdout or "beats" in result.stdout or "No network" in result.stdout
    assert "page:" not in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("compare", "nothing.whorl", "x.csv"), 4, "`nothing.whorl` cannot be read"),
        (("compare", "forcast", "x.csv"), 2, "`forcast` is not a command of `whorl compare`"),
        (("compare", "forecast", "nothing.csv", "--target", "a"), 3, "nothing.csv"),
        (("compare", "forecast", "x.csv", "--target", "a", "--match", "size"), 2, "'size' is not one of parameters"),
        (("compare", "forecast", "x.csv", "--target", "a", "--networks", "gru"), 2, "at least two"),
        (("compare", "forecast", "x.csv", "--target", "a", "--resume"), 2, "`--resume` is not an option"),
    ],
)
def test_what_cannot_be_compared_is_said(words, code, says, tmp_path):
    result = run(*words, *(("--folder", tmp_path / "c") if "--resume" not in words else ()))
    assert (result.exit_code, result.stdout.replace(f"fits: {tmp_path / 'c'}\n", "")) == (code, "")
    assert says in result.stderr


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_fitted(tiny, tmp_path):
    (tmp_path / "file").write_text("x")
    result = run("compare", "forecast", tiny.data, *ASKED, *FEW, "--folder", tmp_path / "file" / "c")
    assert result.exit_code == 5
    assert "cannot be made" in result.stderr
    assert "fit 1" not in result.stdout


def test_ctrl_c_keeps_what_was_fitted_and_the_same_command_goes_on(tiny, tmp_path):
    folder = tmp_path / "c"
    words = [*ASKED[:-4], "--hidden-size", "8", "--epochs", "3000", *FEW, "--match", "none", "--folder", str(folder)]
    with open(tmp_path / "said", "wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "whorl", "compare", "forecast", str(tiny.data), *words], stdout=said, stderr=said
        )
        try:
            wait_for(lambda: len(list((folder / "checkpoints").rglob("*.safetensors"))) > 0)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()
    text = (tmp_path / "said").read_text(encoding="utf-8")
    assert f"Interrupted. What was fitted is in {folder}; the same command goes on from there." in text
    assert "Traceback" not in text
    (left,) = (folder / "checkpoints").iterdir()
    assert (left / "latest").exists()


def wait_for(what):
    until = time.monotonic() + 120
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)
