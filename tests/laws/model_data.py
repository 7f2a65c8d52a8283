"""What several models are fitted on: arrays, series of a table, pieces of text."""

import functools
from typing import Any

import numpy as np
from tests.laws import sources
from tests.laws.model_subject import ModelSubject, model

from whorl.plans.networks import Network, Recurrent


def of_arrays(task: type, network: Network, **options: Any) -> ModelSubject:
    """A model of arrays of two columns with missing numbers; `options` are those of `model`."""
    return of_short(task, network, functools.partial(sources.array, width=2, missing=0.1), **options)


def of_pieces(task: type, network: Network, words: tuple[str, ...], **options: Any) -> ModelSubject:
    """A model of texts that come in pieces, some with a space at their end."""

    def pieces(rng: np.random.Generator, length: int) -> list[Any]:
        return [words[n] + (" " if n % 2 else "") for n in rng.integers(0, len(words), length)]

    return of_short(task, network, pieces, text=True, **options)


def of_grids(task: type, network: Network, **options: Any) -> ModelSubject:
    """A model of features of three columns, none of them missing; `options` are those of `model`."""
    return of_short(task, network, functools.partial(sources.array, width=3), **options)


def of_dialogues(task: type, network: Network, words: tuple[str, ...], **options: Any) -> ModelSubject:
    """A model of dialogues whose turns have up to four words."""

    def turns(rng: np.random.Generator, length: int) -> list[Any]:
        return [" ".join(words[n] for n in rng.integers(0, len(words), rng.integers(1, 5))) for _ in range(length)]

    return of_short(task, network, turns, dialogue=True, **options)


def of_short(task: type, network: Network, rows: Any, **options: Any) -> ModelSubject:
    """A model of 23 sequences of three to seven rows, pieces or steps, that `rows` draws."""
    rng = np.random.default_rng(9)
    return model(task, network, training={str(n): rows(rng, 3 + n % 5) for n in range(23)}, rows=rows, **options)


def of_shops(task: type, *, rows: Any, settings: dict[str, Any], **options: Any) -> ModelSubject:
    """A model of short series of a table; `settings` stand beside the columns of time, series and city."""
    rng = np.random.default_rng(9)
    return model(
        task,
        Recurrent("gru", hidden_size=6),
        training={f"s{n}": rows(rng, 4 + n % 3) for n in range(19)},
        rows=rows,
        series="shop",
        settings={"time": "t", "series": "shop", "static": ("city",), **settings},
        **options,
    )
