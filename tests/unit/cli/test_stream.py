"""`whorl stream`: the numbers of predict, a row at a time, with states, several series and bad rows."""

import json
import signal
import subprocess
import sys

import pytest

import whorl
from whorl.cli.streams import describe

from .conftest import hours, run, value, write_csv


def lines_of(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def csv_text(tiny, rows):
    return "\n".join([tiny.header, *(",".join(map(str, row)) for row in rows)]) + "\n"


def json_text(tiny, rows):
    names = tiny.header.split(",")
    return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)


@pytest.mark.parametrize("form", [csv_text, json_text])
def test_the_answers_are_those_of_predict_on_every_row_bit_for_bit(tiny, form):
    result = run("stream", tiny.model, stdin=form(tiny, tiny.rows))
    assert (result.exit_code, result.stderr) == (0, "")
    expected = whorl.runtime.load(tiny.model).predict(str(tiny.data), every_row=True)
    assert lines_of(result) == describe(expected)


def test_a_state_file_goes_on_where_the_last_run_ended(tiny, tmp_path):
    whole = lines_of(run("stream", tiny.model, "--input", tiny.data))
    state = tmp_path / "live.state"
    parts = []
    for rows in (tiny.rows[:10], tiny.rows[10:100], tiny.rows[100:]):
        parts += lines_of(run("stream", tiny.model, "--state", state, stdin=csv_text(tiny, rows)))
    assert parts == whole


def test_each_series_has_a_stream_of_its_own_and_one_state_file_holds_them_all(shops, tmp_path):
    rows = [
        {"time": time, "shop": shop, "load": value(n + shop), "holiday": int(n % 7 == 0), "known": [{"holiday": 0}] * 6}
        for n, time in enumerate(hours(40))
        for shop in (7, 8)
    ]
    text = [json.dumps(row) + "\n" for row in rows]
    whole = run("stream", shops.model, stdin="".join(text))
    assert whole.exit_code == 0, whole.stderr
    answers = lines_of(whole)
    assert [answer["series"] for answer in answers[:2]] == ["7", "8"]
    assert len(answers) == 2 * (40 - 23)
    state = tmp_path / "all.state"
    first = run("stream", shops.model, "--state", state, stdin="".join(text[:51]))
    rest = run("stream", shops.model, "--state", state, stdin="".join(text[51:]))
    assert lines_of(first) + lines_of(rest) == answers


def test_known_covariates_that_do_not_come_are_asked_for(shops):
    result = run("stream", shops.model, stdin="time,shop,load,holiday\n2024-01-01,7,1.0,0\n")
    assert result.exit_code == 3
    assert "line 2: `known` must be a list" in result.stderr


