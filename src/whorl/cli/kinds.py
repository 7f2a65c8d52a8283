"""Parameter types of the command line, made from the types of dataclass fields."""

import csv
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import click

from whorl.errors import did_you_mean

if TYPE_CHECKING:
    ParamType = click.ParamType[object]
else:  # generic since click 8.4 only
    ParamType = click.ParamType


class Choice(ParamType):
    """One of a few words; a close one is suggested.

    Args:
        words: what may be given.
        none: the word 'none' is None where that is not one of the words.
    """

    name = "choice"

    def __init__(self, words: Sequence[str], *, none: bool = False) -> None:
        self.none = none and "none" not in words
        self.words = (*words, "none") if self.none else tuple(words)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"[{'|'.join(self.words)}]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        if value not in self.words:
            self.fail(
                f"{value!r} is not one of {', '.join(self.words)}.{did_you_mean(str(value), self.words)}", param, ctx
            )
        return None if self.none and value == "none" else value


class Number(ParamType):
    """A number, whole where it is written so and whole numbers are taken, or one of a few words.

    Args:
        whole: whole numbers are taken.
        real: numbers with a fraction are taken.
        words: word -> value, such as 'none' where a setting can be switched off.
    """

    name = "number"

    def __init__(self, *, whole: bool, real: bool, words: Mapping[str, object]) -> None:
        self.whole, self.real, self.words = whole, real, dict(words)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "|".join(["NUMBER" if self.real else "INTEGER", *self.words])

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        text = str(value).strip()
        if text in self.words:
            return self.words[text]
        with suppress(ValueError):
            if self.whole:
                return int(text)
        with suppress(ValueError):
            if self.real:
                return float(text)
        expected = " or ".join(["a number" if self.real else "a whole number", *map(repr, self.words)])
        return self.fail(f"{value!r} is not {expected}.", param, ctx)


class Names(ParamType):
    """Names, separated by commas; a name with a comma stands in double quotes, as in a CSV file."""

    name = "names"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "NAME[,NAME...]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        if not isinstance(value, str):
            return value
        try:
            (names,) = csv.reader([value], strict=True, skipinitialspace=True)
        except (csv.Error, ValueError):
            self.fail(f"{value!r} is not a list of names. Close the double quotes.", param, ctx)
        return tuple(name.strip() for name in names if name.strip())


class Levels(ParamType):
    """Numbers, separated by commas; 'none' is no number.

    Args:
        whole: they are whole numbers.
    """

    name = "numbers"

    def __init__(self, *, whole: bool = False) -> None:
        self.whole = whole

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "NUMBER[,NUMBER...]|none"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        if not isinstance(value, str):
            return value
        if value.strip() in ("", "none"):
            return ()
        try:
            return tuple((int if self.whole else float)(part) for part in value.split(","))
        except ValueError:
            such = "whole numbers such as 0,0,32,32" if self.whole else "numbers such as 0.1,0.5,0.9"
            self.fail(f"{value!r} is not a list of {such}.", param, ctx)


class Pair(ParamType):
    """Two whole numbers, separated by a comma."""

    name = "pair"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "INTEGER,INTEGER"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        if not isinstance(value, str):
            return value
        with suppress(ValueError):
            first, second = map(int, value.split(","))
            return first, second
        return self.fail(f"{value!r} is not two whole numbers such as -5,6.", param, ctx)


class Pairs(ParamType):
    """NAME=WORD pairs, separated by commas; the last '=' counts."""

    name = "pairs"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"NAME=[{'|'.join(self.words)}]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        pairs = []
        for pair in Names().convert(value, param, ctx):  # type: ignore[attr-defined]
            if isinstance(pair, tuple):
                pairs.append(pair)
                continue
            column, mark, word = pair.rpartition("=")
            if not mark or not column:
                self.fail(f"{pair!r} is not a pair such as weekday=category.", param, ctx)
            if word not in self.words:
                known = ", ".join(self.words)
                self.fail(f"{word!r} in {pair!r} is not one of {known}.{did_you_mean(word, self.words)}", param, ctx)
            pairs.append((column, word))
        return tuple(pairs)


def param_type(hint: Any) -> tuple[ParamType, bool]:
    """Returns the parameter type of a field's type, and whether the option may be repeated.

    A number or a choice that may be None takes the word 'none'.
    """
    members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    words: dict[str, object] = {"none": None} if type(None) in members else {}
    members = tuple(member for member in members if member is not type(None))
    choices = [word for member in members if get_origin(member) is Literal for word in get_args(member)]
    if bool in members:
        return click.BOOL, False
    if int in members or float in members:
        words.update({word: word for word in choices})
        return Number(whole=int in members, real=float in members, words=words), False
    if choices:
        return Choice(choices, none=bool(words)), False
    for member in members:
        if get_origin(member) is tuple and float in get_args(member):
            return Levels(), False
        if get_args(member) == (int, int):
            return Pair(), False
        if get_origin(member) is tuple and int in get_args(member):
            return Levels(whole=True), False
        if get_origin(member) is tuple:
            return Names(), True
        if isinstance(get_origin(member), type) and issubclass(get_origin(member), Mapping):
            return Pairs(get_args(get_args(member)[1])), True
    return click.STRING, False
