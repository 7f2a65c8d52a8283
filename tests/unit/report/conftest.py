"""Fitted models, small and bad: a page is about how they are shown."""

import numpy as np
import polars as pl
import pytest

import whorl
from whorl.codecs.frame import Frame

NASTY_TARGET, NASTY_SERIES = "<script>alert('x')</script> $a$", "<b onload=x> & süd"


def table(num_rows=120, num_series=2):
    hours = np.arange(num_rows)
    parts = []
    for n in range(num_series):
        wave = np.sin(hours * (2 * np.pi / 12)) + 0.01 * hours + n
        noise = np.random.default_rng(n).normal(size=num_rows)
        parts.append((wave + 0.1 * noise, wave**2))
    return Frame(
        {
            "when": np.tile(np.datetime64("2024-01-01", "us") + hours.astype("timedelta64[h]"), num_series),
            "shop": np.repeat(np.array([NASTY_SERIES, *map(str, range(1, num_series))], object), num_rows),
            NASTY_TARGET: np.concatenate([first for first, _ in parts]),
            "other": np.concatenate([second for _, second in parts]),
        },
        "the table",
    )


def fitted(memory, **settings):
    options = {"network": whorl.Recurrent("gru", hidden_size=6), "training": whorl.Training(epochs=2, device="cpu")}
    columns = {"target": (NASTY_TARGET, "other"), "time": "when", "series": "shop"}
    forecaster = whorl.Forecaster(horizon=5, context=16, memory=memory, **columns, **(options | settings))
    return forecaster.fit(records(table()))


def records(frame):
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*frame.columns.values(), strict=True)]


@pytest.fixture(scope="session")
def forecaster():
    return fitted("window")


@pytest.fixture(scope="session")
def carried():
    return fitted("carried", network=whorl.Recurrent("lstm", hidden_size=6, num_layers=2))


@pytest.fixture(scope="session")
def regressor():
    X = np.random.default_rng(0).normal(size=(60, 8, 2))
    network = whorl.Recurrent("rnn", hidden_size=5)
    return whorl.Regressor(network=network, training=whorl.Training(epochs=2, device="cpu")).fit((X, X[:, :, 0].sum(1)))


@pytest.fixture(scope="session")
def waves():
    """A forecaster with a carried LSTM of 8 units, and the frame of 900 rows that it was fitted on."""
    t = np.arange(900)
    load = np.sin(2 * np.pi * t / 12) + 0.05 * np.random.default_rng(0).standard_normal(len(t))
    frame = pl.DataFrame({"t": t, "load": load})
    made = whorl.Forecaster(
        target="load", time="t", horizon=2, context=24, memory="carried",
        network=whorl.Recurrent("lstm", hidden_size=8), training=whorl.Training(epochs=4, device="cpu", seed=0),
    )  # fmt: skip
    return made.fit(frame, verbose=False), frame
