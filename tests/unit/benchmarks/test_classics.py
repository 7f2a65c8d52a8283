"""The classic problems: what is drawn, what is known without reading, and what is said of results."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from benchmarks import classic_page, classics
from benchmarks.classic_problems import BLANK, COPIED, MARK, PROBLEMS, SYMBOLS, adding, copying, parity

import whorl


def test_the_sum_is_that_of_two_marked_numbers_one_in_each_half():
    x, y = adding(500, 11, (0,))
    values, marks = np.stack(x)[..., 0], np.stack(x)[..., 1]
    assert np.array_equal(marks[:, :5].sum(axis=1), np.ones(500))
    assert np.array_equal(marks[:, 5:].sum(axis=1), np.ones(500))
    np.testing.assert_allclose(y, (values * marks).sum(axis=1), atol=1e-6)
    assert set(marks.argmax(axis=1)) == set(range(5))


def test_the_baseline_of_adding_is_the_error_of_always_answering_one():
    _, y = adding(100_000, 5, (1,))
    # Four standard errors of the mean of 100,000 squares, whose variance is 7 / 180.
    assert abs(np.mean((y - 1.0) ** 2) - PROBLEMS["adding"].baseline(5)) < 4 * math.sqrt(7 / 180 / 100_000)


def test_ten_symbols_are_asked_for_in_their_order_after_the_mark():
    x, y = copying(50, 7, (0,))
    read, asked = np.stack(x).argmax(axis=-1), np.stack(list(y))
    assert read.shape == asked.shape == (50, 27)
    assert np.stack(x).sum() == 50 * 27
    assert read[:, :COPIED].max() < SYMBOLS
    assert np.array_equal(asked[:, -COPIED:], read[:, :COPIED])
    assert (asked[:, :-COPIED] == BLANK).all()
    assert np.array_equal(np.argwhere(read == MARK)[:, 1], np.full(50, 16))  # one step before the first answer
    assert (np.delete(read[:, COPIED:], 6, axis=1) == BLANK).all()


def test_the_baseline_of_copying_is_the_cross_entropy_of_any_symbol_at_the_last_ten_steps():
    _, y = copying(3, 7, (0,))
    shares = np.where(np.stack(list(y)) == BLANK, 1.0, 1.0 / SYMBOLS)
    assert PROBLEMS["copy"].baseline(7) == pytest.approx(-np.log(shares).mean())


def test_parity_says_whether_ones_so_far_are_odd_and_lengths_vary_where_a_shortest_is_given():
    x, y = parity(300, 9, (0,), shortest=2)
    assert {len(one) for one in x} == set(range(2, 10))
    for bits, odd in zip(x, y, strict=True):
        assert [int(bits[: n + 1].sum()) % 2 for n in range(len(bits))] == odd.tolist()
    assert {len(one) for one in parity(20, 9, (0,))[0]} == {9}


@pytest.mark.parametrize("draw", [adding, copying, parity])
def test_a_seed_draws_the_same_and_another_one_other_sequences(draw):
    assert all(np.array_equal(a, b) for a, b in zip(draw(5, 8, (3, 1))[0], draw(5, 8, (3, 1))[0], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(draw(5, 8, (3, 1))[0], draw(5, 8, (3, 2))[0], strict=True))


@pytest.mark.parametrize("key", PROBLEMS)
@pytest.mark.parametrize("name", classics.NETWORKS)
def test_networks_that_look_back_see_all_steps_that_are_asked_of(key, name):
    window = PROBLEMS[key].window(max(PROBLEMS[key].lengths))
    network = classics.NETWORKS[name](window)
    assert isinstance(network, whorl.Recurrent) or network.reach >= window


def run(key, name, seed, score, *, length=None, rate=1e-2, validation=0.5):
    problem = PROBLEMS[key]
    test = {problem.measure: score, "accuracy of copied symbols": 0.5, "by_step": [1.0, 0.5]}
    test |= dict.fromkeys(classic_page.PARTS, 0.75)
    return {
        "problem": key,
        "network": name,
        "length": problem.lengths[0] if length is None else length,
        "learning_rate": rate,
        "seed": seed,
        "steps": problem.steps,
        "cpu_seconds": 3.0,
        "threads": 1,
        "parameters": 12345,
        "validation": validation,
        "test": {} if seed == classics.CHOOSING else test,
    }


def test_the_rate_is_that_of_the_best_validation_score_and_none_while_one_is_not_tried():
    tried = [
        run("adding", "gru", classics.CHOOSING, 0.0, rate=rate, validation=score)
        for rate, score in zip(classics.RATES, (0.3, 0.1, 0.2), strict=True)
    ]
    assert classics.chosen_rate(tried, "adding", "gru") == classics.RATES[1]
    assert classics.chosen_rate(tried[:2], "adding", "gru") is None


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((0.01, 0.1, 0.05), "solved"),
        ((0.01, 0.1, 0.99), "2 of 3 solved"),
        ((0.95, 0.5, 0.99), "in part"),
        ((0.95, 0.9, 1.2), "failed"),
    ],
)
def test_success_and_failure_are_shares_of_the_baseline(shares, said):
    baseline = PROBLEMS["copy"].baseline(PROBLEMS["copy"].lengths[0])
    runs = [run("copy", "lstm", seed, share * baseline) for seed, share in enumerate(shares)]
    assert classics.verdict(runs, "copy") == said


def test_an_interval_is_that_of_students_t():
    # Two degrees of freedom: 4.303 times the standard deviation 1 by the root of 3.
    assert classics.interval([1.0, 2.0, 3.0], ".2f") == "2.00 ± 2.48"
    assert classics.interval([0.5]) == "0.5000 (n=1)"


def test_runs_that_a_file_has_are_not_made_again_and_those_with_other_steps_are(tmp_path, monkeypatch):
    known = [run("parity", "gru", 0, 0.0), {**run("parity", "gru", 1, 0.0), "steps": 7}]
    (tmp_path / "other.json").write_text(json.dumps({"runs": known}))
    results = classics.Results(tmp_path / "out.json", [tmp_path / "other.json"])
    made = []
    monkeypatch.setattr(classics, "fitted", lambda *told: made.append(told) or (None, run("parity", "gru", 1, 0.0)))
    scored = replace(PROBLEMS["parity"], score=lambda *told: {"wrong": 0.25})
    monkeypatch.setitem(PROBLEMS, "parity", scored)
    length = PROBLEMS["parity"].lengths[0]
    assert classics.measured(results, "parity", "gru", length, 1e-2, 0) == known[0]
    assert not made
    classics.measured(results, "parity", "gru", length, 1e-2, 1)
    assert len(made) == 1
    assert [one["steps"] for one in results.runs if one["seed"] == 1] == [7, PROBLEMS["parity"].steps]
    again = classics.Results(tmp_path / "out.json")
    assert again.find("parity", "gru", length, 1e-2, 1)["test"] == {"wrong": 0.25}


def test_the_page_has_the_tables_in_their_places_and_a_check_finds_what_is_stale(tmp_path, monkeypatch):
    for name, file in (("RESULTS", "r.json"), ("NOTES", "n.md"), ("PAGE", "p.md"), ("PICTURE", "p.png")):
        monkeypatch.setattr(classic_page, name, tmp_path / file)
    monkeypatch.setattr(classic_page, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"r.json is missing"):
        classic_page.main([])
    runs = [run(key, "lstm", seed, 0.001) for key in PROBLEMS for seed in range(3)]
    runs.append({**run("copy", "lstm", 0, 0.002), "steps": 4 * PROBLEMS["copy"].steps})
    classic_page.RESULTS.write_text(json.dumps({"runs": runs, "versions": {"whorl": "1"}}))
    classic_page.NOTES.write_text("# Classics\n\n{adding}\n\n{copy}\n\n{longer}\n\n{parity}\n\n{run}.\n")
    classic_page.main([])
    text = classic_page.PAGE.read_text()
    assert "| lstm | 12,345 | 0.01 | 0.00100 ± 0.00000, solved | not run | not run |" in text
    assert "| gru |  |  | not run | not run | not run |" in text
    assert "| lstm | 0.0020 (n=1), solved | 0.500 (n=1) | 1 | 0.0010 (n=1) |" in text
    assert "10 fits" in text
    classic_page.main(["--check"])
    classic_page.NOTES.write_text("# Other\n")
    with pytest.raises(SystemExit, match=r"p.md: not up to date"):
        classic_page.main(["--check"])
