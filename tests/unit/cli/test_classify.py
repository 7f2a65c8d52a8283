"""`whorl fit classify` on series, files of an archive and texts, and every command on the models it makes."""

import csv
import json
import math

import pytest

import whorl
from whorl.cli.streams import describe
from whorl.tasks import folds

from .conftest import SMALL, as_json, lines_of, run, wave, write_csv


@pytest.fixture(params=["beats", "waves", "mails"])
def each(request):
    return request.getfixturevalue(request.param)


def test_fit_says_the_classes_the_scores_and_what_comes_next(each):
    text = each.fitted.stdout
    assert "\nclasses: " in f"\n{text}"
    assert "(it also calibrated the probabilities)" in text
    for word in ("accuracy", "f1", "nll", "  prior", f"model: {each.model} (", "next:", "  whorl predict"):
        assert word in text


def test_a_stream_is_recommended_of_rows_only(beats, waves, mails):
    for one in (beats, mails):
        assert f"  whorl stream {one.model} < {one.data}\n" in one.fitted.stdout
    assert f"  whorl stream {waves.model}\n" in waves.fitted.stdout  # a line of its file is a whole series


def test_predict_writes_a_line_for_each_sequence_with_the_numbers_of_python(each):
    result = run("predict", each.model, each.data)
    assert (result.exit_code, result.stderr) == (0, "")
    records = list(csv.DictReader(result.stdout.splitlines()))
    expected = whorl.runtime.load(each.model).predict(str(each.data))
    assert [record["value"] for record in records] == [str(label) for label in expected.value.tolist()]
    assert [
        [float(record[f"p({label})"]) for label in expected.classes.tolist()] for record in records
    ] == expected.probabilities.tolist()
    assert all(float(record["probability"]) >= 0.5 for record in records)


def test_labels_that_are_numbers_stay_numbers(waves):
    answers = as_json(run("predict", waves.model, waves.data, "--json"))["answers"]
    assert len(answers) == 18
    assert {answer["value"] for answer in answers} <= {-1, 3}
    assert {"p(-1)", "p(3)"} <= set(answers[0])


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_answers_go_to_a_file(each, tmp_path, ending):
    out = tmp_path / f"answers.{ending}"
    count = len(whorl.runtime.load(each.model).predict(str(each.data)))
    result = run("predict", each.model, each.data, "--out", out)
    assert (result.exit_code, result.stdout) == (0, f"{count} answers written to {out}\n")
    assert out.stat().st_size > 0


def test_evaluate_prints_the_model_beside_the_frequencies_of_the_classes(each):
    result = run("evaluate", each.model, each.data)
    assert (result.exit_code, result.stderr) == (0, "")
    for word in ("accuracy", "auroc", "  model", "  prior"):
        assert word in result.stdout
    scores = as_json(run("evaluate", each.model, each.data, "--json"))
    own = whorl.runtime.load(each.model).evaluate(str(each.data))
    assert scores["metrics"] == dict(own.metrics)
    assert scores["baselines"]["prior"]["nll"] == pytest.approx(math.log(2), abs=0.01)


def test_fewer_bits_are_scored_beside_all_of_them(each):
    result = run("evaluate", each.model, each.data, "--weights", "int8")
    assert result.exit_code == 0, result.stderr
    assert "kept in int8" in result.stdout
    assert "accuracy" in result.stdout.split("what int8 weights change:")[1]


def test_inspect_names_the_classes_the_settings_and_the_scores(each, mails):
    result = run("inspect", each.model)
    assert (result.exit_code, result.stderr) == (0, "")
    for line in ("task classify", "  classes  ", "  counts  ", "  pooling             last, mean, max", "  prior"):
        assert line in result.stdout
    assert ("  text                text\n" in result.stdout) == (each is mails)
    assert len(as_json(run("inspect", each.model, "--json"))["data"]["classes"]) == 2


def test_report_writes_a_page_with_and_without_data(each, tmp_path):
    for data in ([], [each.data]):
        page = tmp_path / "page.html"
        result = run("report", each.model, *data, "--out", page)
        assert (result.exit_code, result.stderr) == (0, "")
        assert ("Which is taken for which" in page.read_text(encoding="utf-8")) == bool(data)


