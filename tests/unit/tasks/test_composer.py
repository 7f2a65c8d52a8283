"""A Generator of music: what it learns, what it composes, and what it refuses."""

import json
import re
import wave

import numpy as np
import pytest

import whorl
from whorl.codecs.notation import moments_of
from whorl.codecs.piece import LOUD, Piece
from whorl.data.music_reader import MusicReader
from whorl.errors import ArgumentError, DataError

RANGE = {"lowest": 55, "highest": 79}
CHORDS = [[60, 64, 67], [60, 65, 69], [59, 62, 67], [60, 64, 67, 72]]


def tunes(count=30, length=17):
    """Four chords over and over, each piece from another one on."""
    return [[CHORDS[(n + step) % 4] for step in range(length)] for n in range(count)]


def composer(steps="roll", epochs=60, **settings):
    plan = whorl.Music(steps=steps, transpose=(-2, 2), velocities=1, waits=4, **RANGE)
    training = whorl.Training(epochs=epochs, batch_size=4, tbptt_steps=16, learning_rate=1e-2, device="cpu")
    network = whorl.Recurrent("gru", hidden_size=48)
    return whorl.Generator(**{"tokens": plan, "network": network, "training": training, "dropout": 0.0, **settings})


@pytest.fixture(scope="module")
def chords():
    return composer().fit(tunes(), verbose=False)


@pytest.fixture(scope="module")
def events():
    return composer("events", epochs=40).fit(tunes(), verbose=False)


def chords_of(model, piece):
    return [list(chord) for chord in moments_of(piece, model.model_.reader.music.plan)]


def test_a_composer_of_chords_beats_its_rivals_and_goes_on_in_any_key(chords):
    found = chords.evaluate(tunes(4))
    assert set(found.baseline) == {"frequency", "repeat"}
    assert found.metrics["nll"] < 0.2 * min(rival["nll"] for rival in found.baseline.values())
    assert found.metrics["frame_accuracy"] > 0.95
    moved = [[note + 1 for note in chord] for chord in tunes(1)[0]]
    (piece,) = chords.predict([moved[:6]], decoding=whorl.Greedy(max_length=8)).value
    assert chords_of(chords, piece) == moved[:14]


def test_the_loss_of_a_step_is_the_sum_over_its_notes(chords):
    piece = tunes(1)[0]
    answer = chords.predict([piece], every_row=True).probabilities
    notes = list(range(RANGE["lowest"], RANGE["highest"] + 1))
    truth = np.array([[note in chord for note in notes] for chord in piece])
    own = np.where(truth[1:], answer[:-1], 1 - answer[:-1])
    assert chords.evaluate([piece]).metrics["nll"] == pytest.approx(-np.log(own).sum(axis=1).mean(), rel=1e-9)
    # The validation part is learned from by the same sum: the history tells nats of a step, too.
    least = min(epoch.valid_loss for epoch in chords.history_.epochs)
    assert least == pytest.approx(chords.model_.card["scores"]["metrics"]["nll"], rel=0.5)


def test_draws_stay_in_the_range_have_no_more_notes_than_asked_and_are_repeatable(chords):
    hot = whorl.Sample(temperature=5.0, top_k=3, max_length=40, seed=2)
    made = chords.predict(tunes(2), decoding=hot)
    again = chords.predict(tunes(2), decoding=hot)
    for piece, same in zip(made.value, again.value, strict=True):
        assert chords_of(chords, piece) == chords_of(chords, same)
        assert len(chords_of(chords, piece)) == 17 + 40
        assert max(map(len, chords_of(chords, piece)[17:])) == 3
        assert RANGE["lowest"] <= piece.pitch.min() <= piece.pitch.max() <= RANGE["highest"]
    assert chords_of(chords, made.value[0]) != chords_of(chords, made.value[1])
    assert made.index.origin.tolist() == [16, 16]
    assert (made.score < 0).all()


def test_an_empty_primer_goes_on_from_silence(chords):
    (piece,) = chords.predict([[]], decoding=whorl.Sample(max_length=5)).value
    assert piece.length == 6


