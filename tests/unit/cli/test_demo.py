"""`whorl demo [TASK]`."""

import pytest

import whorl
from whorl import datasets
from whorl.cli.demo import DEMOS
from whorl.cli.demos import caption, recommend, translate
from whorl.runtime.writing import OTHER

from .conftest import as_json, run


def test_the_shipped_table_has_no_problem_that_would_stop_fit():
    result = run("check", datasets.path("beijing_air"), "--target", "pm2.5", "--context", "168", "--horizon", "24")
    assert result.exit_code == 0, result.stdout


def test_an_unknown_demo_is_refused():
    result = run("demo", "forcast")
    assert result.exit_code == 2
    assert "Did you mean 'forecast'?" in result.stderr


def test_the_page_of_the_demos_lists_each():
    result = run("demo", "--help")
    for name, entry in DEMOS.items():
        assert name in result.stdout
        assert entry.help in " ".join(result.stdout.split())


def test_the_classify_demo_tells_its_scores_and_streams_an_utterance(tmp_path):
    result = run("demo", "classify", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "never trained on, 370 answers:" in result.stdout
    live = result.stdout.partition("Utterance 640, by speaker 9")[2].splitlines()
    frames = datasets.load("japanese_vowels")["utterance"].count("640")
    assert [int(line.split()[0]) for line in live[2 : 2 + frames]] == list(range(1, frames + 1))
    assert {path.name for path in tmp_path.iterdir()} == {"speakers.whorl", "report.html", "train.csv", "test.csv"}
    assert f"whorl stream {tmp_path / 'speakers.whorl'} < {tmp_path / 'test.csv'}" in result.stdout


def test_the_generate_demo_makes_text_and_tells_what_may_come_next(tmp_path, monkeypatch):
    short = tmp_path / "short.txt"
    short.write_text(datasets.path("shakespeare").read_text(encoding="utf-8")[:9_000], encoding="utf-8")
    monkeypatch.setattr(datasets, "path", lambda name: short)
    result = run("demo", "generate", "--folder", tmp_path / "demo", "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\n  ROMEO:\n" in result.stdout
    live = result.stdout.partition("Live: ")[2].splitlines()[2:17]
    assert [line.split("'")[1] for line in live] == ["The king shall "[: n + 1] for n in range(15)]
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {
        "plays.whorl",
        "report.html",
        "train.txt",
        "test.txt",
    }
    assert f"whorl predict {tmp_path / 'demo' / 'plays.whorl'} --prompt" in result.stdout


@pytest.mark.slow
def test_the_generate_demo_beats_pairs_of_characters(tmp_path):
    found = as_json(run("demo", "generate", "--folder", tmp_path, "--json"))
    rivals = [rival["nats_per_character"] for rival in found["test"]["baselines"].values()]
    assert found["test"]["metrics"]["nats_per_character"] < 0.8 * min(rivals)


def test_the_recommend_demo_tells_its_scores_and_fills_a_basket(tmp_path, monkeypatch):
    monkeypatch.setattr(recommend, "_TRAIN", 120)
    monkeypatch.setattr(recommend, "_TEST", 30)
    result = run("demo", "recommend", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "synthetic" in result.stdout
    assert "never trained on, 30 answers:" in result.stdout
    live = result.stdout.partition("A new customer, live: ")[2].splitlines()[2:8]
    assert [line.split("  ")[1] for line in live] == list(recommend._BASKET)
    assert {path.name for path in tmp_path.iterdir()} == {"shop.whorl", "report.html", "train.csv", "test.csv"}
    assert f"whorl stream {tmp_path / 'shop.whorl'} < {tmp_path / 'test.csv'}" in result.stdout


@pytest.mark.slow
def test_the_recommend_demo_beats_its_rivals(tmp_path):
    found = as_json(run("demo", "recommend", "--folder", tmp_path, "--json"))["test"]
    assert found["metrics"]["ndcg@10"] > max(rival["ndcg@10"] for rival in found["baselines"].values()) + 0.02


def test_the_detect_demo_tells_its_scores_and_streams_thanksgiving(tmp_path):
    result = run("demo", "detect", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "never trained on, 5280 answers:" in result.stdout
    assert result.stdout.count("\n  2014-11-27 ") == 12
    assert {path.name for path in tmp_path.iterdir()} == {"taxis.whorl", "report.html", "train.csv", "test.csv"}


@pytest.mark.slow
def test_the_detect_demo_finds_the_five_events_and_beats_its_rivals(tmp_path):
    found = as_json(run("demo", "detect", "--folder", tmp_path, "--json"))["test"]
    assert found["metrics"]["event_recall"] == 1.0
    assert found["metrics"]["vus_pr"] > max(rival["vus_pr"] for rival in found["baselines"].values()) + 0.05


def test_the_translate_demo_tells_its_scores_and_streams_a_text(tmp_path):
    result = run("demo", "translate", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "never trained on, 200 answers:" in result.stdout
    lines = result.stdout.partition("A text live")[2].splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["read", "written", "true"]
    assert {path.name for path in tmp_path.iterdir()} == {"words.whorl", "report.html", "train.csv", "test.csv"}
    streamed = run("stream", tmp_path / "words.whorl", stdin=(tmp_path / "test.csv").read_text(encoding="utf-8"))
    assert (streamed.exit_code, len(streamed.stdout.splitlines())) == (0, 200)


def test_the_transcribe_demo_tells_its_scores_and_streams_a_sentence(tmp_path):
    result = run("demo", "transcribe", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "never trained on, 24 answers:" in result.stdout
    live = result.stdout.partition("', live: each quarter of a second")[2].splitlines()
    assert [line.split()[0] for line in live[2:14]] == [f"{min(n / 4, 2.98):.2f}" for n in range(1, 13)]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"speech.whorl", "report.html", "train.csv", "test.csv", "recordings"}
    assert len(list((tmp_path / "recordings").iterdir())) == 120
    assert "Heard: " in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_caption_demo_tells_its_scores_and_writes_about_a_video_frame_by_frame(tmp_path, monkeypatch):
    monkeypatch.setattr(caption, "_TRAIN", 30)
    monkeypatch.setattr(caption, "_TEST", 5)
    result = run("demo", "caption", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "never trained on, 5 answers:" in result.stdout
    places = result.stdout.partition("Words that are right at their place")[2].splitlines()
    assert [line.split()[0] for line in places[1:7]] == list(caption._PLACES)
    live = result.stdout.partition("One video live, ")[2].splitlines()
    written, true = (line[len("  written  ") :] for line in live[1:3])
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"lips.whorl", "report.html", "train.csv", "test.csv", "videos"}
    assert len(list((tmp_path / "videos").iterdir())) == 35
    last, text = (tmp_path / "test.csv").read_text(encoding="utf-8").splitlines()[-1].split(",")
    assert true == text
    assert whorl.load(tmp_path / "lips.whorl").predict([tmp_path / last]).value == [written]
    assert "Written: " in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_caption_demo_looks_at_the_lips(tmp_path):
    found = as_json(run("demo", "caption", "--folder", tmp_path, "--json"))["test"]
    assert found["metrics"]["perplexity"] < 0.9 * found["baselines"][OTHER]["perplexity"]


@pytest.mark.slow
def test_the_transcribe_demo_hears_better_than_its_rivals(tmp_path):
    found = as_json(run("demo", "transcribe", "--folder", tmp_path, "--json"))["test"]
    # Rounding leads elsewhere with another number of threads: 0.19 with one and 0.16 with two, rivals 0.65.
    assert found["metrics"]["wer"] < 0.75 * min(rival["wer"] for rival in found["baselines"].values())


def test_the_pairs_of_the_translate_demo_are_different_and_say_units_first():
    english, german = translate.pairs(2600, seed=0)
    assert len(set(english)) == 2600
    known = dict(zip(english, german, strict=True))
    for text, answer in known.items():
        if text.startswith("at "):
            assert answer.startswith("am ")
    thursday = "a Thursday in March nineteen eighty seven"
    assert known[thursday] == "ein Donnerstag im März neunzehnhundert sieben und achtzig"


@pytest.mark.slow
def test_the_translate_demo_translates(tmp_path):
    found = as_json(run("demo", "translate", "--folder", tmp_path, "--json"))
    assert found["test"]["metrics"]["bleu"] > 95
    assert found["test"]["baselines"]["nearest pair"]["bleu"] < 70


@pytest.mark.slow
def test_the_classify_demo_knows_the_speakers(tmp_path):
    found = as_json(run("demo", "classify", "--folder", tmp_path, "--json"))
    assert found["test"]["metrics"]["accuracy"] > 0.95
    assert found["test"]["baselines"]["prior"]["accuracy"] < 0.3


@pytest.mark.slow
def test_the_demo_beats_its_rivals_on_the_test_part_and_streams_a_day(tmp_path):
    result = run("demo", "--folder", tmp_path / "demo")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("The model's mae is") == 2
    assert result.stdout.count("\n  2014-12-31 ") == 24
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {
        "beijing.whorl",
        "report.html",
        "train.csv",
        "test.csv",
    }


def test_the_regress_demo_counts_down_to_failure(tmp_path):
    result = run("demo", "regress", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "never trained on, 8 answers, flights:" in result.stdout
    live = result.stdout.partition("Engine 40, live")[2].splitlines()[2:]
    left = [int(line.split()[1]) for line in live[: live.index("")]]
    assert left == list(range(left[0], -1, -20))
    assert {path.name for path in tmp_path.iterdir()} == {"engines.whorl", "report.html", "train.csv", "test.csv"}


@pytest.mark.slow
def test_the_regress_demo_beats_the_age(tmp_path):
    found = as_json(run("demo", "regress", "--folder", tmp_path, "--json"))
    assert found["test"]["metrics"]["rmse"] < 0.6 * found["test"]["baselines"]["age"]["rmse"]


def test_the_backtest_demo_shows_what_cannot_be_traded_and_what_can(tmp_path):
    result = run("demo", "backtest", "--folder", tmp_path, "--epochs", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "which nobody can, Sharpe ratios are:\n  model " in result.stdout
    assert "price, 1947-05-01 to 2023-06-01, 913 rows; 10 fits" in result.stdout
    assert "decided after 2023-06, to be traded in the month after: " in result.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"index.whorl", "backtest.html", "index.csv", "answers"}
