"""The reader and the codec of music: what a model file may say of them, and which data are music."""

import json

import numpy as np
import pytest

import whorl
from whorl.codecs.music import MusicCodec, note_name
from whorl.codecs.notation import moments_of, piece_of_chords, piece_of_moments
from whorl.codecs.piece import Piece
from whorl.data.midi import midi_bytes
from whorl.data.music_reader import MusicReader
from whorl.data.scores import is_music, scores
from whorl.errors import DataError, ModelFileError
from whorl.plans.table import Table

PLAN = whorl.Music(lowest=60, highest=66)
EVENTS = whorl.Music(steps="events", velocities=4, waits=3)


def reader(plan=PLAN):
    return MusicReader(music=MusicCodec(plan), condition=None, beside=None, table=Table())


@pytest.mark.parametrize(
    "change",
    [
        {"condition": "way"},
        {"music": {}},
        {"music": {**MusicCodec(PLAN).config(), "lowest": 90}},
        {"music": {**MusicCodec(PLAN).config(), "step": 3}},
        {"music": {**MusicCodec(PLAN).config(), "transpose": [1]}},
        {"beside": {}},
        {"table": {}},
        {"more": 1},
    ],
)
def test_a_damaged_reader_is_refused(change):
    config = json.loads(json.dumps(reader().config()))
    assert MusicReader.restore(config, {}).config() == reader().config()
    with pytest.raises(ModelFileError):
        MusicReader.restore({**config, **change}, {})
    with pytest.raises(ModelFileError):
        MusicReader.restore(config, {"beside/x": np.zeros(1)})


def test_a_state_of_another_reader_is_refused():
    rows = reader().open(None)
    rows.push([60])
    state = rows.read()
    for wrong in (b"", b"x", state[:-1], reader(EVENTS).open(None).read()):
        with pytest.raises(ModelFileError):
            rows.write(wrong)
    assert rows.read() == state


def test_a_piece_becomes_events_and_comes_back():
    start, end = np.array([0.0, 0.2, 4.4]), np.array([2.0, 0.3, 5.0])
    piece = Piece(start, end, np.array([64, 60, 60]), np.array([1, 127, 64]), 4.0, 100.0, 9.0)
    words = moments_of(piece, EVENTS)
    assert words[:5] == ["velocity 3", "on 60", "velocity 0", "on 64", "wait 1"]
    assert words[5:9] == ["off 60", "wait 1", "off 64", "wait 2"]
    assert words[9:] == ["velocity 1", "on 60", "wait 1", "off 60", "wait 3", "wait 1"]
    back = piece_of_moments(words, EVENTS)
    assert back.start.tolist() == [0, 0, 4]
    assert back.end.tolist() == [1, 2, 5]
    assert back.pitch.tolist() == [60, 64, 60]
    assert back.length == 9
    assert moments_of(back, EVENTS) == words


def test_events_that_mean_nothing_do_no_harm():
    made = piece_of_moments(["off 60", "on 60", "on 60", "wait 2", "on 60", "velocity 1"], EVENTS)
    assert list(zip(made.start, made.end, strict=True)) == [(0, 2), (2, 3)]


def test_chords_are_held_while_they_stay():
    made = piece_of_chords([(60, 64), (60,), (), (60,)], PLAN)
    assert list(zip(made.start, made.end, made.pitch, strict=True)) == [(0, 2, 60), (0, 1, 64), (3, 4, 60)]
    assert moments_of(made, PLAN) == [(60, 64), (60,), (), (60,)]


def test_notes_are_named_as_pianists_call_them():
    assert [note_name(note) for note in (60, 21, 108, 61)] == ["C4", "A0", "C8", "C#4"]


def test_music_is_told_from_texts_and_tables(tmp_path):
    (tmp_path / "a.mid").write_bytes(midi_bytes(piece_of_chords([(60,)], PLAN)))
    assert is_music(tmp_path)
    assert is_music([tmp_path / "a.mid"])
    (tmp_path / "b.json").write_text("[\n [[], [60]]]")
    (tmp_path / "c.json").write_text('[{"a": 1}]')
    assert is_music(tmp_path / "b.json")
    assert not is_music(tmp_path / "c.json")
    assert not is_music(["a text", "another"])
    assert not is_music([{"text": "x"}])


def test_files_of_midi_make_a_folder_music_whatever_lies_beside_them(tmp_path):
    (tmp_path / "bach").mkdir()
    for name in ("a.mid", "bach/b.midi", "bach/c.mid"):
        (tmp_path / name).write_bytes(midi_bytes(piece_of_chords([(60,), (62,)], PLAN)))
    for name in ("bach/._a.mid", ".trash/d.mid"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    for name, text in {"README.txt": "Pieces.", "LICENSE": "Yours.", "x.csv": "a,b\n", "bach/x.txt": "Bach."}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "about.json").write_text('{"composer": {"0": "Bach"}}')
    (tmp_path / "chords.json").write_text("[[[60], [62]]]")
    assert is_music(tmp_path)
    names = [score.name for score in scores(tmp_path, MusicCodec(PLAN), None, Table())]
    assert names == ["a.mid", "b.midi", "c.mid", "chords.json"]
    (tmp_path / "d.txt").write_text("Words.")
    with pytest.raises(DataError, match=r"3 files of MIDI and 3 files of text, .* set tokens=whorl\.Music\(\)"):
        is_music(tmp_path)
    with pytest.raises(DataError, match="3 files of MIDI and 3 files of text"):
        whorl.Generator().for_data(tmp_path)
    assert whorl.Generator(tokens=PLAN).for_data(tmp_path).tokens == PLAN


def test_music_is_suggested_a_generator(tmp_path):
    for n in range(3):
        (tmp_path / f"{n}.mid").write_bytes(midi_bytes(piece_of_chords([(60,), (62,)] * 20, PLAN)))
    found = whorl.suggest(tmp_path)
    assert found.task == "generate"
    assert "steps of music" in found.reasons[0]
    assert "--steps events" in found.alternatives[0].command


def test_a_row_that_is_no_chord_says_what_one_is():
    with pytest.raises(DataError, match=r"chords such as \[60, 64, 67\]"):
        reader().open(None).push_rows("60")
    with pytest.raises(DataError, match="the list of its notes"):
        reader().open(None).push(60)


def test_a_beginning_with_notes_out_of_the_range_is_refused_whole_as_live(tmp_path):
    (tmp_path / "a.mid").write_bytes(midi_bytes(piece_of_chords([(60, 70), (80,)], PLAN)))
    for source, told in (
        ([[[60, 70], [61]]], "piece 0: .* 1 note of it is"),
        (tmp_path / "a.mid", "2 notes of it are"),
    ):
        with pytest.raises(DataError, match=rf"{told}.* out of that range\. Leave them out"):
            reader().read(source)
        assert len(reader().read(source, targets=True)) == 1
    with pytest.raises(DataError, match="60 to 66"):
        reader().open(None).push([60, 70])
