"""What a reader is in a model file: plain settings, and the arrays of its parts under names that say whose they are."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Protocol, TypeVar

import msgspec
import numpy as np

from whorl.errors import ModelFileError
from whorl.plans.media import Media, from_plain
from whorl.plans.table import Table

Config = TypeVar("Config", bound=msgspec.Struct)


class Learned(Protocol):
    """What has learned arrays: a codec, labels, a memory."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned."""


def joined(parts: Mapping[str, Learned | None]) -> dict[str, np.ndarray]:
    """The arrays of all parts, as 'part/name'; None has none."""
    return {
        f"{part}/{name}": array
        for part, learned in parts.items()
        if learned is not None
        for name, array in learned.arrays().items()
    }


def split(arrays: Mapping[str, np.ndarray], parts: Iterable[str]) -> dict[str, dict[str, np.ndarray]]:
    """The way back: the arrays of each part, under the names that it gave; ModelFileError for those of another."""
    own: dict[str, dict[str, np.ndarray]] = {part: {} for part in parts}
    for name, array in arrays.items():
        part, _, rest = name.partition("/")
        if part not in own:
            raise ModelFileError(f"the reader of the model file has an unknown array '{name}'. Save it again.")
        own[part][rest] = array
    return own


def configured(config: Mapping[str, object], kind: type[Config]) -> Config:
    """The settings of a reader; ModelFileError where they are not such."""
    try:
        return msgspec.convert(config, kind)
    except (msgspec.ValidationError, ValueError) as error:
        raise _damaged(error) from None


def table_of(options: Mapping[str, object]) -> Table:
    """The options of tables among these settings; ModelFileError for unknown, missing and wrong ones."""
    try:
        table = msgspec.convert(options, Table)
    except (msgspec.ValidationError, ValueError) as error:
        raise _damaged(error) from None
    if set(options) != set(asdict(table)):
        raise ModelFileError(f"the reader of the model file has unknown options of tables: {sorted(options)}.")
    return table


def media_of(options: Mapping[str, object]) -> Media:
    """How files are read, among these settings; ModelFileError where no plan has such options."""
    try:
        return from_plain(options)
    except (msgspec.ValidationError, ValueError) as error:
        raise _damaged(error) from None


def _damaged(error: Exception) -> ModelFileError:
    return ModelFileError(f"the reader of the model file is damaged: {error}")
