"""Classifiers of recordings, on low and high tones."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import whorl
from whorl.errors import ArgumentError, DataError, MissingExtraError, StreamingError

RATE = 4000
SPEAKERS = ("ann", "bo", "cy", "di")


def tone(hz: float, seed: int, rate: int = RATE, seconds: float = 0.3) -> np.ndarray:
    random = np.random.default_rng(seed)
    count = int((seconds + 0.1 * random.random()) * rate)
    wave = np.sin(2 * np.pi * hz * np.arange(count) / rate + random.random())
    return (0.3 * wave + 0.02 * random.standard_normal(count)).astype(np.float32)


def classifier(**settings: object) -> whorl.Classifier:
    training = whorl.Training(epochs=4, batch_size=8, learning_rate=0.02, seed=1)
    network = whorl.Recurrent("gru", hidden_size=8)
    return whorl.Classifier(**{"network": network, "training": training, **settings})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve recordings of each kind, by four speakers."""
    made = tmp_path_factory.mktemp("tones")
    for n in range(24):
        kind, hz = ("low", 250) if n % 2 else ("high", 1200)
        path = made / "tones" / kind / f"{SPEAKERS[n // 2 % 4]}_{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone(hz, n), RATE)
    return made / "tones"


@pytest.fixture(scope="module")
def model(folder: Path) -> whorl.Classifier:
    return classifier().fit(folder)


def test_a_folder_of_folders_is_learned_without_a_word_about_sound(model: whorl.Classifier, folder: Path) -> None:
    result = model.evaluate(folder)
    assert result.num_answers == 24
    assert result.metrics["accuracy"] > 0.9
    assert set(result.baseline) == {"prior", "linear"}
    assert result.baseline["prior"]["accuracy"] == 0.5
    assert model.model_.settings["tokens"]["medium"] == "audio"  # type: ignore[index]
    assert model.tokens == whorl.Text()  # what the user gave stays as it was


def test_files_lists_tables_and_samples_get_the_same_answers(model: whorl.Classifier, folder: Path) -> None:
    paths = sorted(folder.glob("*/*.wav"))
    wanted = model.predict(paths)
    assert [Path(key).name for key in wanted.index.series] == [path.name for path in paths]
    sounds = [whorl.Sound(*soundfile.read(path, dtype="float32")) for path in paths]
    table = folder.parent / "table.csv"
    table.write_text("file\n" + "".join(f"tones/{path.relative_to(folder)}\n" for path in paths))
    for other in (folder, list(map(str, paths)), table, sounds, [sound.samples for sound in sounds]):
        np.testing.assert_array_equal(model.predict(other).probabilities, wanted.probabilities)
    np.testing.assert_array_equal(model.predict(paths[3]).probabilities, wanted.probabilities[3:4])  # one file
    np.testing.assert_array_equal(model.predict(sounds[3]).probabilities, wanted.probabilities[3:4])


def test_a_table_has_the_label_and_the_speaker_and_no_speaker_is_on_both_sides(folder: Path) -> None:
    table = folder.parent / "all.csv"
    paths = sorted(folder.glob("*/*.wav"))
    rows = [f"{path.name.split('_')[0]},tones/{path.relative_to(folder)},{path.parent.name}\n" for path in paths]
    table.write_text("speaker,recording,kind\n" + "".join(rows))
    whole = classifier(target="kind", tokens=whorl.Audio(group="speaker"), training=whorl.Training(epochs=1)).fit(table)
    held = {Path(one.key).name.split("_")[0] for one in whole.held_out_.sequences}
    assert whole.model_.card["data"]["validation_sequences"] % 6 == 0  # type: ignore[index,operator]
    steps = [len(part) for part in whole.held_out_.steps]
    held = {Path(one.key).name.split("_")[0] for one, n in zip(whole.held_out_.sequences, steps, strict=True) if n}
    learned = {
        Path(one.key).name.split("_")[0] for one, n in zip(whole.held_out_.sequences, steps, strict=True) if not n
    }
    assert held
    assert not held & learned


def test_a_pattern_finds_the_speaker_in_the_name(folder: Path) -> None:
    from whorl.tasks.preparation import prepare

    estimator = classifier(tokens=whorl.Audio(group=r"([a-z]+)_\d")).for_data(folder)
    prepared = prepare(estimator, folder)
    assert set(prepared.groups or []) == set(SPEAKERS)
    for group, message in (
        ("speaker", "one pair of parentheses"),
        ("(", "regular expression"),
        ("(q+)", "no such part"),
    ):
        with pytest.raises((ArgumentError, DataError), match=message):
            prepare(classifier(tokens=whorl.Audio(group=group)), folder)


