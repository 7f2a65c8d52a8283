"""Builds the native module with address and undefined-behaviour sanitizers and runs its tests against that build."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "sanitize"

# An editable install answers `import whorl` before the search path is looked at. Python runs this file at every start,
# so the processes that the tests start find the instrumented module too.
WITHOUT_EDITABLE_INSTALL = """
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("_editable_")]
"""

PROVE = """
from whorl import _native
assert _native.__file__.startswith({0!r}), _native.__file__
"""


def run(*command: str | Path, **environment: str) -> None:
    """Runs a command at the root of the checkout; its failure ends this program."""
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **environment})


def runtime_library(name: str) -> str:
    """Where the compiler keeps a library that must be loaded first."""
    found = subprocess.run(["g++", f"-print-file-name={name}"], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def main() -> None:
    """Leaves the installed module alone: the instrumented one lies in a package of its own under build/."""
    run(
        "cmake", "-S", ".", "-B", BUILD, "-DWHORL_SANITIZE=ON", "-DCMAKE_BUILD_TYPE=Debug",
        f"-DPython_EXECUTABLE={sys.executable}",
    )  # fmt: skip
    run("cmake", "--build", BUILD, "--parallel", "2")
    package = BUILD / "package" / "whorl"
    shutil.rmtree(package.parent, ignore_errors=True)
    shutil.copytree(ROOT / "src" / "whorl", package, ignore=shutil.ignore_patterns("_native*.so", "__pycache__"))
    (package.parent / "sitecustomize.py").write_text(WITHOUT_EDITABLE_INSTALL)
    for module in BUILD.glob("_native*.so"):
        shutil.copy(module, package)
    environment = {
        # The address sanitizer must be loaded before the interpreter. Python itself leaves memory behind at exit, and
        # tests ask for more memory than there is.
        "LD_PRELOAD": f"{runtime_library('libasan.so')} {runtime_library('libstdc++.so')}",
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "PYTHONPATH": str(package.parent),
    }
    run(sys.executable, "-c", PROVE.format(str(package)), **environment)
    # What a sanitizer says goes past Python, which would swallow it.
    pytest = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--capture=sys")
    run(*pytest, "tests/unit/native", **environment)


if __name__ == "__main__":
    main()
