"""Sound model files of each kind, and how bytes are loaded as one."""

import pytest
from tests.unit.live.tiny import accumulator, forecaster
from tests.unit.live.tiny_translator import translator

from whorl.runtime import files


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """Bytes of a small sound file of each kind of model."""
    folder = tmp_path_factory.mktemp("models")
    made = {
        "table": forecaster(series="building", known=("heat",), horizon=2),
        "array": accumulator(),
        "pairs": translator(),
    }
    data = {}
    for name, model in made.items():
        files.save(model, folder / name)
        data[name] = (folder / name).read_bytes()
    return data


@pytest.fixture
def load(tmp_path):
    """Loads bytes as a model file."""

    def load_bytes(data):
        path = tmp_path / "crafted.whorl"
        path.write_bytes(data)
        return files.load(path)

    return load_bytes
