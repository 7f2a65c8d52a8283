"""A task as one would write it: a line of the command line, and lines of Python."""

import csv
import io
import json
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import TYPE_CHECKING

from whorl.plans.media import Media, usual_plan
from whorl.plans.networks import Network, Recurrent, from_key, key_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from whorl.tasks.estimator import Estimator

# Tasks whose own dropout has another option, since that of the recipe has its name.
_WRITING = ("generate", "transcribe", "translate", "summarize", "chat")


def command(task: "Estimator", data: object, named: Iterable[str] = ()) -> str | None:
    """`whorl fit ...`; None where the data are no path, so that a command line cannot name them.

    Args:
        task: what is fitted.
        data: what it is fitted to.
        named: fields that are written even where they are at their defaults.
    """
    if not isinstance(data, str | os.PathLike):
        return None
    words = ["whorl", "fit", task.task, os.fspath(data)]
    for name, value in _told(task, named):
        default = next(_default(one) for one in fields(task) if one.name == name)
        if name == "network":
            words += _network(value)
        elif is_dataclass(value) and not isinstance(value, type):
            if type(default) is not type(value):
                default = usual_plan(type(value), task.own_media) if isinstance(value, Media) else None
            words += [word for own in differences(value, default) for word in _option(*own)]
        else:
            renamed = "output_dropout" if name == "dropout" and task.task in _WRITING else name
            several = any(one.name == name and "tuple" in str(one.type) for one in fields(task))
            words += _option(renamed, (value,) if several and isinstance(value, str) else value)
    return shlex.join(map(str, words))


def python(task: "Estimator", data: object, named: Iterable[str] = ()) -> str:
    """The lines that fit it; data that are no path are called `data`."""
    given = [f"    {name}={_written(value)}," for name, value in _told(task, named)]
    path = _written(os.fspath(data)) if isinstance(data, str | os.PathLike) else "data"
    return "\n".join([f"model = whorl.{type(task).__name__}(", *given, ")", f"model.fit({path})"])


def _told(task: "Estimator", named: Iterable[str]) -> list[tuple[str, object]]:
    """Fields as one would write them: those of the data and the task first, then the network."""
    other = {name for name, _ in differences(task)} | {
        name for name in named if not is_dataclass(getattr(task, name)) and getattr(task, name) is not False
    }
    given = [(one.name, getattr(task, one.name)) for one in fields(task) if one.name in other]
    return sorted(given, key=lambda pair: pair[0] == "network")


def differences(plan: "DataclassInstance", default: object = None) -> Iterator[tuple[str, object]]:
    """The fields of a plan that are not those of another one of its kind, or of its defaults.

    Args:
        plan: a dataclass.
        default: another one of its kind; None takes the defaults of the fields.
    """
    for field in fields(plan):
        value = getattr(plan, field.name)
        if value != (_default(field) if default is None else getattr(default, field.name)):
            yield field.name, value


def _default(field: Field[object]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _network(network: object) -> list[str]:
    assert isinstance(network, str | Network)
    recipe = from_key(network)
    words = ["--network", key_of(recipe)]
    for name, value in differences(recipe, type(recipe)()):
        words += [] if name == "cell" and isinstance(recipe, Recurrent) else _option(name, value)
    return words


def _option(name: str, value: object) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag] if value else [f"--no-{flag[2:]}"]
    if isinstance(value, Mapping):
        return [flag, _cells(f"{key}={word}" for key, word in value.items())]
    if isinstance(value, tuple):
        return [flag, _cells(map(str, value)) or "none"]
    return [flag, "none" if value is None else str(value)]


def _cells(names: Iterable[str]) -> str:
    """Names with commas between, as a line of CSV: one that has a comma stands in quotes."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(list(names))
    return line.getvalue()


def _written(value: object) -> str:
    """A value as Python; of a plan what differs from the defaults of its fields."""
    if is_dataclass(value) and not isinstance(value, type):
        own = dict(differences(value, type(value)()))
        first = [_written(value.cell)] if isinstance(value, Recurrent) else []
        named = [f"{name}={_written(one)}" for name, one in own.items() if not (first and name == "cell")]
        return f"whorl.{type(value).__name__}({', '.join([*first, *named])})"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_written(key)}: {_written(one)}' for key, one in value.items())}}}"
    return repr(value)
