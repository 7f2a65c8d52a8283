"""Estimators that answer recordings, pictures and features with a label or with a number."""

from typing import Any, Literal

import numpy as np
from tests.laws.model_data import of_short
from tests.laws.model_subject import ModelSubject

import whorl
from whorl.plans.networks import Network


def on_sounds(task: Any, network: Network, **settings: Any) -> ModelSubject:
    """Pieces of sound that complete one or two steps."""
    return _of_files(
        task,
        network,
        lambda rng, length: [rng.uniform(-1, 1, rng.choice([4, 8])).astype(np.float32) for _ in range(length)],
        {"tokens": whorl.Audio(sample_rate_hz=1000, window_ms=8, hop_ms=4, num_bands=5), **settings},
    )


def on_pictures(task: Any, network: Network, steps: Literal["picture", "rows"], **settings: Any) -> ModelSubject:
    """Pictures one after the other, each a piece; a step is one of them, or a row of it."""
    return _of_files(
        task,
        network,
        lambda rng, length: list(rng.integers(0, 256, (length, 1, 3, 5, 1)).astype(np.uint8)),
        {"tokens": whorl.Image(mode="grey", steps=steps), **settings},
    )


def on_features(task: Any, network: Network, **settings: Any) -> ModelSubject:
    """Features that were found elsewhere, a step a piece."""
    return _of_files(
        task,
        network,
        lambda rng, length: list(rng.standard_normal((length, 1, 3))),
        {"tokens": whorl.Features(ordered=True), **settings},
    )


def _of_files(task: Any, network: Network, pieces: Any, settings: dict[str, Any]) -> ModelSubject:
    """What would stand in files, which comes in pieces, and a label or a number for each."""
    labels = task is whorl.Classifier
    return of_short(
        task,
        network,
        pieces,
        truths=_labels if labels else _numbers,
        settings=settings if labels else {"target": "y", **settings},
        labels=labels,
        text=True,
    )


def _labels(rng: np.random.Generator, given: list[Any]) -> np.ndarray:
    return rng.integers(0, 3, len(given))


def _numbers(rng: np.random.Generator, given: list[Any]) -> np.ndarray:
    return rng.normal(20.0, 7.0, len(given))
