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


def countdown_on_arrays() -> ModelSubject:
    rng = np.random.default_rng(9)
    rows = functools.partial(sources.array, width=2, missing=0.1)
    return model(
        whorl.Regressor,
        recipe("gru"),
        training={str(n): rows(rng, 3 + n % 5) for n in range(23)},
        rows=rows,
        truths=lambda rng, given: rng.integers(0, 9, len(given)).astype(float),
        settings={"remaining": True, "cap": 6.5, "quantiles": (0.1, 0.9)},
    )


def countdown_on_a_table(irregular: bool = False) -> ModelSubject:
    """Engines that fail; irregular ones come with missing values and count minutes."""
    rng = np.random.default_rng(9)
    missing = 0.3 if irregular else 0.0
    rows = functools.partial(
        sources.records, covariates=True, missing=missing, one_target=True, irregular=irregular, minutes=irregular
    )
    options = {"table": whorl.Table(on_gap="ignore")} if irregular else {}
    return model(
        whorl.Regressor,
        recipe("gru"),
        training={f"s{n}": rows(rng, 4 + n % 3) for n in range(19)},
        rows=rows,
        series="shop",
        settings={"remaining": True, "cap": 4, "time": "t", "series": "shop", "static": ("city",), **options},
        covariates=("y", "temperature", "weather"),
    )


def patients(network: Recurrent, *, dated: bool) -> ModelSubject:
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


def every_row_of_a_table() -> ModelSubject:
    rng = np.random.default_rng(9)
    rows = functools.partial(sources.records, covariates=True, second=True)
    return model(
        whorl.Regressor,
        recipe("gru"),
        training={f"s{n}": rows(rng, 4 + n % 3) for n in range(19)},
        rows=rows,
        series="shop",
        settings={"target": ("y", "z"), "time": "t", "series": "shop", "static": ("city",), "every_step": True},
        targets=("y", "z"),
        covariates=("temperature", "weather"),
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


def tagger_on_arrays(network: Recurrent, **settings: Any) -> ModelSubject:
    rng = np.random.default_rng(9)
    rows = functools.partial(sources.array, width=2, missing=0.1)
    return model(
        whorl.Tagger,
        network,
        training={str(n): rows(rng, 3 + n % 5) for n in range(23)},
        rows=rows,
        truths=lambda rng, given: [rng.integers(3, 6, len(one)) for one in given],
        settings=settings,
        lookahead=settings.get("lookahead", 0),
        labels=True,
    )


def tagger_on_words(network: Recurrent, **settings: Any) -> ModelSubject:
    rng = np.random.default_rng(9)

    def words(rng: np.random.Generator, length: int) -> list[Any]:
        known = ("calm", "Sea", "s", "Sturm\u0308", "1,000", "antidisestablishmentarianism", "\U0001f642", "U.S.-led")
        return [known[n] for n in rng.integers(0, len(known), length)]

    return model(
        whorl.Tagger,
        network,
        training={str(n): words(rng, 3 + n % 5) for n in range(23)},
        rows=words,
        truths=lambda rng, given: [list(rng.choice(["B-sea", "I-sea", "O"], len(one))) for one in given],
        settings=settings,
        lookahead=settings.get("lookahead", 0),
        labels=True,
    )


def tagger_on_a_table(**settings: Any) -> ModelSubject:
    rng = np.random.default_rng(9)

    def rows(rng: np.random.Generator, length: int) -> list[Any]:
        made = sources.records(rng, length, covariates=True, one_target=True)
        return [{**row, "mood": ("calm", "wild")[n % 2]} for n, row in enumerate(made)]

    return model(
        whorl.Tagger,
        recipe("gru"),
        training={f"s{n}": rows(rng, 4 + n % 3) for n in range(19)},
        rows=rows,
        series="shop",
        settings={"target": "mood", "time": "t", "series": "shop", "static": ("city",), **settings},
        targets=("mood",),
        covariates=("y", "temperature", "weather"),
        lookahead=settings["lookahead"],
        labels=True,
    )


def detector_on_a_table(network: Recurrent, **settings: Any) -> ModelSubject:
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


def detector_on_arrays(network: Recurrent, **settings: Any) -> ModelSubject:
    rng = np.random.default_rng(9)
    rows = functools.partial(sources.array, width=2, missing=0.1)
    return model(
        whorl.Detector,
        network,
        training={str(n): rows(rng, 3 + n % 5) for n in range(23)},
        rows=rows,
        truths=lambda rng, given: np.arange(len(given)) % 4 == 3,
        settings={"per": "sequence", **settings},
        labels=True,
    )


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
    "regressor on a table, every row": every_row_of_a_table,
    "remaining life of arrays": countdown_on_arrays,
    "remaining life of a table": countdown_on_a_table,
    "remaining life of a table, irregular": lambda: countdown_on_a_table(irregular=True),
    "classifier of irregular rows": lambda: patients(recipe("gru"), dated=True),
    "classifier of irregular rows, minutes": lambda: patients(recipe("lstm"), dated=False),
    "classifier on arrays": lambda: classifier_on_arrays(recipe("gru")),
    "classifier on arrays, attention, both ways": lambda: classifier_on_arrays(
        recipe("lstm", bidirectional=True), pooling=("attention",), convolution=0, augmentation="none"
    ),
    "classifier on a table": classifier_on_a_table,
    "classifier on texts": classifier_on_texts,
    "tagger on arrays": lambda: tagger_on_arrays(recipe("gru"), lookahead=2),
    "tagger on arrays, at once": lambda: tagger_on_arrays(recipe("lstm"), lookahead=0),
    "tagger on words": lambda: tagger_on_words(recipe("lstm"), lookahead=1),
    "tagger on words, both ways": lambda: tagger_on_words(recipe("gru", bidirectional=True)),
    "tagger on words, chained": lambda: tagger_on_words(recipe("gru"), lookahead=1, crf=True),
    "tagger on a table": lambda: tagger_on_a_table(lookahead=3),
    "generator of characters": lambda: generator(recipe("gru"), "character"),
    "generator of words": lambda: generator(recipe("lstm", num_layers=2, dropout=0.1), "word", embedding_size=7),
    "generator of bytes, tied": lambda: generator(recipe("rnn"), "byte", tied=True),
    "detector on a table": lambda: detector_on_a_table(recipe("gru"), alarm=whorl.Alarm(smooth=3), lag=2),
    "detector on a table, reconstructing": lambda: detector_on_a_table(
        recipe("lstm"), method="reconstruction", context=5, code=2
    ),
    "detector on arrays": lambda: detector_on_arrays(recipe("rnn"), code=3),
    "detector on arrays, predicting": lambda: detector_on_arrays(recipe("gru"), method="surprise"),
    "translator": lambda: translator(recipe("gru")),
    "summarizer": lambda: translator(recipe("rnn"), task=whorl.Summarizer),
    "translator, additive, two layers": lambda: translator(
        recipe("lstm", num_layers=2), attention="additive", sampling=0.3
    ),
}
