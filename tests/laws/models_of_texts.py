"""Estimators that write, and what each is fitted on."""

from typing import Any

import numpy as np
from tests.laws.model_data import of_dialogues, of_grids, of_pieces
from tests.laws.model_subject import ModelSubject, model

import whorl
from whorl.plans.networks import Network


def generator(network: Network, unit: str, **settings: Any) -> ModelSubject:
    return of_pieces(
        whorl.Generator,
        network,
        ("calm", "wild", "sea", ", but", " ", "\n", "Sturm\u0308"),
        settings={"tokens": whorl.Text(unit=unit), **settings},
        asked={"decoding": whorl.Beam(width=3, max_length=9)},
    )


def translator(network: Network, task: type = whorl.Translator, **settings: Any) -> ModelSubject:
    return of_pieces(
        task,
        network,
        ("calm", "wild", "sea", ", but", " ", "s", "Sturm\u0308"),
        truths=lambda rng, given: ["".join(reversed(pieces)) for pieces in given],
        settings={"tokens": whorl.Text(), "longest": 7, "embedding_size": 12, **settings},
        labels=True,
        written=True,
    )


def transcriber(network: Network, **settings: Any) -> ModelSubject:
    """Frames of three columns, the first of which says something."""

    def frames(rng: np.random.Generator, length: int) -> np.ndarray:
        return rng.standard_normal((length, 3)).cumsum(axis=0)

    def texts(rng: np.random.Generator, given: list[np.ndarray]) -> list[str]:
        return ["".join("ab "[int(value) % 3] for value in one[::6, 0]) + "b" for one in given]

    rng = np.random.default_rng(9)
    return model(
        whorl.Transcriber,
        network,
        training={str(n): frames(rng, 18 + n % 5) for n in range(19)},
        rows=frames,
        truths=texts,
        least=4,
        labels=True,
        transcript=True,
        settings={"stride": 2, "tokens": whorl.Text(unit="character"), **settings},
    )


def chatbot(network: Network, **settings: Any) -> ModelSubject:
    return of_dialogues(
        whorl.Chatbot,
        network,
        ("calm", "wild", "sea", ",", "!", "s", "Sturm\u0308"),
        settings={"tokens": whorl.Text(), "longest": 9, "embedding_size": 12, "context": 3, **settings},
        labels=True,
        written=True,
    )


def captioner(network: Network, **settings: Any) -> ModelSubject:
    def texts(rng: np.random.Generator, given: list[Any]) -> list[list[str]]:
        words = ("calm", "wild", "sea", ",", "Sturm\u0308")
        return [[" ".join(words[n] for n in rng.integers(0, 5, rng.integers(1, 5)))] for _ in given]

    return of_grids(
        whorl.Captioner,
        network,
        truths=texts,
        settings={"tokens": whorl.Text(), "longest": 7, "embedding_size": 12, "media": whorl.Features(), **settings},
        labels=True,
        written=True,
    )
