"""What a command reads is never replaced by what it writes, and what it cannot write is found out first."""

import json
import os
import shutil

import pytest
from tests.unit.cli.conftest import TINY, run


@pytest.fixture
def own(tiny, tmp_path):
    data, model = tmp_path / "data.csv", tmp_path / "model.whorl"
    shutil.copy(tiny.data, data)
    shutil.copy(tiny.model, model)
    return data, model


@pytest.mark.parametrize(
    "arguments",
    [
        ("fit", "forecast", "DATA", "--target", "größe", *TINY, "--out", "DATA"),
        ("fit", "forecast", "DATA", "--target", "größe", *TINY, "--out", "new.whorl", "--report", "DATA"),
        ("predict", "MODEL", "DATA", "--out", "DATA"),
        ("predict", "MODEL", "DATA", "--out", "MODEL"),
        ("report", "MODEL", "DATA", "--out", "MODEL"),
        ("report", "MODEL", "DATA", "--out", "DATA"),
        ("stream", "MODEL", "--input", "DATA", "--state", "DATA"),
        ("stream", "MODEL", "--input", "DATA", "--state", "MODEL"),
    ],
)
def test_an_input_is_never_replaced(own, arguments, monkeypatch):
    data, model = own
    before = data.read_bytes(), model.read_bytes()
    monkeypatch.chdir(data.parent)
    places = {"DATA": data, "MODEL": model}
    result = run(*(places.get(one, one) for one in arguments))
    assert result.exit_code == 2
    assert "would replace" in result.stderr
    assert (data.read_bytes(), model.read_bytes()) == before


def test_an_output_in_a_folder_of_data_is_refused(own):
    data, model = own
    result = run("predict", model, data.parent, "--out", data.parent / "answers.csv")
    assert (result.exit_code, "lies in the folder that is read" in result.stderr) == (2, True)


@pytest.mark.parametrize("command", ["predict", "fit"])
def test_a_pipe_or_a_device_is_never_replaced(own, command):
    data, model = own
    pipe = data.parent / "pipe"
    os.mkfifo(pipe)
    given = ("predict", model, data) if command == "predict" else ("fit", "forecast", data, "--target", "größe", *TINY)
    result = run(*given, "--out", pipe)
    assert (result.exit_code, "a device or a pipe" in result.stderr) == (5, True)
    assert pipe.is_fifo()


@pytest.mark.parametrize("command", ["predict", "stream"])
def test_a_folder_that_is_not_there_is_found_out_before_the_first_answer(own, command):
    data, model = own
    wrong = data.parent / "nowhere" / "x.csv"
    arguments = (
        ("predict", model, data, "--out", wrong) if command == "predict" else ("stream", model, "--state", wrong)
    )
    result = run(*arguments, stdin="")
    assert result.exit_code == 5
    assert result.stdout == ""
    assert "nothing can be written into folder" in result.stderr


def test_after_a_skipped_row_a_stream_goes_on(own):
    data, model = own
    header, *rows = data.read_text(encoding="utf-8").splitlines()
    rows[50] = rows[50].replace(rows[50].split(",")[1], "abc")
    result = run("stream", model, "--skip-bad", stdin="\n".join([header, *rows]) + "\n")
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) == len(rows) - 23 - 1  # one row is missing, and none after it
    assert result.stderr.count("\n") == 1


def test_a_header_without_the_columns_of_the_model_is_refused(own):
    result = run("stream", own[1], stdin="foo,bar\n1,2\n")
    assert result.exit_code == 3
    assert "line 1: the header lacks `zeit`, `größe`" in result.stderr


def test_rows_without_a_header_are_streamed_by_a_model_of_such_rows(tmp_path):
    data, model = tmp_path / "plain.csv", tmp_path / "plain.whorl"
    data.write_text("".join(f"{n % 7 + 0.5},{n % 5 + 0.25}\n" for n in range(120)))
    assert run("fit", "forecast", data, *TINY, "--out", model).exit_code == 0
    result = run("stream", model, stdin=data.read_text())
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 120 - 23


def test_times_have_one_form_so_that_a_column_parses(own):
    data, model = own
    origins = {len(line.split(",")[1]) for line in run("predict", model, data, "--every-row").stdout.splitlines()[1:]}
    assert origins == {len("2024-01-01 00:00:00")}


def test_a_learning_rate_that_blows_up_is_not_an_error_of_a_file(own):
    data, _ = own
    result = run(
        "fit", "forecast", data, "--target", "größe", *TINY, "--learning-rate", "1e30", "--out", data.parent / "x.whorl"
    )
    assert result.exit_code == 5
    assert "ower" in result.stderr
    assert not (data.parent / "x.whorl").exists()


def test_an_empty_path_is_refused(own):
    result = run("predict", own[1], "")
    assert result.exit_code == 3
    assert "path of the data is empty" in result.stderr
