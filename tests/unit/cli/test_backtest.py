"""`whorl backtest`: the same through words on a command line."""

import json

import numpy as np
import pytest

from .conftest import as_json, run, write_csv

ASKED = ("--price", "price", "--target", "change", "--time", "month", "--kinds", "price=ignore")
SMALL = ("--horizon", "2", "--context", "4", "--hidden-size", "2", "--epochs", "1", "--start", "60", "--every", "once")


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    change = np.random.default_rng(0).normal(0.005, 0.04, 96).round(6)
    price = 100 * np.cumprod(1 + change)
    months = np.datetime64("2010-01") + np.arange(96)
    rows = zip(months, price, change, strict=True)
    return write_csv(tmp_path_factory.mktemp("index") / "index.csv", "month,price,change", rows)


@pytest.fixture(scope="module")
def tested(index, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backtest") / "b"
    result = run("backtest", index, *ASKED, *SMALL, "--folder", folder)
    assert (result.exit_code, result.stderr) == (0, "")
    return folder, result.stdout


def test_a_table_alone_is_forecast_and_told_as_a_table(tested):
    folder, text = tested
    assert "fit 1 of 1: seed 0, 60 rows up to 2014-12-01; decides from 2015-01-01 to 2017-12-01" in text
    assert "buy and hold" in text
    assert f"page: {folder / 'backtest.html'}" in text
    plain = json.loads((folder / "backtest.json").read_text(encoding="utf-8"))
    assert (plain["task"], plain["refits"]["start"]) == ("forecast", 60)


def test_the_same_command_goes_on_and_answers_in_json(tested, index):
    folder, _ = tested
    words = ("backtest", "forecast", index, *ASKED, *SMALL, "--folder", folder, "--rule", "size")
    assert "1 of 1 fits are done already" in run(*words).stdout
    assert as_json(run(*words, "--json"))["signal"]["rule"] == "size"


def test_a_classifier_and_a_model_file_are_tested_too(index, tmp_path):
    words = ("--price", "price", "--start", "60", "--every", "once", "--context", "4", "--quiet")
    learned = ("--time", "month", "--hidden-size", "2", "--epochs", "1", "--kinds", "change=ignore")
    found = run("backtest", "classify", index, *words, *learned, "--folder", tmp_path / "a")
    assert (found.exit_code, found.stderr) == (0, "")
    early = write_csv(tmp_path / "early.csv", *_split(index, 60))
    fitted = run("fit", "forecast", early, *ASKED[2:], *SMALL[:8], "--out", tmp_path / "m.whorl", "--quiet")
    assert (fitted.exit_code, fitted.stderr) == (0, "")
    never = [word.replace("once", "never") for word in words]
    found = run("backtest", tmp_path / "m.whorl", index, *never, "--folder", tmp_path / "b")
    assert (found.exit_code, found.stderr) == (0, "")
    assert "0 fits" in found.stdout


def _split(path, count):
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    return header, [line.split(",") for line in lines[:count]]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--price", "prize"), 3, "Did you mean 'price'?"),
        ((), 2, "--price"),
        (("--price", "price", "--delay", "-1"), 2, "`delay` is a whole number >= 0"),
        (("--price", "price", "--rule", "signs"), 2, "Did you mean 'sign'?"),
        (("--price", "price", "--target", "month"), 2, "`target` is 'month', but a backtest needs forecasts"),
        (("--price", "price", "--out", "x"), 2, "`--out` is not an option"),
    ],
)
def test_what_cannot_be_tested_is_said(words, code, says, index, tmp_path):
    given = words if "--target" in words else (*words, "--target", "change")
    result = run("backtest", index, *given, "--horizon", "2", "--context", "4", "--folder", tmp_path / "b")
    assert result.exit_code == code, result.stdout
    assert says in result.stderr


def test_a_table_that_is_not_there_is_said():
    result = run("backtest", "nothing.csv", "--price", "price")
    assert result.exit_code == 3
    assert "`nothing.csv` is not there" in result.stderr
    assert "Did you mean 'forecast'?" in run("backtest", "forcast", "--price", "price").stderr


def test_data_that_are_refused_leave_no_folder_behind(index, tmp_path):
    for words in (
        ("--price", "no such column", "--horizon", "2", "--context", "4"),
        (*ASKED, "--horizon", "2", "--context", "90", "--start", "60"),  # found in a fit
    ):
        folder = tmp_path / "b"
        found = run("backtest", index, *words, "--folder", folder)
        assert found.exit_code == 3
        assert not folder.exists()
        folder.mkdir()  # one that was there stays
        assert run("backtest", index, *words, "--folder", folder).exit_code == 3
        folder.rmdir()
