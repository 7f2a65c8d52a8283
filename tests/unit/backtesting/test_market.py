"""Tables that can be traded, and what is said of those that cannot."""

import numpy as np
import pytest

import whorl
from whorl.backtesting.market import read_market

from .subjects import forecaster, market, prices, quick


def read(data, table=None, time=None, price="price", **trading):
    return read_market(data, table or whorl.Table(), time, price, whorl.Trading(**trading))


def test_a_table_has_times_prices_and_changes():
    found = market([10.0, 11.0, 5.5])
    assert found.column == "month"
    np.testing.assert_allclose(found.change, [0.0, 0.1, -0.5])
    assert found.rows_a_year(3) == pytest.approx(12, rel=0.03)


def test_rows_are_put_in_order_where_the_table_says_so():
    data = {"month": ["2020-02-01", "2020-01-01", "2020-03-01"], "price": [2.0, 1.0, 3.0], "word": ["b", "a", "c"]}
    found = read(data, whorl.Table(on_unsorted="sort"))
    assert found.price.tolist() == [1.0, 2.0, 3.0]
    assert found.frame["word"].tolist() == ["a", "b", "c"]
    with pytest.raises(whorl.DataError, match="must ascend"):
        read(data)


def test_days_that_were_left_out_are_taken_as_they_are_where_the_table_says_so():
    data = {"day": ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"], "price": [1.0, 2.0, 3.0, 4.0]}
    assert len(read(data, whorl.Table(on_gap="ignore"))) == 4
    with pytest.raises(whorl.DataError, match="skips 2 timestamps"):
        read(data)
    with pytest.raises(whorl.DataError, match="what has no price cannot be traded"):
        read(data, whorl.Table(on_gap="fill"))


@pytest.mark.parametrize(
    ("changes", "trading", "says"),
    [
        ({"price": [1.0, 0.0, 2.0]}, {}, "column 'price' is the `price`, which is above 0, but is 0 in row 1"),
        ({"price": [1.0, -3.0, 2.0]}, {}, "is above 0, but is -3 in row 1"),
        ({"price": [1.0, float("nan"), 2.0]}, {}, "row 1 has no number"),
        ({"price": [1.0, float("inf"), 2.0]}, {}, "infinite"),
        ({"price": ["a", "b", "c"]}, {}, "text"),
        ({"rate": [4.5, 4.5, 4.5]}, {"cash_column": "rate"}, "divide percent by 100"),
        ({"rate": [0.1, float("nan"), 0.1]}, {"cash_column": "rate"}, "is the `cash_column`, which each row has"),
        ({}, {"dividends": "paid"}, "column `paid` is not in"),
        ({"month": ["2020-01-01", "2020-01-01", "2020-02-01"]}, {}, "duplicate timestamp"),
        ({"month": [1, 2, 3]}, {}, "has no column of times"),
    ],
)
def test_what_cannot_be_traded_is_said(changes, trading, says):
    data = {"month": ["2020-01-01", "2020-02-01", "2020-03-01"], "price": [1.0, 2.0, 3.0], **changes}
    with pytest.raises(whorl.DataError, match=says):
        read(data, **trading)


def test_counted_times_and_columns_of_two_roles_and_mean_prices_are_refused():
    data = {"month": ["2020-01-01", "2020-02-01", "2020-03-01"], "price": [1.0, 2.0, 3.0], "n": [1, 2, 3]}
    with pytest.raises(whorl.DataError, match="holds whole numbers"):
        read(data, time="n")
    with pytest.raises(whorl.ArgumentError, match="each is a column of its own"):
        read(data, dividends="price")
    with pytest.raises(whorl.ArgumentError, match="nobody traded at a mean price"):
        read(data, whorl.Table(on_duplicate="mean"))
    with pytest.raises(whorl.DataError, match="Did you mean 'price'"):
        read(data, price="prize")


@pytest.mark.parametrize(
    ("model", "settings", "says"),
    [
        (quick(horizon=1), {}, "`horizon` is 1, but what is traded 1 row after its decision is held in row 2"),
        (quick(target="other"), {}, "`target` is 'other', but a backtest needs forecasts of what it trades"),
        (quick(target=None), {}, "`target` is None"),
        (quick(known=("price",), table=whorl.Table()), {}, "which nobody knows ahead"),
        (quick(series="other"), {}, "`series` is 'other', but a backtest trades one price"),
        (whorl.Classifier(target="other"), {}, "`target` is 'other', but a backtest makes the examples"),
        (whorl.Classifier(tokens=whorl.Image()), {}, r"`tokens` is Image\(.*\), but a backtest makes the examples"),
        (whorl.Classifier(static=("other",)), {}, "`static` is of several sequences"),
        (whorl.Detector(), {}, "`model` is a Forecaster or a Classifier, but is a Detector"),
        (quick(), {"price": None}, "`price` is the name of a column, but is None"),
        (quick(quantiles=(0.5,)), {"signal": whorl.Signal(rule="interval")}, "needs the interval"),
        (quick(), {"signal": "sign"}, r"`signal` is a whorl.Signal\(...\), but is a str"),
        (quick(), {"refits": whorl.Refits(every="never")}, "this Forecaster is not fitted"),
        (quick(quantiles=()), {"signal": whorl.Signal(rule="size")}, "needs the interval"),
    ],
)
def test_models_that_cannot_be_traded_by_are_refused(model, settings, says, echoes):
    with pytest.raises(whorl.ArgumentError, match=says):
        whorl.backtest(model, echoes, **{"price": "price", "verbose": False, **settings})


@pytest.mark.parametrize(
    ("count", "settings", "says"),
    [
        (40, {"start": 4}, "`start` leaves 4 rows before the first decision, but an answer .* need 10"),
        (40, {"start": 30}, "after which 8 rows are earned in, but a backtest needs 12"),
        (40, {"start": 39}, "after which 0 rows"),
        (40, {"start": 41}, "`start` is row 41, but there are 40 rows"),
        (2, {}, "has 2 rows"),
    ],
)
def test_too_few_rows_are_said(count, settings, says):
    with pytest.raises(whorl.DataError, match=says):
        whorl.backtest(quick(), prices(count, 0.0), price="price", refits=whorl.Refits(**settings), verbose=False)


def test_a_fit_that_cannot_be_done_says_on_how_many_rows():
    with pytest.raises(whorl.DataError, match=r"the fit to 12 rows before a decision cannot be done: .*`context`"):
        whorl.backtest(quick(context=11), prices(60, 0.0), price="price", refits=whorl.Refits(start=12), verbose=False)


def test_the_change_may_be_a_logarithm_and_digits_may_be_few():
    data = prices(80, 0.0)
    plan = whorl.Refits(start=40, every="once")
    data["log"], data["few"] = np.log1p(data["change"]), np.round(data["change"], 4)
    table = whorl.Table(kinds=dict.fromkeys(("price", "change", "log", "few"), "ignore"))
    for target in ("log", "few"):
        kinds = {name: kind for name, kind in table.kinds.items() if name != target}
        model = forecaster(target=target, table=whorl.Table(kinds=kinds), training=whorl.Training(epochs=1))
        assert len(whorl.backtest(model, data, price="price", refits=plan, verbose=False).decided) == 40