def test_a_text_of_digits_alone_is_text_where_training_had_words(mails, tmp_path):
    data = write_csv(tmp_path / "new.csv", "text,size", [(2024, 1), ("007", 2)])
    result = run("predict", mails.model, data, "--json")
    assert result.stderr == "1 of 2 tokens are none that the model knows: read as unknown.\n"
    answers = json.loads(result.stdout)["answers"]
    expected = whorl.runtime.load(mails.model).predict({"text": ["2024", "007"], "size": [1, 2]})
    assert [answer["probability"] for answer in answers] == expected.probabilities.max(axis=1).tolist()


def test_the_options_reach_the_model(beats, tmp_path):
    out = tmp_path / "m.whorl"
    line = ["fit", "classify", beats.data, "--target", "kind", "--series", "beat", "--pooling", "mean,attention"]
    line += ["--convolution", "0", "--class-weight", "balanced", "--augmentation", "series,prefixes"]
    line += [*SMALL, "--out", out]
    told = as_json(run(*line, "--json"))
    assert (told["task"], told["model"]) == ("classify", str(out))
    assert set(told["scores"]["baselines"]) == {"prior"}
    settings = whorl.load(out).get_params()
    assert settings["pooling"] == ("mean", "attention")
    assert (settings["convolution"], settings["class_weight"]) == (0, "balanced")
    assert settings["augmentation"] == ("series", "prefixes")
    card = run("inspect", out).stdout
    assert "  class weight        balanced\n" in card
    assert "  augmentation        series, prefixes\n" in card


def test_sets_of_labels_are_asked_for_and_told_everywhere(waves, tmp_path):
    model = tmp_path / "m.whorl"
    result = run("fit", "classify", waves.data, "--coverage", "0.8", *SMALL, "--out", model)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "(it also calibrated the probabilities and the sets)" in result.stdout
    wanted = whorl.runtime.load(model).predict(str(waves.data))
    records = as_json(run("predict", model, waves.data, "--json"))["answers"]
    assert [record["set"] for record in records] == [" | ".join(map(str, own)) for own in wanted.sets]
    told = run("evaluate", model, waves.data).stdout
    assert "of the truths are in their set, of " in told
    assert "coverage            0.8" in run("inspect", model).stdout
    answers = [json.loads(line) for line in run("stream", model, stdin="[1.5]\n[2]\n").stdout.splitlines()]
    assert all(set(*answer["set"].values()) <= {-1, 3} and any(answer["set"].values()) for answer in answers)
    assert len(answers) == 2


def test_characters_are_the_tokens_where_that_is_asked_for(mails, tmp_path):
    out = tmp_path / "m.whorl"
    line = ["fit", "classify", mails.data, "--text", "text", "--target", "kind", "--unit", "character"]
    result = run(*line, "--normalize", "none", "--least-count", "2", *SMALL, "--out", out)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "cut into characters" in result.stdout
    tokens = whorl.load(out).get_params()["tokens"]
    assert tokens == whorl.Text(unit="character", normalize=None, least_count=2)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--series", "beat"], 2, "`target` names the one column of labels"),
        (["--target", "knid", "--series", "beat"], 3, "Did you mean 'kind'?"),
        (["--target", "kind", "--series", "baet"], 3, "Did you mean 'beat'?"),
        (["--target", "same", "--series", "beat"], 3, "one label only"),
        (["--target", "day", "--series", "beat"], 3, "it holds times, which are no labels"),
        (["--target", "kind", "--text", "x"], 3, "column 'x' is the text, but it holds numbers"),
        (["--target", "kind", "--text", "xx"], 3, "Did you mean 'x'?"),
        (["--target", "kind", "--text", "kind"], 2, "`text` and `target` are both 'kind'"),
        (["--target", "kind", "--text", "beat", "--series", "beat"], 2, "`series` is of rows in time"),
        (["--target", "kind", "--text", "beat", "--augmentation", "series"], 2, "`augmentation` has 'series'"),
        (["--target", "kind", "--series", "beat", "--pooling", "maen"], 2, "Did you mean 'mean'?"),
        (["--target", "kind", "--series", "beat", "--convolution", "-1"], 2, "`convolution` is a whole number >= 0"),
        (["--target", "kind", "--series", "beat", "--class-weight", "even"], 2, "is not one of none, balanced"),
        (["--target", "kind", "--text", "beat", "--unit", "wrod"], 2, "Did you mean 'word'?"),
        (["--target", "kind", "--text", "beat", "--most", "0"], 2, "`most` is a whole number >= 1"),
        (["--target", "kind", "--series", "beat", "--least-count", "2"], 2, "`--least-count` says how texts are cut"),
    ],
)
def test_a_mistake_is_one_message_with_the_way_out_and_an_exit_code(tmp_path, arguments, code, message):
    rows = [
        (f"b{n}", wave(n, t), ("slow", "fast")[n % 2], "same", f"2024-01-{n + 1:02} 0{t}:00")
        for n in range(8)
        for t in range(5)
    ]
    data, out = write_csv(tmp_path / "d.csv", "beat,x,kind,same,day", rows), tmp_path / "m.whorl"
    result = run("fit", "classify", data, *arguments, *SMALL, "--out", out)
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists()


