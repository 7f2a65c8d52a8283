"""Which files of sound a user means, what is said of each, and files that nobody should have made."""

import struct
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

import whorl
from whorl.codecs.sound import Sound
from whorl.data import sounds
from whorl.data.media import Files, files_of, mediums
from whorl.data.media_guess import medium_of
from whorl.errors import DataError
from whorl.plans.media import Audio
from whorl.plans.table import Table

AUDIO = mediums.get("audio")


def record(path: Path, seconds: float = 0.1, rate: int = 8000, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(len(path.name)).uniform(-0.5, 0.5, (int(seconds * rate), channels))
    soundfile.write(path, samples, rate)
    return path


def found(source: object, **options: object) -> Files:
    return files_of(source, AUDIO, **{"column": None, "table": Table(), **options})  # type: ignore[arg-type]


def test_subfolders_are_labels_and_hidden_files_are_none(tmp_path: Path) -> None:
    for name in ("yes/b.wav", "yes/deep/a.flac", "nö/c.WAV", ".git/d.wav", "yes/.e.wav"):
        record(tmp_path / name)
    (tmp_path / "yes" / "notes.txt").write_text("no sound")
    files = found(tmp_path)
    assert dict(zip(files.names, files.frame["label"], strict=True)) == {
        "nö/c.WAV": "nö",
        "yes/b.wav": "yes",
        "yes/deep/a.flac": "yes",
    }
    assert medium_of(str(tmp_path), Table()) == "audio"


def test_a_subfolder_that_is_a_link_is_a_label(tmp_path: Path) -> None:
    for name in ("words/yes/a.wav", "far/b.wav"):
        record(tmp_path / name)
    (tmp_path / "words" / "no").symlink_to(tmp_path / "far", target_is_directory=True)
    files = found(tmp_path / "words")
    assert dict(zip(files.names, files.frame["label"], strict=True)) == {"no/b.wav": "no", "yes/a.wav": "yes"}
    assert medium_of(tmp_path / "words", Table()) == "audio"


BESIDE = {
    "README.txt": "my recordings\n, by me: yes/a.wav and others\n",
    "classes.csv": "name,number\nyes,0\nno,1\n",
    "testing_list.txt": "yes/a.wav\nno/b.wav\n",
    "latin.txt": "gr\udcfc\udcdfe",
}


@pytest.mark.parametrize("names", [*([name] for name in BESIDE), [*BESIDE]])
def test_what_lies_beside_folders_of_labels_and_names_no_files_is_no_table_of_them(
    names: list[str], tmp_path: Path
) -> None:
    for name in ("yes/a.wav", "yes/c.wav", "no/b.wav", "no/d.wav"):
        record(tmp_path / name)
    for name in names:
        (tmp_path / name).write_bytes(BESIDE[name].encode("utf-8", "surrogateescape"))
    assert found(tmp_path).frame["label"].tolist() == ["no", "no", "yes", "yes"]
    assert medium_of(tmp_path, Table()) == "audio"
    assert whorl.suggest(tmp_path).task == "classify"
    assert not [problem for problem in whorl.check(tmp_path) if problem.severity == "error"]
    model = whorl.Classifier(network=whorl.Recurrent("gru", hidden_size=2), training=whorl.Training(epochs=1))
    assert model.fit(tmp_path).predict(tmp_path).index.series.tolist() == found(tmp_path).names
    assert set(model.evaluate(tmp_path).metrics) >= {"accuracy"}


def test_the_table_that_names_files_tells_of_them_and_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    record(tmp_path / "clips" / "a.wav")
    table = tmp_path / "table.csv"
    table.write_text("file,label\nclips/a.wav,yes\n")
    (tmp_path / "README.txt").write_text("Words.\n, by me\n")
    assert found(tmp_path).frame["label"].tolist() == ["yes"]
    assert found(tmp_path, column="file").cells == [tmp_path / "clips/a.wav"]
    table.write_text("file,label\nclips/a.wav,yes, or no\n")
    with pytest.raises(DataError, match=r"table\.csv"):
        found(tmp_path)


def test_a_plot_beside_tables_makes_them_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    record(tmp_path / "sounds" / "a.wav")
    assert medium_of(tmp_path, Table()) is None
    record(tmp_path / "others" / "b.wav")
    assert medium_of(tmp_path, Table()) == "audio"


def test_a_folder_of_two_kinds_of_files_is_asked_about_unless_most_are_of_one(tmp_path: Path) -> None:
    for n in range(4):
        record(tmp_path / "ab"[n % 2] / f"{n}.wav")
    (tmp_path / "a" / "0.png").write_bytes(b"")
    assert medium_of(tmp_path, Table()) == "audio"
    (tmp_path / "b" / "1.png").write_bytes(b"")
    message = r"has 4 recordings and 2 pictures, so .* whorl\.Audio\(\) or whorl\.Image\(\) as `tokens`"
    with pytest.raises(DataError, match=message):
        medium_of(str(tmp_path), Table())
    with pytest.raises(DataError, match=message):
        whorl.Classifier().fit(tmp_path)
    assert whorl.Classifier(tokens=Audio()).for_data(tmp_path).tokens == Audio()
    assert len(found(tmp_path)) == 4


def test_a_folder_of_recordings_alone_has_no_labels(tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    assert found(tmp_path).names == ["a.wav"]
    assert not found(tmp_path).frame.columns
    assert found(str(tmp_path / "a.wav")).cells == [tmp_path / "a.wav"]


def test_the_paths_of_a_table_start_at_its_folder(tmp_path: Path) -> None:
    record(tmp_path / "clips" / "a.wav")
    (tmp_path / "table.csv").write_text("speaker,file,label\nann,clips/a.wav,yes\nbo,clips/b.wav,no\n")
    files = found(tmp_path / "table.csv")
    assert files.column == "file"
    assert files.cells == [tmp_path / "clips/a.wav", tmp_path / "clips/b.wav"]
    assert files.names == ["clips/a.wav", "clips/b.wav"]
    assert medium_of(tmp_path / "table.csv", Table()) == "audio"
    with pytest.raises(DataError, match=r"b\.wav` is no file"):
        AUDIO.open(files.cells[1], Audio())


def test_tables_of_numbers_and_texts_are_none_of_recordings(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("time,load\n1,2\n2,3\n")
    assert medium_of(tmp_path / "table.csv", Table()) is None
    assert medium_of(tmp_path, Table()) is None
    assert medium_of((["some text", "b.wav is a name"], [0, 1]), Table()) is None
    assert medium_of((np.zeros((3, 4, 2)), np.zeros(3)), Table()) is None
    assert medium_of(tmp_path / "absent.csv", Table()) is None
    assert medium_of("a" * 5000, Table()) is None


def test_two_columns_of_recordings_are_told_apart_by_the_user() -> None:
    table = {"a": ["x.wav"], "b": ["y.wav"], "label": ["z"]}
    with pytest.raises(DataError, match=r"several columns of recordings: 'a', 'b'.*as `column` of whorl.Audio\(...\)."):
        found(table)
    assert found(table, column="b").names == ["y.wav"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"file": ["a.wav", None]}, "row 1: each row names a file"),
        ({"file": ["a.txt"]}, "no column of recordings"),
        (["a.wav", "b.txt"], "entry 1 is 'b.txt'"),
        ((["a.wav", "b.wav"], ["yes"]), "2 recordings, but 1 answer"),
        ([], "the list is empty"),
    ],
)
def test_what_names_no_recordings_is_told(source: object, message: str) -> None:
    options = {"column": "file"} if isinstance(source, dict) and None in source["file"] else {}
    with pytest.raises(DataError, match=message):
        found(source, **options)


