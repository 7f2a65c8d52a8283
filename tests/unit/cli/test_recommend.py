"""`whorl fit recommend` on a log of events, and every command on the model it makes."""

import json
from types import SimpleNamespace

import pytest

from .conftest import SMALL, as_json, lines_of, run, write_csv

LETTERS = ["tea", "milk", "Käse", "007", "bread"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    rows = [
        (f"u{user}", LETTERS[(user + n) % 5], f"2026-01-{1 + user % 9:02} 10:{n:02}")
        for user in range(24)
        for n in range(3 + user % 2)
    ]
    data = write_csv(folder / "log.csv", "who,thing,when", rows)
    model = folder / "shop.whorl"
    result = run(
        "fit",
        "recommend",
        data,
        "--user",
        "who",
        "--item",
        "thing",
        "--time",
        "when",
        "--k",
        "2",
        *SMALL,
        "--out",
        model,
    )
    assert (result.exit_code, result.stderr) == (0, "")
    return SimpleNamespace(data=data, model=model, fitted=result, folder=folder)


def test_fit_tells_what_was_read_and_scores_beside_the_rivals(shop):
    told = shop.fitted.stdout
    assert "events: 84 of 24 users in 24 sessions" in told
    assert "catalogue: 5 items of training" in told
    for word in ("hr@10", "ndcg@10", "popularity", "markov", "item_knn", "neighbours"):
        assert word in told
    assert f"whorl stream {shop.model} < {shop.data}" in told


def test_predict_lists_the_best_items_of_each_user_in_order(shop):
    answers = as_json(run("predict", shop.model, shop.data, "--json"))["answers"]
    own = [one for one in answers if one["series"] == "u0"]
    assert [one["rank"] for one in own] == [1, 2]
    assert {one["value"] for one in own}.isdisjoint({"tea", "milk", "Käse"})
    header, *_ = run("predict", shop.model, shop.data).stdout.splitlines()
    assert header == "series,origin,rank,output,value,probability"


def test_predict_tells_how_many_items_it_does_not_know(shop):
    data = write_csv(
        shop.folder / "other.csv", "who,thing,when", [("a", "tea", "2026-02-01"), ("a", "?!", "2026-02-02")]
    )
    result = run("predict", shop.model, data)
    assert result.exit_code == 0
    assert result.stderr == "1 of 2 events have an item that training does not have: read as unknown.\n"
    assert run("predict", shop.model, data, "--quiet").stderr == ""


def test_predict_tells_that_no_item_is_left(shop):
    rows = [("a", item, f"2026-02-0{n}") for n, item in enumerate(LETTERS, 1)]
    data = write_csv(shop.folder / "everything.csv", "who,thing,when", [*rows, ("b", "tea", "2026-02-01")])
    result = run("predict", shop.model, data)
    assert result.exit_code == 0
    assert result.stderr.startswith("1 of 2 answers are empty: all items of the catalogue were seen")
    assert [line.split(",")[0] for line in result.stdout.splitlines()] == ["series", "b", "b"]
    assert run("predict", shop.model, data, "--quiet").stderr == ""


def test_evaluate_ranks_the_whole_catalogue_beside_the_rivals(shop):
    found = as_json(run("evaluate", shop.model, shop.data, "--json"))
    assert found["answers"] == 24
    assert set(found["baselines"]) == {"popularity", "markov", "item_knn", "neighbours"}
    assert found["metrics"].keys() >= {"hr@10", "ndcg@10", "mrr@10", "recall@10", "mrr", "unseen"}


def test_a_stream_answers_each_event_as_predict_does_for_each_user(shop):
    lines = lines_of(run("stream", shop.model, "--input", shop.data))
    assert len(lines) == 84
    last = {one["series"]: one for one in lines}
    for one in as_json(run("predict", shop.model, shop.data, "--json"))["answers"]:
        told = last[one["series"]]
        assert told["value"]["next item"][one["rank"] - 1] == one["value"]
        assert told["probability"]["next item"][one["rank"] - 1] == one["probability"]


def test_json_lines_go_on_from_a_state_and_need_no_time_that_is_not_read(shop):
    events = [
        {"who": "new", "thing": "tea"},
        {"who": "new", "thing": "never heard of"},
        {"who": "other", "thing": "007"},
    ]
    text = [json.dumps(event) + "\n" for event in events]
    whole = lines_of(run("stream", shop.model, stdin="".join(text)))
    state = shop.folder / "shop.state"
    parts = [lines_of(run("stream", shop.model, "--state", state, stdin=one)) for one in text]
    assert [one for part in parts for one in part] == whole
    assert "tea" not in whole[1]["value"]["next item"]


def test_a_row_without_its_item_names_the_line(shop):
    result = run("stream", shop.model, stdin='{"who": "a", "thing": "tea"}\n{"who": "a"}\n')
    assert result.exit_code == 3
    assert "line 2" in result.stderr
    assert "`thing`" in result.stderr


def test_a_report_and_a_model_card_are_made(shop):
    page = shop.folder / "page.html"
    assert run("report", shop.model, shop.data, "--out", page).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert '<section id="recommended">' in text
    assert "How often the next item is among the first k" in text
    assert "task recommend" in run("inspect", shop.model).stdout
    assert run("report", shop.model, "--out", page).exit_code == 0
    assert "Recommended" not in page.read_text(encoding="utf-8")  # nothing to show an example of


def test_a_log_without_the_columns_is_refused(shop):
    result = run("fit", "recommend", shop.data)
    assert result.exit_code == 3
    assert "user" in result.stderr


@pytest.fixture(scope="module")
def clock(shop):
    model = shop.folder / "clock.whorl"
    columns = ("--user", "who", "--item", "thing", "--time", "when", "--times", "answer")
    result = run("fit", "recommend", shop.data, *columns, "--k", "1", *SMALL, "--out", model)
    assert (result.exit_code, result.stderr) == (0, "")
    return SimpleNamespace(model=model, fitted=result)


def test_when_the_next_event_comes_is_scored_predicted_and_streamed(shop, clock):
    for word in ("until_nll", "until_mae", "until_coverage"):
        assert word in clock.fitted.stdout
    answers = {one["series"]: one for one in as_json(run("predict", clock.model, shop.data, "--json"))["answers"]}
    last = {one["series"]: one for one in lines_of(run("stream", clock.model, "--input", shop.data))}
    assert set(answers) == set(last)
    for series, one in answers.items():
        assert one["until_q0.1"] <= one["until"] <= one["until_q0.9"]
        assert one["until"] == 60.0  # all events come a minute apart
        assert [last[series][name] for name in ("until", "until_q0.1", "until_q0.9")] == [60.0] * 3
    assert run("evaluate", clock.model, shop.data, "--json").exit_code == 0
    header, *_ = run("predict", clock.model, shop.data).stdout.splitlines()
    assert header == "series,origin,rank,output,value,probability,until,until_q0.1,until_q0.9"


def test_a_stream_that_says_when_needs_the_time_of_an_event(clock):
    result = run("stream", clock.model, stdin='{"who": "a", "thing": "tea"}\n')
    assert result.exit_code == 3
    assert "`when`" in result.stderr