def test_new_data_of_another_kind_are_refused(beats, waves, mails):
    for model, data in ((waves.model, beats.data), (beats.model, mails.data), (mails.model, beats.data)):
        result = run("predict", model, data)
        assert result.exit_code == 3, result.stderr
        assert "Traceback" not in result.stderr
    assert f"but `{beats.data}` came" in run("predict", waves.model, beats.data).stderr


def test_check_takes_labels_for_labels(beats, mails, tmp_path):
    clean = run("check", beats.data, "--target", "kind", "--series", "beat", "--labels")
    assert (clean.exit_code, clean.stdout.splitlines()[-1]) == (0, "No problem was found.")
    texts = run("check", mails.data, "--target", "kind", "--text", "text")
    assert (texts.exit_code, texts.stdout.splitlines()[-1]) == (0, "No problem was found.")
    rows = [(f"b{n}", wave(n, t), ("", "slow" if n else "odd")[t == 4], "same") for n in range(8) for t in range(5)]
    data = write_csv(tmp_path / "d.csv", "beat,x,kind,same", rows)
    rare = run("check", data, "--target", "kind", "--series", "beat", "--labels", "--kinds", "same=ignore")
    assert rare.exit_code == 0
    assert "warning: d.csv: column 'kind' has 1 label with one example only (odd)" in rare.stdout
    for target, told in (("same", "one label only, 'same'"), ("knid", "Did you mean 'kind'?")):
        result = run("check", data, "--target", target, "--series", "beat", "--labels")
        assert result.exit_code == 3
        assert told in result.stdout
    numbers = run("check", data, "--target", "kind", "--text", "x")
    assert numbers.exit_code == 3
    assert "column 'x' is the text, but it holds numbers" in numbers.stdout


def test_labels_that_training_does_not_have_are_told_and_count_as_wrong(mails, tmp_path):
    rows = [("free money", 3, "other"), ("lunch", 2, "other")]
    result = run("evaluate", mails.model, write_csv(tmp_path / "unseen.csv", "text,size,kind", rows))
    assert (result.exit_code, result.stderr) == (0, "")
    first, names, own, *_, last = result.stdout.splitlines()
    assert first == "2 answers, kind:"
    assert names.split() == ["accuracy", "f1"]
    assert own.split() == ["model", "0.0000", "0.0000"]
    assert last == "  100.0% of the truths are none that training has; they count as wrong."


def test_without_labels_nothing_is_scored(mails, tmp_path):
    rows = [("free money", 3, ""), ("lunch", 2, "")]
    result = run("evaluate", mails.model, write_csv(tmp_path / "missing.csv", "text,size,kind", rows))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "0 answers, kind:",
        "  No truth was known, so nothing could be scored.",
    ]


def test_a_table_without_the_label_is_answered_and_not_scored(mails, tmp_path):
    none = write_csv(tmp_path / "none.csv", "text,size", [('"free\nmoney, ""now"""', 3)])
    for command in ("evaluate", "report"):
        result = run(command, mails.model, none)
        assert (result.exit_code, result.stdout) == (3, "")
        assert "column `kind` is not in none.csv" in result.stderr
    expected = whorl.runtime.load(mails.model).predict(str(none))
    assert lines_of(run("stream", mails.model, "--input", none)) == describe(expected)


