"""Checks the sizes that keep the sources readable. Prints every breach; exit status 1 if there is one."""

import argparse
import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_MEDIAN_LINES = 130
MAX_LINES_OF_90_PERCENT = 350
MAX_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_FIELDS = 14
MAX_PUBLIC_METHODS = 10
MAX_CONSTRUCTOR_ARGUMENTS = 8
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py"}

# Modules under nn/ spell out torch's signatures, which are longer.
SPELLS_OUT_TORCH = "nn"

FIELD_HOLDERS = {"NamedTuple", "Struct", "Enum", "StrEnum", "TypedDict"}
NOT_METHODS = {"property", "cached_property", "setter", "overload"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def body_lines(function: Function) -> int:
    """Lines from the first statement after the docstring to the end."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def decorator_names(node: Function | ast.ClassDef) -> set[str]:
    """The last word of every decorator: `functools.cached_property` gives `cached_property`."""
    targets = [item.func if isinstance(item, ast.Call) else item for item in node.decorator_list]
    return {ast.unparse(target).split(".")[-1] for target in targets}


def is_description(node: ast.ClassDef) -> bool:
    """A dataclass, a NamedTuple, an enumeration or a msgspec struct: fields, not behaviour."""
    bases = {ast.unparse(base).split(".")[-1] for base in node.bases}
    return "dataclass" in decorator_names(node) or bool(bases & FIELD_HOLDERS)


def check_class(node: ast.ClassDef, spells_out_torch: bool) -> Iterator[str]:
    """The breaches of one class."""
    functions = [item for item in node.body if isinstance(item, Function)]
    if is_description(node):
        fields = [
            item
            for item in node.body
            if isinstance(item, ast.AnnAssign) and not ast.unparse(item.annotation).startswith(("ClassVar", "InitVar"))
        ]
        if len(fields) > MAX_FIELDS:
            yield f"class {node.name} has {len(fields)} fields; at most {MAX_FIELDS}"
    else:
        for function in functions:
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs][1:]
            if function.name == "__init__" and len(arguments) > MAX_CONSTRUCTOR_ARGUMENTS and not spells_out_torch:
                yield f"{node.name}() takes {len(arguments)} arguments; at most {MAX_CONSTRUCTOR_ARGUMENTS}"
    methods = [item for item in functions if not decorator_names(item) & NOT_METHODS]
    public = {item.name for item in methods if not item.name.startswith("_")}
    if len(public) > MAX_PUBLIC_METHODS:
        yield f"class {node.name} has {len(public)} public methods; at most {MAX_PUBLIC_METHODS}"


def check_file(path: Path, root: Path) -> Iterator[str]:
    """The breaches of one file, but for its length in comparison with the others."""
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    if path.name in FORBIDDEN_NAMES:
        yield f"{path}: a file is named after what it holds, not {path.name}"
    if lines > MAX_LINES:
        yield f"{path}: {lines} lines; at most {MAX_LINES}"
    spells_out_torch = SPELLS_OUT_TORCH in path.relative_to(root).parts
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function) and body_lines(node) > MAX_FUNCTION_LINES:
            yield f"{path}:{node.lineno}: {node.name}() has {body_lines(node)} lines; at most {MAX_FUNCTION_LINES}"
        elif isinstance(node, ast.ClassDef):
            yield from (f"{path}:{node.lineno}: {breach}" for breach in check_class(node, spells_out_torch))


def check_tree(root: Path) -> list[str]:
    """Every breach under `root`, in the order of the files."""
    paths = sorted(root.rglob("*.py"))
    if not paths:
        return [f"{root}: no Python files"]
    breaches = [breach for path in paths for breach in check_file(path, root)]
    lengths = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)
    median = statistics.median(lengths)
    if median > MAX_MEDIAN_LINES:
        breaches.append(f"{root}: the median file has {median:g} lines; at most {MAX_MEDIAN_LINES}")
    long_files = sum(length >= MAX_LINES_OF_90_PERCENT for length in lengths)
    if long_files > len(lengths) // 10:
        breaches.append(
            f"{root}: {long_files} of {len(lengths)} files have {MAX_LINES_OF_90_PERCENT} lines or more; at most 10 %"
        )
    return breaches


def main() -> int:
    """Checks the folder named on the command line, src/whorl by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, nargs="?", default=Path(__file__).resolve().parent.parent / "src" / "whorl")
    breaches = check_tree(parser.parse_args().root)
    for breach in breaches:
        print(breach)
    print(f"sizes: {len(breaches)} breaches" if breaches else "sizes: within the budgets")
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main())
