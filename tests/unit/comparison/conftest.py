"""Small tables whose best answer is known."""

import numpy as np
import pytest

import whorl


@pytest.fixture(scope="session")
def waves():
    """Hourly waves of a period of 12 rows with a little noise, which a network learns and the last value does not."""
    random = np.random.default_rng(0)
    time = np.datetime64("2024-01-01T00", "h") + np.arange(420)
    load = np.sin(np.arange(420) / 12 * 2 * np.pi) + random.normal(0, 0.05, 420)
    return {"time": time, "load": load}


@pytest.fixture(scope="session")
def labelled():
    """Series (60, 16, 1) and labels: whether they rise or fall."""
    random = np.random.default_rng(1)
    labels = np.arange(60) % 2
    slopes = np.where(labels == 1, 1.0, -1.0)[:, None] * np.linspace(-1, 1, 16)
    return (slopes + random.normal(0, 0.3, (60, 16)))[..., None].astype(np.float32), labels


def forecaster(**settings):
    training = whorl.Training(epochs=6, batch_size=16, learning_rate=0.01)
    return whorl.Forecaster(
        target="load",
        time="time",
        horizon=6,
        context=24,
        **{"network": whorl.Recurrent("gru", hidden_size=8), "training": training, **settings},
    )


@pytest.fixture(scope="session")
def compared(waves, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    return whorl.compare(forecaster(), waves, networks=["gru", "rnn", "mlp"], seeds=2, folder=folder), folder
