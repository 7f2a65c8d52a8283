"""`whorl demo` and the data that is shipped."""

import pytest

import whorl
from whorl import datasets

from .conftest import run


def test_the_shipped_table_is_whole_and_says_whose_it_is():
    columns = datasets.load("beijing_air")
    assert {len(cells) for cells in columns.values()} == {43_824}
    assert columns["time"][-1] == "2014-12-31 23:00"
    assert sum(not cell for cell in columns["pm2.5"]) == 2_067
    notice = datasets.path("beijing_air").with_suffix(".md").read_text(encoding="utf-8")
    for word in ("UCI Machine Learning Repository", "Song Xi Chen", "CC BY 4.0", "Liang", "Changes"):
        assert word in notice


def test_a_data_set_that_is_not_shipped_is_refused_with_the_closest_name():
    with pytest.raises(whorl.ArgumentError, match="Did you mean 'beijing_air'"):
        datasets.load("beijing_ai")


def test_the_shipped_table_has_no_problem_that_would_stop_fit():
    result = run("check", datasets.path("beijing_air"), "--target", "pm2.5", "--context", "168", "--horizon", "24")
    assert result.exit_code == 0, result.stdout


def test_an_unknown_demo_is_refused():
    result = run("demo", "forcast")
    assert result.exit_code == 2
    assert "Did you mean 'forecast'?" in result.stderr


@pytest.mark.slow
def test_the_demo_beats_its_rivals_on_the_test_part_and_streams_a_day(tmp_path):
    result = run("demo", "--folder", tmp_path / "demo")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("The model's mae is") == 2
    assert result.stdout.count("\n  2014-12-31 ") == 24
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {
        "beijing.whorl",
        "report.html",
        "train.csv",
        "test.csv",
    }
