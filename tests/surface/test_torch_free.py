"""What runs a saved model imports with the core libraries alone."""

import pkgutil
import subprocess
import sys

import pytest

import whorl

TORCH_FREE = ["errors", "specs", "registry", "plans", "codecs", "data", "runtime", "datasets"]

# Stands in for a machine on which only the core libraries are installed.
CODE = """
import importlib, sys

class Absent:
    names = {"torch", "polars", "rich", "matplotlib", "scipy", "sklearn", "pandas", "pyarrow", "jinja2", "PIL", "av",
             "soundfile", "soxr", "mido", "tokenizers"}

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def modules_below(name):
    yield name
    module = __import__(name, fromlist=["_"])
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), f"{name}."):
        yield found.name


@pytest.mark.parametrize("part", TORCH_FREE)
def test_it_imports_where_only_the_core_libraries_are_installed(part):
    names = [whorl.__name__, *modules_below(f"whorl.{part}")]
    done = subprocess.run([sys.executable, "-c", CODE, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
