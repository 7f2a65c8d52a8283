"""Estimators that recommend, and what each is fitted on."""

from typing import Any

import numpy as np
from tests.laws.model_subject import ModelSubject, model

import whorl
from whorl.plans.networks import Network

ITEMS = ("milk", "bread", "Käse", "tea", "salt", "oil", "rice")


def recommender(network: Network, **settings: Any) -> ModelSubject:
    """A log of visits."""
    rng = np.random.default_rng(9)

    def rows(rng: np.random.Generator, length: int) -> list[Any]:
        apart = rng.integers(1, 30, length)
        time = np.datetime64("2026-01-01T08:00:00") + np.cumsum(apart).astype("timedelta64[s]")
        chosen = rng.integers(0, len(ITEMS), length)
        return [
            {"t": str(when).replace("T", " "), "thing": ITEMS[n]} for when, n in zip(time, chosen.tolist(), strict=True)
        ]

    return model(
        whorl.Recommender,
        network,
        training={f"s{n}": rows(rng, 4 + n % 5) for n in range(19)},
        rows=rows,
        series="who",
        settings={"user": "who", "item": "thing", "time": "t", "embedding_size": 5, "k": 3, **settings},
        targets=("thing",),
    )
