"""`whorl fit generate` on a file of text and on a table, and every command on the models it makes."""

import json
from types import SimpleNamespace

import pytest

import whorl

from .conftest import as_json, run

SMALL = ["--hidden-size", "7", "--epochs", "2", "--batch-size", "3", "--tbptt-steps", "11", "--seed", "1"]
RHYME = "Röslein, Röslein, Röslein rot, 🙂\nRöslein auf der Heiden.\n\n"


def fitted(folder, data, *options):
    model = folder / f"{data.stem}.whorl"
    result = run("fit", "generate", data, *options, *SMALL, "--out", model)
    assert (result.exit_code, result.stderr) == (0, "")
    return SimpleNamespace(data=data, model=model, fitted=result)


@pytest.fixture(scope="module")
def rhyme(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rhyme")
    data = folder / "rhyme.txt"
    data.write_text(RHYME * 13, encoding="utf-8")
    return fitted(folder, data)


@pytest.fixture(scope="module")
def poems(tmp_path_factory):
    """A text a row beside its author, cut into words."""
    folder = tmp_path_factory.mktemp("poems")
    data = folder / "poems.csv"
    rows = [("roses are red,", "ann"), ("violets are blue.", "bob")] * 13
    data.write_text("text,author\n" + "".join(f'"{text}",{author}\n' for text, author in rows), encoding="utf-8")
    return fitted(folder, data, "--condition", "author", "--unit", "word", "--embedding-size", "5")


def test_fit_says_the_tokens_the_scores_and_what_comes_next(rhyme, poems):
    text = rhyme.fitted.stdout
    assert "text: 1 documents, cut into characters" in text
    for word in ("validation part, ", "nll", "perplexity", "unigram", "bigram", "--prompt"):
        assert word in text
    assert f"  whorl stream {rhyme.model}\n" in text  # a file of text has no rows to stream
    assert "text: 26 documents, cut into words" in poems.fitted.stdout
    assert "beside it: author" in poems.fitted.stdout


def test_each_line_of_a_file_is_continued(rhyme, tmp_path):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("Rös\nRöslein, Rö\n\n", encoding="utf-8")
    found = as_json(run("predict", rhyme.model, prompts, "--max-length", "5", "--seed", "3", "--json"))["answers"]
    assert [one["prompt"] for one in found] == ["Rös", "Röslein, Rö", ""]
    model = whorl.load(rhyme.model)
    wanted = model.predict(["Rös", "Röslein, Rö", ""], decoding=whorl.Sample(temperature=0.8, max_length=5, seed=3))
    assert [one["text"] for one in found] == wanted.value
    assert [one["score"] for one in found] == wanted.score.tolist()
    said = run("predict", rhyme.model, prompts, "--max-length", "5", "--seed", "3").stdout
    assert said == "\n\n".join(one["prompt"] + one["text"] for one in found) + "\n"


def test_a_prompt_may_stand_on_the_command_line(rhyme):
    greedy = run("predict", rhyme.model, "--prompt", "Rö", "--greedy", "--max-length", "3")
    model = whorl.load(rhyme.model)
    (text,) = model.predict(["Rö"], decoding=whorl.Greedy(max_length=3)).value
    assert greedy.stdout == f"Rö{text}\n"
    beam = as_json(run("predict", rhyme.model, "--prompt", "Rö", "--beam", "2", "--max-length", "3", "--json"))
    (text,) = model.predict(["Rö"], decoding=whorl.Beam(width=2, max_length=3)).value
    assert beam["answers"][0]["text"] == text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "`DATA` or --prompt"),
        (["--prompt", "a", "--greedy", "--top-k", "3"], "--greedy and --temperature"),
        (["--prompt", "a", "--top-p", "1.5"], "`top_p` is a probability"),
        (["--prompt", "a", "--temperature", "0"], "`temperature` is a positive number"),
        (["--prompt", "a", "--length-penalty", "-1"], "`length_penalty` is a number >= 0"),
        (["--prompt", "a", "--grammar", __file__], "this model does not transcribe"),
    ],
)
def test_decodings_that_cannot_be_are_refused(rhyme, options, message):
    result = run("predict", rhyme.model, *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_forecast_is_not_decoded(tiny):
    result = run("predict", tiny.model, tiny.data, "--temperature", "0.5")
    assert result.exit_code == 2
    assert "`decoding` is for answers that are sequences of tokens" in result.stderr
    result = run("stream", tiny.model, "--beam", "3", stdin="")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "`decoding` is for streams that write texts, but those of this forecast model do not" in result.stderr


def test_texts_go_to_a_file(poems, tmp_path):
    out = tmp_path / "out.jsonl"
    run("predict", poems.model, poems.data, "--max-length", "4", "--out", out)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 26
    assert set(lines[0]) == {"series", "origin", "output", "value", "score"}


def test_a_label_must_stand_beside_the_text(poems):
    result = run("predict", poems.model, "--prompt", "roses")
    assert result.exit_code == 3
    assert "reads a label in the column 'author'" in result.stderr


def test_labels_and_tokens_that_training_does_not_have_are_told(poems, rhyme, tmp_path):
    data = tmp_path / "new.csv"
    data.write_text("text,author\nroses are teal,ann\nviolets,eve\n")
    result = run("predict", poems.model, data, "--greedy")
    assert result.exit_code == 0
    label, tokens = result.stderr.splitlines()
    assert "new.csv: column 'author'" in label
    assert "('eve'). They are read as unknown." in label
    assert tokens == "1 of 4 tokens are none that the model knows: read as unknown."
    assert run("predict", poems.model, data, "--greedy", "--quiet").stderr == ""
    result = run("evaluate", poems.model, data)
    assert result.stderr == f"{label}\n"
    assert "unknown" in result.stdout
    assert run("predict", rhyme.model, "--prompt", "Rös", "--greedy").stderr == ""


def test_prompts_are_printed_as_they_came(rhyme, poems, tmp_path):
    asked = ["predict", rhyme.model, "--prompt", "Zoë und Rö ", "--greedy", "--max-length", "3"]
    (found,) = json.loads(run(*asked, "--json").stdout)["answers"]
    assert found["prompt"] == "Zoë und Rö "
    assert run(*asked).stdout == f"Zoë und Rö {found['text']}\n"
    data = tmp_path / "new.jsonl"
    data.write_text(json.dumps({"text": "roses, my dear, are ", "author": "ann"}) + "\n")
    asked = ["predict", poems.model, data, "--greedy", "--max-length", "2"]
    (found,) = json.loads(run(*asked, "--json").stdout)["answers"]
    assert "�" not in found["prompt"]
    assert run(*asked).stdout == f"roses, my dear, are{found['text']}\n"  # words know of no space at the end


@pytest.mark.parametrize("rows", ["Rös\n\nRösl \n", "\ufefftext\nRös\nRösl \n", '[Rös\n"Rösl \n'])
def test_a_stream_takes_plain_lines(rhyme, rows):
    result = run("stream", rhyme.model, "--most-likely", "2", stdin=rows)
    assert (result.exit_code, result.stderr) == (0, "")
    texts = [line for line in rows.removeprefix("\ufefftext\n").split("\n") if line]
    if rows[0] == "\ufeff":  # cells of a table have no space at their ends
        texts = [text.strip() for text in texts]
    given = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    assert result.stdout == run("stream", rhyme.model, "--most-likely", "2", stdin=given).stdout
    assert len(result.stdout.splitlines()) == 2


def test_a_stream_of_texts_with_labels_takes_no_plain_lines(poems):
    result = run("stream", poems.model, stdin="roses are\n")
    assert result.exit_code == 3
    assert "the header lacks `text`, `author`" in result.stderr


@pytest.mark.parametrize("more", ["yes", 1, None])
def test_whether_a_text_goes_on_is_true_or_false(rhyme, more):
    rows = [{"text": "Rös", "more": True}, {"text": "l", "more": more}, {"text": "ein"}]
    result = run("stream", rhyme.model, stdin="".join(json.dumps(row) + "\n" for row in rows))
    assert result.exit_code == 3
    assert f"line 2: `more` says whether the next row goes on with this one, true or false in JSON, but {more!r}" in (
        result.stderr
    )
    assert len(result.stdout.splitlines()) == 1


def test_evaluate_tells_nats_and_perplexity(rhyme):
    found = as_json(run("evaluate", rhyme.model, rhyme.data, "--json"))
    assert found["answers"] == len(RHYME) * 13
    assert set(found["metrics"]) == {"nll", "perplexity", "accuracy", "nats_per_character", "bits_per_character"}
    assert set(found["baselines"]) == {"unigram", "bigram"}
    assert found["metrics"]["nll"] == pytest.approx(found["metrics"]["nats_per_character"])


def test_a_stream_tells_what_may_come_next_while_someone_types(rhyme):
    rows = [{"text": "Rös", "more": True}, {"text": "lein", "more": True}, {"text": ","}]
    result = run("stream", rhyme.model, "--most-likely", "2", stdin="".join(json.dumps(row) + "\n" for row in rows))
    assert (result.exit_code, result.stderr) == (0, "")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    every = whorl.load(rhyme.model).predict(["Röslein,"], every_row=True)
    for answer, place in zip(answers, (3, 7, 8), strict=True):
        wanted = dict(every.take(slice(place, place + 1)).most_likely(2)[0])
        assert answer["probabilities"]["next token"] == wanted
        assert answer["value"]["next token"] == next(iter(wanted))


def test_a_stream_of_words_answers_what_is_typed_as_it_stands(poems):
    rows = [{"text": "roses ", "author": "ann", "more": True}, {"text": "are", "more": True}, {"text": " red"}]
    result = run("stream", poems.model, "--most-likely", "4", stdin="".join(json.dumps(row) + "\n" for row in rows))
    assert (result.exit_code, result.stderr) == (0, "")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    model = whorl.load(poems.model)
    for answer, text in zip(answers, ("roses ", "roses are", "roses are red"), strict=True):
        every = model.predict({"text": [text], "author": ["ann"]}, every_row=True)
        wanted = dict(every.take(slice(len(every) - 1, None)).most_likely(4)[0])
        assert answer["probabilities"]["next token"] == wanted


def test_report_and_inspect(rhyme, tmp_path):
    page = tmp_path / "page.html"
    result = run("report", rhyme.model, rhyme.data, "--out", page)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Röslein" in page.read_text(encoding="utf-8")
    card = run("inspect", rhyme.model).stdout
    assert "task generate" in card
    assert "vocabulary" in card


def test_what_is_no_text_is_refused(tmp_path):
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    assert run("fit", "generate", empty).exit_code == 3
    damaged = tmp_path / "damaged.txt"
    damaged.write_bytes(b"good\nb\xffd\n")
    result = run("fit", "generate", damaged)
    assert result.exit_code == 3
    assert "damaged.txt, line 2" in result.stderr
    one = tmp_path / "one.txt"
    one.write_text("a")
    assert run("fit", "generate", one).exit_code == 3
