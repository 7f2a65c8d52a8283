"""Dialogues: turns in order, from plain text, JSON lines or lists."""

import os
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass
from pathlib import Path

from whorl.data.json_lines import JSON_SUFFIXES, json_values, kind_of
from whorl.data.text_files import PLAIN_SUFFIXES, blocks, files_of, text_lines
from whorl.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one speaker says at once.

    Args:
        text: not blank, but where a dialogue is to be answered in which somebody said nothing.
        speaker: who; None where the file does not say.
    """

    text: str
    speaker: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """Turns in order, and where they stood.

    Args:
        turns: at least one.
        origin: name of the file.
        line: of the first turn, from 1.
    """

    turns: tuple[Turn, ...]
    origin: str
    line: int

    def __len__(self) -> int:
        return len(self.turns)


def dialogues_of(data: object, *, encoding: str = "utf-8", silence: bool = False) -> list[Dialogue]:
    """Dialogues of a path, as `read_dialogues` reads it, or of a list.

    Args:
        data: a path; or a list with a list of turns for each dialogue, or an object with that list under "turns". A
            turn is text, or {"text": ..., "speaker": ...}; text in the place of a dialogue is one of a single turn.
        encoding: of files.
        silence: takes blank turns in lists.

    Raises:
        DataError: naming file, line and turn, or the places in the list.
    """
    if isinstance(data, str | os.PathLike):
        return read_dialogues(data, encoding=encoding)
    if not isinstance(data, list) or not data:
        came = "none came" if isinstance(data, list) else f"a {type(data).__name__} came"
        raise DataError(
            f"dialogues are a path, or a list with a list of turns for each, but {came}. "
            'Write [["How are you?", "Fine."], ...].'
        )
    return [_given(one, number, silence) for number, one in enumerate(data)]


def _given(given: object, number: int, silence: bool) -> Dialogue:
    turns = given.get("turns") if isinstance(given, Mapping) else [given] if isinstance(given, str) else given
    place = f"dialogue {number}"
    if not isinstance(turns, list | tuple) or not turns:
        came = "has no turn" if isinstance(turns, list | tuple) else f"is a {type(given).__name__}"
        raise DataError(f'{place} is to be a list of at least one turn, but {came}. Write ["How are you?", "Fine."].')
    made = tuple(_turn(turn, f"{place}, turn {n}", silence) for n, turn in enumerate(turns, 1))
    return Dialogue(turns=made, origin="the list", line=number + 1)


def said_by_answerer(turns: List[Turn], at: int, places: Iterable[int]) -> list[bool]:
    """Which of the turns at these places were said by who says turn `at`, or would say it where it is still to come.

    Speakers tell where they are named; who answers the last of them is whoever else spoke last. Elsewhere two speak by
    turns.
    """
    speaker = turns[at].speaker if at < len(turns) else _to_come(turns)
    return [
        (at - place) % 2 == 0 if turns[place].speaker is None or speaker is None else turns[place].speaker == speaker
        for place in places
    ]


def _to_come(turns: List[Turn]) -> str | None:
    """Who answers the last turn; blank where nobody else spoke before, None where that is not told."""
    last = turns[-1].speaker
    if last is None:
        return None
    for turn in reversed(turns):
        if turn.speaker != last:
            return turn.speaker
    return ""


def read_dialogues(source: object, *, encoding: str = "utf-8") -> list[Dialogue]:
    """Reads dialogues.

    Args:
        source: path of a text file with a turn on each line and a blank line between dialogues; of a .jsonl or .ndjson
            file with a dialogue on each line, a list of turns or an object with that list under "turns", where a turn
            is text or {"text": ..., "speaker": ...}; or of a folder of either, in name order.
        encoding: of the bytes; nothing is guessed.

    Raises:
        DataError: naming file, line and turn.
    """
    found = []
    for path in files_of(source, (*PLAIN_SUFFIXES, *JSON_SUFFIXES)):
        of_json = path.suffix.lower() in JSON_SUFFIXES
        dialogues = _of_json_lines(path, encoding) if of_json else _of_text(path, encoding)
        if not dialogues:
            raise DataError(f"{path.name} is empty, but a dialogue needs at least one turn. Write a turn on a line.")
        found += dialogues
    return found


def _of_text(path: Path, encoding: str) -> list[Dialogue]:
    return [
        Dialogue(turns=tuple(Turn(text=line.strip()) for line in block), origin=path.name, line=first)
        for first, block in blocks(text_lines(path, encoding))
    ]


def _of_json_lines(path: Path, encoding: str) -> list[Dialogue]:
    dialogues = []
    for line, value in json_values(path, encoding):
        place = f"{path.name}, line {line}"
        turns = value.get("turns") if isinstance(value, dict) else value
        if not isinstance(turns, list) or not turns:
            came = "nothing under that key" if turns is None else "none" if turns == [] else kind_of(turns)
            raise DataError(
                f'{place}: a dialogue is a list of at least one turn, or an object with one under "turns", but has '
                f'{came}. Write {{"turns": ["...", "..."]}}.'
            )
        made = tuple(_turn(turn, f"{place}, turn {number}") for number, turn in enumerate(turns, 1))
        dialogues.append(Dialogue(turns=made, origin=path.name, line=line))
    return dialogues


def _turn(turn: object, place: str, silence: bool = False) -> Turn:
    text, speaker = (turn.get("text"), turn.get("speaker")) if isinstance(turn, Mapping) else (turn, None)
    if not isinstance(text, str) or not (text.strip() or silence):
        came = "blank text" if isinstance(text, str) else kind_of(text)
        raise DataError(
            f'{place}: a turn is text that is not blank, or an object with one under "text", but is {came}. '
            'Write {"text": "...", "speaker": "..."}.'
        )
    if not (speaker is None or isinstance(speaker, str)):
        raise DataError(f'{place}: "speaker" is text or null, but is {kind_of(speaker)}. Put it in quotes.')
    return Turn(text=text.strip(), speaker=speaker or None)  # a blank name is that of nobody, and tells nothing
