"""Nothing that is decided depends on what comes later: all of it is changed, and each decision stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import whorl
from whorl.backtesting import backtest as module
from whorl.backtesting.forecasts import Forecasts
from whorl.backtesting.signals import positions

from .subjects import prices, quick, quick_classifier

ROWS, START = 100, 50
MODELS = {
    "forecaster": quick(),
    "forecaster of prices": quick(target="price", table=whorl.Table()),
    "carried": quick(memory="carried"),
    "known ahead": quick(known=("other",)),
    "classifier": quick_classifier(),
}
RULES = {
    "sign": whorl.Signal(shorts=True),
    "size": whorl.Signal(rule="size", shorts=True, leverage=2.0),
    "interval": whorl.Signal(rule="interval", shorts=True),
}


def changed(data, last, seed):
    """The same rows up to `last`, and others after it."""
    random = np.random.default_rng(seed)
    count = len(data["price"]) - last - 1
    factors = np.exp(random.normal(0, 0.3, count))
    made = {name: column.copy() for name, column in data.items()}
    made["price"][last + 1 :] = data["price"][last] * np.cumprod(factors)
    made["change"][1:] = made["price"][1:] / made["price"][:-1] - 1
    made["change"][: last + 1] = data["change"][: last + 1]
    made["other"][last + 1 :] = random.normal(5, 50, count)
    return made


def decisions(model, data, signal, **refits):
    plan = whorl.Refits(start=START, **{"every": 25, "context": 6, **refits})
    return whorl.backtest(model, data, price="price", signal=signal, refits=plan, verbose=False).decided


def stay(model, signal, last, seed, **refits):
    """Whether what was decided up to row `last` is the same, bit for bit, whatever comes after it."""
    data = prices(ROWS, echo=0.5)
    before, after = (decisions(model, one, signal, **refits) for one in (data, changed(data, last, seed)))
    kept = last + 1 - START
    assert len(np.unique(before)) > 1  # what never changes would stay whatever it saw
    return before[:kept].tobytes() == after[:kept].tobytes()


@pytest.mark.parametrize("name", MODELS)
@given(last=st.integers(START, ROWS - 2), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_no_decision_changes_when_all_later_rows_do(name, last, seed):
    known = name == "known ahead"
    signal = RULES["size"]
    if known:  # what is said to be known ahead is known ahead: no more than its horizon is looked at
        last = min(last, ROWS - 2 - MODELS[name].horizon)
        data = prices(ROWS, echo=0.5)
        other = changed(data, last, seed)
        other["other"][: last + 1 + MODELS[name].horizon] = data["other"][: last + 1 + MODELS[name].horizon]
        before, after = (decisions(MODELS[name], one, signal) for one in (data, other))
        assert before[: last + 1 - START].tobytes() == after[: last + 1 - START].tobytes()
        return
    assert stay(MODELS[name], signal, last, seed)


@pytest.mark.parametrize("name", ["forecaster", "carried", "classifier"])
def test_a_table_that_ends_earlier_decides_the_same(name):
    data = prices(ROWS, echo=0.5)
    early = {column: values[:77] for column, values in data.items()}
    before, after = (decisions(MODELS[name], one, RULES["size"]) for one in (early, data))
    assert before.tobytes() == after[: len(before)].tobytes()


@pytest.mark.parametrize("name", ["forecaster", "classifier"])
def test_fits_with_nothing_held_out_do_not_look_ahead(name):
    data, known = prices(ROWS, echo=0.5), RULES["size"]
    assert stay(MODELS[name], known, 66, 0, refit=True)
    assert decisions(MODELS[name], data, known).tobytes() != decisions(MODELS[name], data, known, refit=True).tobytes()


@pytest.mark.parametrize("rule", ["sign", "interval"])
def test_no_rule_looks_ahead(rule):
    assert stay(MODELS["forecaster"], RULES[rule], 77, 0)


def test_seeds_and_rows_that_roll_do_not_look_ahead():
    assert stay(MODELS["forecaster"], RULES["size"], 77, 0, rolling=30, seeds=2)


def test_a_signal_that_scales_by_all_rows_is_caught(monkeypatch):
    def cheating(signal, outlook, **rest):
        held = positions(signal, outlook, **rest)
        return held / held.std()

    monkeypatch.setattr(module, "positions", cheating)
    assert not stay(MODELS["forecaster"], RULES["size"], 66, 0)


def test_a_signal_that_reads_the_next_answer_is_caught(monkeypatch):
    def cheating(signal, outlook, **rest):
        return positions(signal, type(outlook)(*(np.roll(part, -1) for part in outlook)), **rest)

    monkeypatch.setattr(module, "positions", cheating)
    assert not stay(MODELS["forecaster"], RULES["size"], 66, 0)


def test_a_fit_on_later_rows_is_caught(monkeypatch):
    honest = Forecasts.fit

    def cheating(own, model, *_, refit):
        return honest(own, model, 0, len(own.market), refit=refit)

    monkeypatch.setattr(Forecasts, "fit", cheating)
    assert not stay(MODELS["forecaster"], RULES["size"], 66, 0)


def test_the_rivals_do_not_look_ahead():
    data = prices(ROWS, echo=0.5)
    other = changed(data, 70, 0)
    plan = whorl.Refits(start=START, every="once")
    before, after = (
        whorl.backtest(MODELS["forecaster"], one, price="price", refits=plan, verbose=False) for one in (data, other)
    )
    for one, two in zip(before.rivals, after.rivals, strict=True):
        kept = 70 + 1 - START  # the last of these is traded a row later
        assert one.ledger.position[:kept].tobytes() == two.ledger.position[:kept].tobytes()


@pytest.mark.parametrize("ahead", [1, 2])
def test_a_column_that_knows_what_comes_is_refused(ahead):
    data = prices(ROWS, echo=0.5)
    data["tomorrow"] = np.append(data["price"][ahead:], data["price"][-ahead:])
    with pytest.raises(whorl.DataError, match=f"column 'tomorrow' tells what the price does {ahead} row"):
        decisions(MODELS["forecaster"], data, RULES["sign"])
    ignored = quick(table=whorl.Table(kinds={"price": "ignore", "tomorrow": "ignore"}))
    assert len(decisions(ignored, data, RULES["sign"])) == ROWS - START
