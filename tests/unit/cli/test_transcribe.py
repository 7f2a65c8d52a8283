"""`whorl fit transcribe`, and every command on the models it makes."""

import json

import numpy as np
import pytest
import soundfile

import whorl
from whorl.comparison.spelling import command

from .conftest import run

RATE = 8000
SMALL = ("--hidden-size", "8", "--epochs", "1", "--num-bands", "16")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Eight recordings of tones, and a table of what they say."""
    folder, rng = tmp_path_factory.mktemp("tones"), np.random.default_rng(4)
    lines = ["file,text"]
    for n in range(8):
        text = " ".join(["ab", "ba", "cad"][k] for k in rng.integers(0, 3, 2))
        tones = [np.sin(2 * np.pi * (300 + 400 * " abcd".index(c)) * np.arange(RATE // 8) / RATE) for c in text]
        soundfile.write(folder / f"r{n}.wav", 0.3 * np.concatenate(tones), RATE)
        lines.append(f"r{n}.wav,{text}")
    (folder / "said.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def model(recordings):
    path = recordings / "m.whorl"
    result = run("fit", "transcribe", recordings / "said.csv", *SMALL, "--out", path, "--report", recordings / "r.html")
    assert result.exit_code == 0, result.stderr
    assert "8 recordings with texts" in result.stdout
    assert "wer" in result.stdout
    assert "most frequent transcript" in result.stdout
    assert f"  whorl stream {path} --input RECORDING\n" in result.stdout
    return path


def test_a_model_is_fitted_scored_and_reported(model, recordings):
    page = (recordings / "r.html").read_text(encoding="utf-8")
    assert "Heard and true" in page
    assert page.count("Heard: ") >= 1
    scored = json.loads(run("evaluate", model, recordings / "said.csv", "--json").stdout)
    assert scored["answers"] == 8
    assert set(scored["metrics"]) >= {"wer", "cer", "nll"}
    told = run("inspect", model).stdout
    assert "task transcribe" in told


def test_answers_are_a_table_of_texts_with_the_times_of_their_words(model, recordings):
    result = run("predict", model, recordings / "said.csv")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == "series,origin,output,value,score,words"
    assert len(result.stdout.splitlines()) == 9


@pytest.mark.parametrize("options", [(), ("--beam", "3")])
def test_a_recording_is_transcribed_while_it_is_read(model, recordings, options):
    result = run("stream", model, "--input", recordings / "r0.wav", "--every", "0.1", *options)
    assert result.exit_code == 0, result.stderr
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) > 3
    assert [answer.get("final") for answer in answers[:-1]] == [False] * (len(answers) - 1)
    assert "final" not in answers[-1]
    assert set(answers[-1]) == {"series", "origin", "value", "words"}


def test_a_file_of_words_is_a_grammar_of_what_is_heard(model, recordings, tmp_path):
    orders = tmp_path / "orders.txt"
    orders.write_text("cad\n\n | ab | ba\n", encoding="utf-8")
    heard = run("predict", model, recordings / "said.csv", "--grammar", orders, "--json")
    texts = [answer["value"] for answer in json.loads(heard.stdout)["answers"]]
    assert texts[0] in ("cad ab", "cad ba")
    assert all("cad ab".startswith(text) or "cad ba".startswith(text) for text in texts)
    streamed = run("stream", model, "--input", recordings / "r0.wav", "--grammar", orders, "--beam", "5")
    assert json.loads(streamed.stdout.splitlines()[-1])["value"] == {"text": texts[0]}
    free, asked = (
        run("evaluate", model, recordings / "said.csv", "--beam", "10", "--json", *options)
        for options in ((), ("--grammar", orders))
    )
    scores = [json.loads(one.stdout)["metrics"] for one in (free, asked)]
    assert scores[0]["wer"] != scores[1]["wer"]
    assert scores[0]["nll"] == scores[1]["nll"]

    orders.write_text("\n", encoding="utf-8")
    result = run("predict", model, recordings / "said.csv", "--grammar", orders)
    assert result.exit_code == 2
    assert "`grammar` has the words of each place of a sentence" in result.stderr
    assert run("predict", model, recordings / "said.csv", "--grammar", tmp_path / "none.txt").exit_code == 3
    for content, told in ((b"cad | \xe4b", "utf-8"), (b"ab | ba " * (1 << 22), "more than 16777216 characters")):
        orders.write_bytes(content)
        result = run("predict", model, recordings / "said.csv", "--grammar", orders)
        assert result.exit_code == 3
        assert told in result.stderr
    orders.write_text("cad | ab", encoding="utf-8")
    both = run("predict", model, recordings / "said.csv", "--grammar", orders, "--greedy")
    assert both.exit_code == 2
    assert "exclude each other" in both.stderr


def test_options_of_sound_change_how_the_task_reads_it_and_not_how_others_do(recordings, model, tmp_path):
    assert whorl.load(model).media == whorl.Audio(features="log_mel", num_bands=16)
    told = " ".join(run("fit", "transcribe", "--help").stdout.split())
    assert "[default: 40]" in told
    assert "[default: 26]" not in told

    small = ("--hidden-size", "8", "--epochs", "1", "--features", "mfcc", "--out", tmp_path / "m.whorl")
    result = run("fit", "transcribe", recordings / "said.csv", *small)
    assert result.exit_code == 0, result.stderr
    assert whorl.load(tmp_path / "m.whorl").media == whorl.Audio(features="mfcc", num_bands=40)


def test_a_command_names_what_is_not_the_tasks_own_way_to_read_sound():
    assert command(whorl.Transcriber(media=whorl.Transcriber.own_media[0]), "a.csv") == "whorl fit transcribe a.csv"
    cepstra = command(whorl.Transcriber(media=whorl.Audio()), "a.csv")
    assert cepstra == "whorl fit transcribe a.csv --features mfcc --num-bands 26"


def test_settings_of_the_task_and_of_sound_reach_the_model(recordings, tmp_path):
    options = ("--stride=2", "--lookahead=3", "--language-model=3", "--output-dropout=0.1", "--unit=word")
    result = run("fit", "transcribe", recordings / "said.csv", *SMALL, *options, "--out", tmp_path / "m.whorl")
    assert result.exit_code == 0, result.stderr

    fitted = whorl.load(tmp_path / "m.whorl")
    assert (fitted.stride, fitted.lookahead, fitted.language_model) == (2, 3, 3)
    assert (fitted.dropout, fitted.tokens.unit) == (0.1, "word")
    assert fitted.media.num_bands == 16
    assert fitted.model_.readout.advice.ngrams.order == 3


def test_files_of_frames_are_transcribed_as_they_are_named(tmp_path):
    rng, lines = np.random.default_rng(0), ["file,text"]
    for n in range(8):
        text = "ab" if n % 2 else "ba"
        np.save(tmp_path / f"{n}.npy", np.repeat(np.eye(2)[["ab".index(c) for c in text]], 5, axis=0) + n / 100)
        lines.append(f"{n}.npy,{text}")
    (tmp_path / "said.csv").write_text("\n".join(lines))
    model = whorl.Transcriber(media=whorl.Features(ordered=True), training=whorl.Training(epochs=40, seed=0))
    model.fit(tmp_path / "said.csv", verbose=False).save(tmp_path / "m.whorl")
    paths = [str(tmp_path / f"{n}.npy") for n in rng.permutation(8)[:3]]
    result = run("stream", tmp_path / "m.whorl", stdin="".join(f"{path}\n" for path in paths))
    assert (result.exit_code, result.stderr) == (0, "")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert any(one["value"]["text"] for one in found)
    assert [(one["series"], one["value"]["text"]) for one in found] == list(
        zip(paths, model.predict(paths).value, strict=True)
    )
