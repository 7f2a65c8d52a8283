"""No module of the package runs or unpickles what stands in a file."""

import ast
from pathlib import Path

import pytest

import whorl

SOURCES = sorted(Path(whorl.__file__).parent.rglob("*.py"))
# Names that run or unpack code; each use must be listed here with the file that may.
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "execfile", "breakpoint"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "zipimport", "runpy"}
FORBIDDEN_ATTRIBUTES = {("torch", "load"), ("torch", "save"), ("torch.jit", "load"), ("importlib", "reload")}
# Fits side by side are sent to processes that the comparison starts itself; no file is unpickled.
ALLOWED = {("side_by_side.py", "joblib")}


def uses(tree):
    """What a module does that could run code out of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            yield node.func.id
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] in FORBIDDEN_MODULES)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN_MODULES:
            yield node.module
        if isinstance(node, ast.Attribute) and (ast.unparse(node.value), node.attr) in FORBIDDEN_ATTRIBUTES:
            yield ast.unparse(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "numpy.load"):
            said = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if said.get("allow_pickle") != "False":
                yield "np.load without allow_pickle=False"


def test_no_module_unpickles_or_runs_text():
    """M1."""
    assert len(SOURCES) > 50
    found = {(path.name, use) for path in SOURCES for use in uses(ast.parse(path.read_text()))}
    assert found <= ALLOWED


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "import torch\ntorch.load('x')",
        "eval('1')",
        "exec(text)",
        "__import__(name)",
        "np.load(file)",
        "np.load(file, allow_pickle=True)",
        "import marshal as m",
    ],
)
def test_the_scan_sees_code_that_runs_text(code):
    """M1."""
    assert list(uses(ast.parse(code)))
