"""The page of scores: what a benchmark saves stands on it."""

import pytest
from benchmarks import quality


def test_a_saved_section_stands_on_the_page_and_other_results_do_not(tmp_path):
    (tmp_path / "other.json").write_text('{"times": [1.0]}')
    for title in ("Tides", "Hearts"):
        quality.save(
            tmp_path / f"{title.lower()}.json",
            title=title,
            text=f"{title}, five of them.",
            heads=("set", "score"),
            rows=[("größe", quality.spread([0.5, 0.75]))],
            runs=[{"seed": 0, "score": 0.5}],
        )
    page = quality.page(tmp_path)
    assert page.startswith(quality.HEAD)
    assert page.index("## Hearts") < page.index("## Tides")
    assert "| set | score |\n| --- | --- |\n| größe | 0.6250 ± 0.1768 (n=2) |\n" in page
    assert "Tides, five of them. All runs: [tides.json](../benchmarks/results/tides.json).\n" in page
    assert "other.json" not in page


def test_one_run_has_no_spread():
    assert quality.spread([0.25], ".2f") == "0.25 (n=1)"


def test_a_page_that_is_not_what_the_results_say_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(quality, "ROOT", tmp_path)
    monkeypatch.setattr(quality, "PAGE", tmp_path / "quality.md")
    with pytest.raises(SystemExit, match=r"quality\.md is not what the results say"):
        quality.main(["--check"])
    quality.main()
    quality.main(["--check"])
