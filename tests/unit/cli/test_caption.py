"""`whorl fit caption`, and every command on the model it makes."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

import whorl

from .conftest import as_json, run

SMALL = ["--hidden-size", "6", "--epochs", "2", "--batch-size", "4", "--seed", "1", "--least-count", "1"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Grids of features with two texts each, and a model of them."""
    folder, rng = tmp_path_factory.mktemp("grids"), np.random.default_rng(0)
    rows = [("grid", "said")]
    for n in range(20):
        np.save(folder / f"{n}.npy", rng.normal(n % 2, 0.1, (2, 2, 3)).astype(np.float32))
        rows += [(f"{n}.npy", ["low", "high"][n % 2]), (f"{n}.npy", ["quite low", "quite high"][n % 2])]
    with open(folder / "t.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    model, options = folder / "m.whorl", ["--source", "grid", "--target", "said", *SMALL]
    fitted = run("fit", "caption", folder / "t.csv", *options, "--out", model, "--report", folder / "r.html")
    assert (fitted.exit_code, fitted.stderr) == (0, "")
    return SimpleNamespace(folder=folder, model=model, fitted=fitted, table=folder / "t.csv")


def test_fit_tells_what_is_read_and_scores_beside_rivals(files):
    told = files.fitted.stdout
    assert "20 files of features with 40 texts" in told
    for word in ("bleu", "cider", "perplexity", "most frequent", "nearest source", "model, another source", "report:"):
        assert word in told
    assert f"  echo FILE | whorl stream {files.model}\n" in told
    assert "Captions: said" in (files.folder / "r.html").read_text()


def test_predict_evaluate_and_stream_agree_with_python(files):
    paths = [str(files.folder / f"{n}.npy") for n in range(3)]
    wanted = whorl.load(files.model).predict(paths).value
    found = list(csv.DictReader(run("predict", files.model, files.table).stdout.splitlines()))
    assert [row["value"] for row in found[:3]] == wanted
    assert len(found) == 20
    for lines in ("".join(f"{path}\n" for path in paths), "".join(json.dumps({"grid": p}) + "\n" for p in paths)):
        result = run("stream", files.model, stdin=lines)
        assert (result.exit_code, result.stderr) == (0, "")
        assert [json.loads(line)["value"]["said"] for line in result.stdout.splitlines()] == wanted
    scores = as_json(run("evaluate", files.model, files.table, "--json"))
    assert scores["metrics"]["cider"] == pytest.approx(whorl.load(files.model).evaluate(files.table).metrics["cider"])
    assert "caption" in run("inspect", files.model).stdout


def test_two_columns_of_paths_are_told_apart_by_an_option(files):
    table = files.folder / "two.csv"
    rows = "".join(f"{n}.npy,{n + 1}.npy,{['low', 'high'][n % 2]}\n" for n in range(8))
    table.write_text(f"grid,other,said\n{rows}", encoding="utf-8")
    asked = ("fit", "caption", table, "--target", "said", "--ordered", *SMALL, "--out", files.folder / "two.whorl")
    result = run(*asked)
    assert result.exit_code == 3
    assert "several columns of files of features: 'grid', 'other'. Name the one to read as `source`." in result.stderr
    assert run(*asked, "--source", "grid").exit_code == 0


def test_a_line_that_is_no_file_is_named(files):
    result = run("stream", files.model, stdin="x.wav\n")
    assert result.exit_code == 3
    assert "line 1: a line of this model is the path of a file that ends in .npy" in result.stderr


def test_options_of_one_kind_of_files_say_which_is_meant(files):
    refused = run("fit", "caption", files.table, "--source", "grid", "--ordered", "--crop", "0,0,2,2")
    assert refused.exit_code == 2
    assert "`--ordered`" in refused.stderr or "`--crop`" in refused.stderr
    wrong = run("fit", "caption", files.table, "--crop", "0,0,2")
    assert wrong.exit_code == 2
    assert "`crop` is four whole numbers" in wrong.stderr
    assert "0,0,32,32" in run("fit", "caption", files.table, "--crop", "a,b").stderr
