"""What a Recommender refuses: settings, logs, events, and model files that no fit writes."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec.structs import replace as replaced
from tests.unit.tasks.sessions import QUICK, ROUND, recommender, turns

import whorl
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.plans.wiring import Sequences, Strips
from whorl.runtime.consistency import check_parts
from whorl.runtime.item_readout import ItemReadout


def test_an_event_before_the_last_one_is_refused_and_changes_nothing(round_trip):
    stream = round_trip.stream()
    stream.push({"item": "a", "time": 10})
    before = bytes(stream.state)
    with pytest.raises(DataError, match="`time` of an event is not before"):
        stream.push({"item": "b", "time": 9})
    assert bytes(stream.state) == before
    assert stream.push({"item": "b", "time": 10})[0].value[0, 0] == "c"


@pytest.mark.parametrize(
    "row", [None, {}, {"item": None}, {"item": " "}, [], ["a"], float("nan"), b"a", {"item": True}, 10**400, 2**63]
)
def test_a_row_without_an_item_is_refused(round_trip, row):
    with pytest.raises(DataError, match="a row of this model is an event"):
        round_trip.stream().push(row)


@pytest.mark.parametrize("gap", [None, 50.0])
@pytest.mark.parametrize("rows", [np.array("a"), np.array(5), "abc", 5, {"item": "a"}, iter(["a"])])
def test_rows_that_are_no_list_are_refused(round_trip, rows, gap):
    model = round_trip if gap is None else recommender(gap=gap, training=replace(QUICK, epochs=1))
    stream = model.stream() if gap is None else model.fit(turns(9), verbose=False).stream()
    with pytest.raises(DataError, match="rows of this model are a list of events"):
        stream.push_rows(rows)


def test_a_table_without_the_times_that_order_its_rows_is_refused(round_trip):
    rows = [{"user": "new", "item": item, "Time": n} for n, item in enumerate("abc")]
    with pytest.raises(DataError, match=r"in order by the column 'time', but it is not there.*'Time'"):
        round_trip.predict(rows)


def test_covariates_ahead_are_refused(round_trip):
    stream = round_trip.stream()
    for given in (
        lambda: round_trip.predict([["a"]], known=[1]),
        lambda: stream.push("a", known=[1]),
        lambda: stream.push_rows(["a"], known=[1]),
    ):
        with pytest.raises(ArgumentError, match="what this model reads has no covariates ahead"):
            given()


def test_large_numbers_are_told_apart_in_lists_and_refused_in_tables(tmp_path):
    large = [2**60 + n for n in range(6)]
    alone = replace(QUICK, epochs=1)
    model = recommender(time=None, training=alone).fit([large] * 9, verbose=False)
    assert model.model_.reader.classes.tolist() == large
    assert set(model.predict([large[:3]]).value[0]) == set(large[3:])
    rows = [{**row, "item": large[ROUND.index(row["item"])]} for row in turns(9)]
    for use in (lambda: recommender().fit(rows, verbose=False), lambda: model.predict(rows)):
        with pytest.raises(
            DataError, match=r"column 'item' has items that are numbers of 2\*\*53 or more, as in row 0"
        ):
            use()
    file = tmp_path / "log.csv"
    file.write_text("user,item,time\n" + "".join(f"{row['user']},{row['item']},{row['time']}\n" for row in rows))
    as_text = whorl.Table(kinds={"item": "category"})
    for data, table in (([{**row, "item": str(row["item"])} for row in rows], whorl.Table()), (file, as_text)):
        text = recommender(table=table, training=alone).fit(data, verbose=False)
        assert text.model_.reader.classes.tolist() == list(map(str, large))
        assert [one.past.item() for one in text.model_.reader.read([[n] for n in large])] == [1, 2, 3, 4, 5, 6]


def test_parts_that_do_not_fit_each_other_are_refused(round_trip):
    model = round_trip.model_
    with pytest.raises(ModelFileError, match="its readout lists 4 items"):
        check_parts(model.wiring, model.reader, ItemReadout(4, 1000), model.engine.program, model.baselines, None)
    sound = ItemReadout(4, 1000).arrays()
    with pytest.raises(ModelFileError, match="which no fit gives"):
        ItemReadout.restore({**sound, "listed": np.array([0, 1000, 0])})
    with pytest.raises(ModelFileError, match="which no fit gives"):
        ItemReadout.restore({**sound, "temperatures": np.array([1.0, np.nan])})
    for damaged in ({}, {"listed": sound["listed"]}, {**sound, "temperatures": np.ones(1)}):
        with pytest.raises(ModelFileError, match="needs `listed` and `temperatures`"):
            ItemReadout.restore(damaged)


def test_a_wiring_of_another_shape_is_refused(round_trip):
    model = round_trip.model_
    for pairing in (Sequences(every_step=True), Sequences(), Strips(warm_up=1, horizon=1)):
        with pytest.raises(ModelFileError, match="do not fit each other"):
            check_parts(
                replaced(model.wiring, pairing=pairing), model.reader, model.readout, model.engine.program, {}, None
            )
    texts = replaced(model.wiring, shape=replaced(model.wiring.shape, items=None))
    with pytest.raises(ModelFileError, match="its pairing is of another shape"):
        check_parts(texts, model.reader, model.readout, model.engine.program, {}, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": {"user": "user"}},
        {"dated": None, "pace": {"mean": 0.0, "deviation": 1.0}},
        {"pace": {"mean": float("nan"), "deviation": 1.0}},
        {"pace": {"mean": 0.0, "deviation": 0.0}},
        {"more": 1},
    ],
)
def test_a_reader_that_no_fit_writes_is_refused(round_trip, wrong):
    reader = round_trip.model_.reader
    assert type(reader).restore(reader.config(), reader.arrays()).config() == reader.config()
    with pytest.raises(ModelFileError):
        type(reader).restore({**reader.config(), **wrong}, reader.arrays())


def test_a_state_of_another_reader_is_refused(round_trip):
    rows = round_trip.model_.reader.open("u")
    rows.push({"item": "a", "time": -3})
    again = round_trip.model_.reader.open("u")
    again.write(rows.read())
    assert again.time == -3
    with pytest.raises(ModelFileError, match="`state` of the reader is damaged"):
        again.write(rows.read()[:-1])
    with pytest.raises(ModelFileError, match="`state` of the reader is damaged"):
        again.write(b"\xff" * 16)
    with pytest.raises(DataError, match="whole numbers"):
        again.push({"item": "a", "time": 10**30})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"k": 0}, "`k` is a whole number >= 1"),
        ({"k": 1001}, "`k` is at most 1000"),
        ({"gap": 5.0, "time": None}, "`gap` is 5.0, but `time` is None"),
        ({"times": "read", "time": None}, "`times` is 'read', but `time` is None"),
        ({"gap": -1.0}, "`gap` is a positive number"),
        ({"seen": "excluded"}, "Did you mean 'exclude'?"),
        ({"item": "user"}, "are different columns"),
        ({"dropout": 1.0}, "`dropout` is a probability"),
        ({"negatives": 0}, "`negatives` is a whole number >= 1"),
        ({"network": whorl.Recurrent("gru", bidirectional=True)}, "reads both ways"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, said):
    with pytest.raises(ArgumentError, match=said.replace("?", r"\?")):
        recommender(**settings)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "is empty"),
        ([{"user": "u", "thing": "a", "time": 1}], "item"),
        ([{"user": "u", "item": None, "time": 1}], "names the item of every event"),
        ([{"user": None, "item": "a", "time": 1}], "names the series of every row"),
        ([{"user": "u", "item": "a", "time": None}, {"user": "u", "item": "b", "time": 2}], "needs a timestamp"),
        ([{"user": "u", "item": "a", "time": 1}, {"user": "u", "item": "b", "time": 2}], "no session has 3 events"),
        ([{"user": "u", "item": "a", "time": n} for n in range(5)], "one item only"),
    ],
)
def test_logs_that_teach_nothing_are_refused(data, said):
    with pytest.raises(DataError, match=said):
        recommender().fit(data, verbose=False)


@pytest.mark.parametrize(
    "sessions",
    [[[]], [["a"], []], [["a", None]], [["a", float("nan")]], [["a", ["b"]]], [["a", " "]], [["a", 10**400]]],
)
def test_sessions_without_items_are_refused(round_trip, sessions):
    with pytest.raises(DataError, match="a session is a list of at least one item"):
        round_trip.predict(sessions)


def test_text_and_numbers_are_not_mixed():
    with pytest.raises(DataError, match="all text or all numbers"):
        recommender(time=None).fit([["a", 1, 2, 3]] * 9, verbose=False)


def test_a_model_that_reads_times_refuses_what_has_none():
    model = recommender(times="read").fit(turns(30), verbose=False)
    with pytest.raises(DataError, match="that column is missing"):
        model.predict([["a", "b"]])
    with pytest.raises(DataError, match="has other times"):
        model.predict([{"user": "u", "item": "a", "time": "2026-01-01 10:00"}])
    with pytest.raises(DataError, match="does not say so"):
        model.stream().push("a")
    with pytest.raises(ArgumentError, match="has no time"):
        recommender(times="read").fit([["a", "b", "c"]] * 9, verbose=False)
