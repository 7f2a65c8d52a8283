"""Sound model files of each kind, and how bytes are loaded as one."""

import pytest
from tests.unit.live.tiny import accumulator, forecaster
from tests.unit.live.tiny_translator import translator

from whorl.runtime import files


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Saves a model: the bytes of its file."""

    def saved_bytes(model):
        path = tmp_path_factory.mktemp("models") / "m.whorl"
        files.save(model, path)
        return path.read_bytes()

    return saved_bytes


@pytest.fixture(scope="session")
def sound(saved):
    """Bytes of a small sound file of each kind of model."""
    made = {
        "table": forecaster(series="building", known=("heat",), horizon=2),
        "array": accumulator(),
        "pairs": translator(),
    }
    return {name: saved(model) for name, model in made.items()}


@pytest.fixture
def load(tmp_path):
    """Loads bytes as a model file."""

    def load_bytes(data):
        path = tmp_path / "crafted.whorl"
        path.write_bytes(data)
        return files.load(path)

    return load_bytes
