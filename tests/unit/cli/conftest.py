"""Tiny models for all tests of the command line."""

import csv
import json
import math
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from whorl.cli.app import app

SMALL = ["--hidden-size", "4", "--epochs", "2", "--seed", "1"]
TINY = ["--context", "24", "--horizon", "6", "--hidden-size", "8", "--epochs", "1"]
TEXTS = ["free money now, große Gewinne", 'see you at lunch, "Anna"', "", "NA", "2024", "Ünïcode 🙂 money lunch"]


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, prog_name="whorl")


def as_json(result):
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def lines_of(result):
    assert (result.exit_code, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def hours(count, start=0):
    first = datetime(2024, 1, 1)
    return [f"{first + timedelta(hours=n):%Y-%m-%d %H:%M}" for n in range(start, start + count)]


def value(n):
    return round(10 + 3 * math.sin(n / 24 * 2 * math.pi) + (n * 7919 % 13) / 13, 3)


def wave(n, t):
    return round(math.sin((0.4, 1.3)[n % 2] * t + n) + (n * 7919 + t * 104729) % 101 / 500, 4)


def write_csv(path, header, rows):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


def classifier(folder, data, *options):
    model = folder / f"{data.stem}.whorl"
    result = run("fit", "classify", data, *options, *SMALL, "--out", model)
    assert (result.exit_code, result.stderr) == (0, "")
    return SimpleNamespace(data=data, model=model, fitted=result)


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
    return SimpleNamespace(data=data, model=model, fitted=fitted, rows=rows)


@pytest.fixture(scope="session")
def beats(tmp_path_factory):
    """A long table: 18 series of slow and fast waves."""
    folder = tmp_path_factory.mktemp("beats")
    rows = [(f"b{n}", t, wave(n, t), ("slow", "schnéll")[n % 2]) for n in range(18) for t in range(9 + n % 3)]
    return classifier(folder, write_csv(folder / "beats.csv", "beat,t,x,kind", rows), "--target=kind", "--series=beat")


@pytest.fixture(scope="session")
def waves(tmp_path_factory):
    """A file of the UCR archive: the label first on each line."""
    folder = tmp_path_factory.mktemp("waves")
    data = folder / "Waves_TRAIN.tsv"
    rows = [[(3, -1)[n % 2], *(wave(n, t) for t in range(13))] for n in range(18)]
    data.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return classifier(folder, data)


@pytest.fixture(scope="session")
def mails(tmp_path_factory):
    """A text a row, with a number and a label beside it."""
    folder = tmp_path_factory.mktemp("mails")
    data = folder / "mails.csv"
    with open(data, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "size", "kind"])
        writer.writerows([(TEXTS[n % 6] + " ha" * (n % 5), n % 7, ("spam", "ham")[n % 2]) for n in range(24)])
    return classifier(folder, data, "--text", "text", "--target", "kind", "--lowercase")
