"""`whorl fit tag` on files of words and tags, tables and arrays, and every command on the models it makes."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

import whorl

from .conftest import as_json, run, write_csv

SMALL = ["--hidden-size", "4", "--epochs", "2", "--seed", "1"]
SENTENCES = [
    [("Où", "O"), ("est", "O"), ("New", "B-place"), ("York", "I-place")],
    [("call", "O"), ("May", "B-person")],
    [("\U0001f642", "O")],
]


def fitted(folder, data, *options):
    model = folder / f"{data.stem}.whorl"
    result = run("fit", "tag", data, *options, *SMALL, "--out", model)
    assert (result.exit_code, result.stderr) == (0, "")
    return SimpleNamespace(data=data, model=model, fitted=result)


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagged")
    data = folder / "some.bio"
    block = "\n".join("".join(f"{word}\t{tag}\n" for word, tag in one) for one in SENTENCES)
    data.write_text("\n".join([block] * 8), encoding="utf-8")
    return fitted(folder, data)


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A table with a word a row."""
    folder = tmp_path_factory.mktemp("listed")
    rows = [(n, word, tag) for n in range(12) for word, tag in SENTENCES[n % 2]]
    data = write_csv(folder / "words.csv", "s,w,kind", rows)
    return fitted(folder, data, "--text=w", "--series=s", "--target=kind", "--lookahead=1")


@pytest.fixture(scope="module")
def phases(tmp_path_factory):
    """A table of numbers with a label a row."""
    folder = tmp_path_factory.mktemp("phases")
    rows = [(f"b{n}", t, (n * 7 + t) % 5 / 2, ("up", "down")[t % 2]) for n in range(12) for t in range(3 + n % 3)]
    data = write_csv(folder / "phases.csv", "beat,t,x,phase", rows)
    return fitted(folder, data, "--target=phase", "--series=beat", "--lookahead=2")


def streamed(model, text):
    result = run("stream", model, stdin=text)
    assert (result.exit_code, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_fit_says_classes_scores_and_rivals(tagged):
    for said in ("sentences: 24 with 56 words", "B-place (8)", "entity_f1", "most_frequent", "prior", "next:"):
        assert said in tagged.fitted.stdout


def test_the_network_is_that_of_the_task_where_only_its_size_was_chosen(tagged):
    network = whorl.runtime.load(tagged.model).card["network"]
    assert (network["cell"], network["hidden_size"]) == (whorl.Tagger().network, 4)


@pytest.mark.parametrize("name", ["tagged", "listed", "phases"])
def test_every_command_reads_the_model(name, request, tmp_path):
    one = request.getfixturevalue(name)
    scores = as_json(run("evaluate", one.model, one.data, "--json"))
    assert scores["metrics"] == whorl.runtime.load(one.model).evaluate(one.data).metrics
    rows = list(csv.DictReader(io.StringIO(run("predict", one.model, one.data).stdout)))
    assert len(rows) == scores["answers"]
    assert {"series", "step", "value", "probability"} <= set(rows[0])
    assert run("report", one.model, one.data, "--out", tmp_path / "page.html").exit_code == 0
    assert "task tag" in run("inspect", one.model).stdout


def test_a_text_file_has_a_sentence_a_line(tagged, tmp_path):
    (tmp_path / "new.txt").write_text("call New York\n\nOù est May ?\n", encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(run("predict", tagged.model, tmp_path / "new.txt").stdout)))
    assert [(row["series"], row["step"], row["word"]) for row in rows] == [
        ("0", "0", "call"),
        ("0", "1", "New"),
        ("0", "2", "York"),
        ("1", "0", "Où"),
        ("1", "1", "est"),
        ("1", "2", "May"),
        ("1", "3", "?"),
    ]


def test_a_line_of_text_is_a_sentence_and_has_the_answers_of_predict(tagged):
    found = streamed(tagged.model, "call New York\n\nOù est May ?\n")
    wanted = whorl.runtime.load(tagged.model).predict(["call New York", "Où est May ?"])
    assert [one["words"] for one in found] == [["call", "New", "York"], ["Où", "est", "May", "?"]]
    assert [one["value"]["tag"] for one in found] == [labels.tolist() for labels in wanted.value]
    assert [one["series"] for one in found] == ["0", "1"]


def test_words_that_come_singly_are_answered_when_more_is_known(tagged):
    rows = [{"word": "call", "more": True}, {"word": "New", "more": True}, {"word": "York", "more": True}]
    found = streamed(tagged.model, "".join(json.dumps(row) + "\n" for row in [*rows, {"words": "now please"}]))
    assert [one["step"] for one in found] == [[0], [1, 2, 3, 4]]
    wanted = whorl.runtime.load(tagged.model).predict(["call New York now please"]).value[0].tolist()
    assert [label for one in found for label in one["value"]["tag"]] == wanted
    # The end of the input is the end of the sentence.
    found = streamed(tagged.model, "".join(json.dumps(row) + "\n" for row in rows))
    assert [one["step"] for one in found] == [[0], [1, 2]]


