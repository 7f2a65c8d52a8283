"""`whorl fit classify` with several targets, and every command on the models it makes."""

import csv
from types import SimpleNamespace

import pytest

import whorl

from .conftest import SMALL, as_json, lines_of, run, wave, write_csv


def fitted(folder, data, *options):
    model = folder / "m.whorl"
    result = run("fit", "classify", data, "--target", "rain", "--target", "größe", *options, *SMALL, "--out", model)
    assert (result.exit_code, result.stderr) == (0, "")
    return SimpleNamespace(data=data, model=model, fitted=result)


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """A long table: 18 series with two labels that may come together."""
    folder = tmp_path_factory.mktemp("days")
    rows = [(f"d{n}", t, wave(n, t), n % 2, int(n % 3 == 0)) for n in range(18) for t in range(9 + n % 3)]
    return fitted(folder, write_csv(folder / "days.csv", "day,t,x,rain,größe", rows), "--series=day", "--time=t")


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """A text a row, with two labels beside it, some of them empty."""
    folder = tmp_path_factory.mktemp("notes")
    rows = [
        (f"it {'rains' if n % 2 else 'is dry'} a lot {'x' * (n % 5)}", n % 2, "" if n == 4 else n % 3 // 2)
        for n in range(24)
    ]
    return fitted(folder, write_csv(folder / "notes.csv", "text,rain,größe", rows), "--text=text")


@pytest.fixture(params=["days", "notes"])
def each(request):
    return request.getfixturevalue(request.param)


def test_fit_tells_the_labels_the_scores_and_what_comes_next(each):
    text = each.fitted.stdout
    for word in ("labels, several at once: rain (", "f1_micro", "f1_macro", "subset_accuracy", "average_precision"):
        assert word in text
    assert "(it also calibrated the probabilities and the thresholds)" in text
    for word in ("  prior", "rain, größe:", "next:", f"  whorl stream {each.model} < {each.data}"):
        assert word in text


def test_predict_writes_the_labels_of_each_sequence_with_the_numbers_of_python(each):
    result = run("predict", each.model, each.data)
    assert (result.exit_code, result.stderr) == (0, "")
    found = list(csv.DictReader(result.stdout.splitlines()))
    expected = whorl.runtime.load(each.model).predict(str(each.data))
    assert [one["value"] for one in found] == [" | ".join(own) for own in expected.value]
    shares = [[float(one["p(rain)"]), float(one["p(größe)"])] for one in found]
    assert shares == expected.probabilities.tolist()


def test_evaluate_inspect_and_report_know_several_labels(each, tmp_path):
    scores = as_json(run("evaluate", each.model, each.data, "--json"))
    own = whorl.runtime.load(each.model).evaluate(str(each.data))
    assert scores["metrics"] == dict(own.metrics)
    assert set(scores["baselines"]) == {"prior"}
    told = run("evaluate", each.model, each.data)
    assert "average_precision" in told.stdout
    inspected = run("inspect", each.model)
    assert "target              rain, größe\n" in inspected.stdout
    assert as_json(run("inspect", each.model, "--json"))["data"]["classes"] == ["rain", "größe"]
    page = tmp_path / "page.html"
    result = run("report", each.model, each.data, "--out", page)
    assert (result.exit_code, result.stderr) == (0, "")
    text = page.read_text(encoding="utf-8")
    assert "Which labels are found" in text
    assert "Classification by rain, größe" in text


def test_a_stream_answers_each_row_with_the_labels_so_far(days):
    with open(days.data, encoding="utf-8") as file:
        lines = lines_of(run("stream", days.model, stdin=file.read()))
    expected = whorl.runtime.load(days.model).predict(str(days.data))
    last = {line["series"]: line for line in lines}
    assert [last[key]["value"] for key in expected.index.series] == [list(own) for own in expected.value]
    assert [list(last[key]["probabilities"].values()) for key in expected.index.series] == (
        expected.probabilities.tolist()
    )
    assert set(lines[0]["probabilities"]) == {"rain", "größe"}


def test_a_text_that_is_streamed_has_the_labels_of_predict(notes):
    (line,) = lines_of(run("stream", notes.model, stdin='{"text": "it rains"}\n'))[-1:]
    expected = whorl.runtime.load(notes.model).predict(["it rains"])
    assert line["value"] == list(expected.value[0])
    assert line["probabilities"] == dict(zip(("rain", "größe"), expected.probabilities[0].tolist(), strict=True))


def test_check_takes_several_labels_as_fit_does(days, notes, tmp_path):
    for data, more in ((days.data, ["--series", "day", "--labels"]), (notes.data, ["--text", "text"])):
        result = run("check", data, "--target", "rain,größe", *more)
        assert (result.exit_code, result.stdout) == (0, "No problem was found.\n")
    rows = [("a", 1, 0, "yes"), ("b", 3, 0, 1)]
    bad = write_csv(tmp_path / "bad.csv", "day,x,rain,größe", rows)
    result = run("check", bad, "--target", "rain,größe", "--series", "day", "--labels")
    assert (result.exit_code, "but yes came" in result.stdout) == (3, True)
    same = write_csv(tmp_path / "same.csv", "day,x,rain,größe", [("a", 1, 0, 1), ("b", 3, 0, 0)])
    result = run("check", same, "--target", "rain,größe", "--series", "day", "--labels")
    assert (result.exit_code, "column 'rain' is the target, but it has one label only" in result.stdout) == (3, True)


def test_what_does_not_apply_and_wrong_cells_are_one_line(days, tmp_path):
    line = ["fit", "classify", days.data, "--target", "rain,größe", "--series", "day", "--out", tmp_path / "m.whorl"]
    for more, told in ((["--coverage", "0.9"], "`coverage`"), (["--class-weight", "balanced"], "`class_weight`")):
        result = run(*line, *more)
        assert result.exit_code != 0
        assert told in result.stderr
    bad = write_csv(tmp_path / "bad.csv", "day,x,rain,größe", [("a", 1, 0, 1), ("a", 2, 1, "yes"), ("b", 3, 1, 0)])
    result = run("fit", "classify", bad, "--target", "rain,größe", "--series", "day", "--out", tmp_path / "m.whorl")
    assert result.exit_code != 0
    assert "bad.csv: column 'größe', row 3: " in result.stderr
    assert "but yes came" in result.stderr
