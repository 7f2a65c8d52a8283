"""Raw data of odd sizes, drawn by a generator of random numbers."""

import datetime
from typing import Any

import numpy as np

from whorl.codecs.frame import Frame

HOUR = datetime.timedelta(hours=1)
START = datetime.datetime(2024, 2, 27, 22)  # a leap day comes soon
WEATHER = ("fog", "rain", "sun")


def array(rng: np.random.Generator, count: int, *, width: int, missing: float = 0.0) -> np.ndarray:
    """Values (count, width) around 20, some of them missing."""
    values = 20 + 7 * rng.standard_normal((count, width))
    values[rng.random(values.shape) < missing] = np.nan
    return values


def frame(rng: np.random.Generator, count: int, *, missing: float = 0.0) -> Frame:
    """Columns t, a, b (ten million times larger than its spread), constant, and the words c and d."""
    values = array(rng, count, width=2, missing=missing)
    start = np.datetime64(START, "us") + np.timedelta64(int(rng.integers(9000)), "h")

    def words(*known: str | None) -> np.ndarray:
        column = np.empty(count, object)
        column[:] = [known[n] for n in rng.integers(0, len(known), count)]
        return column

    return Frame(
        {
            "t": start + np.arange(count) * np.timedelta64(1, "h"),
            "a": values[:, 0],
            "b": 7e7 + values[:, 1],
            "constant": np.full(count, 3.25),
            "c": words(*WEATHER, None),
            "d": words("ä", "", "7"),
        }
    )


def records(
    rng: np.random.Generator,
    count: int,
    *,
    timed: bool = True,
    second: bool = False,
    covariates: bool = False,
    missing: float = 0.0,
    gaps: float = 0.0,
    one_target: bool = False,
    irregular: bool = False,
    minutes: bool = False,
) -> list[dict[str, Any]]:
    """Hourly rows: t, the target y, with `second` z, with `covariates` what is known now, ahead and always.

    With `irregular` any time passes between rows; `minutes` are counted and not dated.
    """
    size, city = rng.uniform(1, 50), ("Ulm", "Bonn")[rng.integers(2)]
    phase, hour = rng.uniform(0, 6), 0
    rows = []
    for _ in range(count):
        hour += 1 + (int(rng.integers(1, 3)) if rng.random() < gaps else 0)
        hour += int(rng.integers(0, 40)) if irregular else 0
        row: dict[str, Any] = {"t": hour if minutes else str(START + hour * HOUR)} if timed else {}
        row["y"] = size if one_target else size * (2 + np.sin(hour / 3 + phase)) + rng.standard_normal()
        if second:
            row["z"] = float(rng.standard_normal())
        if covariates:
            row["temperature"] = None if rng.random() < missing else float(rng.uniform(-5, 30))
            row["weather"] = WEATHER[rng.integers(3)]
            if not one_target:
                row["promo"] = float(rng.integers(0, 5))
                row["holiday"] = ("yes", "no")[rng.integers(2)]
            row["city"] = city
        if missing and not one_target and rng.random() < missing:
            row["y"] = None
        rows.append(row)
    return rows
