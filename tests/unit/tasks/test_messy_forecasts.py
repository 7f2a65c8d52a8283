"""Forecasts of data as people have them: masked and untyped arrays, months, seasons without noise, wrong settings."""

import numpy as np
import polars as pl
import pytest

import whorl
from whorl.tasks.telling import score_lines

QUICK = whorl.Training(epochs=1, seed=0)


def forecaster(**settings):
    given = {"horizon": 3, "context": 12, "network": whorl.Recurrent(hidden_size=4), "training": QUICK, **settings}
    return whorl.Forecaster(**given)


def waves(count=120):
    steps = np.arange(count)[:, None]
    return np.sin(steps / [3.0, 5.0]) + 0.05 * np.random.default_rng(0).standard_normal((count, 2))


@pytest.mark.parametrize("shape", [(120, 2), (1, 120, 2)])
def test_what_is_masked_is_missing(shape):
    values, gone = waves(), np.random.default_rng(1).random((120, 2)) < 0.1
    lacking = np.where(gone, np.nan, values).reshape(shape)
    masked = np.ma.masked_array(np.where(gone, -9999.0, values), gone).reshape(shape)
    model = forecaster().fit(masked)
    np.testing.assert_array_equal(model.predict(masked).value, forecaster().fit(lacking).predict(lacking).value)


def test_an_array_of_objects_is_the_series_that_it_is_as_numbers():
    values = np.column_stack([waves(), np.arange(120) % 2 == 0]).astype(object)
    model = forecaster().fit(values)
    assert model.predict(values).value.shape == (1, 3, 3)
    np.testing.assert_array_equal(model.predict(values).value, model.predict(values.astype(float)).value)
    values[5, 1] = "seven"
    with pytest.raises(whorl.DataError, match="must hold real numbers"):
        model.predict(values)


def test_rows_of_months_without_an_answer_yet_have_an_empty_one():
    months = pl.date_range(pl.date(2010, 1, 1), pl.date(2019, 12, 1), interval="1mo", eager=True)
    frame = pl.DataFrame({"month": months, "y": waves()[:, 0]})
    stream = forecaster(target="y", time="month").fit(frame).stream()
    assert stream.push_rows(frame[:5]).value.shape == (0, 3, 1)
    assert stream.push_rows(frame[5:14]).value.shape == (3, 3, 1)


@pytest.mark.parametrize("count", [600, 800, 1000])
def test_a_season_that_comes_again_exactly_is_found_and_its_error_is_none(count):
    """What the seasonal naive forecast errs by is rounding then, which no other error is divided by."""
    sine = np.sin(2 * np.pi * np.arange(count) / 24)[:, None]
    model = forecaster(context=100, horizon=5).fit(sine)
    assert model.model_.card["data"]["period"] == 24
    assert 0 < model.evaluate(sine).metrics["mase"] < 10


def test_a_rival_without_an_error_is_told_as_it_is():
    scores = {"mae": 2.0}, {"seasonal_naive": {"mae": 1e-16}, "last_value": {"mae": 3.0}}
    assert "does not beat seasonal_naive here (mae 2.000 against 1.000e-16)" in score_lines(*scores)[-1]
    assert "(mae 20.0 % above it)" in score_lines({"mae": 1.2}, {"mean": {"mae": 1.0}})[-1]


def test_scores_of_any_size_stand_apart():
    lines = score_lines({"mae": 3.9327e12, "mase": 4.8864e12}, {"last_value": {"mae": 1e-9, "mase": 0.5}})
    assert len(lines[1].split()) == len(lines[2].split()) == len(lines[0].split()) + 1 == 3
    assert len({len(line) for line in lines[:3]}) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"table": None}, "`table` is a whorl.Table"),
        ({"table": "robust"}, "`table` is a whorl.Table"),
        ({"known": None}, "`known`: a column is named by text"),
        ({"static": 3}, "`static`: a column is named by text"),
    ],
)
def test_a_setting_of_another_type_is_named(settings, message):
    with pytest.raises(whorl.ArgumentError, match=message):
        forecaster(**settings).fit(waves())


