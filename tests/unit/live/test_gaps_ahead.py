"""Gaps in many rows at once, for models that read known covariates of the steps ahead."""

import numpy as np
import pytest
from tests.unit.live.tiny import forecaster, rows

from whorl.errors import DataError
from whorl.plans.table import Table

COUNT, HORIZON = 22, 3
MISSING = (0, 6, 7, 11)  # row 0: a gap between what was pushed before and the first of these rows
DATA = rows(1 + COUNT + HORIZON)
BEFORE, HOURS = DATA[0], DATA[1:]
SOME = [row for n, row in enumerate(HOURS[:COUNT]) if n not in MISSING]


def known_of(row):
    return {"time": row["time"], "heat": row["heat"]}


def ahead_of(row):
    """What `push` is told of the steps after a row: nothing of those that never come."""
    first = 1 + next(n for n, other in enumerate(HOURS) if other["time"] == row["time"])
    absent = [n for n in MISSING if n >= first]
    return [{**known_of(HOURS[n]), **({"heat": None} if n in absent else {})} for n in range(first, first + HORIZON)]


def started(model, before=BEFORE):
    stream = model.stream()
    stream.push(before, [known_of(row) for row in HOURS[:HORIZON]])
    return stream


def same_answers(found, wanted):
    assert len(found) == len(wanted)
    np.testing.assert_array_equal(found.index.origin, np.concatenate([one.index.origin for one in wanted]))
    np.testing.assert_array_equal(found.value, np.concatenate([one.value for one in wanted]))


def test_a_gap_that_is_filled_has_no_known_covariates_either():
    model = forecaster(known=("heat",), table=Table(on_gap="fill"))
    stream, twin = started(model), started(model)
    answers = [answer for row in SOME for answer in twin.push(row, ahead_of(row))]
    found = stream.push_rows(SOME, known=[known_of(row) for row in HOURS[COUNT:]])
    same_answers(found, answers)
    assert bytes(stream.state) == bytes(twin.state)
    assert stream.num_rows == 1 + COUNT


def test_the_answers_over_gaps_are_those_of_predict():
    model = forecaster(known=("heat",), table=Table(on_gap="fill"))
    known = [known_of(row) for row in HOURS[COUNT:]]
    given = [BEFORE, *SOME]
    found = model.stream().push_rows(given, known=known)
    whole = model.predict(given, known=known, every_row=True)
    chosen = np.isin(whole.index.origin, found.index.origin)
    assert len(found) == len(given) - 2 == chosen.sum()  # of three rows to warm up, one fills a gap
    np.testing.assert_array_equal(found.value, whole.value[chosen])


def test_rows_beside_an_ignored_gap_are_the_steps_after_each_other():
    model = forecaster(known=("heat",), table=Table(on_gap="ignore"))
    stream, twin = started(model), started(model)
    answers = []
    for n, row in enumerate(SOME):
        after = [*SOME[n + 1 :], *HOURS[COUNT:]][:HORIZON]
        answers += twin.push(row, [{"heat": other["heat"]} for other in after])
    same_answers(stream.push_rows(SOME, known=[known_of(row) for row in HOURS[COUNT:]]), answers)
    assert bytes(stream.state) == bytes(twin.state)


@pytest.mark.parametrize(
    ("on_gap", "change", "message"),
    [
        ("error", lambda some: some, r"1 rows of 1 hour are missing between .*on_gap='fill'"),
        ("fill", lambda some: [*some[:3], {**some[3], "time": "2024-02-29 02:30:00"}, *some[4:]], "not a multiple of"),
        ("fill", lambda some: [some[1], some[0], *some[2:]], "must move on"),
        ("fill", lambda some: [*some[:-1], {**some[-1], "time": "9024-03-01 00:00:00"}], "fills at most 10000"),
    ],
)
def test_times_that_break_a_rule_are_named_and_nothing_moves(on_gap, change, message):
    stream = started(forecaster(known=("heat",), table=Table(on_gap=on_gap)))
    before = bytes(stream.state)
    with pytest.raises(DataError, match=message):
        stream.push_rows(change(SOME), known=[known_of(row) for row in HOURS[COUNT:]])
    assert bytes(stream.state) == before


@pytest.mark.parametrize("on_missing", ["mask", "error"])
def test_a_filled_gap_is_no_missing_value_of_the_user(on_missing):
    data = [{"time": row["time"], "load": float(n % 7), "heat": row["heat"]} for n, row in enumerate(DATA)]
    model = forecaster(known=("heat",), data=data, table=Table(on_gap="fill", on_missing=on_missing))
    given = [row for n, row in enumerate(data[:COUNT]) if n not in (6, 7)]
    found = model.stream().push_rows(given, known=[known_of(row) for row in data[COUNT : COUNT + HORIZON]])
    assert len(found) == len(given) - 3
    assert np.isfinite(found.value).all()
