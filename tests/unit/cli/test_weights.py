"""`--weights`: fewer bits for those who ask, and a table of what they change."""

import json

import pytest

import whorl
from whorl.runtime import evaluation
from whorl.runtime.quantised import weight_formats

from .conftest import as_json, run


@pytest.fixture(scope="module")
def wide(tiny, tmp_path_factory):
    """A model with matrices that are large enough to be kept in fewer bits."""
    model = tmp_path_factory.mktemp("wide") / "wide.whorl"
    arguments = ["--target", "größe", "--context", 24, "--horizon", 6, "--hidden-size", 33, "--epochs", 1]
    fitted = run("fit", "forecast", tiny.data, *arguments, "--out", model)
    assert fitted.exit_code == 0, fitted.stderr
    return model


@pytest.mark.parametrize("weights", ["bf16", "int8"])
def test_evaluate_prints_the_scores_of_both_and_the_change(tiny, wide, weights):
    result = run("evaluate", wide, tiny.data, "--weights", weights)
    assert (result.exit_code, result.stderr) == (0, "")
    exact, found = (
        whorl.runtime.load(wide, weights=name).evaluate(str(tiny.data)).metrics["mae"] for name in ("fp32", weights)
    )
    assert exact != found
    table = result.stdout.split(f"what {weights} weights change:\n")[1].splitlines()
    assert table[0].split() == ["fp32", weights, "change"]
    (mae,) = (line.split() for line in table if line.split()[0] == "mae")
    assert mae == ["mae", f"{exact:.6g}", f"{found:.6g}", f"{found / exact - 1:+.3%}"]

    scores = as_json(run("evaluate", wide, tiny.data, "--weights", weights, "--json"))
    assert (scores["weights"], scores["metrics"]["mae"], scores["metrics_fp32"]["mae"]) == (weights, found, exact)
    formats = list(weight_formats(whorl.runtime.load(wide).engine.program, weights).values())
    rounded, total = formats.count(weights), len(formats)
    assert 0 < rounded < total
    assert scores["matrices"] == {"rounded": rounded, "total": total}
    assert f"{rounded} of {total} weight matrices are kept in {weights}, the others in fp32." in result.stdout


def test_evaluate_says_where_no_matrix_is_large_enough(tiny):
    result = run("evaluate", tiny.model, tiny.data, "--weights", "int8")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "no weight matrix is kept in int8" in result.stdout


def test_evaluate_scores_each_rival_once(tiny, wide, monkeypatch):
    scored, answer = [], evaluation.outputs_of_rival

    def watched(model, name, *arguments):
        scored.append(name)
        return answer(model, name, *arguments)

    monkeypatch.setattr(evaluation, "outputs_of_rival", watched)
    assert run("evaluate", wide, tiny.data, "--weights", "int8").exit_code == 0
    assert sorted(scored) == sorted(whorl.runtime.load(wide).baselines)


def test_a_state_is_not_read_with_other_weights(tiny, wide, tmp_path):
    state = tmp_path / "state"
    first = run("stream", wide, "--input", tiny.data, "--weights", "int8", "--state", state)
    assert first.exit_code == 0, first.stderr
    stored = state.read_bytes()
    result = run("stream", wide, "--input", tiny.data, "--state", state)
    assert result.exit_code != 0
    assert "made with int8 weights, but this model runs with fp32 weights" in result.stderr
    assert state.read_bytes() == stored


def test_evaluate_with_all_bits_prints_no_such_table(tiny, wide):
    assert "weights" not in run("evaluate", wide, tiny.data, "--weights", "fp32").stdout


def test_predict_and_stream_answer_with_the_weights_that_are_asked_for(tiny, wide):
    expected = whorl.runtime.load(wide, weights="int8").predict(str(tiny.data)).value[0, :, 0].tolist()
    assert expected != whorl.runtime.load(wide).predict(str(tiny.data)).value[0, :, 0].tolist()
    answers = as_json(run("predict", wide, tiny.data, "--weights", "int8", "--json"))["answers"]
    assert [answer["value"] for answer in answers] == expected
    streamed = run("stream", wide, "--input", tiny.data, "--weights", "int8")
    assert streamed.exit_code == 0, streamed.stderr
    assert json.loads(streamed.stdout.splitlines()[-1])["value"] == {"größe": expected}


def test_another_word_is_refused(tiny, wide):
    result = run("evaluate", wide, tiny.data, "--weights", "int4")
    assert result.exit_code == 2
    assert "'int4' is not one of fp32, bf16, int8" in result.stderr