def test_a_beam_is_refused_for_chords_and_searches_events(chords, events):
    with pytest.raises(ArgumentError, match="a beam chooses among tokens"):
        chords.predict([[]], decoding=whorl.Beam())
    with pytest.raises(ArgumentError, match="`top_p` chooses among tokens"):
        chords.predict([[]], decoding=whorl.Sample(top_p=0.5))
    best, greedy = (
        events.predict(tunes(1), decoding=how)
        for how in (whorl.Beam(width=3, max_length=9), whorl.Greedy(max_length=9))
    )
    assert best.score[0] >= greedy.score[0] - 1e-9


def test_events_that_are_drawn_are_valid_whatever_was_learned(events):
    """No note ends that does not sound, and none begins that does; a hot draw of a free model breaks both at once."""
    from whorl.runtime.composing import Sounding

    music = events.model_.reader.music
    primer = events.model_.reader.read([tunes(1)[0][:3]])[0]
    rules, generator = Sounding(music, [primer.past[:, 0]]), np.random.default_rng(1)
    state, sounding = rules.first(0), set()
    for word in music.decode(primer.past[:, :1]):
        kind, number = word.split()
        sounding = sounding | {number} if kind == "on" else sounding - {number} if kind == "off" else sounding
    for _ in range(300):
        code = generator.choice(np.flatnonzero(~rules.barred(state))[1:])  # the begin is banned
        kind, _, number = music.vocabulary[code].partition(" ")
        assert kind not in ("begin", "velocity")
        assert kind != "on" or number not in sounding
        assert kind != "off" or number in sounding
        if kind == "end":
            assert not sounding
            break
        sounding = sounding | {number} if kind == "on" else sounding - {number} if kind == "off" else sounding
        state = rules.after(state, code)


def test_a_composer_of_events_beats_its_rivals_and_ends_what_it_begins(events):
    found = events.evaluate(tunes(3))
    assert found.metrics["nll"] < 0.5 * min(rival["nll"] for rival in found.baseline.values())
    (piece,) = events.predict([tunes(1)[0][:4]], decoding=whorl.Greedy(max_length=200)).value
    made = [sorted(chord) for chord in _as_roll(piece)]
    assert made[:12] == tunes(1)[0][:12]


def _as_roll(piece):
    return moments_of(piece, whorl.Music(grid=4, **RANGE))


def test_a_stream_answers_what_predict_does_after_a_chord_or_an_event(chords, events):
    piece = tunes(1)[0]
    whole, stream = chords.predict([piece], every_row=True), chords.stream()
    for step, chord in enumerate(piece):
        (answer,) = stream.push({"notes": chord} if step % 2 else chord)
        assert np.array_equal(answer.probabilities[0], whole.probabilities[step])
        assert answer.value[0] == whole.value[step]
    words = ["on 60", "wait 2", "off 60"]
    whole, stream = events.predict([words], every_row=True), events.stream()
    for step, word in enumerate(words, start=1):  # the begin is answered, too
        (answer,) = stream.push({"event": word} if step % 2 else word)
        assert np.array_equal(answer.probabilities[0], whole.probabilities[step])


def test_what_a_stream_may_not_be_given_leaves_it_as_it_was(chords):
    stream = chords.stream()
    stream.push([60])
    before = bytes(stream.state)
    for wrong in ([54], [60.5], ["C4"], "on 60", {"chord": [60]}, [True], None):
        with pytest.raises(DataError, match=r"notes|chord"):
            stream.push(wrong)
    assert bytes(stream.state) == before


def test_a_model_file_composes_the_same_without_torch(chords, events, tmp_path):
    for name, model in (("chords", chords), ("events", events)):
        model.save(tmp_path / f"{name}.whorl")
        light = whorl.runtime.load(tmp_path / f"{name}.whorl")
        hot = whorl.Sample(max_length=20, seed=4)
        one, other = model.predict(tunes(1), decoding=hot), light.predict(tunes(1), decoding=hot)
        assert one.score.tolist() == other.score.tolist()
        assert isinstance(light.reader, MusicReader)
        assert whorl.load(tmp_path / f"{name}.whorl").tokens == model.tokens


