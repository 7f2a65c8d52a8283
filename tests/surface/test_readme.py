"""The Python of the README, of the how-to pages and of the tutorials runs as it stands there."""

import itertools
import re
from pathlib import Path

import pytest
from PIL import Image
from tools.pages import MOST_BYTES, figures_of, missing, python_of, run

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
INDEX = ROOT / "docs" / "tutorials" / "README.md"
TUTORIALS = sorted(INDEX.parent.glob("[0-9]*.md"))
PAGES = [README, *HOW_TO, INDEX, *TUTORIALS]


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


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_runs_and_draws_every_figure_that_it_shows(page, tmp_path):
    code = python_of(page)
    assert "assert" in code
    run(code, tmp_path)
    assert figures_of(page)
    assert missing(page, tmp_path) == []


def test_a_figure_that_is_not_drawn_or_is_blank_is_missed(tmp_path):
    (tmp_path / "figures").mkdir()
    page = tmp_path / "page.md"
    page.write_text("".join(f"![what]({name})" for name in ("figures/a.png", "figures/b.png", "figures/c.png")))
    for name, size in (("a", 1), ("b", 0)):
        picture = Image.new("RGB", (7, 5), "white")
        picture.paste("black", (0, 0, size, size))
        picture.save(tmp_path / "figures" / f"{name}.png")
    assert missing(page, tmp_path) == ["b.png", "c.png"]


def test_a_page_that_fails_says_what_it_wrote(tmp_path):
    with pytest.raises(RuntimeError, match=r"(?s)half way.*ZeroDivisionError"):
        run("print('half way')\n1 / 0", tmp_path)


def test_every_tutorial_is_in_the_index_in_order_and_leads_to_the_next():
    named = re.findall(r"\]\((\d\d-[^)]+)\)", INDEX.read_text(encoding="utf-8"))
    assert named == [page.name for page in TUTORIALS]
    for page, after in itertools.pairwise(TUTORIALS):
        (leads,) = re.findall(r"^Next: \[.+\]\((.+)\)\.$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert leads == after.name


def test_the_figures_that_are_kept_are_those_that_tutorials_show_and_small():
    kept = {file.name: file.stat().st_size for file in (INDEX.parent / "figures").iterdir()}
    assert sorted(kept) == sorted(name for page in TUTORIALS for name in figures_of(page))
    assert max(kept.values()) <= MOST_BYTES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_and_picture_that_a_page_names_is_there(page):
    named = re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if not (page.parent / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_section_that_a_page_names_is_there(page):
    for name, section in re.findall(r"\]\((?!http)([^)#]+)#([^)]+)\)", page.read_text(encoding="utf-8")):
        headings = re.findall(r"^#+ (.+)$", (page.parent / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert section in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