def test_levels_may_be_an_array():
    assert forecaster(quantiles=np.array([0.1, 0.9])).fit(waves()).predict(waves()).quantiles.shape == (1, 3, 2, 2)


def test_rows_that_are_known_ahead_are_asked_for_by_their_times():
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 5, 23), interval="1h", eager=True)
    frame = pl.DataFrame({"time": hours, "y": waves()[:, 0], "offer": np.arange(120) % 5})
    model = forecaster(target="y", time="time", known="offer").fit(frame)
    late = [{"time": f"2024-02-0{day} 00:00", "offer": 1} for day in (1, 2, 3)]
    asked = "the table, 2024-01-06 00:00:00 to 2024-01-06 02:00:00, but 0 of these rows came"
    with pytest.raises(whorl.DataError, match=asked):
        model.predict(frame, known=late)


@pytest.mark.parametrize("named", [{"target": "y"}, {}])
def test_numbers_with_a_decimal_comma_are_no_names(named):
    frame = pl.DataFrame({"y": waves()[:, 0], "price": [f"{n % 7},5" for n in range(120)]})
    with pytest.raises(whorl.DataError, match=r"'price' is numeric.*A decimal comma is written as a point"):
        forecaster(**named).fit(frame)
    kinds = whorl.Table(kinds={"price": "category"})
    assert forecaster(target="y", table=kinds).fit(frame).model_.reader.schema.kinds["price"] == "category"


def test_days_whose_clocks_changed_are_told_as_such():
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 4, 29), interval="1d", eager=True)
    local = days.dt.replace_time_zone("Europe/Berlin")
    with pytest.raises(
        whorl.DataError, match=r"is irregular.*By one hour, as where clocks change: write days as dates"
    ):
        forecaster(target="y", time="day").fit(pl.DataFrame({"day": local, "y": waves()[:, 0]}))


@pytest.mark.parametrize("memory", ["window", "carried"])
def test_how_many_rows_are_needed_is_said_in_words(memory):
    model = forecaster(memory=memory)
    with pytest.raises(whorl.DataError, match="a context of 12 and a horizon of 3 rows, and a validation part"):
        model.fit(waves(17))
    with pytest.raises(whorl.DataError, match="`evaluate` needs a context of 12 and a horizon of 3 rows, but"):
        model.fit(waves()).evaluate(waves(14))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A forecaster of a CSV file where a column says True and False, and its rows as Python has them."""
    opened = [n % 3 > 0 for n in range(60)]
    frame = pl.DataFrame({"y": 5.0 * np.array(opened) + waves(60)[:, 0], "opened": opened})
    path = tmp_path_factory.mktemp("shop") / "shop.csv"
    frame.to_pandas().to_csv(path, index=False)
    model = forecaster(target="y").fit(path)
    assert model.model_.reader.schema.kinds["opened"] == "category"
    return model, path, frame


def test_true_in_a_frame_is_true_in_a_csv(shop):
    model, path, frame = shop
    wanted = model.predict(path).value
    assert not np.array_equal(wanted, model.predict(frame.with_columns(opened=pl.lit("?"))).value)
    for source in (frame, frame.to_pandas(), frame.to_dict(as_series=False), frame.to_dicts()):
        np.testing.assert_array_equal(model.predict(source).value, wanted)


def test_true_in_a_row_is_true_in_a_csv(shop):
    model, path, frame = shop
    singly, at_once, listed = model.stream(), model.stream(), model.stream()
    answer = [one for row in frame.to_dicts() for one in singly.push(row)][-1]
    np.testing.assert_allclose(answer.value, model.predict(path).value, rtol=1e-5)
    np.testing.assert_array_equal(at_once.push_rows(frame).value[-1:], answer.value)
    columns = model.model_.reader.schema.columns
    values = [[row[name] for name in columns] for row in frame.to_dicts()]
    np.testing.assert_array_equal(listed.push_rows(values).value[-1:], answer.value)
