"""A saved model answers where only the core libraries are installed, with the bits of the process that fitted it."""

import csv
import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import numpy as np
import pytest

import whorl
from whorl import _native

CORE = ("numpy", "click", "msgspec", "safetensors")
ABSENT = (
    "torch",
    "polars",
    "pandas",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "matplotlib",
    "jinja2",
    "hypothesis",
    "onnxruntime",
)

# Stands in for a machine on which only the core libraries are installed.
BLOCKER = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""

ANSWERS = """
import csv, json, sys
import whorl

def said(answer):
    return [answer.value.tobytes().hex(), None if answer.quantiles is None else answer.quantiles.tobytes().hex()]

model_path, data_path, arrays_path, sums_path = sys.argv[1:]
with open(data_path, newline="") as file:
    records = list(csv.DictReader(file))
model = whorl.runtime.load(model_path)
stream = model.stream(series="north")
out = {
    "csv": said(model.predict(data_path)),
    "records": said(model.predict(records)),
    "columns": said(model.predict({name: [row[name] for row in records] for name in records[0]})),
    "every row": said(model.predict(data_path, every_row=True)),
    "stream": [said(answer) for row in records if row["building"] == "north" for answer in stream.push(row)],
    "metrics": dict(model.evaluate(data_path).metrics),
    "arrays": said(whorl.runtime.load(sums_path).predict(arrays_path)),
}
absent = [name for name in %r if name in sys.modules]
print(json.dumps([out, absent]))
"""

WHORL = "import sys; sys.argv[0] = 'whorl'; from whorl.cli import main; main()"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Two fitted models in files, data, and what the fitting process answers."""
    folder, draw = tmp_path_factory.mktemp("models"), np.random.default_rng(0)
    start = np.datetime64("2025-03-29T22:00", "us")
    with open(folder / "data.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "building", "load", "heat", "shop"])
        for building in ("north", "süd"):
            for n in range(61):
                load = "" if n % 17 == 5 else round(5 + np.sin(n / 4) + draw.normal(0, 0.2), 3)
                time = str(start + np.timedelta64(n, "h")).replace("T", " ")[:19]
                writer.writerow([time, building, load, round(draw.normal(20, 2), 2), ("open", "closed")[n % 2]])
    model = whorl.Forecaster(
        target="load",
        time="time",
        series="building",
        horizon=3,
        context=7,
        network=whorl.Recurrent("gru", hidden_size=5),
        training=whorl.Training(epochs=1, device="cpu"),
    ).fit(str(folder / "data.csv"), verbose=False)
    model.save(folder / "load.whorl")
    X = draw.normal(0, 1, (20, 5, 2))
    np.savez(folder / "new.npz", X=X)
    sums = whorl.Regressor(
        network=whorl.Recurrent("lstm", hidden_size=4), training=whorl.Training(epochs=1, device="cpu")
    )
    sums.fit((X, X.sum(axis=(1, 2))), verbose=False).save(folder / "sums.whorl")

    def said(answer):
        return [answer.value.tobytes().hex(), None if answer.quantiles is None else answer.quantiles.tobytes().hex()]

    data = str(folder / "data.csv")
    with open(data, newline="") as file:
        records = list(csv.DictReader(file))
    stream = model.stream(series="north")
    last = said(model.predict(data))
    expected = {
        "csv": last,
        "records": last,
        "columns": last,
        "every row": said(model.predict(data, every_row=True)),
        "stream": [said(answer) for row in records if row["building"] == "north" for answer in stream.push(row)],
        "metrics": dict(model.evaluate(data).metrics),
        "arrays": said(sums.predict(X)),
    }
    assert len(expected["stream"]) == 61 - 6
    return folder, expected


def run(python, code, *arguments, given=None):
    """A new process in which only the core libraries are to be found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    done = subprocess.run(
        [python, "-c", code, *map(str, arguments)],
        env={**kept, "PYTHONWARNINGS": "error"},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def paths(folder):
    return [folder / name for name in ("load.whorl", "data.csv", "new.npz", "sums.whorl")]


def check_answers(python, fitted, prefix):
    folder, expected = fitted
    found, loaded = json.loads(run(python, prefix + ANSWERS % (ABSENT,), *paths(folder)))
    assert loaded == []
    assert found == expected


def check_commands(python, fitted, prefix):
    folder, expected = fitted
    code = prefix + WHORL
    model, data = folder / "load.whorl", folder / "data.csv"
    rows = list(csv.DictReader(run(python, code, "predict", model, data).splitlines()))
    last = np.frombuffer(bytes.fromhex(expected["csv"][0])).reshape(2, 3)
    assert [float(row["value"]) for row in rows] == last.ravel().tolist()
    assert {row["series"] for row in rows} == {"north", "süd"}
    lines = [json.loads(line) for line in run(python, code, "stream", model, given=data.read_text()).splitlines()]
    north = [line["value"]["load"] for line in lines if line["series"] == "north"]
    streamed = [np.frombuffer(bytes.fromhex(value)).tolist() for value, _ in expected["stream"]]
    assert [np.ravel(value).tolist() for value in north] == streamed
    assert "load" in run(python, code, "inspect", model)
    assert json.loads(run(python, code, "inspect", model, "--json"))["data"]["targets"] == ["load"]


def test_a_model_answers_with_the_core_libraries_alone(fitted):
    check_answers(sys.executable, fitted, BLOCKER)


def test_the_commands_answer_with_the_core_libraries_alone(fitted):
    check_commands(sys.executable, fitted, BLOCKER)


@pytest.mark.parametrize("name", ["torch", "polars", "sklearn"])
def test_the_blocker_blocks(name):
    code = f"{BLOCKER}\ntry:\n    import {name}\nexcept ModuleNotFoundError as error:\n    print(error.name)"
    assert run(sys.executable, code).strip() == name


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The interpreter of a virtual environment that holds whorl and its four core libraries: links, no network."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin" / "python"
    variables = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", vars=variables))
    for name in CORE:
        package = Path(importlib.util.find_spec(name).origin).parent
        site.joinpath(name).symlink_to(package)
        libraries = package.with_name(f"{name}.libs")
        if libraries.exists():
            site.joinpath(libraries.name).symlink_to(libraries)
    (site / "whorl").mkdir()
    for part in Path(whorl.__file__).parent.iterdir():
        if part.name != "__pycache__":
            site.joinpath("whorl", part.name).symlink_to(part)
    native = Path(_native.__file__)
    if not site.joinpath("whorl", native.name).exists():
        site.joinpath("whorl", native.name).symlink_to(native)
    return str(python)


def test_a_bare_environment_has_nothing_else(bare):
    code = "import pkgutil, sys; print(*sorted(module.name for module in pkgutil.iter_modules()))"
    found = set(run(bare, code).split())
    assert found >= {*CORE, "whorl"}
    assert not found & {*ABSENT, "pytest", "pip", "setuptools", "scipy"}


def test_a_model_answers_in_a_bare_environment(bare, fitted):
    check_answers(bare, fitted, "")


def test_the_commands_answer_in_a_bare_environment(bare, fitted):
    check_commands(bare, fitted, "")


def test_what_needs_more_says_so_in_a_bare_environment(bare, fitted):
    folder, _ = fitted
    code = """
import sys, whorl
answer = whorl.runtime.load(sys.argv[1]).predict(sys.argv[2])
for use in (answer.to_frame, answer.plot, lambda: answer.write("x.parquet")):
    try:
        use()
    except whorl.WhorlError as error:
        print(error)
"""
    assert run(bare, code, *paths(folder)[:2]).count('pip install "whorl[train]"') == 3
