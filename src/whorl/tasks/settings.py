"""The settings of a task: as scikit-learn handles them, and as JSON values that model files hold."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Self, TypeVar, Union, get_args, get_type_hints

import msgspec

from whorl.errors import ArgumentError, ModelFileError, WhorlError, did_you_mean
from whorl.plans import media
from whorl.plans.networks import Network, Recurrent, from_plain, to_plain
from whorl.runtime.artifact import as_plain


@dataclass(kw_only=True, eq=False)
class Settings:
    """Constructor arguments, stored untouched, as `sklearn.base.clone` expects them."""

    def __post_init__(self) -> None:
        """Checks the arguments."""

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """The constructor's arguments, as they were given."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def set_params(self, **params: object) -> Self:
        """Replaces constructor arguments; scikit-learn calls this."""
        known = [field.name for field in fields(self)]
        for name, value in params.items():
            if name not in known:
                raise ArgumentError(f"`{name}` is not a field of {type(self).__name__}.{did_you_mean(name, known)}")
            setattr(self, name, value)
        self.__post_init__()
        return self


E = TypeVar("E", bound=Settings)


def describe(estimator: Settings) -> dict[str, object]:
    """Every constructor argument as a JSON value."""
    return {field.name: _plain(getattr(estimator, field.name)) for field in fields(estimator)}


def restore(kind: type[E], described: Mapping[str, object]) -> E:
    """Builds the estimator that `describe` described; raises ModelFileError on any mismatch."""
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    if set(described) != names:
        raise ModelFileError(f"the settings of the model file must be {sorted(names)}, but are {sorted(described)}.")
    try:
        restored = kind(**{name: _restored(value, hints[name]) for name, value in described.items()})
    except (msgspec.ValidationError, WhorlError) as error:
        raise ModelFileError(f"the settings of the model file do not fit the task: {error}") from None
    # Dataclasses inside them would forgive fields that they do not know.
    for name, value in describe(restored).items():
        if _as_json(value) != _as_json(described[name]):
            raise ModelFileError(f"the setting `{name}` of the model file does not fit the task: {described[name]!r}.")
    return restored


def _plain(value: object) -> object:
    if isinstance(value, Network):
        return to_plain(value, enc_hook=as_plain)
    if isinstance(value, media.Media):
        return media.to_plain(value)
    return msgspec.to_builtins(value, str_keys=True, enc_hook=as_plain)


def _restored(value: object, hint: object) -> object:
    """A value of a field; of several dataclasses that a recipe may be, the decoder cannot tell which one it is."""
    if hint in (Network | str, Recurrent | str):
        return from_plain(value) if isinstance(value, Mapping) else msgspec.convert(value, str)
    kinds = set(get_args(hint)) & set(media.MEDIA.values())
    if kinds and isinstance(value, Mapping) and "medium" in value:
        return media.from_plain(value)
    if kinds:
        hint = Union[tuple(member for member in get_args(hint) if member not in kinds)]  # noqa: UP007
    plans = [kind for kind in get_args(hint) if is_dataclass(kind)]
    if len(plans) > 1 and isinstance(value, Mapping):  # no two of them have the same options
        fitting = [kind for kind in plans if {one.name for one in fields(kind)} == set(value)]
        return msgspec.convert(value, (fitting or plans)[0])
    return msgspec.convert(value, hint)


def _as_json(value: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(value))