BAD = {
    "not a number": ("{0},n.n.,1", "größe"),
    "a cell too few": ("{0},1.0", "2 cells"),
    "a time that stands still": ("2024-01-01 00:00,1.0,1", "must move on"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_row_ends_the_run_naming_its_line_after_the_answers_before_it(tiny, tmp_path, kind):
    row, word = BAD[kind]
    lines = csv_text(tiny, tiny.rows[:40]).splitlines()
    lines.insert(31, row.format("2024-01-02 06:00"))
    state = tmp_path / "live.state"
    result = run("stream", tiny.model, "--state", state, stdin="\n".join(lines))
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: line 32: ")
    assert word in result.stderr
    assert len(lines_of(result)) == 30 - 23
    rest = run("stream", tiny.model, "--state", state, stdin=csv_text(tiny, tiny.rows[30:40]))
    assert len(lines_of(rest)) == 10  # the rows before the bad one are in the state


@pytest.mark.parametrize("kind", BAD)
def test_bad_rows_are_left_out_and_reported_on_request(tiny, kind):
    clean = run("stream", tiny.model, stdin=csv_text(tiny, tiny.rows[:40]))
    lines = csv_text(tiny, tiny.rows[:40]).splitlines()
    lines.insert(31, BAD[kind][0].format("2024-01-02 06:00"))
    result = run("stream", tiny.model, "--skip-bad", stdin="\n".join(lines))
    assert (result.exit_code, result.stdout) == (0, clean.stdout)
    assert result.stderr.startswith("Skipped: line 32: ")


def test_a_state_goes_on_with_and_without_bad_rows_left_out(tiny, tmp_path):
    lines = csv_text(tiny, tiny.rows[:40]).splitlines()
    clean = lines_of(run("stream", tiny.model, stdin="\n".join(lines)))
    state = tmp_path / "live.state"
    bad = run("stream", tiny.model, "--state", state, stdin="\n".join([*lines[:31], "2024-01-02 06:00,n.n.,1"]))
    assert bad.exit_code == 3
    left_out = [lines[0], "2024-01-02 06:00,n.n.,1", *lines[31:36]]
    more = run("stream", tiny.model, "--skip-bad", "--state", state, stdin="\n".join(left_out))
    assert more.exit_code == 0, more.stderr
    rest = run("stream", tiny.model, "--state", state, stdin="\n".join([lines[0], *lines[36:]]))
    assert rest.exit_code == 0, rest.stderr
    assert lines_of(bad) + lines_of(more) + lines_of(rest) == clean


def test_gaps_are_filled_only_where_bad_rows_are_left_out_in_states_too(tiny, tmp_path):
    state = tmp_path / "live.state"
    first, rest = csv_text(tiny, tiny.rows[:30]), csv_text(tiny, tiny.rows[33:36])
    for options, code in ((["--skip-bad"], 0), ([], 3)):
        state.unlink(missing_ok=True)
        assert run("stream", tiny.model, "--state", state, stdin=first).exit_code == 0
        result = run("stream", tiny.model, *options, "--state", state, stdin=rest)
        assert (result.exit_code, len(lines_of(result))) == (code, 0 if code else 3), result.stderr


KEYS = {
    "a number of JSON": ("7.0", "7"),
    "a whole number of JSON": ("7", "7"),
    "a truth of JSON": ("true", "True"),
    "text of JSON": ('"007"', "007"),
    "text with blanks": ('" x "', "x"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_series_is_named_as_a_table_names_it(shops, kind):
    cell, word = KEYS[kind]
    text = "".join(
        json.dumps({"time": time, "load": value(n), "holiday": 0, "known": [{"holiday": 0}] * 6})[:-1]
        + f', "shop": {cell}}}\n'
        for n, time in enumerate(hours(25))
    )
    result = run("stream", shops.model, stdin=text)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [answer["series"] for answer in lines_of(result)] == [word, word]
    records = [
        {"time": time, "shop": json.loads(cell), "load": value(n), "holiday": 0} for n, time in enumerate(hours(31))
    ]
    answered = whorl.runtime.load(shops.model).predict(records[:25], known=records[25:])
    assert describe(answered) == lines_of(result)[1:]


@pytest.mark.parametrize("cell", ["null", '""', '"NA"', "NaN", "[7]"])
def test_a_row_that_names_no_series_is_refused(shops, cell):
    row = json.dumps({"time": "2024-01-01", "load": 1, "holiday": 0, "known": [{"holiday": 0}] * 6})
    result = run("stream", shops.model, stdin=f'{row[:-1]}, "shop": {cell}}}')
    assert result.exit_code == 3
    assert "`shop`" in result.stderr or "'shop'" in result.stderr


@pytest.mark.parametrize(
    ("kinds", "word"), [([], "007"), (["--kinds", "shop=category"], "007"), (["--kinds", "shop=numeric"], "7")]
)
def test_a_series_of_a_csv_is_named_as_predict_names_it(tmp_path, kinds, word):
    rows = [(time, "007", value(n)) for n, time in enumerate(hours(100))]
    data, model = write_csv(tmp_path / "shops.csv", "time,shop,load", rows), tmp_path / "shops.whorl"
    small = ["--context", "24", "--horizon", "6", "--hidden-size", "4", "--epochs", "1", "--quiet"]
    fitted = run("fit", "forecast", data, "--target", "load", "--series", "shop", *kinds, *small, "--out", model)
    assert fitted.exit_code == 0, fitted.stderr
    result = run("stream", model, "--input", data)
    assert result.exit_code == 0, result.stderr
    assert {answer["series"] for answer in lines_of(result)} == {word}
    assert lines_of(result) == describe(whorl.runtime.load(model).predict(str(data), every_row=True))


@pytest.mark.parametrize(
    "line", ["{'a': 1}", "[1, 2", "7", '{"zeit": 1e999, "größe": 1, "temp": 1}', "\xff", "[" * 5000]
)
def test_a_line_that_is_no_row_is_refused_by_its_number(tiny, line):
    text = json_text(tiny, tiny.rows[:2]).encode() + line.encode("latin-1") + b"\n"
    result = run("stream", tiny.model, stdin=text)
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: line 3: ")


def test_an_empty_input_is_no_error(tiny):
    assert run("stream", tiny.model, stdin="").exit_code == 0


def test_a_state_file_that_was_cut_or_is_of_another_model_is_refused(tiny, shops, tmp_path):
    state = tmp_path / "live.state"
    run("stream", tiny.model, "--state", state, "--input", tiny.data)
    whole = state.read_bytes()
    assert run("stream", shops.model, "--state", state, stdin="").exit_code == 4
    for cut in (0, 4, 12, len(whole) // 2, len(whole) - 1):
        state.write_bytes(whole[:cut])
        result = run("stream", tiny.model, "--state", state, stdin="")
        assert result.exit_code == 4, cut
        assert state.read_bytes() == whole[:cut]  # what could not be read is not overwritten


def test_a_quoted_cell_may_hold_a_line_break_and_a_comma(tmp_path, tiny):
    rows = [(time, value(n), f'"a,\nb{n % 2}"') for n, time in enumerate(hours(100))]
    data = write_csv(tmp_path / "quoted.csv", "zeit,größe,wind", rows)
    small = ["--context", "24", "--horizon", "6", "--hidden-size", "4", "--epochs", "1", "--quiet"]
    model = tmp_path / "quoted.whorl"
    assert (
        run("fit", "forecast", data, "--target", "größe", "--kinds", "wind=category", *small, "--out", model).exit_code
        == 0
    )
    result = run("stream", model, "--input", data)
    assert (result.exit_code, len(lines_of(result))) == (0, 77), result.stderr


STREAM = [sys.executable, "-c", "from whorl.cli import main; main()", "stream"]


def test_each_answer_comes_before_the_next_row_goes(tiny):
    process = subprocess.Popen([*STREAM, tiny.model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(csv_text(tiny, tiny.rows[:24]))
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["origin"] == "2024-01-01 23:00:00"
    process.stdin.write(",".join(map(str, tiny.rows[24])) + "\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["origin"].startswith("2024-01-02")
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    process.stdout.close()


def test_a_reader_that_leaves_ends_it_quietly(tiny):
    process = subprocess.Popen(
        [*STREAM, tiny.model, "--input", tiny.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) in (0, 141)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_stream_saves_its_state(tiny, tmp_path, number, code):
    state = tmp_path / "live.state"
    process = subprocess.Popen(
        [*STREAM, tiny.model, "--state", state],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(csv_text(tiny, tiny.rows[:30]))
    process.stdin.flush()
    for _ in range(30 - 23):
        process.stdout.readline()
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in error
    rest = run("stream", tiny.model, "--state", state, stdin=csv_text(tiny, tiny.rows[30:40]))
    assert len(lines_of(rest)) == 10
