"""What `check` says of recordings, pictures, videos and features."""

import numpy as np
import PIL.Image
import pytest
import soundfile

import whorl
from whorl.data.check import check


def tone(path, seconds=0.5, rate=8000, pitch=0.3):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(pitch * np.arange(int(seconds * rate))), rate)


def shade(path, size=(6, 4), level=99):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.full((size[1], size[0]), level, np.uint8)).save(path)


@pytest.fixture
def recordings(tmp_path):
    folder = tmp_path / "words"
    for n in range(4):
        tone(folder / ("yes", "no")[n % 2] / f"{n}.wav", seconds=0.5 + n / 2, pitch=0.2 + n / 10)
    return folder


def test_recordings_are_summed_up_in_one_note(recordings):
    (note,) = check(recordings)
    assert note.severity == "note"
    assert note.message == (
        "words/: 4 recordings; seconds: 0.5 to 2, 1.25 (median); samples a second: 8,000; labels: no (2), yes (2)."
    )


def test_files_that_cannot_be_read_are_errors_and_the_others_are_looked_at(recordings):
    (recordings / "yes" / "cut.wav").write_bytes((recordings / "yes" / "0.wav").read_bytes()[:900])
    (recordings / "no" / "text.wav").write_text("no sound")
    first, second, note = check(recordings)
    assert (first.severity, second.severity, note.severity) == ("error", "error", "note")
    assert "text.wav` is no WAV" in first.message
    assert "cut.wav` is cut off" in second.message
    assert "seconds: 0.5 to 2" in note.message


def test_many_files_that_cannot_be_read_are_counted(recordings):
    for n in range(25):
        (recordings / "no" / f"bad{n}.wav").write_text("no sound")
    found = check(recordings)
    errors = [one.message for one in found if one.severity == "error"]
    assert len(errors) == 21
    assert errors[-1] == "words/: 5 more recordings cannot be read."


def test_copies_and_lone_labels_are_warnings(recordings):
    (recordings / "no" / "again.wav").write_bytes((recordings / "yes" / "0.wav").read_bytes())
    tone(recordings / "maybe" / "9.wav", pitch=0.9)
    warnings = [one.message for one in check(recordings) if one.severity == "warning"]
    assert any(
        "1 group of recordings have the same bytes, such as 'no/again.wav' and 'yes/0.wav'" in w for w in warnings
    )
    assert any("1 label with one example only (maybe)" in w for w in warnings)


def test_one_label_is_nothing_to_tell_apart(tmp_path):
    for n in range(3):
        shade(tmp_path / "p" / "dark" / f"{n}.png", level=n)
    first, note = check(tmp_path / "p")
    assert (first.severity, "one label only, 'dark'" in first.message) == ("error", True)
    assert "3 pictures; pixels: 6 x 4; labels: dark (3)" in note.message


def test_a_table_names_files_and_what_is_missing_is_said(tmp_path):
    for n, size in enumerate(((6, 4), (6, 4), (8, 2))):
        shade(tmp_path / f"{n}.png", size, level=n)
    table = tmp_path / "shades.csv"
    table.write_text("picture,age\n0.png,3\n1.png,4\n2.png,5\nlost.png,6\n")
    error, note = check(table, target="age")
    assert "lost.png` is no file" in error.message
    assert "4 pictures; pixels: 6 x 4 (2), 8 x 2 (1)" in note.message
    (error,) = check(table, target="aeg")
    assert "Did you mean 'age'" in error.message


def test_files_alone_have_no_columns_and_many_labels_are_counted(tmp_path):
    for n in range(6):
        shade(tmp_path / "flat" / f"{n}.png", level=n)
        shade(tmp_path / "p" / f"l{n}" / "a.png", level=n)
    (error,) = check(tmp_path / "flat", target="age")
    assert error.message == "column `age` is not in flat/; it has no columns."
    assert check(tmp_path / "p")[-1].message.endswith("labels: l0 (1), l1 (1), l2 (1), l3 (1), l4 (1) and 1 more.")


def test_features_are_told_by_their_shape(tmp_path):
    for n in range(2):
        np.save(tmp_path / f"{n}.npy", np.full((3 + n, 5), n, np.float32))
    (note,) = check(tmp_path)
    assert "2 files of features; shape: 3 x 5 (1), 4 x 5 (1)" in note.message


def test_a_subfolder_whose_files_are_of_another_format_is_named(recordings, capsys):
    (recordings / "maybe" / "deep").mkdir(parents=True)
    for name in ("maybe/0.m4a", "maybe/deep/1.M4A", "maybe/2.aac", "maybe/.3.m4a", "yes/notes.txt", "no/about.json"):
        (recordings / name).write_bytes(b"x")
    for name in ("README.md", "x.m4a", "yes/LICENSE"):
        (recordings / name).write_bytes(b"x")
    warning, _ = check(recordings)
    assert (warning.severity, warning.message) == (
        "warning",
        "words/: not read: 3 files in maybe/ (.aac, .m4a). Convert what belongs to the recordings.",
    )
    model = whorl.Classifier(network=whorl.Recurrent("gru", hidden_size=2), training=whorl.Training(epochs=1))
    model.fit(recordings, verbose=True)
    assert "not read: 3 files in maybe/ (.aac, .m4a)" in capsys.readouterr().out
