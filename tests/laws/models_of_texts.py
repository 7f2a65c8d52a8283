"""Estimators that write, and what each is fitted on."""

from typing import Any

from tests.laws.model_data import of_pieces
from tests.laws.model_subject import ModelSubject

import whorl
from whorl.plans.networks import Recurrent


def generator(network: Recurrent, unit: str, **settings: Any) -> ModelSubject:
    return of_pieces(
        whorl.Generator,
        network,
        ("calm", "wild", "sea", ", but", " ", "\n", "Sturm\u0308"),
        settings={"tokens": whorl.Text(unit=unit), **settings},
        asked={"decoding": whorl.Beam(width=3, max_length=9)},
    )


def translator(network: Recurrent, task: type = whorl.Translator, **settings: Any) -> ModelSubject:
    return of_pieces(
        task,
        network,
        ("calm", "wild", "sea", ", but", " ", "s", "Sturm\u0308"),
        truths=lambda rng, given: ["".join(reversed(pieces)) for pieces in given],
        settings={"tokens": whorl.Text(), "longest": 7, **settings},
        labels=True,
        written=True,
    )


def chatbot(network: Recurrent, **settings: Any) -> ModelSubject:
    rng = np.random.default_rng(9)

    def turns(rng: np.random.Generator, length: int) -> list[Any]:
        words = ("calm", "wild", "sea", ",", "!", "s", "Sturm\u0308")
        return [" ".join(words[n] for n in rng.integers(0, len(words), rng.integers(1, 5))) for _ in range(length)]

    return model(
        whorl.Chatbot,
        network,
        training={str(n): turns(rng, 2 + n % 5) for n in range(23)},
        rows=turns,
        settings={"tokens": whorl.Text(), "longest": 9, "context": 3, **settings},
        labels=True,
        written=True,
        dialogue=True,
    )
