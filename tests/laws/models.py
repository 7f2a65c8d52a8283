"""Estimators of every task, and what each is fitted on."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.laws import (  # noqa: F401  the laws of models are known once they are imported
    model_laws,
    model_stream_laws,
    sources,
)
from tests.laws.model_subject import ModelSubject
from tests.laws.networks import recipe

import whorl
from whorl.plans.networks import Recurrent


def model(new: Callable[..., Any], network: Recurrent, *, training: dict[str, Any], **options: Any) -> ModelSubject:
    plan = whorl.Training(
        epochs=1, batch_size=16, tbptt_steps=8, device="cpu", validation=options.pop("validation", 0.2)
    )
    settings = options.pop("settings", {})
    return ModelSubject(new=lambda: new(network=network, training=plan, **settings), training=training, **options)


def table_model(network: Recurrent, *, names: tuple[str, ...] = ("a",), **options: Any) -> ModelSubject:
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


def rich(network: Recurrent, memory: str) -> ModelSubject:
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


def array_model(network: Recurrent, *, every_step: bool = False) -> ModelSubject:
    rng = np.random.default_rng(9)
    rows = functools.partial(sources.array, width=2, missing=0.1)

    def truths(rng: np.random.Generator, given: list[np.ndarray]) -> Any:
        if every_step:
            return [rng.standard_normal((len(one), 2)) for one in given]
        return rng.standard_normal(len(given))

    return model(
        whorl.Regressor,
        network,
        training={str(n): rows(rng, 3 + n % 5) for n in range(23)},
        rows=rows,
        truths=truths,
        settings={"every_step": every_step},
    )


def sequence_table_model() -> ModelSubject:
    rng = np.random.default_rng(9)
    rows = functools.partial(sources.records, covariates=True, one_target=True)
    return model(
        whorl.Regressor,
        recipe("gru"),
        training={f"s{n}": rows(rng, 4 + n % 3) for n in range(19)},
        rows=rows,
        series="shop",
        settings={"target": "y", "time": "t", "series": "shop", "static": ("city",)},
        targets=("y",),
        covariates=("temperature", "weather"),
    )


def classifier_on_arrays(network: Recurrent, **settings: Any) -> ModelSubject:
    rng = np.random.default_rng(9)
    rows = functools.partial(sources.array, width=2, missing=0.1)
    return model(
        whorl.Classifier,
        network,
        training={str(n): rows(rng, 3 + n % 5) for n in range(23)},
        rows=rows,
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


def classifier_on_texts() -> ModelSubject:
    rng = np.random.default_rng(9)

    def pieces(rng: np.random.Generator, length: int) -> list[Any]:
        words = ("calm", "wild", "sea", ", but", " ", "s", "Sturm\u0308")
        return [words[n] + (" " if n % 2 else "") for n in rng.integers(0, len(words), length)]

    return model(
        whorl.Classifier,
        recipe("gru"),
        training={str(n): pieces(rng, 3 + n % 5) for n in range(23)},
        rows=pieces,
        truths=lambda rng, given: rng.integers(0, 3, len(given)),
        settings={"text": "text"},
        labels=True,
        text=True,
    )


MODELS = {
    "window forecaster": lambda: table_model(recipe("gru")),
    "window forecaster, everything": lambda: rich(recipe("lstm"), "window"),
    "window forecaster, rows without time": lambda: table_model(
        recipe("rnn"), settings={"time": None, "quantiles": ()}, columns={"timed": False}
    ),
    "carried forecaster": lambda: table_model(recipe("gru"), settings={"memory": "carried"}),
    "carried forecaster, everything": lambda: rich(recipe("lstm", num_layers=2), "carried"),
    "carried forecaster, gaps filled": lambda: table_model(
        recipe("gru"),
        settings={"memory": "carried", "table": whorl.Table(on_gap="fill")},
        columns={"gaps": 0.2},
        gaps=True,
    ),
    "regressor on arrays": lambda: array_model(recipe("lstm")),
    "regressor on arrays, every step": lambda: array_model(recipe("gru", layer_norm=True), every_step=True),
    "regressor on arrays, both ways": lambda: array_model(recipe("gru", bidirectional=True)),
    "regressor on a table": sequence_table_model,
    "classifier on arrays": lambda: classifier_on_arrays(recipe("gru")),
    "classifier on arrays, attention, both ways": lambda: classifier_on_arrays(
        recipe("lstm", bidirectional=True), pooling=("attention",), convolution=0, augmentation="none"
    ),
    "classifier on a table": classifier_on_a_table,
    "classifier on texts": classifier_on_texts,
}
