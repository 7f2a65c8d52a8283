"""What a row and the rows ahead may be; one that breaks a rule leaves no trace."""

import datetime as dt
import decimal

import numpy as np
import pytest
from tests.unit.live.tiny import MEMORIES, accumulator, forecaster, rows
from tests.unit.live.watching import same

from whorl.errors import ArgumentError, DataError
from whorl.plans.table import Table
from whorl.runtime.prediction import joined


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize(
    "row",
    [
        {"time": "2024-02-29 00:00:00"},
        {"time": "2024-02-28 21:00:00"},
        {"time": "1999-01-01 00:00:00"},
        {"time": "yesterday"},
        {"time": 17},
        {"time": None},
        {"time": float("nan")},
        {"load": float("inf")},
        {"load": -1e39},
        {"heat": 3e38},
        {"load": "much"},
        {"load": 1j},
        {"load": [1.0, 2.0]},
        {"load": b"1"},
        {"heat": 10**400},
        {"shop": ("open",)},
    ],
    ids=repr,
)
def test_a_row_that_breaks_a_rule_leaves_the_state_as_it_was(memory, row):
    model, data = forecaster(memory=memory), rows(9)
    stream, twin = model.stream(), model.stream()
    for good in data[:4]:
        stream.push(good)
        twin.push(good)
    before = bytes(stream.state)
    with pytest.raises(DataError, match=r"time|load|heat|shop"):
        stream.push({**data[4], **row})
    assert bytes(stream.state) == before
    assert stream.num_rows == 4
    for good in data[4:]:
        same(stream.push(good), twin.push(good))


@pytest.mark.parametrize("row", [None, 5, "abcd", b"abcd", 3.5, {1, 2, 3, 4}, [], (1, 2), np.zeros((4, 2)), object()])
def test_what_is_no_row_is_refused(row):
    stream = forecaster().stream()
    before = bytes(stream.state)
    with pytest.raises(DataError):
        stream.push(row)
    assert bytes(stream.state) == before


def test_a_missing_column_is_named_with_the_closest_one_and_others_are_ignored():
    model, data = forecaster(), rows(4)
    stream, twin = model.stream(), model.stream()
    typo = {("laod" if name == "load" else name): value for name, value in data[0].items()}
    with pytest.raises(DataError, match=r"column `load` is missing from the row.*Did you mean 'laod'"):
        stream.push(typo)
    for row in data:
        same(stream.push({**row, "colour": object()}), twin.push(row))


def test_a_row_may_be_the_values_in_the_order_of_the_roles():
    model, data = forecaster(), rows(6)
    stream, twin = model.stream(), model.stream()
    for row in data:
        same(stream.push(tuple(row[name] for name in ("time", "load", "heat", "shop"))), twin.push(row))
    with pytest.raises(DataError, match="must have 4 in the order time, load, heat, shop, but has 3"):
        stream.push((1, 2, 3))


def test_missing_values_are_held_as_predict_holds_them():
    model, data = forecaster(), rows(8)
    for n, absent in ((2, None), (3, float("nan")), (5, ""), (6, "NA"), (7, np.float32("nan"))):
        data[n]["load"] = absent
        data[n]["heat"] = absent
    stream = model.stream()
    pushed = [stream.push(row) for row in data]
    plain = [{**row, "load": None, "heat": None} if n in (2, 3, 5, 6, 7) else row for n, row in enumerate(data)]
    same(pushed[-1], [model.predict(plain)])


def test_missing_values_are_refused_where_the_table_says_so():
    data = [row for row in rows(30) if row["load"] is not None]
    for n, row in enumerate(data):
        row["time"] = n
    model = forecaster(table=Table(on_missing="error"), data=data)
    stream = model.stream()
    with pytest.raises(DataError, match="may have no missing values"):
        stream.push({**data[0], "load": float("nan")})


@pytest.mark.parametrize(
    "row", [None, "12", ["1", "x"], [1.0], [1.0, 2.0, 3.0], [1.0, float("inf")], [1e39, 0.0], {"a": 1}, [1j, 0], [[]]]
)
def test_what_is_no_row_of_an_array_is_refused(row):
    stream = accumulator().stream()
    stream.push([1.0, 2.0])
    before = bytes(stream.state)
    with pytest.raises(DataError):
        stream.push(row)
    assert bytes(stream.state) == before


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (None, "must hold 3 rows with heat .* but 0 came"),
        ([], "but 0 came"),
        ([{"heat": 1.0}] * 2, "but 2 came"),
        (7, "but int came"),
        ("abc", "but str came"),
        ([1.0, 2.0, 3.0], "must hold heat in each row ahead"),
        ([{"heat": 1.0}] * 4, "but 4 came"),
        ([{"hat": 1.0}] * 3, "must hold heat in each row ahead"),
        ([{"heat": "hot"}] * 3, "'heat' is numeric"),
        ([{"heat": 1.0, "time": "2024-02-28 21:00:00"}] * 3, "must hold the row of"),
    ],
)
def test_rows_ahead_that_are_missing_or_wrong_are_refused(known, message):
    model, data = forecaster(known=("heat",)), rows(2)
    stream = model.stream()
    before = bytes(stream.state)
    with pytest.raises(DataError, match=message):
        stream.push(data[0], known=known)
    assert bytes(stream.state) == before


