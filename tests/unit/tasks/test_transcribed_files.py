"""A Transcriber of recordings, videos and features: from folders, tables and lists, and in pieces."""

import numpy as np
import pytest
import soundfile
from tests.unit.tasks.letters import text_of, transcriber

import whorl
from whorl.data.splits import held_out
from whorl.data.transcript_reader import examples_of
from whorl.errors import DataError
from whorl.plans.table import Table

RATE = 8000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    """Recordings in which each letter is a tone, a table of them, and their texts beside them."""
    made, rng = tmp_path_factory.mktemp("recordings"), np.random.default_rng(4)
    lines = ["path,said"]
    for n in range(12):
        text = text_of(rng)
        tones = [np.sin(2 * np.pi * (300 + 400 * " abcd".index(c)) * np.arange(RATE // 8) / RATE) for c in text]
        soundfile.write(made / f"r{n}.wav", 0.3 * np.concatenate(tones), RATE)
        (made / f"r{n}.txt").write_text(text + "\n")
        lines.append(f"r{n}.wav,{text}")
    tables = made.parent / "tables"
    tables.mkdir(exist_ok=True)
    (tables / "said.csv").write_text("\n".join([lines[0], *(f"../{made.name}/{line}" for line in lines[1:])]))
    return made, tables / "said.csv"


def test_recordings_come_from_a_folder_a_table_and_lists_alike(folder):
    recordings, table = folder
    paths = sorted(recordings.glob("*.wav"))
    texts = [path.with_suffix(".txt").read_text().strip() for path in paths]
    models = [
        transcriber(epochs=1).fit(recordings, verbose=False),
        transcriber(epochs=1).fit(([str(path) for path in paths], texts), verbose=False),
    ]
    assert models[0].model_.settings["media"]["medium"] == "audio"
    answers = [model.predict([str(path) for path in paths]).value for model in models]
    assert answers[0] == answers[1]
    named = transcriber(epochs=1, target="said").fit(table, verbose=False)
    assert named.evaluate(table).num_answers == 12
    assert named.predict(paths[0]).index.time[0].shape[1:] == (2,)


def test_a_folder_is_learned_by_the_table_in_it(folder, tmp_path):
    for path in folder[0].glob("*.wav"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    said = folder[1].read_text().replace(f"../{folder[0].name}/", "")
    (tmp_path / "said.csv").write_text(said)
    model = transcriber(1, target="said").fit(tmp_path, verbose=False)
    assert model.evaluate(tmp_path).target == model.evaluate(tmp_path / "said.csv").target
    assert len(model.predict(tmp_path).value) == 12


def test_texts_in_the_table_of_a_folder_are_taken_at_their_word(folder, tmp_path):
    (tmp_path / "wavs").mkdir()
    lines = ["path,said"]
    for n in range(6):
        (tmp_path / "wavs" / f"{n}.wav").write_bytes((folder[0] / f"r{n}.wav").read_bytes())
        lines.append(f"wavs/{n}.wav,{('007', 'NA')[n % 2]}")
    (tmp_path / "said.csv").write_text("\n".join(lines))
    for source in (tmp_path, tmp_path / "said.csv"):
        assert examples_of(source, whorl.Audio(), "said", Table()).texts == ["007", "NA"] * 3


@pytest.mark.parametrize("of_folder", [True, False])
def test_what_is_wrong_with_a_table_of_recordings_is_told(of_folder, tmp_path):
    (tmp_path / "said.csv").write_text("path,said\na.wav,ab, or so\n")
    with pytest.raises(DataError, match=r"said\.csv, row 2"):
        transcriber(epochs=1, target="said").fit(tmp_path if of_folder else tmp_path / "said.csv", verbose=False)


def test_samples_that_come_in_pieces_are_transcribed_as_their_file(folder):
    recordings, _ = folder
    model = transcriber(epochs=3).fit(recordings, verbose=False)
    path = sorted(recordings.glob("*.wav"))[0]
    samples, _ = soundfile.read(path, dtype="float32")
    stream = model.stream()
    for at in range(0, len(samples), 777):
        stream.push(samples[at : at + 777])
    assert stream.flush()[0].value == model.predict(path).value


def test_a_recording_that_is_shorter_than_a_step_teaches_nothing_and_says_nothing(folder, capsys):
    root, _ = folder
    recordings = [*sorted(root.glob("*.wav")), np.zeros(10)]
    texts = [*((path.with_suffix(".txt").read_text().strip()) for path in recordings[:-1]), "ab"]
    training = whorl.Training(epochs=1, validation=1, seed=2)
    model = whorl.Transcriber(media=whorl.Audio(num_bands=8, features="log_mel"), training=training)
    model.fit((recordings, texts), verbose=True)
    assert "left out of training: 1 whose text has more symbols than there are steps, the first of them '12'" in (
        capsys.readouterr().out
    )
    stream = model.stream()
    stream.push(np.zeros(10))
    assert model.predict([np.zeros(10)]).value == stream.flush()[-1].value == [""]


def test_recordings_that_are_too_short_cannot_be_all_that_a_late_model_is_validated_on():
    training = whorl.Training(epochs=1, validation=1, seed=0)
    (held,) = held_out(4, 1, 0).tolist()
    recordings = [np.zeros(10 if n == held else 4000) for n in range(4)]
    audio = whorl.Audio(num_bands=8, sample_rate_hz=RATE, features="log_mel")
    with pytest.raises(DataError, match="validation part has no example"):
        whorl.Transcriber(media=audio, lookahead=3, training=training).fit((recordings, ["ab"] * 4), verbose=False)


@pytest.mark.parametrize(
    ("media", "shape"), [(whorl.Video(height=4, width=4), (9, 6, 6, 3)), (whorl.Features(ordered=True), (9, 3))]
)
def test_videos_and_features_are_transcribed_and_a_saved_model_reads_them_too(media, shape, tmp_path):
    rng = np.random.default_rng(0)
    x = [rng.integers(0, 256, shape).astype(np.uint8 if len(shape) == 4 else np.float32) for _ in range(8)]
    network = whorl.Recurrent("rnn", hidden_size=4)
    model = transcriber(epochs=1, media=media, lookahead=2, network=network).fit((x, ["ab"] * 8), verbose=False)
    model.save(tmp_path / "m.whorl")
    assert whorl.load(tmp_path / "m.whorl").predict(x[:2]).value == model.predict(x[:2]).value


def test_a_recording_without_its_text_is_named(folder, tmp_path):
    for name in ("r0.wav", "r1.wav"):
        (tmp_path / name).write_bytes((folder[0] / name).read_bytes())
    (tmp_path / "r0.txt").write_text("ab")
    with pytest.raises(DataError, match=r"r1\.txt` is no file"):
        transcriber(epochs=1).fit(tmp_path, verbose=False)
