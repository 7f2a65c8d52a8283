"""The reader of files, an example each: what of its description may be damaged, and files that are not there."""

from pathlib import Path

import numpy as np
import pytest

import whorl
from whorl.data.media import files_of, mediums
from whorl.data.media_reader import MediaReader, fit_media
from whorl.errors import DataError, ModelFileError, ResourceError
from whorl.plans.media import Media, word_of
from whorl.plans.table import Table

RNG = np.random.default_rng(0)
PICTURES = list(RNG.integers(0, 256, (4, 5, 6, 3)).astype(np.uint8))
SOUNDS = list(RNG.uniform(-0.5, 0.5, (4, 900)).astype(np.float32))
FEATURES = list(RNG.standard_normal((4, 7, 3)))


def fitted(plan: Media, values: list[np.ndarray]) -> MediaReader:
    files = files_of((values, ["a", "b", "a", "b"]), mediums.get(word_of(plan)), column=None, table=Table())
    return fit_media(files, [0, 1, 2], plan=plan, targets=("label",), table=Table(), labels=True)


@pytest.mark.parametrize(
    ("plan", "values"),
    [
        (whorl.Image(), PICTURES),
        (whorl.Audio(sample_rate_hz=8000), SOUNDS),
        (whorl.Features(), FEATURES),
        (whorl.Video(background="running"), [np.stack([one, one]) for one in PICTURES]),
    ],
)
def test_a_reader_comes_back_from_its_description(plan: Media, values: list[np.ndarray]) -> None:
    reader = fitted(plan, values)
    again = MediaReader.restore(reader.config(), reader.arrays())
    assert again.config() == reader.config()
    for one, other in zip(again.read(values), reader.read(values), strict=True):
        assert np.array_equal(one.past, other.past)


@pytest.mark.parametrize(
    ("plan", "values", "change"),
    [
        (whorl.Image(), PICTURES, {"height": None}),
        (whorl.Image(), PICTURES, {"steps": "rows"}),
        (whorl.Image(), PICTURES, {"medium": "smell"}),
        (whorl.Image(), PICTURES, {"medium": ["image"]}),
        (whorl.Image(), PICTURES, {"medium": None}),
        (whorl.Audio(sample_rate_hz=8000), SOUNDS, {"sample_rate_hz": None}),
        (whorl.Audio(sample_rate_hz=8000), SOUNDS, {"sample_rate_hz": 16000}),
        (whorl.Audio(sample_rate_hz=8000), SOUNDS, {"window_ms": 10.0, "num_bands": 500}),
    ],
)
def test_a_plan_that_is_not_complete_or_of_another_codec_is_refused(
    plan: Media, values: list[np.ndarray], change: dict[str, object]
) -> None:
    reader = fitted(plan, values)
    config = reader.config()
    own = config["plan"]
    assert isinstance(own, dict)
    with pytest.raises(ModelFileError, match="damaged"):
        MediaReader.restore({**config, "plan": {**own, **change}}, reader.arrays())


@pytest.mark.parametrize(
    ("plan", "name"), [(whorl.Image(), "a.png"), (whorl.Audio(), "a.wav"), (whorl.Video(), "a.mp4")]
)
def test_a_path_of_training_that_is_no_file_is_told(tmp_path: Path, plan: Media, name: str) -> None:
    (tmp_path / "folder" / name).mkdir(parents=True)
    for path in (tmp_path / name, tmp_path / "folder" / name):
        with pytest.raises(DataError, match=f"{name}` is no file"):
            whorl.Classifier(tokens=plan).fit(([path] * 4, ["a", "b", "a", "b"]), verbose=False)


@pytest.mark.parametrize(
    ("plan", "name"), [(whorl.Image(), "a.png"), (whorl.Audio(), "a.wav"), (whorl.Video(), "a.mp4")]
)
def test_a_file_of_training_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: Media, name: str
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / name).write_bytes(b"x")
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("PIL.Image.open", refuse)
    with pytest.raises(ResourceError, match=f"{name}` may not be read by this user"):
        whorl.Classifier(tokens=plan).fit(([tmp_path / name] * 4, ["a", "b", "a", "b"]), verbose=False)


def test_a_name_that_is_too_long_for_a_file_is_told() -> None:
    paths = ["a" * 5000 + ".wav"] * 4
    for plan in (whorl.Audio(), whorl.Audio(sample_rate_hz=8000)):
        with pytest.raises(DataError, match="a` cannot be read: File name too long"):
            whorl.Classifier(tokens=plan).fit((paths, ["a", "b", "a", "b"]), verbose=False)


@pytest.mark.parametrize("pattern", [r"(z)?\.npy", r"(z)\.npy"])
def test_a_name_without_the_part_that_is_the_group_is_told(tmp_path: Path, pattern: str) -> None:
    paths = [tmp_path / f"{n}_.npy" for n in range(4)]
    for path in paths:
        np.save(path, FEATURES[0])
    with pytest.raises(DataError, match="npy' has no such part"):
        whorl.Classifier(tokens=whorl.Features(group=pattern)).fit((paths, ["a", "b", "a", "b"]), verbose=False)
