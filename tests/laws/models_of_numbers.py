"""Estimators that answer numbers, and what each is fitted on."""

import functools
from typing import Any

import numpy as np
from tests.laws import sources
from tests.laws.model_data import of_arrays, of_shops
from tests.laws.model_subject import ModelSubject, model
from tests.laws.networks import recipe

import whorl
from whorl.plans.networks import Network


def table_model(network: Network, *, names: tuple[str, ...] = ("a",), **options: Any) -> ModelSubject:
    settings = {"target": "y", "time": "t", "horizon": 3, "context": 5, **options.pop("settings", {})}
    rows = functools.partial(sources.records, **options.pop("columns", {}))
    rng = np.random.default_rng(9)
    training = {name: rows(rng, 41 + 3 * n) for n, name in enumerate(names)}
    targets = (settings["target"],) if isinstance(settings["target"], str) else settings["target"]
    needs_known = bool(settings.get("known"))
    return model(
        whorl.Forecaster,
        network,
        training=training,
        rows=rows,
        settings=settings,
        horizon=3,
        least=5 + 3 * needs_known,
        needs_known=needs_known,
        series=settings.get("series"),
        targets=targets,
        **options,
    )


def rich(network: Network, memory: str) -> ModelSubject:
    table = whorl.Table(calendar="on", kinds={"weather": "category"})
    settings = {
        "target": ("y", "z"),
        "series": "shop",
        "known": ("promo", "holiday"),
        "static": ("city",),
        "memory": memory,
        "table": table,
    }
    columns = {"second": True, "covariates": True, "missing": 0.15}
    return table_model(
        network, names=("a", "b", "c"), settings=settings, columns=columns, covariates=("temperature", "weather")
    )


def array_model(network: Network, *, every_step: bool = False) -> ModelSubject:
    def truths(rng: np.random.Generator, given: list[np.ndarray]) -> Any:
        if every_step:
            return [rng.standard_normal((len(one), 2)) for one in given]
        return rng.standard_normal(len(given))

    return of_arrays(whorl.Regressor, network, truths=truths, settings={"every_step": every_step})


def countdown_on_arrays() -> ModelSubject:
    return of_arrays(
        whorl.Regressor,
        recipe("gru"),
        truths=lambda rng, given: rng.integers(0, 9, len(given)).astype(float),
        settings={"remaining": True, "cap": 6.5, "quantiles": (0.1, 0.9)},
    )


def countdown_on_a_table(irregular: bool = False) -> ModelSubject:
    """Engines that fail; irregular ones come with missing values and count minutes."""
    missing = 0.3 if irregular else 0.0
    rows = functools.partial(
        sources.records, covariates=True, missing=missing, one_target=True, irregular=irregular, minutes=irregular
    )
    options = {"table": whorl.Table(on_gap="ignore")} if irregular else {}
    return of_shops(
        whorl.Regressor,
        rows=rows,
        settings={"remaining": True, "cap": 4, **options},
        covariates=("y", "temperature", "weather"),
    )


def every_row_of_a_table() -> ModelSubject:
    rows = functools.partial(sources.records, covariates=True, second=True)
    return of_shops(
        whorl.Regressor,
        rows=rows,
        settings={"target": ("y", "z"), "every_step": True},
        targets=("y", "z"),
        covariates=("temperature", "weather"),
    )


def sequence_table_model() -> ModelSubject:
    rows = functools.partial(sources.records, covariates=True, one_target=True)
    return of_shops(
        whorl.Regressor,
        rows=rows,
        settings={"target": "y"},
        targets=("y",),
        covariates=("temperature", "weather"),
    )


def detector_on_a_table(network: Network, **settings: Any) -> ModelSubject:
    rng = np.random.default_rng(9)

    def rows(rng: np.random.Generator, length: int) -> list[Any]:
        made = sources.records(rng, length, second=True, covariates=True, missing=0.1)
        return [{name: row[name] for name in ("t", "y", "z", "weather")} for row in made]

    return model(
        whorl.Detector,
        network,
        training={name: rows(rng, 41 + 3 * n) for n, name in enumerate(("a", "b"))},
        rows=rows,
        series="shop",
        settings={"target": ("y", "z"), "time": "t", "series": "shop", **settings},
        targets=("y", "z"),
        covariates=("weather",),
    )


def detector_on_arrays(network: Network, **settings: Any) -> ModelSubject:
    return of_arrays(
        whorl.Detector,
        network,
        truths=lambda rng, given: np.arange(len(given)) % 4 == 3,
        settings={"per": "sequence", **settings},
        labels=True,
    )
