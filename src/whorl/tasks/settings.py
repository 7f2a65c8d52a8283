"""The settings of a task as JSON values, and back; model files hold them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar, get_type_hints

import msgspec

from whorl.errors import ModelFileError, WhorlError

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

E = TypeVar("E", bound="Estimator")


def describe(estimator: "Estimator") -> dict[str, object]:
    """Every constructor argument as a JSON value."""
    return {
        field.name: msgspec.to_builtins(getattr(estimator, field.name), str_keys=True) for field in fields(estimator)
    }


def restore(kind: type[E], described: Mapping[str, object]) -> E:
    """Builds the estimator that `describe` described; raises ModelFileError on any mismatch."""
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    if set(described) != names:
        raise ModelFileError(f"the settings of the model file must be {sorted(names)}, but are {sorted(described)}.")
    try:
        return kind(**{name: msgspec.convert(value, hints[name]) for name, value in described.items()})
    except (msgspec.ValidationError, WhorlError) as error:
        raise ModelFileError(f"the settings of the model file do not fit the task: {error}") from None