def test_an_empty_folder_has_no_recordings(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no recordings"):
        found(tmp_path)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_a_recording_of_any_format_is_its_samples(tmp_path: Path, suffix: str) -> None:
    tone = 0.4 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.stack([tone, tone], axis=1), 16000)
    read = sounds.load(path, Audio())
    assert read.rate_hz == 16000
    # MP3 and OGG lose a little, and MP3 begins late.
    peak = np.abs(np.fft.rfft(read.samples)).argmax() * 16000 / len(read.samples)
    assert abs(peak - 440) < 2
    if suffix in ("wav", "flac", "aiff"):
        np.testing.assert_allclose(read.samples, tone, atol=1e-4)


def test_the_most_frequent_rate_is_that_of_a_model_the_higher_of_two(tmp_path: Path) -> None:
    paths = [record(tmp_path / f"{n}.wav", rate=rate) for n, rate in enumerate((8000, 16000, 8000, 16000, 11025))]
    assert sounds.completed(Audio(), list(paths)).sample_rate_hz == 16000
    assert sounds.completed(Audio(), [*paths, Sound(np.zeros(3), 8000)]).sample_rate_hz == 8000
    assert sounds.completed(Audio(sample_rate_hz=4000), list(paths)).sample_rate_hz == 4000
    with pytest.raises(whorl.ArgumentError, match="`sample_rate_hz` must be given"):
        sounds.completed(Audio(), [np.zeros(4)])


# Files that nobody should have made


def wav(
    rate: int = 8000, channels: int = 1, bits: int = 16, size: int | None = None, data: bytes = b"\0" * 64
) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", 1, channels, rate, (rate * block) & 0xFFFFFFFF, block & 0xFFFF, bits)
    told = len(data) if size is None else size
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", told) + data
    return b"RIFF" + struct.pack("<I", (4 + 24 + 8 + told) & 0xFFFFFFFF) + body


