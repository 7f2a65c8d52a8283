"""`whorl fit chat`, and every command on the models it makes."""

import csv
import io
import json
from types import SimpleNamespace

import pytest

import whorl

from .conftest import as_json, run

SMALL = ["--unit", "word", "--hidden-size", "6", "--epochs", "2", "--batch-size", "8", "--seed", "1", "--longest", "20"]
DIALOGUES = [["Hi there.", "Hello!", f"Is it {n % 3}?", "Yes, it is.", "Ünïcode 🙂"][: 2 + n % 4] for n in range(16)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dialogues")
    text = "\n\n".join("\n".join(turns) for turns in DIALOGUES) + "\n"
    (folder / "talk.txt").write_text(text, encoding="utf-8")
    (folder / "talk.jsonl").write_text("".join(json.dumps(turns) + "\n" for turns in DIALOGUES), encoding="utf-8")
    model = folder / "chat.whorl"
    options = ["--context", "3", *SMALL, "--out", model, "--report", folder / "r.html"]
    result = run("fit", "chat", folder / "talk.txt", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    return SimpleNamespace(folder=folder, model=model, fitted=result, text=folder / "talk.txt")


def test_fit_tells_scores_beside_rivals_and_what_comes_next(files):
    told = files.fitted.stdout
    assert "16 dialogues with 56 turns" in told
    for word in ("word_f1", "perplexity", "most frequent", "nearest turns", "unigram", "whorl predict", "report:"):
        assert word in told
    assert f"whorl stream {files.model}\n" in told
    page = (files.folder / "r.html").read_text()
    assert "Dialogues: reply" in page


def test_json_lines_give_the_model_of_the_text(files, tmp_path):
    result = run("fit", "chat", files.folder / "talk.jsonl", "--context", "3", *SMALL, "--out", tmp_path / "m.whorl")
    assert (result.exit_code, result.stderr) == (0, "")
    assert whorl.load(tmp_path / "m.whorl").model_.identity == whorl.load(files.model).model_.identity


def test_predict_answers_the_last_turn_of_each_dialogue(files):
    result = run("predict", files.model, files.text)
    assert (result.exit_code, result.stderr) == (0, "")
    found = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["value"] for row in found] == whorl.load(files.model).predict(DIALOGUES).value
    assert [int(row["origin"]) for row in found] == [len(turns) - 1 for turns in DIALOGUES]
    drawn = run("predict", files.model, files.text, "--temperature", "2", "--seed", "5")
    wanted = whorl.load(files.model).predict(DIALOGUES, decoding=whorl.Sample(temperature=2.0, seed=5))
    assert [row["value"] for row in csv.DictReader(io.StringIO(drawn.stdout))] == wanted.value


def test_evaluate_scores_every_turn_but_the_first(files):
    found = as_json(run("evaluate", files.model, files.text, "--json"))
    assert found["metrics"] == pytest.approx(dict(whorl.load(files.model).evaluate(DIALOGUES).metrics))
    assert set(found["baselines"]) == {"most frequent", "nearest turns", "unigram"}


def test_a_line_gets_a_line_and_a_blank_one_begins_anew(files):
    result = run("stream", files.model, stdin="Hi there.\nIs it 2?\n\n  \nHi there.\n")
    assert (result.exit_code, result.stderr) == (0, "")
    model = whorl.load(files.model)
    first = model.predict(["Hi there."]).value[0]
    second = model.predict([["Hi there.", first, "Is it 2?"]]).value[0]
    assert result.stdout.splitlines() == [first, second, first]


def test_replies_are_drawn_where_that_is_asked_for(files):
    lines = "Hi there.\nIs it 1?\n"
    drawn = [run("stream", files.model, "--temperature", "3", "--seed", seed, stdin=lines).stdout for seed in "112"]
    assert drawn[0] == drawn[1] != drawn[2]
    stream = whorl.runtime.load(files.model).stream(decoding=whorl.Sample(temperature=3.0, seed=1))
    told = [" ".join(stream.push(line)[0].value[0].split("\n")) for line in lines.splitlines()]
    assert drawn[0].splitlines() == told


def test_turns_in_json_are_answered_in_json_each_in_its_dialogue(files):
    rows = [
        {"text": "Hi there.", "dialogue": "a"},
        {"text": "Is it 2?", "dialogue": 7},
        {"text": "Hello!", "dialogue": "a"},
    ]
    result = run("stream", files.model, stdin="".join(json.dumps(row) + "\n" for row in rows))
    assert (result.exit_code, result.stderr) == (0, "")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    model, replies = whorl.load(files.model), [line["value"]["reply"] for line in found]
    assert [(line["series"], line["origin"]) for line in found] == [("a", 0), ("7", 0), ("a", 2)]
    assert replies[2] == model.predict([["Hi there.", replies[0], "Hello!"]]).value[0]


def test_a_dialogue_goes_on_from_its_state(files, tmp_path):
    state = tmp_path / "it.state"
    replies = []
    for turn in ("Hi there.", "Is it 2?"):
        result = run("stream", files.model, "--state", state, stdin=f"{turn}\n")
        assert (result.exit_code, result.stderr) == (0, "")
        replies += result.stdout.splitlines()
    wanted = run("stream", files.model, stdin="Hi there.\nIs it 2?\n").stdout.splitlines()
    assert replies == wanted


def test_a_bad_turn_is_one_line(files):
    for given, words in [
        ('{"text": " "}\n', "line 1: a row of this model is a turn"),
        ('{"turn": "a"}\n', "an object with `text`"),
        ('{"text": "a", "dialogue": [1]}\n', "names a dialogue"),
        ('{"text": \n', "line 1: it is not JSON"),
    ]:
        result = run("stream", files.model, stdin=given)
        assert (result.exit_code, result.stdout) == (3, "")
        assert words in result.stderr
    skipped = run("stream", files.model, "--skip-bad", stdin='{"text": 7}\n{"text": "Hi there."}\n')
    assert (skipped.exit_code, len(skipped.stdout.splitlines())) == (0, 1)
    assert "Skipped: line 1" in skipped.stderr


def test_inspect_and_report_know_dialogues(files, tmp_path):
    told = run("inspect", files.model).stdout
    assert "task chat" in told
    assert "the last 3 turns, at most 20 tokens" in told
    result = run("report", files.model, files.text, "--out", tmp_path / "r.html")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "the data given to this report, 40 answers" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"), [(["--context", "0"], "`context`"), (["--attention", "dots"], "Did you mean 'dot'")]
)
def test_what_cannot_be_done_is_one_line(files, arguments, words):
    result = run("fit", "chat", files.text, *arguments)
    assert result.exit_code in (2, 3)
    assert words in result.stderr
