"""The Python of the README and of the how-to pages runs as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))


def python_of(page):
    """The blocks of a page, one after the other."""
    return "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))


def run(code, folder):
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_example_of_the_readme_runs(tmp_path):
    code = python_of(README)
    code += "\nimport numpy as np\nassert np.array_equal(answers[0].value, model.predict(air).value)\n"
    assert "(24, 9)" in run(code, tmp_path)
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_the_blocks_of_a_how_to_run_one_after_the_other(page, tmp_path):
    code = python_of(page)
    assert "assert" in code
    run(code, tmp_path)


@pytest.mark.parametrize("page", [README, *HOW_TO], ids=lambda page: page.stem)
def test_every_page_and_picture_that_a_page_names_is_there(page):
    named = re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if not (page.parent / name).exists()] == []
