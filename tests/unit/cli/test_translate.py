"""`whorl fit translate`, and every command on the models it makes."""

import csv
import json
import sys
from types import SimpleNamespace

import pytest

import whorl
from whorl.runtime.quantised import weight_formats

from .conftest import as_json, run

SMALL = ["--unit", "word", "--hidden-size", "6", "--epochs", "2", "--batch-size", "8", "--seed", "1", "--longest", "9"]
ENGLISH = ["one two", "two", "-", "three, one", "Ünïcode 🙂", 'say "one"'] * 4
GERMAN = ["zwei eins", "zwei", "NA", "eins, drei", "Ünïkod 🙂", "sag „eins“"] * 4


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two files of equal lines, and a table with a column for each."""
    folder = tmp_path_factory.mktemp("pairs")
    for end, texts in (("en", ENGLISH), ("de", GERMAN)):
        (folder / f"train.{end}").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    with open(folder / "pairs.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("en", "de"), *zip(ENGLISH, GERMAN, strict=True)])
    model = folder / "en-de.whorl"
    options = ["--source", "en", "--target", "de", *SMALL, "--out", model, "--report", folder / "r.html"]
    result = run("fit", "translate", folder / "train.en", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    return SimpleNamespace(folder=folder, model=model, fitted=result, table=folder / "pairs.csv")


def test_fit_tells_scores_beside_rivals_and_what_comes_next(files):
    told = files.fitted.stdout
    assert "24 pairs; en, cut into words" in told
    for word in ("bleu", "chrf", "copy of the source", "nearest pair", "whorl predict", "report:"):
        assert word in told
    page = (files.folder / "r.html").read_text()
    assert "Translation into de" in page
    assert page.count("Written: ") == 4  # two pairs were held out; each picture is told twice
    assert "Hidden state" in page  # of the side that reads, and of the one that writes


def test_the_table_gives_the_model_of_the_files(files, tmp_path):
    result = run(
        "fit", "translate", files.table, "--source", "en", "--target", "de", *SMALL, "--out", tmp_path / "m.whorl"
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert whorl.load(tmp_path / "m.whorl").model_.identity == whorl.load(files.model).model_.identity


def test_predict_writes_one_text_for_each_source(files):
    result = run("predict", files.model, files.folder / "train.en")
    assert (result.exit_code, result.stderr) == (0, "")
    found = list(csv.DictReader(result.stdout.splitlines()))
    wanted = whorl.load(files.model).predict(ENGLISH)
    assert [row["value"] for row in found] == wanted.value
    assert [row["output"] for row in found] == ["de"] * len(ENGLISH)
    assert run("predict", files.model, files.table).stdout == result.stdout


def test_evaluate_scores_pairs(files):
    found = as_json(run("evaluate", files.model, files.table, "--json"))
    wanted = whorl.load(files.model).evaluate((ENGLISH, GERMAN))
    assert found["metrics"] == pytest.approx(dict(wanted.metrics))
    assert set(found["baselines"]) == {"copy of the source", "nearest pair"}
    assert "perplexity" in run("evaluate", files.model, files.folder / "train.en").stdout
    rounded = as_json(run("evaluate", files.model, files.table, "--weights", "int8", "--json"))
    assert rounded["metrics_fp32"] == pytest.approx(found["metrics"])
    sides = whorl.load(files.model).model_
    factors = [name for one in (sides.engine, sides.encoder) for name in weight_formats(one.program, "fp32")]
    assert rounded["matrices"]["total"] == len(factors)


def test_stream_answers_each_source_at_its_end(files):
    rows = [{"en": "three, o", "more": True}, {"en": "ne"}, {"en": "-"}, {"en": "two"}]
    result = run("stream", files.model, stdin="".join(json.dumps(row) + "\n" for row in rows))
    assert (result.exit_code, result.stderr) == (0, "")
    found = [json.loads(line)["value"]["de"] for line in result.stdout.splitlines()]
    assert found == whorl.load(files.model).predict(["three, one", "-", "two"]).value


def test_a_stream_takes_plain_lines_and_a_table(files):
    wanted = whorl.load(files.model).predict(["three, one", "two"]).value
    for rows in ("three, one\n\ntwo\n", 'en\n"three, one"\ntwo\n', '{"en": "three, one"}\n{"en": "two"}\n'):
        result = run("stream", files.model, stdin=rows)
        assert (result.exit_code, result.stderr) == (0, "")
        assert [json.loads(line)["value"]["de"] for line in result.stdout.splitlines()] == wanted


def test_a_stream_goes_on_from_its_state(files, tmp_path):
    state = tmp_path / "it.state"
    first = run("stream", files.model, "--state", state, stdin='{"en": "three, o", "more": true}\n')
    assert (first.exit_code, first.stdout) == (0, "")
    second = run("stream", files.model, "--state", state, stdin='{"en": "ne"}\n')
    (answer,) = [json.loads(line)["value"]["de"] for line in second.stdout.splitlines()]
    assert answer == whorl.load(files.model).predict(["three, one"]).value[0]


def test_a_model_that_waits_answers_pieces_and_says_what_goes_on(files, tmp_path):
    model = tmp_path / "m.whorl"
    options = ["--source", "en", "--target", "de", *SMALL, "--wait", "1", "--input-feeding", "--out", model]
    result = run("fit", "translate", files.folder / "train.en", *options, "--report", tmp_path / "r.html")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [{"en": "three, one ", "more": True}, {"en": "two"}, {"en": "two"}]
    result = run("stream", model, stdin="".join(json.dumps(row) + "\n" for row in rows))
    assert (result.exit_code, result.stderr) == (0, "")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    whole = whorl.load(model).predict(["three, one two", "two"], decoding=whorl.Greedy()).value
    assert [answer["value"]["de"] for answer in found if answer.get("final", True)] == whole
    for answer in found[:-2]:
        assert answer["final"] is False
        assert whole[0].startswith(answer["value"]["de"])
    beam = run("predict", model, files.folder / "train.en", "--beam", "3")
    assert beam.exit_code == 2
    assert "wait=1" in beam.stderr
    assert "--greedy" in beam.stderr
    short = as_json(run("predict", model, "--prompt", "three, one", "--max-length", "2", "--json"))["answers"]
    wanted = whorl.load(model).predict(["three, one"], decoding=whorl.Greedy(max_length=2)).value
    assert [row["value"] for row in short] == wanted
    told = run("inspect", model).stdout
    assert "wait                1" in told
    assert "input feeding       yes" in told


def test_inspect_tells_both_sides(files):
    told = run("inspect", files.model).stdout
    assert "task translate" in told
    assert "attention           dot" in told
    assert "the whole text" in told


def test_report_of_other_data_shows_them(files, tmp_path):
    result = run("report", files.model, files.table, "--out", tmp_path / "r.html")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "the data given to this report, 24 answers" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "en", "--target", "en"], "are both 'en'"),
        (["--source", "en", "--target", "fr"], "train.fr"),
        (["--source", "en", "--target", "de", "--attention", "dots"], "Did you mean 'dot'"),
    ],
)
def test_what_cannot_be_done_is_one_line(files, arguments, words):
    result = run("fit", "translate", files.folder / "train.en", *arguments)
    assert result.exit_code in (2, 3)
    assert words in result.stderr


def test_byte_pairs_are_the_default():
    told = run("fit", "translate", "--help").stdout
    assert "[default: bpe]" in told
    assert "[default: 6000]" in told


def test_summaries_have_a_command_of_their_own(tmp_path):
    texts = [{"body": f"the meeting of {n % 3} is moved to {n}", "subject": f"meeting {n % 3}"} for n in range(18)]
    (tmp_path / "mails.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts))
    options = ["--source", "body", "--target", "subject", *SMALL, "--out", tmp_path / "m.whorl"]
    result = run("fit", "summarize", tmp_path / "mails.jsonl", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "rouge_l" in result.stdout
    assert "nearest pair" in result.stdout
    found = as_json(run("evaluate", tmp_path / "m.whorl", tmp_path / "mails.jsonl", "--json"))
    assert {"rouge_1", "rouge_2", "rouge_l", "nll", "perplexity"} < set(found["metrics"])


def test_a_length_alone_leaves_the_search_as_it_is(files):
    model = whorl.load(files.model)
    short = as_json(run("predict", files.model, files.table, "--max-length", "2", "--json"))["answers"]
    wanted = model.predict(files.table, decoding=whorl.Beam(max_length=2)).value
    assert [row["value"] for row in short] == wanted


def test_a_package_that_scores_is_missed_before_the_training(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    texts = ["one", "two", "three", "four"]
    steps = []
    monkeypatch.setattr("whorl.train.loop.take_step", lambda *given: steps.append(given))
    with pytest.raises(whorl.WhorlError, match="sacrebleu"):
        whorl.Translator(tokens=whorl.Text(unit="word")).fit((texts, texts), verbose=False)
    assert steps == []
