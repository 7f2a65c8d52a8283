"""`whorl suggest`: what it prints, and that what it prints can be pasted."""

import json
import shlex

import whorl

from .conftest import as_json, run, write_csv


def test_the_last_line_is_a_command_that_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = whorl.datasets.path("nyc_taxi").read_text().splitlines()[:400]
    (tmp_path / "taxi.csv").write_text("\n".join(lines))
    result = run("suggest", "taxi.csv", "--target", "passengers", "--horizon", "12")
    assert (result.exit_code, result.stderr) == (0, "")
    words = shlex.split(result.stdout.splitlines()[-1])
    assert words[:4] == ["whorl", "fit", "forecast", "taxi.csv"]
    fitted = run(*words[1:], "--epochs", "1", "--hidden-size", "4", "--out", "taxi.whorl")
    assert fitted.exit_code == 0, fitted.stderr
    settings = whorl.load("taxi.whorl").get_params()
    assert (settings["target"], settings["horizon"]) == ("passengers", 12)


def test_every_alternative_is_a_command_that_runs(beats, tmp_path):
    result = as_json(run("suggest", beats.data, "--target", "kind", "--series", "beat", "--time", "t", "--json"))
    commands = [other["command"] for other in result["alternatives"]]
    assert [sorted({"--members", "--frozen", "--bidirectional"} & set(one.split())) for one in commands] == [
        ["--members"], ["--frozen"], ["--bidirectional"]
    ]  # fmt: skip
    for n, other in enumerate(result["alternatives"]):
        words = shlex.split(other["command"])[1:]
        fitted = run(*words, "--epochs", "1", "--hidden-size", "4", "--out", tmp_path / f"{n}.whorl")
        assert fitted.exit_code == 0, fitted.stderr


def test_it_names_the_comparison_that_finds_out(tiny, tmp_path):
    lines = run("suggest", tiny.data, "--target", "größe").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("  whorl compare forecast ")]
    few = ("--networks", "gru,rnn", "--seeds", "1", "--epochs", "1", "--hidden-size", "4", "--folder", tmp_path / "c")
    result = run(*shlex.split(line)[1:], *few)
    assert result.exit_code == 0, result.stderr


def test_it_tells_the_guess_the_roles_the_traits_and_the_reasons(tiny):
    result = run("suggest", tiny.data, "--target", "größe")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("task: forecast, as column 'größe'")
    assert lines[0].endswith("(guessed; name it with --task)")
    assert "time: zeit (guessed; name it with --time)" in lines
    (traits,) = [line for line in lines if line.startswith("traits: ")]
    assert traits.startswith("traits: 1 sequence of 300 steps; 270 examples to learn from; a season of ")
    assert {"suggested:", "or else:"} <= set(lines)


def test_json_has_all_of_it(tiny):
    found = as_json(run("suggest", tiny.data, "--target", "größe", "--json"))
    assert (found["network"]["cell"], found["network"]["hidden_size"]) == ("gru", 128)
    assert found["settings"]["target"] == "größe"
    assert found["traits"]["examples"] == 270
    assert shlex.split(found["command"])[3] == str(tiny.data)


def test_quiet_prints_the_command_alone(tiny):
    result = run("suggest", tiny.data, "--quiet")
    (line,) = result.stdout.splitlines()
    assert line.startswith("whorl fit forecast ")


def test_stream_and_no_stream_reach_the_rules(beats):
    asked = ("suggest", beats.data, "--target", "kind", "--series", "beat", "--json")
    assert as_json(run(*asked, "--stream"))["settings"]["augmentation"] == ["series", "prefixes"]
    assert "augmentation" not in as_json(run(*asked, "--no-stream"))["settings"]


def test_repairs_are_taken_and_told_on(tmp_path):
    data = write_csv(
        tmp_path / "gaps.csv", "day,load", [(f"2024-{1 + n // 28:02d}-{1 + n % 28:02d}", n % 9) for n in range(200)]
    )
    refused = run("suggest", data)
    assert refused.exit_code == 3
    assert "--on-gap" in refused.stderr
    found = as_json(run("suggest", data, "--on-gap", "fill", "--json"))
    assert "--on-gap fill" in found["command"]


def test_a_file_that_is_not_there_ends_in_a_sentence(tmp_path):
    result = run("suggest", tmp_path / "nope.csv")
    assert result.exit_code == 3
    assert "is not there. Give the path of a file" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_column_that_is_not_there_is_suggested_the_closest_one(tiny):
    result = run("suggest", tiny.data, "--target", "grösse")
    assert result.exit_code == 3
    assert "Did you mean 'größe'?" in result.stderr


def test_an_unknown_task_is_refused_with_the_closest_one(tiny):
    result = run("suggest", tiny.data, "--task", "forcast")
    assert result.exit_code == 2
    assert "Did you mean 'forecast'?" in result.stderr


def test_archives_are_asked_for_nothing(waves):
    found = as_json(run("suggest", waves.data, "--json"))
    assert found["task"] == "classify"
    assert json.loads(json.dumps(found["traits"]["classes"])) == {"-1": 9, "3": 9}


def test_a_target_with_a_comma_stands_in_the_command_as_one_name(tmp_path):
    data = write_csv(tmp_path / "m.csv", 't,"load, kW"', [(t, 10 + t % 7) for t in range(90)])
    result = run("suggest", data, "--target", '"load, kW"')
    assert result.exit_code == 0, result.stderr
    words = shlex.split(result.stdout.splitlines()[-1])
    assert words[words.index("--target") + 1] == '"load, kW"'
    found = run(*words[1:], "--hidden-size", "4", "--epochs", "1", "--out", tmp_path / "m.whorl")
    assert found.exit_code == 0, found.stderr


def test_detectors_are_to_be_compared_where_there_are_labels(tmp_path):
    data = write_csv(tmp_path / "d.csv", "t,x,odd", [(t, t % 7, int(t % 50 == 0)) for t in range(300)])
    assert "whorl compare" not in run("suggest", data, "--task", "detect", "--kinds", "odd=ignore").stdout
    assert "whorl compare detect" in run("suggest", data, "--task", "detect", "--label", "odd").stdout