def test_predict_and_evaluate_say_what_training_did_not_have(tmp_path):
    def table(name, places, gap=""):
        rows = [(f"b{n}", gap or wave(n, t), places[n % len(places)], "ab"[n % 2]) for n in range(12) for t in range(3)]
        return write_csv(tmp_path / name, "beat,x,place,kind", rows)

    data = table("d.csv", ["1", "2", "z"])
    model = tmp_path / "m.whorl"
    options = ("--target", "kind", "--series", "beat", *SMALL)
    assert run("fit", "classify", data, *options, "--out", model).exit_code == 0
    new = table("new.csv", ["1.0", "q", "r"])
    told = (
        "new.csv: column 'place' has 2 categories that training did not have, in 24 rows ('q', 'r'). They are read as "
        "unknown.\n"
    )
    for command in ("predict", "evaluate"):
        assert run(command, model, data).stderr == ""
        assert run(command, model, new).stderr == told
        assert run(command, model, new, "--quiet").stderr == ""


def test_a_table_with_a_sequence_a_row_is_answered_whole(tmp_path):
    rows = [[round(wave(n, t), 4) for t in range(10)] + ["ab"[n % 2]] for n in range(24)]
    data = write_csv(tmp_path / "wide.csv", ",".join([*(f"t{t}" for t in range(10)), "kind"]), rows)
    model = tmp_path / "m.whorl"
    fitted = run("fit", "classify", data, "--target", "kind", *SMALL, "--out", model)
    assert "each row is a sequence: its 10 steps are the columns 't0' to 't9'" in fitted.stdout
    assert f"whorl stream {model}\n" in fitted.stdout  # and no table behind it
    assert len(list(csv.DictReader(run("predict", model, data).stdout.splitlines()))) == 24
    whole = run("stream", model, "--input", data)
    assert (whole.exit_code, whole.stdout) == (3, "")
    assert "a whole one came, with the columns 't0' to 't9'. Answer such tables with `whorl predict`" in whole.stderr


def test_networks_of_folds_and_of_several_kinds_are_fitted_told_and_saved(beats, tmp_path):
    out, page = tmp_path / "f.whorl", tmp_path / "f.html"
    line = ["fit", "classify", beats.data, "--target", "kind", "--series", "beat", "--time", "t", *SMALL, "--out", out]
    result = run(*line, "--folds", "2", "--stacked", "--report", page)
    assert (result.exit_code, result.stderr) == (0, "")
    for word in ("fold 2 of 2, rnn-frozen unaugmented: accuracy ", "gru unaugmented counts ", "all 2 folds, each "):
        assert word in result.stdout
    assert "not learned from: the validation part" not in result.stdout
    assert "8 networks answer together" in page.read_text(encoding="utf-8")
    card = run("inspect", out).stdout
    assert "2 folds: a network without each; shares in the sum of their answers, and scores\n  gru " in card
    assert "scores on all folds, " in card
    assert as_json(run("predict", out, beats.data, "--json"))["answers"]
    told = as_json(run(*line, "--folds", "3", "--json"))["folds"]
    assert (told["count"], [one["share"] for one in told["networks"]]) == (3, [1.0])


def test_folds_that_cannot_be_are_told_on_the_command_line(beats, tmp_path):
    line = ["fit", "classify", beats.data, "--target", "kind", "--series", "beat", "--time", "t", *SMALL]
    result = run(*line, "--folds", "1", "--out", tmp_path / "m.whorl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "`folds` is a whole number >= 2" in result.stderr
    result = run(*line, "--folds", "3", "--refit", "--out", tmp_path / "m.whorl")
    assert "`refit` learns from what was held out, but with folds all is learned from" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_fit_on_folds_that_is_stopped_between_two_networks_says_how_to_go_on(beats, tmp_path, monkeypatch):
    begun, learn = [], folds.learn

    def stopped(*given, **options):
        if begun:
            raise KeyboardInterrupt
        begun.append(options["part"])
        return learn(*given, **options)

    line = ["fit", "classify", beats.data, "--target", "kind", "--series", "beat", "--time", "t", *SMALL]
    line += ["--folds", "2", "--checkpoint", tmp_path / "ck", "--out", tmp_path / "m.whorl"]
    with monkeypatch.context() as patch:
        patch.setattr(folds, "learn", stopped)
        result = run(*line)
    assert result.exit_code == 130
    assert result.stderr.startswith("Interrupted between two networks.\nGo on with:\n  whorl ")
    assert run(*line, "--resume").exit_code == 0
