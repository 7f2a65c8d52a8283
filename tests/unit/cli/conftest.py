"""One tiny model for all tests of the command line."""

import json
import math
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from whorl.cli.app import app

TINY = ["--context", "24", "--horizon", "6", "--hidden-size", "8", "--epochs", "1"]


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, prog_name="whorl")


def as_json(result):
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def hours(count, start=0):
    first = datetime(2024, 1, 1)
    return [f"{first + timedelta(hours=n):%Y-%m-%d %H:%M}" for n in range(start, start + count)]


def value(n):
    return round(10 + 3 * math.sin(n / 24 * 2 * math.pi) + (n * 7919 % 13) / 13, 3)


def write_csv(path, header, rows):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """One series with a column name that is not ASCII, and the model of it."""
    folder = tmp_path_factory.mktemp("tiny")
    rows = [(time, value(n), n % 5) for n, time in enumerate(hours(300))]
    data = write_csv(folder / "größe.csv", "zeit,größe,temp", rows)
    model = folder / "größe.whorl"
    fitted = run("fit", "forecast", data, "--target", "größe", *TINY, "--out", model)
    return SimpleNamespace(data=data, model=model, fitted=fitted, rows=rows, header="zeit,größe,temp")


@pytest.fixture(scope="session")
def shops(tmp_path_factory):
    """Two series with a covariate that is known ahead, and the model of them."""
    folder = tmp_path_factory.mktemp("shops")
    rows = [(time, shop, value(n + shop), int(n % 7 == 0)) for shop in (7, 8) for n, time in enumerate(hours(120))]
    data = write_csv(folder / "shops.csv", "time,shop,load,holiday", rows)
    model = folder / "shops.whorl"
    fitted = run(
        "fit", "forecast", data, "--target", "load", "--series", "shop", "--known", "holiday", *TINY, "--out", model
    )
    assert fitted.exit_code == 0, fitted.stderr
    return SimpleNamespace(data=data, model=model, rows=rows)
