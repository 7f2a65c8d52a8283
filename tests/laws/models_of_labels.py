"""Estimators that answer labels, and what each is fitted on."""

from typing import Any

import numpy as np
from tests.laws import sources
from tests.laws.model_data import of_arrays, of_pieces, of_shops, of_short
from tests.laws.model_subject import ModelSubject, model
from tests.laws.networks import recipe

import whorl
from whorl.plans.networks import Network


def patients(network: Network, *, dated: bool) -> ModelSubject:
    """Numbers alone, many of them missing, at odd times: the short way of a pushed row tells how long ago, too."""
    rng = np.random.default_rng(9)

    def rows(rng: np.random.Generator, length: int, label: str = "calm") -> list[Any]:
        made = sources.records(rng, length, second=True, irregular=True, minutes=not dated)
        pulse = [None if rng.random() < 0.6 else float(rng.uniform(40, 120)) for _ in made]
        return [{**row, "pulse": value, "mood": label} for row, value in zip(made, pulse, strict=True)]

    return model(
        whorl.Classifier,
        network,
        training={f"s{n}": rows(rng, 4 + n % 3, ("calm", "wild")[n % 2]) for n in range(19)},
        rows=rows,
        series="patient",
        settings={"target": "mood", "time": "t", "series": "patient", "table": whorl.Table(on_gap="ignore")},
        targets=("mood",),
        covariates=("y", "z", "pulse"),
        labels=True,
    )


def classifier_on_arrays(network: Network, **settings: Any) -> ModelSubject:
    return of_arrays(
        whorl.Classifier,
        network,
        truths=lambda rng, given: rng.integers(3, 6, len(given)),
        settings=settings,
        labels=True,
    )


def classifier_on_a_table() -> ModelSubject:
    rng = np.random.default_rng(9)

    def rows(rng: np.random.Generator, length: int, label: str = "calm") -> list[Any]:
        made = sources.records(rng, length, covariates=True, one_target=True)
        return [{**row, "mood": label} for row in made]

    return model(
        whorl.Classifier,
        recipe("gru"),
        training={f"s{n}": rows(rng, 4 + n % 3, ("calm", "wild")[n % 2]) for n in range(19)},
        rows=rows,
        series="shop",
        settings={"target": "mood", "time": "t", "series": "shop", "static": ("city",), "class_weight": "balanced"},
        targets=("mood",),
        covariates=("y", "temperature", "weather"),
        labels=True,
    )


def classifier_on_texts(network: Network) -> ModelSubject:
    return of_pieces(
        whorl.Classifier,
        network,
        ("calm", "wild", "sea", ", but", " ", "s", "Sturm\u0308"),
        truths=lambda rng, given: rng.integers(0, 3, len(given)),
        settings={"text": "text"},
        labels=True,
    )


def several_on_arrays(network: Network, **settings: Any) -> ModelSubject:
    return of_arrays(
        whorl.Classifier,
        network,
        truths=_indicators,
        settings={"target": ("calm", "w\u00fcld", "sea"), **settings},
        labels=True,
    )


def several_on_texts() -> ModelSubject:
    return of_pieces(
        whorl.Classifier,
        recipe("gru"),
        ("calm", "wild", "sea", ", but", " ", "s", "Sturm\u0308"),
        truths=_indicators,
        settings={"text": "text", "target": ("calm", "wild", "sea")},
        labels=True,
    )


def several_on_a_table() -> ModelSubject:
    def rows(rng: np.random.Generator, length: int) -> list[Any]:
        made = sources.records(rng, length, covariates=True, one_target=True)
        return [{**row, "calm": float(rng.random() < 0.4), "late": float(rng.random() < 0.7)} for row in made]

    return of_shops(
        whorl.Classifier,
        rows=rows,
        settings={"target": ("calm", "late")},
        targets=("calm", "late"),
        covariates=("y", "temperature", "weather"),
        labels=True,
    )


def _indicators(rng: np.random.Generator, given: list[Any]) -> np.ndarray:
    """Three labels that come together by chance; some are not known."""
    made = (rng.random((len(given), 3)) < (0.3, 0.5, 0.7)).astype(np.float64)
    made[rng.random(made.shape) < 0.1] = np.nan
    return made


def tagger_on_arrays(network: Network, **settings: Any) -> ModelSubject:
    return of_arrays(
        whorl.Tagger,
        network,
        truths=lambda rng, given: [rng.integers(3, 6, len(one)) for one in given],
        settings=settings,
        lookahead=settings.get("lookahead", 0),
        labels=True,
    )


def tagger_on_words(network: Network, **settings: Any) -> ModelSubject:
    def words(rng: np.random.Generator, length: int) -> list[Any]:
        known = ("calm", "Sea", "s", "Sturm\u0308", "1,000", "antidisestablishmentarianism", "\U0001f642", "U.S.-led")
        return [known[n] for n in rng.integers(0, len(known), length)]

    return of_short(
        whorl.Tagger,
        network,
        words,
        truths=lambda rng, given: [list(rng.choice(["B-sea", "I-sea", "O"], len(one))) for one in given],
        settings=settings,
        lookahead=settings.get("lookahead", 0),
        labels=True,
    )


def tagger_on_a_table(**settings: Any) -> ModelSubject:
    def rows(rng: np.random.Generator, length: int) -> list[Any]:
        made = sources.records(rng, length, covariates=True, one_target=True)
        return [{**row, "mood": ("calm", "wild")[n % 2]} for n, row in enumerate(made)]

    return of_shops(
        whorl.Tagger,
        rows=rows,
        settings={"target": "mood", **settings},
        targets=("mood",),
        covariates=("y", "temperature", "weather"),
        lookahead=settings["lookahead"],
        labels=True,
    )
