"""Dialogues: turns in order, from plain text or JSON lines."""

from dataclasses import dataclass
from pathlib import Path

from whorl.data.json_lines import JSON_SUFFIXES, json_values, kind_of
from whorl.data.text_files import PLAIN_SUFFIXES, blocks, files_of, text_lines
from whorl.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one speaker says at once.

    Args:
        text: not blank.
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


def _turn(turn: object, place: str) -> Turn:
    text, speaker = (turn.get("text"), turn.get("speaker")) if isinstance(turn, dict) else (turn, None)
    if not isinstance(text, str) or not text.strip():
        came = "blank text" if isinstance(text, str) else kind_of(text)
        raise DataError(
            f'{place}: a turn is text that is not blank, or an object with one under "text", but is {came}. '
            'Write {"text": "...", "speaker": "..."}.'
        )
    if not (speaker is None or isinstance(speaker, str)):
        raise DataError(f'{place}: "speaker" is text or null, but is {kind_of(speaker)}. Put it in quotes.')
    return Turn(text=text.strip(), speaker=speaker)
