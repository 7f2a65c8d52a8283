"""Writes docs/reliability.md from the tests that carry the ids of promises.

A test module, or a single test, carries an id when its docstring begins with it: `"D1: any bytes end in ..."`, or with
several, `"R4, R5: ..."`. Run with --check to fail where the page is not up to date or a promise has no test.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"
IDS = re.compile(r"([A-Z]\d+(?:, (?:and )?[A-Z]\d+)*)(?:[:.]| )")

# Laws that are the test of a promise, on every object that they apply to.
LAWS = {"08 backend": "M8", "11 seed": "R5", "13 stream": "M8", "14 leak": "D2"}

PROMISES = {
    "R1": "A checkpoint path holds a complete old or a complete new checkpoint, whatever fails while it is written.",
    "R2": "A resumed run equals one that was never stopped, bit for bit on a CPU with the same number of threads.",
    "R3": "Ctrl-C and SIGTERM save, say how to resume, and exit with 130 and 143.",
    "R4": "A loss or gradient that is not a number stops training within the step and names the batch.",
    "R5": "The same seed gives the same bits with the same number of threads, which share out the rows "
    "over which gradients of weights are summed.",
    "R6": "A full or read-only disk leaves the last checkpoint as it was.",
    "R7": "Memory does not grow with the number of steps.",
    "D1": "Any bytes end in success or in a message that names file, row, column, what was found and what to do.",
    "D2": "No statistic of validation or test rows reaches training.",
    "D3": "Seconds, pixels and events of media are bounded before memory is taken; known formats alone are read.",
    "D4": "Truncated and mutated files end in success or in such a message.",
    "D5": "Text that a spreadsheet would run as a formula is escaped in exported CSV; numbers are not.",
    "M1": "A model file holds numbers and names, never code; everything unknown in it is refused.",
    "M2": "Sizes are checked before anything is allocated for them.",
    "M4": "Every flipped byte of a model file is detected.",
    "M8": "The same numbers everywhere: torch, the native engine, the numpy interpreter, whole sequences, steps, "
    "random chunks.",
}


def carried(text: str | None) -> list[str]:
    """The ids at the start of a docstring."""
    match = IDS.match(text or "")
    return re.findall(r"[A-Z]\d+", match.group(1)) if match else []


def tests() -> Iterator[tuple[str, str, str]]:
    """Yields (id, file, name) for every test and law that carries an id, by itself or by its module."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inherited = carried(ast.get_docstring(tree))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                own = carried(ast.get_docstring(node)) or (inherited if node.name.startswith("test_") else [])
                for promise in [*own, *_of_law(node)]:
                    yield promise, str(path.relative_to(ROOT)), node.name


def _of_law(node: ast.FunctionDef) -> list[str]:
    """The promise of a function that is decorated with `@law("14 leak", ...)`."""
    names = [
        call.args[0].value
        for call in node.decorator_list
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant)
    ]
    return [LAWS[name] for name in names if name in LAWS]


def page() -> str:
    """The page as text; raises SystemExit for a promise without a test, or a test of an unknown promise."""
    found: dict[str, dict[str, list[str]]] = {}
    for promise, file, name in tests():
        found.setdefault(promise, {}).setdefault(file, []).append(name)
    if set(found) != set(PROMISES):
        raise SystemExit(f"promises without tests, or tests of unknown promises: {sorted(set(found) ^ set(PROMISES))}")
    lines = [
        "# Reliability",
        "",
        "What is promised, and the tests behind each promise. Written by `tools/reliability.py`.",
        "",
    ]
    for promise, says in PROMISES.items():
        lines += [f"## {promise}", "", says, ""]
        for file, names in found[promise].items():
            lines.append(f"- `{file}`: " + "; ".join(_sentence(name) for name in names))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _sentence(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def main() -> None:
    """Writes the page, or compares it."""
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        raise SystemExit(f"{PAGE.relative_to(ROOT)} is not up to date. Run: python tools/reliability.py")


if __name__ == "__main__":
    main()