def test_predict_refuses_a_last_row_whose_rows_ahead_are_unknown():
    model, data = forecaster(known=("heat",)), rows(14)
    with pytest.raises(DataError, match=r"must be given for the 3 rows after the last row .* but 0 of these rows came"):
        model.predict(data)
    with pytest.raises(DataError, match="but 2 of these rows came"):
        model.predict(data, known=[{"time": row["time"], "heat": 3.0} for row in rows(16)[14:]])
    # The rows before it have theirs in the data.
    assert len(model.predict(data, every_row=True)) == 14 - 3 - 3
    assert len(model.predict(data, known=[{"time": row["time"], "heat": 3.0} for row in rows(17)[14:]])) == 1


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("calendar", [False, True])
def test_known_rows_of_a_table_without_known_covariates_are_refused_in_every_way(count, calendar):
    model, data = forecaster(calendar=calendar), rows(9)
    stream, ahead = model.stream(), [{"heat": 1.0}] * count
    stream.push_rows(data[:5])
    before = bytes(stream.state)
    for use in (
        lambda: stream.push(data[5], known=ahead),
        lambda: stream.push({**data[5], "shop": "never heard of"}, known=ahead),
        lambda: stream.push_rows(data[5:], known=ahead),
        lambda: model.push_many([stream], [data[5]], [ahead]),
        lambda: model.predict(data, known=ahead),
    ):
        with pytest.raises(ArgumentError, match="`known` was given, but this model has no known covariates"):
            use()
        assert bytes(stream.state) == before


def test_known_rows_beside_numbers_alone_are_refused():
    data = [{name: row[name] for name in ("time", "load", "heat")} for row in rows(30)]
    stream = forecaster(data=data).stream()  # reads its rows the short way
    stream.push(data[0])
    with pytest.raises(ArgumentError, match="no known covariates"):
        stream.push(data[1], known=[])
    assert stream.num_rows == 1


def test_known_rows_beside_an_array_are_refused():
    model = accumulator()
    stream = model.stream()
    for row in ([1.0, 2.0], np.ones(2)):
        with pytest.raises(ArgumentError, match="are of tables"):
            stream.push(row, known=[{"heat": 1.0}])
    assert stream.num_rows == 0


@pytest.mark.parametrize("count", [2, 4])
def test_as_many_rows_ahead_are_asked_for_beside_many_rows_as_beside_one(count):
    model, data = forecaster(known=("heat",)), rows(20)
    stream, ahead = model.stream(), [{"heat": 1.0}] * count
    before = bytes(stream.state)
    with pytest.raises(DataError, match=rf"`known` must hold 3 rows .* but {count} came"):
        stream.push_rows(data, known=ahead)
    assert bytes(stream.state) == before


@pytest.mark.parametrize("calendar", [False, True])
def test_records_that_lack_a_column_are_refused_whether_one_comes_or_many(calendar):
    model, data = forecaster(calendar=calendar), rows(9)
    stream = model.stream()
    stream.push_rows(data[:2])
    before = bytes(stream.state)
    data[6] = {("laod" if name == "load" else name): value for name, value in data[6].items()}
    with pytest.raises(DataError, match=r"row 4: column `load` is missing from the row.*Did you mean 'laod'"):
        stream.push_rows(data[2:])
    assert bytes(stream.state) == before
    with pytest.raises(DataError, match="column `load` is missing from the row"):
        stream.push(data[6])


WORDS = [7.0, 7, "x", True, np.float32(7.0), np.bool_(True), decimal.Decimal(7), 0.5, None, "7", "x"]


def test_numbers_among_words_are_spelled_as_numbers_alone():
    def worded(count):
        return [{**row, "shop": WORDS[n % len(WORDS)]} for n, row in enumerate(rows(count))]

    model, data = forecaster(data=worded(60)), worded(2 * len(WORDS))
    stream, twin = model.stream(), model.stream()
    answers = joined([answer for row in data for answer in stream.push(row)])
    same([twin.push_rows(data)], [answers])
    assert bytes(stream.state) == bytes(twin.state)
    same([model.predict(data, every_row=True)], [answers])


def test_a_number_among_words_that_no_float_holds_is_refused():
    data = rows(9)
    data[3]["shop"] = 10**400
    for use in (
        forecaster().stream().push_rows,
        forecaster().predict,
        lambda found: forecaster().stream().push(found[3]),
    ):
        with pytest.raises(DataError, match="beyond the range of floats"):
            use(data)


@pytest.mark.parametrize("value", [dt.date(2024, 1, 5), dt.datetime(2024, 1, 5, 9), np.datetime64("2024-01-05T09")])
def test_a_timestamp_among_the_text_of_a_category_is_that_of_a_pushed_row(value):
    data = [{**row, "shop": value if n % 3 else "open"} for n, row in enumerate(rows(60))]
    model = forecaster(data=data)
    stream = model.stream()
    for row in data[:8]:
        found = stream.push(row)
    same(found, [model.predict(data[:8])])
    other = [{**row, "shop": "closed" if row["shop"] == value else "open"} for row in data[:8]]
    assert not np.array_equal(model.predict(other).value, found[0].value)
