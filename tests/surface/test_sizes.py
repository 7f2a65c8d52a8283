"""Sources stay within the size budgets, and the checker that says so can say no."""

from pathlib import Path

import pytest
from tools import check_sizes

ROOT = Path(__file__).resolve().parents[2]


def test_the_sources_are_within_the_size_budgets():
    assert check_sizes.check_tree(ROOT / "src" / "whorl") == []


def fields(count):
    return "\n".join(f"    field_{index}: int" for index in range(count))


def methods(count):
    return "\n".join(f"    def method_{index}(self): ..." for index in range(count))


def function(lines):
    body = "\n".join("    pass" for _ in range(lines))
    return f'def f():\n    """One.\n\n    Two.\n    """\n{body}\n'


def constructor(count):
    return f"class A:\n    def __init__(self, {', '.join(f'a{index}' for index in range(count))}): ...\n"


@pytest.mark.parametrize(
    ("name", "text", "breach"),
    [
        ("a.py", "x = 1\n" * 501, "501 lines; at most 500"),
        ("utils.py", "", "not utils.py"),
        ("a.py", function(61), "f() has 61 lines"),
        ("a.py", f"@dataclass(frozen=True)\nclass A:\n{fields(15)}\n", "class A has 15 fields"),
        ("a.py", f"class A(NamedTuple):\n{fields(15)}\n", "class A has 15 fields"),
        ("a.py", f"class A:\n{methods(11)}\n", "class A has 11 public methods"),
        ("a.py", constructor(9), "A() takes 9 arguments"),
        ("a.py", "x = 1\n" * 140, "the median file has 140 lines"),
        ("a.py", "x = 1\n" * 350, "1 of 1 files have 350 lines or more"),
    ],
)
def test_a_breach_is_named(tmp_path, name, text, breach):
    (tmp_path / name).write_text(text)
    assert any(breach in found for found in check_sizes.check_tree(tmp_path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", function(60)),
        ("a.py", f"@dataclasses.dataclass\nclass A:\n{fields(14)}\n    constant: ClassVar[int] = 1\n"),
        ("a.py", f"class A:\n{methods(10)}\n    def _hidden(self): ...\n    @property\n    def shown(self): ...\n"),
        ("a.py", constructor(8)),
        ("nn/a.py", constructor(20)),
    ],
)
def test_what_is_within_the_budget_passes(tmp_path, name, text):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert check_sizes.check_tree(tmp_path) == []


def test_an_empty_folder_is_not_a_success(tmp_path):
    assert check_sizes.check_tree(tmp_path) != []
