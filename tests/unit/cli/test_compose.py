"""Music on the command line: fitting, composing, streaming, and the demo."""

import json

import pytest

from whorl import datasets

from .conftest import as_json, run

CHORDS = [[60, 64, 67], [60, 65, 69], [59, 62, 67], []]
SMALL = ["--hidden-size", "8", "--epochs", "2", "--batch-size", "4", "--tbptt-steps", "8"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file of chords, a primer, and a model of each kind of steps."""
    home = tmp_path_factory.mktemp("music")
    (home / "tunes.json").write_text(json.dumps([[CHORDS[(n + step) % 4] for step in range(9)] for n in range(25)]))
    (home / "primer.json").write_text(json.dumps([CHORDS]))
    for steps in ("roll", "events"):
        options = ["--steps", steps, "--lowest", "50", "--highest", "80", "--transpose", "-2,3", *SMALL]
        result = run("fit", "generate", home / "tunes.json", *options, "--out", home / f"{steps}.whorl")
        assert result.exit_code == 0, result.stderr
        assert "25 pieces" in result.stdout
        assert f"whorl predict {home / steps}.whorl" in result.stdout
    return home


def test_chords_in_a_file_need_no_option(folder):
    result = run("fit", "generate", folder / "tunes.json", *SMALL, "--out", folder / "plain.whorl")
    assert result.exit_code == 0, result.stderr
    assert "25 pieces as chords, notes 21 to 108, 1 steps a quarter note" in result.stdout


def test_options_of_music_and_of_text_exclude_each_other(folder):
    result = run("fit", "generate", folder / "tunes.json", "--steps", "roll", "--unit", "word")
    assert result.exit_code == 2
    assert "Leave one out" in result.stderr
    result = run("fit", "generate", folder / "tunes.json", "--transpose", "-5")
    assert result.exit_code == 2
    assert "two whole numbers" in result.stderr


@pytest.mark.parametrize("steps", ["roll", "events"])
def test_a_primer_becomes_a_file_of_midi_and_of_sound(folder, steps):
    for ending in ("mid", "wav"):
        out = folder / f"{steps}.{ending}"
        result = run("predict", folder / f"{steps}.whorl", folder / "primer.json", "--max-length", "9", "--out", out)
        assert result.exit_code == 0, result.stderr
        assert out.read_bytes()[:4] == (b"MThd" if ending == "mid" else b"RIFF")
    result = run("predict", folder / f"{steps}.whorl", folder / f"{steps}.mid", "--max-length", "3", "--json")
    (piece,) = as_json(result)["answers"]
    assert piece["notes"][0] == [0.0, 2.0, 60, 80] if steps == "roll" else len(piece["notes"][0]) == 4
    result = run("predict", folder / f"{steps}.whorl", folder / "primer.json", "--temperature", "0.5", "--seed", "3")
    assert "notes" in result.stdout
    assert "--out NAME.mid" in result.stdout


def test_chords_and_events_are_streamed_a_line_each(folder):
    rows = "".join(json.dumps(chord) + "\n" for chord in CHORDS[:3]) + '{"notes": [60]}\n'
    result = run("stream", folder / "roll.whorl", "--most-likely", "2", stdin=rows)
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [len(one["probabilities"]) for one in told] == [2] * 4
    assert [one["origin"] for one in told] == [0, 1, 2, 3]
    result = run("stream", folder / "events.whorl", stdin='{"event": "on 60"}\n{"event": "wait 3"}\n')
    assert [len(json.loads(line)["probabilities"]["next event"]) for line in result.stdout.splitlines()] == [5, 5]
    result = run("stream", folder / "roll.whorl", stdin="[60]\n[20]\n")
    assert result.exit_code == 3
    assert "line 2" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_a_piece_is_scored_and_reported(folder):
    result = run("evaluate", folder / "roll.whorl", folder / "tunes.json")
    assert result.exit_code == 0, result.stderr
    assert "repeat" in result.stdout
    for steps in ("roll", "events"):
        page = folder / f"{steps}.html"
        result = run("report", folder / f"{steps}.whorl", folder / "primer.json", "--out", page)
        assert result.exit_code == 0, result.stderr
        text = page.read_text(encoding="utf-8")
        assert '<section id="music">' in text
        assert "What surprises it: primer.json" in text
        assert "drawn at a temperature of 0.8" in text


def test_a_damaged_file_ends_in_one_line(folder):
    (folder / "bad.mid").write_bytes(b"MThd\x00\x00")
    result = run("predict", folder / "roll.whorl", folder / "bad.mid")
    assert result.exit_code == 3
    assert "bad.mid" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_compose_demo_writes_music_to_listen_to(tmp_path, monkeypatch):
    short = {name: [piece[:20] for piece in pieces[:24]] for name, pieces in datasets.chorales().items()}
    monkeypatch.setattr(datasets, "chorales", lambda: short)
    result = run("demo", "compose", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "never trained on, 456 answers:" in result.stdout
    live = result.stdout.partition("Live: ")[2].splitlines()[2:10]
    assert [line.split("  ")[1] for line in live] == [
        " ".join(map(str, chord)) or "rest" for chord in short["test"][0][:8]
    ]
    made = {"chorales.whorl", "report.html", "train.json", "test.json", "primer.json", "chorale.mid", "chorale.wav"}
    assert {path.name for path in tmp_path.iterdir()} == made


@pytest.mark.slow
def test_the_compose_demo_beats_its_rivals(tmp_path):
    found = as_json(run("demo", "compose", "--folder", tmp_path, "--json"))["test"]
    assert found["metrics"]["nll"] < 0.9 * min(rival["nll"] for rival in found["baselines"].values())


def test_the_shipped_chorales_are_whole():
    parts = datasets.chorales()
    assert {name: len(pieces) for name, pieces in parts.items()} == {"train": 229, "valid": 76, "test": 77}
    assert sum(len(piece) for pieces in parts.values() for piece in pieces) == 23_134
    notes = {note for pieces in parts.values() for piece in pieces for chord in piece for note in chord}
    assert (min(notes), max(notes)) == (43, 96)
