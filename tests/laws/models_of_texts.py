"""Estimators that write, and what each is fitted on."""

from typing import Any

import numpy as np
from tests.laws.model_subject import ModelSubject, model

import whorl
from whorl.plans.networks import Recurrent


def generator(network: Recurrent, unit: str, **settings: Any) -> ModelSubject:
    rng = np.random.default_rng(9)

    def pieces(rng: np.random.Generator, length: int) -> list[Any]:
        words = ("calm", "wild", "sea", ", but", " ", "\n", "Sturm\u0308")
        return [words[n] + (" " if n % 2 else "") for n in rng.integers(0, len(words), length)]

    return model(
        whorl.Generator,
        network,
        training={str(n): pieces(rng, 3 + n % 5) for n in range(23)},
        rows=pieces,
        settings={"tokens": whorl.Text(unit=unit), **settings},
        text=True,
        asked={"decoding": whorl.Beam(width=3, max_length=9)},
    )


def translator(network: Recurrent, task: type = whorl.Translator, **settings: Any) -> ModelSubject:
    rng = np.random.default_rng(9)

    def pieces(rng: np.random.Generator, length: int) -> list[Any]:
        words = ("calm", "wild", "sea", ", but", " ", "s", "Sturm\u0308")
        return [words[n] + (" " if n % 2 else "") for n in rng.integers(0, len(words), length)]

    return model(
        task,
        network,
        training={str(n): pieces(rng, 3 + n % 5) for n in range(23)},
        rows=pieces,
        truths=lambda rng, given: ["".join(reversed(pieces)) for pieces in given],
        settings={"tokens": whorl.Text(), "longest": 7, **settings},
        labels=True,
        text=True,
        written=True,
    )
