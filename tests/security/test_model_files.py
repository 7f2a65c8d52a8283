"""Saving and loading: the same bytes, the same model, and no file where one could not be written."""

import numpy as np
import pytest
from tests.security.crafting import parts, sealed
from tests.unit.live.tiny import accumulator, forecaster, rows

from whorl.errors import ModelFileError, ResourceError
from whorl.runtime import artifact, files


def test_a_file_that_is_sealed_anew_is_sound(sound, load):
    for data in sound.values():
        load(data)
        assert sealed(*parts(data)) == data


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        files.save(forecaster(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    files.save(files.load(tmp_path / "a"), tmp_path / "c")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()


def test_a_loaded_model_is_the_saved_one(tmp_path):
    model = forecaster()
    model.readout.fit(*calibration())
    files.save(model, tmp_path / "m.whorl")
    back = files.load(tmp_path / "m.whorl")
    assert back.identity == model.identity
    assert back.card == model.card
    data = rows(30)
    one, two = model.predict(data, every_row=True), back.predict(data, every_row=True)
    assert one.value.tobytes() == two.value.tobytes()
    assert one.quantiles.tobytes() == two.quantiles.tobytes()
    assert back.evaluate(data).baseline == model.evaluate(data).baseline


def calibration():
    draw = np.random.default_rng(0)
    return draw.normal(0, 1, (40, 3, 1, 4)).astype(np.float32), draw.normal(0, 1, (40, 3, 1)).astype(np.float32)


def test_a_file_that_could_not_be_read_back_is_not_written(tmp_path):
    path = tmp_path / "m.whorl"
    path.write_bytes(b"before")
    many = {f"t{n}": np.zeros(1, np.float32) for n in range(10_001)}
    for made in (artifact.Artifact({}, many), artifact.Artifact({"card": "x" * 1_000_000}, {})):
        with pytest.raises(ModelFileError, match="Fit a smaller model"):
            artifact.write(path, made)
    for bad in (np.array([np.nan], np.float32), np.array([np.inf]), np.zeros(1, np.float16), np.array(["x"])):
        with pytest.raises(ModelFileError, match="tensor `t`"):
            artifact.write(path, artifact.Artifact({}, {"t": bad}))
    assert path.read_bytes() == b"before"
    assert [found.name for found in tmp_path.iterdir()] == ["m.whorl"]


@pytest.mark.parametrize("name", ["missing/m.whorl", "file/m.whorl", "a\0b", "n" * 300, "."])
def test_a_path_that_cannot_be_used_is_one_error(name, tmp_path):
    (tmp_path / "file").write_text("")
    model = accumulator()
    with pytest.raises(ResourceError):
        files.save(model, tmp_path / name)
    with pytest.raises(ModelFileError):
        files.load(tmp_path / name)
    assert [found.name for found in tmp_path.iterdir()] == ["file"]
