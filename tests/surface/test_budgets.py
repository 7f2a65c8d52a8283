"""How long starting takes and how much disk the torch-free part needs."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import whorl
from whorl import _native

PACKAGE = Path(whorl.__file__).parent
SOURCES = {".py", ".pyi", ".so", ".pyd", ".typed"}
MEGABYTE = 1_000_000

# Each of these is a large library that only training, reports or optional inputs need.
HEAVY = {"torch", "polars", "rich", "matplotlib", "scipy", "sklearn", "pandas", "pyarrow", "jinja2"}

# Read inside the new process: the start of the interpreter is not ours. It is processor time that the budget is held
# against, because the other test workers take turns with this process.
IMPORT = """
import json, sys, time
start = time.process_time()
import whorl
print(json.dumps([time.process_time() - start, sorted(sys.modules)]))
"""

# The command line as a user's shell runs it.
HELP = """
import json, sys, time
sys.argv = ["whorl", *json.loads(sys.argv[1])]
start = time.process_time()
from whorl.cli import main
try:
    main()
except SystemExit as end:
    assert end.code in (0, None), end.code
print("\\n" + json.dumps([time.process_time() - start, sorted(sys.modules)]))
"""


def run(code, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seconds, modules = json.loads(done.stdout.splitlines()[-1])
    return seconds, {name.split(".")[0] for name in modules}


def best_of_five(code, *arguments):
    runs = [run(code, *arguments) for _ in range(5)]
    return min(seconds for seconds, _ in runs), runs[0][1]


def test_importing_whorl_takes_at_most_100_ms_and_loads_nothing_heavy():
    seconds, modules = best_of_five(IMPORT)
    assert modules & HEAVY == set()
    assert seconds <= 0.100


def test_the_help_page_takes_at_most_200_ms_and_loads_nothing_heavy():
    seconds, modules = best_of_five(HELP, json.dumps(["--help"]))
    assert modules & HEAVY == set()
    assert seconds <= 0.200


WHORL = "import sys; sys.argv[0] = 'whorl'; from whorl.cli import main; main()"


def commands(*prefix):
    """The names of the commands below a command, as its help page lists them."""
    line = [sys.executable, "-c", WHORL, *prefix, "--help"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    _, found, listing = done.stdout.partition("Commands:\n")
    if not found:
        return []
    return [line.split()[0] for line in listing.splitlines() if line.startswith("  ") and line[2] != " "]


def test_the_help_page_of_every_command_runs_without_torch():
    pages = [[name] for name in commands()]
    assert ["fit"] in pages
    pages += [["fit", name] for name in commands("fit")]
    for page in pages:
        _, modules = run(HELP, json.dumps([*page, "--help"]))
        assert "torch" not in modules, page


def test_shipped_data_takes_at_most_8_megabytes():
    shipped = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    data = sum(path.stat().st_size for path in shipped if path.suffix not in SOURCES)
    assert data <= 8 * MEGABYTE


def installed_size(distribution):
    files = importlib.metadata.files(distribution) or []
    # What the package brings; the byte code that Python writes later is a cache.
    return sum(Path(file.locate()).stat().st_size for file in files if "__pycache__" not in file.parts)


def test_the_torch_free_install_takes_at_most_80_megabytes():
    libraries = [
        requirement.split(">")[0].split("=")[0].strip()
        for requirement in importlib.metadata.requires("whorl") or []
        if "extra" not in requirement
    ]
    assert set(libraries) >= {"numpy", "click", "msgspec", "safetensors"}
    own = {path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    own.add(Path(_native.__file__))
    total = sum(map(installed_size, libraries)) + sum(path.stat().st_size for path in own)
    assert total <= 80 * MEGABYTE


@pytest.mark.parametrize("library", sorted(HEAVY - {"torch"}))
def test_the_budget_tests_would_see_a_heavy_import(library):
    _, modules = run(f"import json, sys, {library}\nprint(json.dumps([0, sorted(sys.modules)]))")
    assert library in modules & HEAVY
