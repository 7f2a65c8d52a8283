"""Dialogues: one turn a line with blank lines between, or JSON lines with lists of turns."""

from pathlib import Path

import pytest

from whorl.data.dialogues import Dialogue, Turn, read_dialogues
from whorl.errors import DataError


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    ["Hi!\n Grüß Gott 🙂 \n\n\nBye.\n", "\ufeffHi!\r\nGrüß Gott 🙂\r\n \r\n\r\nBye.", "Hi!\rGrüß Gott 🙂\r\r\rBye."],
)
def test_a_blank_line_ends_a_dialogue(tmp_path: Path, text: str) -> None:
    assert read_dialogues(write(tmp_path / "a.txt", text)) == [
        Dialogue(turns=(Turn(text="Hi!"), Turn(text="Grüß Gott 🙂")), origin="a.txt", line=1),
        Dialogue(turns=(Turn(text="Bye."),), origin="a.txt", line=5),
    ]


def test_json_lines_hold_turns_with_or_without_speakers(tmp_path: Path) -> None:
    text = """{"id": 3, "turns": ["Hi!", {"speaker": "B", "text": "two\\nlines"}]}

[{"text": "x", "speaker": null}, {"text": "y", "mood": 1}]
"""
    first, second = read_dialogues(write(tmp_path / "a.jsonl", text))
    assert first.turns == (Turn(text="Hi!"), Turn(text="two\nlines", speaker="B"))
    assert second.turns == (Turn(text="x"), Turn(text="y"))
    assert (first.line, second.line, len(second)) == (1, 3, 2)


def test_the_files_of_a_folder_are_read_in_name_order(tmp_path: Path) -> None:
    write(tmp_path / "b.txt", "x\n")
    write(tmp_path / "a.ndjson", '["y"]')
    write(tmp_path / "LICENSE", "no dialogue")
    assert [dialogue.turns[0].text for dialogue in read_dialogues(tmp_path)] == ["y", "x"]


def test_a_huge_turn_is_read(tmp_path: Path) -> None:
    (dialogue,) = read_dialogues(write(tmp_path / "a.txt", "é" * 1_500_001))
    assert len(dialogue.turns[0].text) == 1_500_001


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "\n\n", r"a\.txt is empty, but a dialogue needs"),
        ("a.jsonl", "", r"a\.jsonl is empty"),
        ("a.jsonl", '["x"]\n{"turn": ["x"]}', r'line 2: .* under "turns", but has nothing under that key\. Write'),
        ("a.jsonl", '{"turns": []}', "line 1: .* but has none"),
        ("a.jsonl", '{"turns": "x"}', "line 1: .* but has text"),
        ("a.jsonl", "7", "line 1: .* but has a number"),
        ("a.jsonl", '["x"]\n\n["x", " "]', "line 3, turn 2: a turn is text that is not blank, .* is blank text"),
        ("a.jsonl", '["x", {"speaker": "A"}]', "line 1, turn 2: .* but is null"),
        ("a.jsonl", '["x", ["y"]]', "line 1, turn 2: .* but is a list"),
        ("a.jsonl", '[{"text": "x", "speaker": 1}]', 'line 1, turn 1: "speaker" is text or null, but is a number'),
        ("a.jsonl", '["x"', "line 1, column 5: this is not JSON"),
        ("a.jsonl", '["\\udc00"]', "line 1: an escape"),
    ],
)
def test_a_broken_dialogue_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_dialogues(write(tmp_path / name, text))
