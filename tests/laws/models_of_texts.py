"""Estimators that write, and what each is fitted on."""

from typing import Any

from tests.laws.model_data import of_dialogues, of_pieces
from tests.laws.model_subject import ModelSubject

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


def chatbot(network: Network, **settings: Any) -> ModelSubject:
    return of_dialogues(
        whorl.Chatbot,
        network,
        ("calm", "wild", "sea", ",", "!", "s", "Sturm\u0308"),
        settings={"tokens": whorl.Text(), "longest": 9, "embedding_size": 12, "context": 3, **settings},
        labels=True,
        written=True,
    )
