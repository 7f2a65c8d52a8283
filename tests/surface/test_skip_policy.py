"""A skip nobody agreed to fails the run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
MARKERS = ["-o", "markers=gpu\n data\n slow", "-p", "no:cacheprovider"]


def run_pytest(folder, source, *options, **environment):
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_it.py").write_text("import pytest\n" + source)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "WHORL_DATA"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", folder, *MARKERS, *options, folder],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_an_unlisted_skip_fails_the_run_and_is_named(tmp_path, options):
    done = run_pytest(tmp_path, "def test_a(): pytest.skip('no time')\ndef test_b(): pass\n", *options)
    assert done.returncode == 1
    assert "test_it.py::test_a: no time" in done.stdout
    assert "1 passed, 1 skipped; 1 x no time" in done.stdout


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_a_skipped_module_fails_the_run(tmp_path, options):
    done = run_pytest(tmp_path, "pytest.importorskip('no_such_module')\ndef test_a(): pass\n", *options)
    assert done.returncode != 0
    assert "no_such_module" in done.stdout


def test_missing_data_and_a_missing_accelerator_are_agreed_skips(tmp_path):
    source = "@pytest.mark.data\ndef test_a(): pass\ndef test_b(): pass\n"
    done = run_pytest(tmp_path, source)
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped; 1 x WHORL_DATA is not set" in done.stdout
    assert run_pytest(tmp_path, source, WHORL_DATA=str(tmp_path)).stdout.count("2 passed, 0 skipped") == 1


def test_the_parts_of_the_slow_tier_are_disjoint_and_complete(tmp_path):
    source = "@pytest.mark.slow\n@pytest.mark.parametrize('i', range(12))\ndef test_a(i): pass\n"
    parts = []
    for index in range(3):
        done = run_pytest(tmp_path, source, "-v", "--slow-part", f"{index}/3")
        parts.append({line.split()[0] for line in done.stdout.splitlines() if " PASSED" in line})
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts)) == 12
