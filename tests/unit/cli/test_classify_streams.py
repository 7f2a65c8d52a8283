"""`whorl stream` on classifiers of series, of steps of arrays and of texts, with the answers of `whorl predict`."""

import csv
import json

import pytest

import whorl
from whorl.cli.streams import describe

from .conftest import as_json, classifier, lines_of, run, wave, write_csv


def test_each_row_of_a_table_gets_the_label_of_its_sequence_so_far(beats):
    answers = lines_of(run("stream", beats.model, "--input", beats.data))
    expected = whorl.runtime.load(beats.model).predict(str(beats.data), every_row=True)
    assert answers == describe(expected)
    assert set(answers[0]["probabilities"]["kind"]) == {"slow", "schnéll"}
    assert (
        max(answers[0]["probabilities"]["kind"], key=answers[0]["probabilities"]["kind"].get)
        == (answers[0]["value"]["kind"])
    )


def test_rows_without_their_label_are_streamed_as_json_with_a_state_in_between(beats, tmp_path):
    rows = [json.dumps({"beat": f"new {t % 2}", "t": t // 2, "x": wave(t % 2, t // 2)}) + "\n" for t in range(20)]
    whole = lines_of(run("stream", beats.model, stdin="".join(rows)))
    assert {answer["series"] for answer in whole} == {"new 0", "new 1"}
    state, parts = tmp_path / "live.state", []
    for part in (rows[:7], rows[7:]):
        parts += lines_of(run("stream", beats.model, "--state", state, stdin="".join(part)))
    assert parts == whole


@pytest.mark.parametrize("form", ["{}\n", "[{}]\n", '{{"x": {}}}\n'])
def test_steps_of_arrays_are_streamed_as_csv_and_json(waves, form):
    steps = [wave(0, t) for t in range(13)]
    answers = lines_of(run("stream", waves.model, stdin="".join(form.format(step) for step in steps)))
    expected = whorl.runtime.load(waves.model).predict([[[step] for step in steps]], every_row=True)
    assert [answer["value"]["y"] for answer in answers] == expected.value.tolist()
    assert [list(answer["probabilities"]["y"].values()) for answer in answers] == expected.probabilities.tolist()


def test_a_step_of_arrays_that_is_no_number_is_refused_by_its_line(waves):
    result = run("stream", waves.model, stdin="x\n1.5\n\nn.n.\n")
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: line 4: `x` must be a number")
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("as_csv", [True, False])
def test_each_row_is_a_text_with_the_answer_of_predict(mails, as_csv):
    text = mails.data.read_text(encoding="utf-8")
    if not as_csv:
        rows = [{**row, "size": float(row["size"])} for row in csv.DictReader(text.splitlines())]
        text = "".join(json.dumps(row) + "\n" for row in rows)
    answers = lines_of(run("stream", mails.model, stdin=text))
    assert answers == describe(whorl.runtime.load(mails.model).predict(str(mails.data)))
    assert [answer["series"] for answer in answers] == [str(n) for n in range(24)]


PIECES = [
    {"text": "free mo", "size": 3, "more": True},
    {"text": "ney lu", "more": True},
    {"text": "nch"},
    {"text": " NA ", "size": 1},
    {"text": "zweiter Te", "size": None, "more": True},
    {"text": "xt"},
]


def test_pieces_are_answered_so_far_and_a_text_at_its_end(mails, tmp_path):
    rows = [json.dumps(piece) + "\n" for piece in PIECES]
    answers = lines_of(run("stream", mails.model, stdin="".join(rows)))
    told = [(answer["series"], answer["origin"]) for answer in answers]
    assert told == [("0", 0), ("0", 1), ("0", 3), ("1", 0), ("2", 0), ("2", 2)]
    texts = {"text": ["free money lunch", None, "zweiter Text"], "size": [3, 1, None]}
    assert [answers[2], answers[3], answers[5]] == describe(whorl.runtime.load(mails.model).predict(texts))
    state, parts = tmp_path / "live.state", []
    for part in (rows[:2], rows[2:5], rows[5:]):  # both in the middle of a word
        parts += lines_of(run("stream", mails.model, "--state", state, stdin="".join(part)))
    assert parts[:3] == answers[:3]
    assert parts[3:] == answers[3:]


def test_the_state_of_a_series_is_no_state_of_a_text(beats, mails, tmp_path):
    state = tmp_path / "live.state"
    assert run("stream", beats.model, "--state", state, "--input", beats.data).exit_code == 0
    assert run("stream", mails.model, "--state", state, stdin="").exit_code == 4


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"text": 7, "size": 1}, "is a piece of text"),
        ({"text": ["a"], "size": 1}, "is a piece of text"),
        ({"text": "hello"}, "'size'"),
        ({"body": "hello", "size": 1}, "an object with `text`"),
        (["hello", 1], "an object with `text`"),
    ],
)
def test_a_row_that_is_no_text_is_refused_or_left_out(mails, row, told):
    good = json.dumps({"text": "money", "size": 1})
    lines = f"{good}\n{json.dumps(row)}\n{good}\n"
    result = run("stream", mails.model, stdin=lines)
    assert (result.exit_code, len(result.stdout.splitlines())) == (3, 1)
    assert result.stderr.startswith("Error: line 2: ")
    assert told in result.stderr
    left_out = run("stream", mails.model, "--skip-bad", stdin=lines)
    first, last = (json.loads(line) for line in left_out.stdout.splitlines())
    assert first["probabilities"] == last["probabilities"]
    assert left_out.stderr.startswith("Skipped: line 2: ")


def test_rows_whose_time_counts_steps_stream_from_the_file_that_predict_reads(tmp_path):
    rows = [(f"b{n}", t + 1, wave(n, t), ("slow", "fast")[n % 2]) for n in range(12) for t in range(7 + n % 3)]
    beats = classifier(
        tmp_path,
        write_csv(tmp_path / "counted.csv", "beat,t,x,kind", rows),
        "--target=kind",
        "--series=beat",
        "--time=t",
    )
    answers = lines_of(run("stream", beats.model, stdin=beats.data.read_text()))
    assert [answer["origin"] for answer in answers] == [t for _, t, _, _ in rows]
    last = {answer["series"]: answer["probabilities"]["kind"]["slow"] for answer in answers}
    whole = as_json(run("predict", beats.model, beats.data, "--json"))["answers"]
    assert last == {answer["series"]: answer["p(slow)"] for answer in whole}
