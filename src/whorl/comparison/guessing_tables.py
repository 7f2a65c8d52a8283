"""Which task a table is for, by the roles of columns that are named and by what its columns hold."""

from collections.abc import Sequence

import numpy as np

from whorl.codecs.frame import Frame
from whorl.comparison.guess import Guess, are_labels, is_text
from whorl.comparison.question import Question
from whorl.data.columns import guess_kind
from whorl.data.text_reader import LABEL
from whorl.data.wide import wide_of

# What columns of logs of events are called, with or without "id" behind it.
_USERS, _ITEMS = ("user", "customer", "session", "visitor"), ("item", "product", "article", "movie", "track", "song")
_TIMES = ("time", "timestamp", "date")


def of_table(frame: Frame, asked: Question) -> Guess:
    """By what the columns of a table hold."""
    for name in (*asked.targets, asked.time, asked.series, asked.group, asked.text, *asked.known, *asked.static):
        if name is not None:
            frame[name]
    kinds = {name: asked.table.kinds.get(name) or guess_kind(column) for name, column in frame.columns.items()}
    time = asked.time or next((name for name, kind in kinds.items() if kind == "time"), None)
    texts = [name for name, kind in kinds.items() if kind == "category" and is_text(frame[name])]
    if asked.text is not None or (texts and time is None and asked.series is None):
        return _of_text_column(frame, asked, asked.text or texts[0])
    events = _of_events(frame, asked, time)
    if events is not None:
        return events
    if not asked.targets:
        seen = f"rows in time, by column '{time}', and no label" if time else "rows in order, and no label"
        return Guess(task="forecast", because=f"{frame.origin} has {seen}")
    return _of_targets(frame, asked, time)


def _of_events(frame: Frame, asked: Question, time: str | None) -> Guess | None:
    """A log of what users had, by the names of its columns; None where it is none."""
    user, item = (_called(frame, words) for words in (_USERS, _ITEMS))
    if asked.targets or asked.series or user is None or item is None:
        return None
    when = time or _called(frame, _TIMES)
    roles: dict[str, object] = {"user": user, "item": item}
    if when is not None:
        roles["time"] = when
    return Guess(task="recommend", because=f"each row has a user, '{user}', and an item, '{item}'", roles=roles)


def _called(frame: Frame, words: Sequence[str]) -> str | None:
    """The first column that is called so."""
    plain = {name: "".join(filter(str.isalnum, name.lower())).removesuffix("id") for name in frame.columns}
    return next((name for name, word in plain.items() if word in words), None)


def _of_text_column(frame: Frame, asked: Question, text: str) -> Guess:
    if asked.text is not None and asked.series is not None:
        return Guess(task="tag", because=f"column '{text}' has a word a row, and '{asked.series}' names its sentence")
    target = asked.targets or ((LABEL,) if LABEL in frame.columns else ())
    if target:
        roles: dict[str, object] = {"text": text, "target": target[0] if len(target) == 1 else target}
        return Guess(task="classify", because=f"column '{text}' has a text a row, '{target[0]}' a label", roles=roles)
    return Guess(
        task="generate", because=f"column '{text}' has a text a row, and no label is named", roles={"text": text}
    )


def _of_targets(frame: Frame, asked: Question, time: str | None) -> Guess:
    """By whether what is answered is one value a sequence, and whether it is a label."""
    first = asked.targets[0]
    column = frame[first]
    labels = guess_kind(column) == "category" or asked.table.kinds.get(first) == "category"
    wide = None if asked.series or asked.time else wide_of(frame, asked.targets, asked.table)
    if wide is not None:
        return Guess(task="classify" if labels or are_labels(column) else "regress", because=wide.describe())
    if asked.series is None:
        if labels:
            return Guess(task="tag", because=f"column '{first}' has a label a row")
        return Guess(task="forecast", because=f"column '{first}' has a number a row{', in time' if time else ''}")
    last = _of_each_series(column, frame[asked.series])
    if last is None:
        if labels:
            return Guess(task="tag", because=f"column '{first}' has labels that change within a '{asked.series}'")
        return Guess(task="forecast", because=f"column '{first}' has numbers that change within a '{asked.series}'")
    labels = labels or are_labels(last)
    return Guess(
        task="classify" if labels else "regress",
        because=f"column '{first}' has one {'label' if labels else 'number'} for each '{asked.series}'",
    )


def _of_each_series(column: np.ndarray, keys: np.ndarray) -> np.ndarray | None:
    """The value of each series; None where it changes within one, or where there are not two series."""
    found: dict[object, object] = {}
    for key, cell in zip(keys.tolist(), column.tolist(), strict=True):
        if cell is None or cell != cell:
            found.setdefault(key, None)
        elif found.setdefault(key, cell) is None:
            found[key] = cell
        elif found[key] != cell:
            return None
    if len(found) < 2:
        return None
    values = np.empty(len(found), object)
    values[:] = list(found.values())
    return values