def test_a_sentence_goes_on_in_another_process(tagged, tmp_path):
    state = tmp_path / "s.state"
    first = run("stream", tagged.model, "--state", state, stdin='{"words": ["call", "New"], "more": true}\n')
    assert (first.exit_code, first.stdout) == (0, "")
    second = run("stream", tagged.model, "--state", state, stdin='{"words": ["York"]}\n')
    wanted = whorl.runtime.load(tagged.model).predict(["call New York"]).value[0].tolist()
    assert json.loads(second.stdout)["value"]["tag"] == wanted


@pytest.mark.parametrize(("name", "target"), [("listed", "kind"), ("phases", "phase")])
def test_rows_of_csv_stream_and_the_last_ones_are_answered_at_the_end(name, target, request):
    one = request.getfixturevalue(name)
    told = {}
    for answer in streamed(one.model, one.data.read_text(encoding="utf-8")):
        told.setdefault(answer["series"], []).extend(answer["value"][target])
    wanted = whorl.runtime.load(one.model).predict(one.data)
    assert told == {key: labels.tolist() for key, labels in zip(wanted.index.series, wanted.value, strict=True)}


@pytest.mark.parametrize("opening", ["", '["call", "New"]\n', '{"words": "call New"}\n'])
def test_a_model_of_a_table_takes_sentences_a_line_too(listed, opening):
    sentences = [["call", "New"]] * bool(opening) + [["call", "New", "York"], ["May"]]
    lines = [" ".join(one) if not opening else json.dumps(one) for one in sentences[bool(opening) :]]
    found = streamed(listed.model, opening + "\n".join(lines) + "\n")
    model = whorl.runtime.load(listed.model)
    wanted = [model.predict({"w": one, "s": ["x"] * len(one)}).value[0].tolist() for one in sentences]
    assert [answer["value"]["kind"] for answer in found] == wanted


def test_sentences_are_counted_where_one_is_skipped(tagged):
    lines = '{"words": ["call"]}\n{"words": ["call", 3]}\n{"word": "call", "more": true}\n{"words": "May"}\n'
    result = run("stream", tagged.model, "--skip-bad", stdin=lines)
    assert [json.loads(line)["series"] for line in result.stdout.splitlines()] == ["0", "1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"words": 3}\n', "a row of this model is a sentence"),
        ('{"words": [3]}\n', "a row of this model is a word"),
        ('{"words": \n', "it is not JSON"),
        ('{"words": "a \\ud800"}\n', "stands alone, which is no character"),
        (b"\xff\n", "not UTF-8"),
    ],
)
def test_a_bad_line_ends_the_run_or_is_skipped(tagged, text, says):
    result = run("stream", tagged.model, stdin=text)
    assert result.exit_code == 3
    assert "line 1: " in result.stderr
    assert says in result.stderr
    result = run("stream", tagged.model, "--skip-bad", stdin=text)
    assert result.exit_code == 0
    assert "Skipped: line 1: " in result.stderr


def test_what_cannot_stream_says_so(tagged, tmp_path):
    both = run("fit", "tag", tagged.data, *SMALL, "--bidirectional", "--out", tmp_path / "both.whorl")
    assert both.exit_code == 0
    assert "bidirectional=False" in run("stream", tmp_path / "both.whorl", stdin="a b\n").stderr
    chained = run("fit", "tag", tagged.data, *SMALL, "--crf", "--out", tmp_path / "crf.whorl")
    assert "whorl stream" in tagged.fitted.stdout
    assert "whorl stream" not in chained.stdout
    assert "no: the labels of a sequence are decided together" in run("inspect", tmp_path / "crf.whorl").stdout
    assert chained.exit_code == 0
    assert "crf=False" in run("stream", tmp_path / "crf.whorl", stdin="a b\n").stderr


def test_arrays_of_a_file_have_a_label_a_step(tmp_path):
    x = np.random.default_rng(0).standard_normal((20, 5, 2))
    np.savez(tmp_path / "steps.npz", X=x, y=(x[..., 0] > 0).astype(int))
    one = fitted(tmp_path, tmp_path / "steps.npz")
    assert len(run("predict", one.model, one.data).stdout.splitlines()) == 1 + 20 * 5


def test_the_tag_demo_tells_its_scores_and_streams_a_command(tmp_path):
    result = run("demo", "tag", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    for said in ("synthetic commands", "entity_f1", "most_frequent", "(end)", "whorl stream"):
        assert said in result.stdout