def test_a_label_beside_the_pieces_says_which_way_they_go(tmp_path):
    up, down = [[60], [64]] * 8, [[60], [57]] * 8
    data = [up, down] * 15, ["up", "down"] * 15
    model = composer(condition="way", epochs=30, tokens=whorl.Music(transpose=(0, 0), **RANGE)).fit(data, verbose=False)
    made = model.predict(([[[60]], [[60]]], ["up", "down"]), decoding=whorl.Greedy(max_length=1)).value
    assert [moments_of(piece, model.tokens)[1] for piece in made] == [(64,), (57,)]
    stream = model.stream()
    (answer,) = stream.push({"notes": [60], "way": "down"})
    assert answer.value[0] == (57,)
    with pytest.raises(DataError, match="'way'"):
        model.stream().push([62])
    with pytest.raises(DataError, match="has none"):
        model.predict([[[62]]])
    # Of a folder the label is the folder that a file lies in, of a table its column.
    made = model.predict(([[[62]]], ["up"]), decoding=whorl.Greedy(max_length=3))
    for folder in ("up", "down"):
        (tmp_path / folder).mkdir()
        made.write(tmp_path / folder / "a.mid")
    sequences = model.model_.reader.read(tmp_path)
    assert not np.array_equal(sequences[0].past[0], sequences[1].past[0])
    table = {"file": [str(tmp_path / "up" / "a.mid"), str(tmp_path / "down" / "a.mid")], "way": ["down", "up"]}
    other = model.model_.reader.read(table)
    assert np.array_equal(sequences[0].past[0], other[0].past[0])  # 'down' comes first in a folder


