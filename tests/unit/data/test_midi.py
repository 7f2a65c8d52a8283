"""Files of MIDI: what is read, what is written, and what damaged ones end in."""

import struct
import time

import numpy as np
import pytest

import whorl
from whorl.codecs.music import MusicCodec
from whorl.codecs.notation import moments_of, piece_of_moments
from whorl.codecs.piece import Piece
from whorl.data.midi import midi_bytes, read_midi
from whorl.data.scores import scores
from whorl.errors import DataError
from whorl.plans.table import Table

EIGHTHS = whorl.Music(grid=2)


def variable(number):
    """A number as MIDI writes it: seven bits a byte, all but the last with their highest bit set."""
    found = [number & 127]
    while number := number >> 7:
        found.insert(0, number & 127 | 128)
    return bytes(found)


def track(*events, end=0):
    body = b"".join(variable(delta) + bytes(event) for delta, event in events) + variable(end) + b"\xff\x2f\x00"
    return b"MTrk" + struct.pack(">L", len(body)) + body


def midi(*tracks, kind=1, division=100):
    return b"MThd" + struct.pack(">LHHh", 6, kind, len(tracks), division) + b"".join(tracks)


def saved(tmp_path, data, name="x.mid"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def notes(piece):
    return list(zip(*(column.tolist() for column in piece[:4]), strict=True))


def test_tracks_sound_together_and_a_note_of_velocity_zero_ends_one(tmp_path):
    high = track((0, [0x90, 72, 90]), (200, [0x90, 72, 0]))
    low = track((100, [0x81 + 0x10, 48, 64]), (100, [0x81, 48, 0]), end=50)
    piece = read_midi(saved(tmp_path, midi(high, low)), EIGHTHS)
    assert notes(piece) == [(0.0, 4.0, 72, 90), (2.0, 4.0, 48, 64)]
    assert (piece.length, piece.grid, piece.tempo) == (5.0, 2.0, 120.0)


def test_a_status_byte_holds_for_the_events_after_it(tmp_path):
    running = track((0, [0x90, 60, 80]), (0, [64, 80]), (100, [60, 0]), (0, [64, 0]))
    assert notes(read_midi(saved(tmp_path, midi(running, kind=0)), EIGHTHS)) == [(0, 2, 60, 80), (0, 2, 64, 80)]


def test_tracks_of_type_two_follow_each_other(tmp_path):
    one = track((0, [0x90, 60, 80]), (100, [0x80, 60, 0]))
    assert notes(read_midi(saved(tmp_path, midi(one, one, kind=2)), EIGHTHS)) == [(0, 2, 60, 80), (2, 4, 60, 80)]


def test_drums_are_left_out(tmp_path):
    drums = track((0, [0x99, 38, 80]), (100, [0x89, 38, 0]))
    assert notes(read_midi(saved(tmp_path, midi(drums)), EIGHTHS)) == []


def test_milliseconds_follow_changes_of_tempo_and_quarter_notes_do_not(tmp_path):
    slow, fast = [0xFF, 0x51, 3, *(1_000_000).to_bytes(3, "big")], [0xFF, 0x51, 3, *(250_000).to_bytes(3, "big")]
    played = track((0, slow), (0, [0x90, 60, 80]), (100, fast), (100, [0x80, 60, 0]))
    path = saved(tmp_path, midi(played))
    assert notes(read_midi(path, EIGHTHS)) == [(0, 4, 60, 80)]
    assert notes(read_midi(path, whorl.Music(step_ms=50))) == [(0, 25, 60, 80)]
    assert read_midi(path, EIGHTHS).tempo == 60.0


def test_a_note_that_is_struck_again_ends_and_one_that_nothing_ends_lasts_to_the_end(tmp_path):
    again = track((0, [0x90, 60, 80]), (100, [0x90, 60, 70]), end=100)
    assert notes(read_midi(saved(tmp_path, midi(again)), EIGHTHS)) == [(0, 2, 60, 80), (2, 4, 60, 70)]


@pytest.mark.parametrize("steps", ["roll", "events"])
def test_a_piece_comes_back_from_its_file(tmp_path, steps):
    plan = whorl.Music(steps=steps, grid=4, velocities=127, waits=5, tempo=90)
    rng = np.random.default_rng(3)
    start = np.sort(rng.integers(0, 60, 40)).astype(float)
    drawn = Piece(start, start + rng.integers(1, 9, 40), rng.integers(30, 90, 40), rng.integers(1, 128, 40), 4, 90, 80)
    played = moments_of(drawn, plan)
    piece = piece_of_moments(played, plan)
    back = read_midi(saved(tmp_path, midi_bytes(piece)), plan)
    assert moments_of(back, plan) == played
    assert (back.length, round(back.tempo)) == (piece.length, 90)
    if steps == "events":
        assert notes(back) == notes(piece)


def test_steps_shorter_than_a_tick_of_most_files_keep_their_lengths(tmp_path):
    plan = whorl.Music(steps="events", step_ms=1, tempo=60, waits=1000)
    short = Piece(np.array([3.0]), np.array([4.0]), np.array([60]), np.array([64]), 1000.0, 60.0, 10.0)
    back = read_midi(saved(tmp_path, midi_bytes(short)), plan)
    assert moments_of(back, plan) == moments_of(short, plan)


def read(path):
    return scores(path, MusicCodec(EIGHTHS), None, Table())


WHOLE = midi(track((0, [0x90, 60, 80]), (100, [0x80, 60, 0]), (0, [0xFF, 0x51, 3, 7, 161, 32])))


def test_damaged_files_end_in_an_error_about_the_file(tmp_path):
    """D4: MIDI that is cut or changed anywhere is read or refused."""
    rng = np.random.default_rng(0)
    for n in range(300):
        data = bytearray(WHOLE[: rng.integers(len(WHOLE))] if n % 3 == 0 else WHOLE)
        for place in rng.integers(0, max(1, len(data)), n % 5):
            if data:
                data[place] = rng.integers(256)
        try:
            found = read(saved(tmp_path, bytes(data)))
        except DataError as error:
            assert "x.mid" in str(error)
        else:
            assert len(found) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF1234",
        midi(division=0),
        midi(track(), division=-6400),  # frames of a film
        midi(track((2**28 - 1, [0x90, 60, 80]), (2**28 - 1, [0x80, 60, 0]))),  # silence for months
        b"MThd" + struct.pack(">LHHh", 2**32 - 1, 1, 1, 96),
        midi(b"MTrk" + struct.pack(">L", 2**32 - 1) + b"\x00\xff\x01\xff\xff\xff\x7f"),
        b"MThd" + struct.pack(">LHHh", 6, 1, 32767, 96),
        WHOLE + b"\x00" * (1 << 20),
    ],
)
def test_hostile_files_end_in_an_error_soon(tmp_path, data):
    """D3: lengths and times that a file claims are bounded before they are believed."""
    path, started = saved(tmp_path, data), time.perf_counter()
    with pytest.raises(DataError, match=r"x\.mid"):
        read(path)
    assert time.perf_counter() - started < 1.0


def test_many_short_messages_are_read_within_seconds(tmp_path):
    many = track(*[(0, [0x90, 60, 80]), (0, [60, 0])] * 20_000)
    started = time.perf_counter()
    assert len(read(saved(tmp_path, midi(many)))[0].moments) <= 1
    assert time.perf_counter() - started < 5.0


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.mid. is not there"):
        read(str(tmp_path / "none.mid"))