HOSTILE = {
    "nothing": b"",
    "text": b"this is no sound, whatever its name says",
    "a header alone": wav()[:20],
    "no samples": wav(data=b""),
    "fewer samples than told": wav(size=1 << 20),
    "no rate": wav(rate=0),
    "a rate beyond all": wav(rate=0x7FFFFFFF),
    "no channels": wav(channels=0),
    "65535 channels": wav(channels=65535),
    "a million bits": wav(bits=65528),
    "a tag and nothing": b"ID3" + b"\0" * 50,
    "a frame of nothing": b"\xff\xfb" + b"\0" * 50,
    "half an OGG page": b"OggS" + b"\0" * 40,
    "an empty FLAC": b"fLaC" + b"\0" * 40,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_data_error(name: str, tmp_path: Path) -> None:
    """D3, D4: what is no recording is refused, whatever it claims."""
    path = tmp_path / "hostile.wav"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(DataError, match=r"hostile\.wav"):
        sounds.load(path, Audio())


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_damaged_file_is_read_or_refused_in_no_time(tmp_path: Path, suffix: str) -> None:
    """D4: recordings that are changed anywhere are read or refused."""
    whole = record(tmp_path / f"whole.{suffix}", seconds=0.5).read_bytes()
    random = np.random.default_rng(7)
    refused, start = 0, time.perf_counter()
    for n in range(60):
        damaged = bytearray(whole[: int(random.integers(1, len(whole)))] if n % 2 else whole)
        for at in random.integers(0, min(len(damaged), 200 if n % 3 else len(damaged)), 4 * (n % 2 == 0)):
            damaged[at] = int(random.integers(0, 256))
        path = tmp_path / f"damaged.{suffix}"
        path.write_bytes(damaged)
        try:
            read = sounds.load(path, Audio(longest_s=10))
            assert np.isfinite(read.samples).all()
            assert len(read.samples) <= 10 * read.rate_hz
        except DataError:
            refused += 1
    assert refused
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_file_that_was_cut_off_is_told(tmp_path: Path, suffix: str) -> None:
    """D4: recordings that end early are refused."""
    path = record(tmp_path / f"a.{suffix}", seconds=2)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=rf"a\.{suffix}"):
        sounds.load(path, Audio())


@pytest.mark.parametrize("tag", [b"", b"ID3\4\0\0\0\0\2\1" + bytes(257)])
def test_an_mp3_that_was_cut_off_is_told_where_its_first_frame_counts_the_others(tmp_path: Path, tag: bytes) -> None:
    path = record(tmp_path / "a.mp3", seconds=8.0)
    good = tag + path.read_bytes()
    path.write_bytes(good)
    assert len(AUDIO.open(path, Audio()).samples) == 64_000
    path.write_bytes(good[: len(good) * 3 // 4])
    with pytest.raises(DataError, match="is cut off: its header tells of 64000 samples, but"):
        AUDIO.open(path, Audio())
    path.write_bytes(good.replace(b"Xing", b"Xxxx").replace(b"Info", b"Ixxx")[: len(good) * 3 // 4])
    assert len(AUDIO.open(path, Audio()).samples) < 50_000


@pytest.mark.parametrize(
    ("word", "shape", "parts"),
    [
        ("audio", (4, 800), [(800,)] * 4),
        ("audio", (4, 800, 2), [(800, 2)] * 4),
        ("audio", (800, 2), [(800, 2)]),
        ("video", (4, 3, 8, 8, 1), [(3, 8, 8, 1)] * 4),
        ("video", (3, 8, 8, 1), [(3, 8, 8, 1)]),
    ],
)
def test_arrays_of_several_are_taken_apart_along_their_first_axis(
    word: str, shape: tuple[int, ...], parts: list[tuple[int, ...]]
) -> None:
    given = np.zeros(shape, np.uint8)
    labels = ["a", "b"] * (len(parts) // 2) or ["a"]
    for source in (given, (given, labels)):
        files = files_of(source, mediums.get(word), column=None, table=Table())
        assert [np.shape(cell) for cell in files.cells] == parts
    assert files.frame["label"].tolist() == labels


def test_an_array_of_sounds_is_learned_as_a_list_of_them() -> None:
    x, y = np.random.default_rng(0).uniform(-0.5, 0.5, (12, 800)), ["a", "b"] * 6
    models = [
        whorl.Classifier(
            tokens=whorl.Audio(sample_rate_hz=8000),
            network=whorl.Recurrent("gru", hidden_size=2),
            training=whorl.Training(epochs=1, seed=0),
        ).fit((given, y))
        for given in (x, list(x))
    ]
    one, other = (model.predict(x).probabilities for model in models)
    assert one.tobytes() == other.tobytes()


def test_a_recorder_that_left_the_size_open_is_read(tmp_path: Path) -> None:
    path = tmp_path / "piped.wav"
    made = bytearray(wav(data=np.arange(100, dtype="<i2").tobytes()))
    made[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(made)
    assert len(sounds.load(path, Audio()).samples) == 100


def test_a_small_file_of_hours_of_silence_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "silence.flac"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(90):
            file.write(np.zeros(8000 * 10, np.int16))
    assert path.stat().st_size < 200_000
    with pytest.raises(DataError, match=r"`longest_s` is 600, but .* lasts 900 seconds"):
        sounds.load(path, Audio())


def test_a_directory_and_a_missing_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.wav").mkdir()
    for path in (tmp_path / "a.wav", tmp_path / "none.wav"):
        with pytest.raises(DataError, match="is no file"):
            AUDIO.open(path, Audio())