def test_files_of_midi_need_no_plan_and_are_written_with_their_sound(chords, tmp_path):
    made = chords.predict(tunes(2), decoding=whorl.Greedy(max_length=3))
    made.write(tmp_path / "x.mid")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x-1.mid", "x-2.mid"]
    model = whorl.Generator(network=whorl.Recurrent("gru", hidden_size=4), training=whorl.Training(epochs=1))
    model.fit(tmp_path, verbose=False)
    assert isinstance(model.model_.reader, MusicReader)
    made.take(slice(0, 1)).write(tmp_path / "x.wav")
    with wave.open(str(tmp_path / "x.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert file.getnframes() / file.getframerate() == pytest.approx(made.value[0].seconds, abs=0.2)
        assert np.abs(np.frombuffer(file.readframes(10**6), "<i2").astype(int)).max() == pytest.approx(
            0.9 * 32767, abs=9
        )
    made.write(tmp_path / "x.jsonl")
    first = json.loads((tmp_path / "x.jsonl").read_text().splitlines()[0])
    assert (first["series"], first["start"], first["velocity"]) == ("0", 0.0, LOUD)
    assert set(first) == {"series", "start", "end", "pitch", "velocity"}


def test_a_file_of_chords_is_many_pieces(chords, tmp_path):
    (tmp_path / "x.json").write_text(json.dumps(tunes(3)))
    (tmp_path / "one.json").write_text(json.dumps(tunes(1)[0]))
    read = chords.model_.reader.read
    assert [one.key for one in read(tmp_path / "x.json")] == ["x.json 0", "x.json 1", "x.json 2"]
    assert [one.key for one in read(tmp_path)] == ["one.json", "x.json 0", "x.json 1", "x.json 2"]
    for name, text, why in (
        ("a", "{}", "several parts"),
        ("b", "[[[60", "not JSON"),
        ("c", "[]", "no list"),
        ("d", '[["x"]]', "chords"),
        ("e", "[[[1e3]]]", "chords"),
        ("f", "[[[600]]]", "0 to 127"),
        ("g", "[" * 100_000, "not JSON"),
        ("h", "3", "no list"),
    ):
        (tmp_path / f"{name}.json").write_text(text)
        with pytest.raises(DataError, match=why):
            read(tmp_path / f"{name}.json")


def test_notes_out_of_the_range_are_left_out_and_told(capsys):
    composer(epochs=1).fit([[[20, 60], [60, 64]]] * 21, verbose=True)
    assert "21 notes are out of the range" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [[], [3], [[[60]], 3], ["x.wav"], 3, {"a": [1]}, ([], ["x"])])
def test_what_is_no_music_is_refused(chords, wrong):
    with pytest.raises(DataError):
        chords.predict(wrong)


@pytest.mark.parametrize(
    "options",
    [
        {"steps": "rolls"},
        {"grid": 0},
        {"grid": 2, "step_ms": 10.0},
        {"lowest": 60, "highest": 60},
        {"highest": 128},
        {"transpose": (1, 2)},
        {"transpose": (0,)},
        {"transpose": 3},
        {"transpose": None},
        {"tempo": 0},
        {"tempo": float("nan")},
        {"velocities": True},
    ],
)
def test_a_plan_that_means_nothing_is_refused(options):
    with pytest.raises(ArgumentError, match=f"`{next(iter(options))}`"):
        whorl.Music(**options)


def test_chords_are_not_answered_by_the_vectors_they_are_read_as():
    with pytest.raises(ArgumentError, match="`tied` answers by the vectors that tokens are read as"):
        composer(tied=True)
    assert composer(tied=False).wiring().shape.tied is False
    assert composer("events", tied=True).wiring().shape.tied is True


@pytest.mark.parametrize("chord", [[60.5], [True], "C4", [None]])
def test_a_chord_that_is_none_is_named_wherever_it_stands(chords, chord):
    with pytest.raises(DataError, match=re.escape(f"chords such as [60, 64, 67], but has {chord!r}.")):
        chords.predict([[[60], [64], chord]])


def test_covariates_of_music_are_refused(chords):
    for given in (lambda: chords.predict([[[60]]], known=[1]), lambda: chords.stream().push([60], known=[1])):
        with pytest.raises(ArgumentError, match="what this model reads has no covariates ahead"):
            given()


def test_notes_that_are_none_are_refused():
    one = np.array([60])
    for piece in (
        Piece(np.array([0.0]), np.array([np.nan]), one, one, 1, 100, 1),
        Piece(np.array([0.0]), np.array([1.0]), np.array([200]), one, 1, 100, 1),
        Piece(np.array([0.0]), np.array([1e9]), one, one, 1, 100, 1),
        Piece(np.array([0.0, 1.0]), np.array([1.0]), one, one, 1, 100, 1),
    ):
        with pytest.raises(DataError):
            whorl.Generator(tokens=whorl.Music()).fit([piece])


def test_training_moves_pieces_and_validation_does_not(chords):
    from whorl.data.token_strips import TokenStrips
    from whorl.data.transposing import Transposing
    from whorl.plans.changes import Transposition

    reader = chords.model_.reader
    pieces = reader.read(tunes(5), targets=True)
    spans = [(0, len(one)) for one in pieces]
    moved = TokenStrips(
        pieces,
        spans,
        1,
        8,
        shuffle=False,
        transposing=Transposing(reader.music, Transposition(least=-3, most=9), pieces),
    )
    still = TokenStrips(pieces, spans, 1, 8, shuffle=False)
    shifts = set()
    for epoch in range(12):
        for index in range(len(moved)):
            one, other = (batches.batch(index, seed=1, epoch=epoch) for batches in (moved, still))
            rows, truths = one.inputs["past"][0], one.targets[0, :, 0]
            same = one.inputs["starts"][0][1:] if "starts" in one.inputs else np.zeros(len(rows) - 1, bool)
            # Within a piece what comes next is moved as what was read.
            assert np.array_equal(rows[1:][~same], truths[:-1][~same])
            lowest = [
                int(np.flatnonzero(row)[0] - np.flatnonzero(flat)[0])
                for row, flat in zip(rows, other.inputs["past"][0], strict=True)
            ]
            shifts |= set(lowest)
    assert min(shifts) >= -3
    assert max(shifts) == 79 - 72  # the highest note stays in the range
    assert len(shifts) > 5
