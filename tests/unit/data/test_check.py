"""D1: `check` finds everything that is wrong with a table, and does not stop at the first problem."""

from pathlib import Path

import numpy as np
import pytest

from whorl.codecs.frame import Frame
from whorl.data.check import Problem, check
from whorl.plans.table import Table

RNG = np.random.default_rng(3)
DAYS = np.datetime64("2016-07-01", "us") + np.arange(60).astype("timedelta64[D]")


def frame(**columns: np.ndarray) -> Frame:
    return Frame({"date": DAYS, "load": RNG.normal(size=60).cumsum(), **columns}, "load.csv")


def only(found: list[Problem], column: str) -> Problem:
    (one,) = [problem for problem in found if problem.column == column]
    return one


def test_a_clean_table_has_no_problems() -> None:
    assert check(frame(heat=RNG.normal(size=60)), target="load", context=20, horizon=10) == []


def test_all_problems_of_a_bad_file_are_found_at_once(tmp_path: Path) -> None:
    rows = [f"2016-07-{d:02d},{d % 9}.5,{d},7" for d in range(1, 21)]
    rows[3], rows[8] = rows[8], rows[3]
    rows[10] = rows[9]
    rows[12] = "2016-07-13,inf,x,7"
    rows[14] = "2016-07-15,,9,7"
    path = tmp_path / "bad.csv"
    path.write_text("date,load,heat,fixed\n" + "\n".join(rows))
    found = check(path, target="load", context=30, horizon=5)
    options = [problem.option for problem in found]
    for option in [
        "--on-unsorted sort",
        "--on-duplicate last",
        "--on-gap fill",
        "--on-infinite missing",
        "--on-text missing",
        "--on-missing error",
        "--context",
        "--kinds",
    ]:
        assert option in options
    assert [problem.severity for problem in found] == sorted(
        (problem.severity for problem in found), key=["error", "warning", "note"].index
    )
    text = next(problem for problem in found if problem.option == "--on-text missing")
    assert (text.column, text.rows, text.severity) == ("heat", (14,), "error")


def test_what_an_option_repairs_is_no_problem() -> None:
    unsorted = frame().take(np.r_[1, 0, 2:60])
    assert check(unsorted, table=Table(on_unsorted="sort")) == []


def test_a_file_that_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    (found,) = check(tmp_path / "no.csv")
    assert found.severity == "error"
    assert "is not there" in found.message
    (found,) = check(frame(), target="laod")
    assert "Did you mean 'load'" in found.message
    (found,) = check(frame(), series="shop")
    assert "`shop` is not in load.csv" in found.message


def test_missing_values_are_counted_and_named() -> None:
    found = only(
        check(frame(heat=np.where(np.arange(60) % 20 == 3, np.nan, RNG.normal(size=60))), target="load"), "heat"
    )
    assert found.severity == "warning"
    assert found.rows == (3, 23, 43)
    assert "3 missing values (rows 3, 23, 43), 5.0% of its rows" in found.message


def test_a_constant_target_is_a_warning_and_an_ignored_column_a_note() -> None:
    found = check(Frame({"date": DAYS, "load": np.full(60, 3.0), "fixed": np.ones(60)}, "load.csv"), target="load")
    assert [problem.severity for problem in found] == ["warning", "note"]
    assert "column 'load' is constant (3.0 in every row)" in found[0].message
    assert "column 'fixed' is ignored: constant" in found[1].message


@pytest.mark.parametrize(("ahead", "said"), [(0, "of the same row"), (1, "1 row ahead"), (3, "3 rows ahead")])
def test_a_column_that_gives_the_target_away_is_found(ahead: int, said: str) -> None:
    load = RNG.normal(size=60)
    copy = np.concatenate([load[ahead:], RNG.normal(size=ahead)]) * -3.0 + 7.0
    found = only(check(frame(load=load, heat=copy), target="load"), "heat")
    assert f"column 'heat' is the target 'load' {said}" in found.message
    assert found.option == "--kinds heat=ignore"


def test_a_lagged_or_slow_column_gives_nothing_away() -> None:
    load = RNG.normal(size=60)
    lagged = np.concatenate([[0.0], load[:-1]])
    assert check(frame(load=load, heat=lagged), target="load") == []
    slow = np.sin(np.arange(60) / 500)
    near = slow + 1e-3 * RNG.normal(size=60)
    assert check(frame(load=slow, heat=near), target="load") == []


def test_columns_and_series_of_very_different_scale_are_found() -> None:
    found = check(frame(heat=RNG.normal(size=60) * 1e5), target="load")
    assert found[0].severity == "note"
    assert "columns 'load' and 'heat' are" in found[0].message
    shops = np.repeat(np.array(["small", "large"], object), 30)
    load = RNG.normal(size=60) * np.where(shops == "small", 1.0, 1e5)
    found = check(Frame({"date": np.tile(DAYS[:30], 2), "shop": shops, "load": load}, "load.csv"), series="shop")
    assert "in series 'large' than in series 'small'" in found[0].message


def test_each_short_series_is_named() -> None:
    shops = np.array(["a"] * 55 + ["b"] * 5, object)
    found = check(frame(shop=shops), series="shop", context=4, horizon=2)
    assert [problem.series for problem in found] == ["b"]
    assert "`context` + `horizon` is 6, but the table has only 5 rows in series 'b'" in found[0].message


def test_series_that_differ_in_leading_zeros_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("shop,date,y\n" + "".join(f"{s},2016-07-0{d},{d}\n" for s in ("7", "007") for d in range(1, 6)))
    assert check(path, series="shop") == []
