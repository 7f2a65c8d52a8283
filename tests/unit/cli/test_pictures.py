"""Pictures on the command line: options that say how they are read, and rows that are answered as they come."""

import json
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest

import whorl

from .conftest import SMALL, as_json, lines_of, run


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Dark and light pictures, and a model that reads them row by row in grey."""
    folder, rng = tmp_path_factory.mktemp("drawn"), np.random.default_rng(0)
    for n in range(18):
        label = ("dark", "light")[n % 2]
        (folder / "data" / label).mkdir(parents=True, exist_ok=True)
        levels = rng.integers(0, 100, (6, 5, 3)) + 100 * (n % 2)
        PIL.Image.fromarray(levels.astype(np.uint8)).save(folder / "data" / label / f"p{n % 3}_{n}.png")
    model = folder / "drawn.whorl"
    fitted = run("fit", "classify", folder / "data", "--steps", "rows", "--mode", "grey", *SMALL, "--out", model)
    assert (fitted.exit_code, fitted.stderr) == (0, "")
    return SimpleNamespace(data=folder / "data", model=model, fitted=fitted, one=folder / "data" / "dark" / "p0_0.png")


def test_what_was_seen_in_a_folder_is_told(drawn):
    for words in ("18 pictures", "dark (9), light (9)", f"  whorl stream {drawn.model} --input PICTURE\n"):
        assert words in drawn.fitted.stdout


def test_a_picture_is_answered_row_by_row_and_at_last_as_predict_answers_it(drawn):
    answers = lines_of(run("stream", drawn.model, "--input", drawn.one))
    assert [answer["origin"] for answer in answers] == list(range(6))
    expected = whorl.runtime.load(drawn.model).predict([drawn.one]).probabilities[0]
    assert list(answers[-1]["probabilities"]["label"].values()) == expected.tolist()


def test_rows_come_by_a_pipe_and_go_on_from_a_state(drawn, tmp_path):
    levels = np.asarray(PIL.Image.open(drawn.one).convert("L")).tolist()
    lines = "".join(f"{json.dumps(row)}\n" for row in levels)
    whole = run("stream", drawn.model, stdin=lines)
    assert whole.stdout == run("stream", drawn.model, "--input", drawn.one).stdout
    state = tmp_path / "a.state"
    parts = [lines[: lines.index("\n") + 1], lines[lines.index("\n") + 1 :]]
    said = [run("stream", drawn.model, "--state", state, stdin=part).stdout for part in parts]
    assert "".join(said) == whole.stdout
    bad = run("stream", drawn.model, stdin="[1, 2]\n")
    assert bad.exit_code == 3
    assert "line 1: a row of this model is 5 pixels of 1 numbers" in bad.stderr


def test_options_of_pictures_reach_the_plan(drawn, tmp_path):
    out = tmp_path / "a.whorl"
    options = ["--height", "4", "--width", "3", "--fit", "stretch", "--group", r"p(\d)_", "--most-pixels", "1000"]
    as_json(run("fit", "classify", drawn.data, *options, *SMALL, "--out", out, "--json"))
    plan = whorl.runtime.load(out).reader.plan
    assert plan == whorl.Image(height=4, width=3, fit="stretch", group=r"p(\d)_", most_pixels=1000)


def test_views_are_an_option_and_stand_in_the_model(drawn, tmp_path):
    out = tmp_path / "v.whorl"
    fitted = run("fit", "classify", drawn.data, "--augmentation", "views", *SMALL, "--out", out)
    assert (fitted.exit_code, fitted.stderr) == (0, "")
    assert whorl.load(out).augmentation == ("views",)


def test_what_media_share_goes_by_the_data_and_options_of_two_are_refused(drawn, tmp_path):
    out = tmp_path / "a.whorl"
    as_json(run("fit", "classify", drawn.data, "--group", r"p(\d)_", *SMALL, "--out", out, "--json"))
    assert isinstance(whorl.runtime.load(out).reader.plan, whorl.Image)
    both = run("fit", "classify", drawn.data, "--steps", "rows", "--num-bands", "3", "--out", out)
    assert both.exit_code == 2
    assert "`--num-bands` is of recordings, but `--steps` is not" in both.stderr


def test_a_damaged_picture_ends_in_one_line(drawn, tmp_path):
    (tmp_path / "a.png").write_bytes(drawn.one.read_bytes()[:50])
    for command in (
        ["predict", drawn.model, tmp_path / "a.png"],
        ["stream", drawn.model, "--input", tmp_path / "a.png"],
    ):
        result = run(*command)
        assert result.exit_code == 3
        assert result.stderr.count("\n") == 1
        assert "a.png` cannot be read as a picture" in result.stderr


def test_a_number_of_each_picture_is_answered_too(drawn, tmp_path):
    lines = [f"{path},{n}" for n, path in enumerate(sorted(drawn.data.rglob("*.png")))]
    table = tmp_path / "numbers.csv"
    table.write_text("\n".join(["picture,size", *lines]) + "\n")
    model = tmp_path / "numbers.whorl"
    words = ("--target", "size", "--group", r"/p(\d)_", "--mode", "grey", "--steps", "rows")
    fitted = run("fit", "regress", table, *words, *SMALL, "--out", model)
    assert (fitted.exit_code, fitted.stderr) == (0, "")
    assert "18 pictures, named by the column picture" in fitted.stdout
    header, *rows = run("predict", model, table).stdout.splitlines()
    assert (header, len(rows)) == ("series,origin,time,step,output,value", 18)
    checked = run("check", table, "--target", "size")
    assert "18 pictures; pixels: 5 x 6" in checked.stdout
    suggested = run("suggest", table, "--target", "size")
    assert "whorl fit regress" in suggested.stdout