@pytest.mark.parametrize("rate", [RATE, 16000])
def test_samples_that_come_in_pieces_are_answered_as_the_whole_is(model: whorl.Classifier, rate: int) -> None:
    sound = tone(250, 77, rate)
    wanted = model.predict([whorl.Sound(sound, rate)], every_row=True)
    stream, answers, at = model.stream(), [], 0
    for size in (7, 500, 1, 0, 333, 10**6):
        if at == 508:
            state = whorl.State.from_bytes(bytes(stream.state))
            stream = model.stream()
            stream.state = state
        answers += stream.push(whorl.Sound(sound[at : at + size], rate))  # type: ignore[arg-type]
        at += size
    answers += stream.flush()
    for answer in answers:
        step = int(answer.index.origin[0])
        np.testing.assert_array_equal(answer.probabilities[0], wanted.probabilities[step])
    assert int(answers[-1].index.origin[0]) == len(wanted) - 1
    assert stream.flush() == []
    with pytest.raises(DataError, match="has ended"):
        stream.push(sound)
    stream.reset()
    every = stream.push_rows(whorl.Sound(sound, rate))
    np.testing.assert_array_equal(every.probabilities, wanted.probabilities[: len(every)])


def test_what_is_no_sound_leaves_the_stream_as_it_was(model: whorl.Classifier) -> None:
    stream = model.stream()
    stream.push(tone(250, 1))
    before = bytes(stream.state)
    for wrong in (np.array([np.nan]), {"file": "a.wav"}, "a.wav", whorl.Sound(np.zeros(5), 16000)):
        with pytest.raises(DataError):
            stream.push(wrong)  # type: ignore[arg-type]
        assert bytes(stream.state) == before


def test_a_saved_model_answers_the_same_and_says_how_it_hears(
    model: whorl.Classifier, folder: Path, tmp_path: Path
) -> None:
    model.save(tmp_path / "m.whorl")
    again = whorl.load(tmp_path / "m.whorl")
    assert isinstance(again, whorl.Classifier)
    assert again.tokens == whorl.Audio()
    np.testing.assert_array_equal(again.predict(folder).probabilities, model.predict(folder).probabilities)
    again.fit(folder)  # the loaded settings are those of sound


def test_the_mean_of_the_file_refuses_a_stream_and_names_what_to_do(folder: Path) -> None:
    model = classifier(tokens=whorl.Audio(normalise="file"), training=whorl.Training(epochs=1)).fit(folder)
    assert not model.model_.streams
    with pytest.raises(StreamingError, match="normalise='running'"):
        model.stream()


def test_settings_of_rows_and_of_texts_are_refused_beside_sound() -> None:
    for options, message in (
        ({"series": "beat"}, "`series` is of tables of rows"),
        ({"text": "words"}, "`text` is of tables of rows"),
        ({"augmentation": "series"}, "`augmentation` has 'series', but examples are recordings"),
        ({"augmentation": ("sound", "tokens")}, "`augmentation` has 'tokens'"),
    ):
        with pytest.raises(ArgumentError, match=message):
            classifier(tokens=whorl.Audio(), **options)
    with pytest.raises(ArgumentError, match="`augmentation` has 'sound', but examples are series"):
        classifier(augmentation="sound").fit((np.zeros((8, 5, 2)), [0, 1] * 4))
    with pytest.raises(ArgumentError, match=r"`tokens` is a whorl\.Text\(\.\.\.\) or a whorl\.Audio"):
        classifier(tokens="audio")


def test_an_empty_recording_is_named(model: whorl.Classifier, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    with pytest.raises(DataError, match=r"empty\.wav"):
        model.predict([tmp_path / "empty.wav"])
    with pytest.raises(DataError, match="`0` is empty"):
        model.predict([np.zeros(0, np.float32)])


def test_recordings_without_labels_cannot_be_learned_from_or_scored(model: whorl.Classifier, folder: Path) -> None:
    for verb in (classifier().fit, model.evaluate):
        with pytest.raises(DataError, match="column `label` is not in"):
            verb(folder / "low")


def test_several_labels_at_once_are_of_recordings_too(folder: Path) -> None:
    paths = sorted(folder.glob("*/*.wav"))
    truths = np.array([[path.parent.name == "low", "ann" in path.name] for path in paths], float)
    model = classifier(target=("deep", "ann"), tokens=whorl.Audio()).fit((paths, truths))
    assert model.predict(paths).probabilities.shape == (24, 2)


def test_bands_are_learned_as_their_cepstrum_is(model: whorl.Classifier, folder: Path) -> None:
    assert model.model_.reader.past.spec.width == 13  # type: ignore[attr-defined]
    model = classifier(tokens=whorl.Audio(features="log_mel", normalise="training")).fit(folder)
    assert model.model_.reader.past.spec.width == 26  # type: ignore[attr-defined]
    assert model.evaluate(folder).metrics["accuracy"] > 0.8


def test_without_soundfile_one_line_says_what_to_install(
    folder: Path, model: whorl.Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r'pip install "whorl\[audio\]"'):
        model.predict(folder)
    assert len(model.predict([tone(250, 1)])) == 1  # samples in memory need it not


def test_fit_changes_neither_the_settings_nor_the_samples() -> None:
    sounds = [tone((250, 1200)[n % 2], n) for n in range(12)]
    before = [sound.copy() for sound in sounds]
    estimator = classifier(tokens=whorl.Audio(sample_rate_hz=RATE), training=whorl.Training(epochs=1))
    settings = dataclasses.asdict(estimator)
    estimator.fit((sounds, ["high", "low"] * 6))
    assert dataclasses.asdict(estimator) == settings
    for sound, old in zip(sounds, before, strict=True):
        np.testing.assert_array_equal(sound, old)
