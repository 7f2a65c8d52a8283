"""Whole backtests: where there is an edge it is found, where there is none that is said."""

import json

import numpy as np
import pytest

import whorl
from whorl.backtesting import walk
from whorl.backtesting.walk import legs

from .subjects import forecaster, prices, quick, quick_classifier

PLAN = whorl.Refits(start=120, every=60)
FREE = whorl.Trading(costs=0.0001, slippage=0.0)


@pytest.fixture(scope="module")
def edge(echoes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("edge")
    return whorl.backtest(
        forecaster(),
        echoes,
        price="price",
        signal=whorl.Signal(shorts=True),
        trading=FREE,
        refits=PLAN,
        folder=folder,
        verbose=False,
    ), folder


@pytest.fixture(scope="module")
def none(chances):
    return whorl.backtest(
        forecaster(), chances, price="price", signal=whorl.Signal(trials=3), refits=PLAN, verbose=False
    )


def test_an_edge_is_found_and_said_with_its_error(edge):
    found, _ = edge
    assert found.advice.startswith("The model has an edge here: its Sharpe ratio after costs is ")
    assert f"standard error of {found.model.worth.sharpe_error_correlated:.2f}" in found.advice
    assert "if nothing else was tried on them" in found.advice
    assert found.model.worth.hit_rate > 0.6
    assert all(one.ahead.low > 0 for one in found.rivals)


def test_where_there_is_none_that_is_said(none):
    assert none.advice.startswith("No edge: its Sharpe ratio after costs is ")
    assert "for 3 trials" in none.advice


def test_prices_that_are_forecast_themselves_are_traded_too(echoes):
    model = forecaster(target="price", table=whorl.Table(), context=8)
    found = whorl.backtest(
        model, echoes, price="price", signal=whorl.Signal(shorts=True), trading=FREE, refits=PLAN, verbose=False
    )
    assert found.model.worth.hit_rate > 0.55


def test_a_classifier_learns_whether_what_is_held_rises(echoes):
    model = whorl.Classifier(
        network=whorl.Recurrent("gru", hidden_size=8), convolution=0, training=whorl.Training(epochs=8, batch_size=16)
    )
    plan = whorl.Refits(start=120, every=60, context=6)
    found = whorl.backtest(
        model, echoes, price="price", signal=whorl.Signal(shorts=True), trading=FREE, refits=plan, verbose=False
    )
    assert found.task == "classify"
    assert found.model.worth.hit_rate > 0.6


def test_a_fit_learns_from_the_rows_before_its_decisions_and_from_no_other():
    course = legs(whorl.Refits(every=30, rolling=50, seeds=2), 100, 40, 7)
    assert [(leg.began, leg.first, leg.last, leg.seed) for leg in course] == [
        (0, 40, 70, 7),
        (20, 70, 100, 7),
        (0, 40, 70, 8),
        (20, 70, 100, 8),
    ]
    assert [(leg.first, leg.last) for leg in legs(whorl.Refits(every="once"), 100, 40, 0)] == [(40, 100)]
    assert len(legs(whorl.Refits(), 100, 40, 0)) == 10


def test_a_backtest_goes_on_where_it_stopped(edge, echoes, monkeypatch, capsys):
    found, folder = edge
    settings = {"signal": whorl.Signal(shorts=True), "trading": FREE, "refits": PLAN, "folder": folder}
    monkeypatch.setattr(walk, "run", lambda *_: pytest.fail("nothing is left to fit"))
    again = whorl.backtest(forecaster(), echoes, price="price", verbose=True, **settings)
    assert "2 of 2 fits are done already" in capsys.readouterr().out
    assert again.to_dict() == found.to_dict()
    monkeypatch.undo()
    # Another signal needs no other fit; other rows need those that saw them.
    settings["signal"] = whorl.Signal(rule="size")
    other = {name: column.copy() for name, column in echoes.items()}
    other["other"][200] += 1
    whorl.backtest(forecaster(), other, price="price", verbose=True, **settings)
    assert "1 of 2 fits are done already" in capsys.readouterr().out


def test_answers_by_fewer_rows_are_other_answers(chances, tmp_path):
    asked = {"price": "price", "signal": whorl.Signal(rule="size", shorts=True), "verbose": False}

    def decided(context, folder):
        plan = whorl.Refits(start=200, every="once", context=context)
        return whorl.backtest(quick_classifier(), chances, refits=plan, folder=folder, **asked).decided

    decided(12, tmp_path)
    np.testing.assert_array_equal(decided(6, tmp_path), decided(6, None))


@pytest.mark.parametrize("damage", ["{", '{"change": [[1]], "low": [[1], [2, 3]], "high": []}', "rows"])
def test_damaged_answers_are_made_anew(tmp_path, chances, damage):
    settings = {"price": "price", "refits": whorl.Refits(start=200, every="once"), "folder": tmp_path}
    first = whorl.backtest(quick(), chances, verbose=False, **settings)
    (path,) = tmp_path.iterdir()
    rows = json.dumps({name: [[0.0, 0.0]] * 7 for name in ("change", "low", "high")})
    path.write_text(rows if damage == "rows" else damage)
    assert whorl.backtest(quick(), chances, verbose=False, **settings).to_dict() == first.to_dict()


def test_seeds_are_averaged_and_told_apart_and_processes_change_nothing(chances):
    plan = {"start": 200, "every": "once", "seeds": 2}
    alone = whorl.backtest(quick(), chances, price="price", refits=whorl.Refits(**plan), verbose=False)
    assert set(np.unique(alone.decided)) <= {0.0, 0.5, 1.0}
    assert len(alone.seeds) == 2
    assert alone.seeds_told[0].startswith("Sharpe ratio of each seed alone: ")
    beside = whorl.backtest(quick(), chances, price="price", refits=whorl.Refits(workers=2, **plan), verbose=False)
    np.testing.assert_array_equal(alone.decided, beside.decided)


def test_a_fitted_model_answers_as_it_is_unless_it_knows_the_rows(chances, tmp_path):
    early = {name: column[:150] for name, column in chances.items()}
    model = quick().fit(early, verbose=False)
    never = {"price": "price", "verbose": False}
    found = whorl.backtest(model, chances, refits=whorl.Refits(start=150, every="never"), **never)
    assert found.fits == 0
    assert any(note.startswith("the model was fitted elsewhere") for note in found.notes)
    once = whorl.backtest(quick(), chances, refits=whorl.Refits(start=150, every="once"), **never)
    np.testing.assert_array_equal(found.decided, once.decided)
    with pytest.raises(whorl.ArgumentError, match="has learned from 150 rows of columns"):
        whorl.backtest(model, chances, refits=whorl.Refits(start=149, every="never"), **never)


def test_a_model_that_is_given_is_not_changed(chances):
    model = quick()
    before = repr(model)
    whorl.backtest(model, chances, price="price", refits=whorl.Refits(start=200, every="once"), verbose=False)
    assert repr(model) == before
    assert not hasattr(model, "model_")


def test_averages_are_noticed_and_so_is_a_delay_of_nothing():
    daily = prices(240 * 20, 0.0)["price"].reshape(240, 20).mean(axis=1)
    data = {**prices(240, 0.0), "price": daily}
    data["change"] = np.append(0.0, daily[1:] / daily[:-1] - 1)
    plan = whorl.Refits(start=200, every="once")
    found = whorl.backtest(quick(), data, price="price", trading=whorl.Trading(delay=0), refits=plan, verbose=False)
    assert [note[:40] for note in found.notes] == ["changes of the price follow each other ("]
    assert found.advice.startswith("Nothing here could be earned: its Sharpe ratio")


def test_the_lines_have_a_row_for_each_account_and_end_with_the_advice(none):
    lines = none.lines()
    for rows in (lines[2:6], lines[7:11]):
        assert [line.split("  ")[1] for line in rows] == ["model", "buy and hold", "moving average", "cash"]
    assert lines[-1] == none.advice
    assert "1999-12-01" not in lines[0]
    assert lines[0].startswith("price, 2000-02-01 to 2009-12-01, 118 rows; 2 fits, costs 0.10 %")


def test_a_page_and_json_hold_what_was_found(edge, tmp_path):
    found, _ = edge
    found.write(tmp_path / "b.html")
    found.write(tmp_path / "b.json")
    page = (tmp_path / "b.html").read_text(encoding="utf-8")
    assert '<p class="verdict wins">The model has an edge here' in page
    for title in ("Equity", "Drawdown", "Position", "Differences", "Settings"):
        assert f"<h2>{title}</h2>" in page
    plain = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert len(plain["accounts"][0]["equity"]) == len(plain["time"]) == 119
    with pytest.raises(whorl.ArgumentError, match=r"ends in \.html or \.json"):
        found.write(tmp_path / "b.txt")


def test_names_of_columns_cannot_break_the_page(chances, tmp_path):
    data = {("<b>&$" if name == "price" else name): column for name, column in chances.items()}
    model = quick(table=whorl.Table(kinds={"<b>&$": "ignore"}))
    found = whorl.backtest(model, data, price="<b>&$", refits=whorl.Refits(start=200, every="once"), verbose=False)
    found.write(tmp_path / "b.html")
    assert "<h1>Backtest: &lt;b&gt;&amp;$</h1>" in (tmp_path / "b.html").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_made_is_said(chances, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(whorl.ResourceError, match="cannot be made"):
        whorl.backtest(quick(), chances, price="price", folder=tmp_path / "file" / "b", verbose=False)
