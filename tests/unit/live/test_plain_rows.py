"""The short way for rows of plain numbers: what it reads, and that it reads it as the general way does."""

import datetime as dt
import decimal

import numpy as np
import pytest
from tests.unit.live.tiny import START, accumulator, forecaster, rows

from whorl.data.plain_row import PlainRow
from whorl.errors import DataError
from whorl.plans.table import Table

NAMES = ("time", "load", "heat")


def data(count):
    return [{name: row[name] for name in NAMES} for row in rows(count)]


def outcome(reader, row):
    """What a reader makes of a row, and where it stands then."""
    try:
        made = [
            (name, value.dtype, value.shape, value.tobytes())
            for part in reader.push(row)
            for name, value in part.items()
        ]
    except DataError as error:
        made = str(error)
    return made, reader.read()


def both(model, monkeypatch, pushed, key=None):
    """Pushes rows the usual way and the general way alone; how many took the short way. A function makes its row of the
    reader."""
    usual, general, taken = model.reader.open(key), model.reader.open(key), 0
    read = PlainRow.read
    for given in pushed:
        row = given(usual) if callable(given) else given
        with monkeypatch.context() as patch:
            patch.setattr(PlainRow, "read", lambda *_: None)
            wanted = outcome(general, row)
        counted = []
        with monkeypatch.context() as patch:
            patch.setattr(PlainRow, "read", lambda *parts, seen=counted: seen.append(read(*parts)) or seen[-1])
            assert outcome(usual, row) == wanted, row
        taken += bool(counted) and counted[-1] is not None
    return taken


CELLS = [
    1.5, -0.0, 3, True, None, float("nan"), float("inf"), 3.4e38, 3.5e38, 1e-320, 10**30, 10**400, np.float64(2.5),
    np.float32(0.1), np.float16(0.1), np.int64(7), np.int8(7), np.nan, "1.5", " 1.5", "1_5", "", "NA", "nan", "inf",
    "x", "1e3", "-.5", decimal.Decimal("0.1"), b"1", [1.0], 1j, np.array(2.0), np.array([2.0]),
]  # fmt: skip


@pytest.mark.parametrize("on_missing", ["mask", "error"])
@pytest.mark.parametrize("flagged", [True, False])
@pytest.mark.parametrize(("scaling", "clip"), [("standard", None), ("standard", 0.3), ("none", None)])
def test_cells_of_all_kinds(monkeypatch, on_missing, flagged, scaling, clip):
    training = [row for row in data(40) if (flagged and on_missing == "mask") or row["load"] is not None]
    for n, row in enumerate(training):
        row["time"] = str(START + np.timedelta64(n, "h"))
    model = forecaster(data=training, table=Table(on_missing=on_missing, scaling=scaling, clip=clip, on_gap="ignore"))
    draw, pushed, time = np.random.default_rng(1), [], START
    for _ in range(400):
        plain = draw.random() < 0.3
        load, heat = (float(draw.normal()) if plain else CELLS[draw.integers(len(CELLS))] for _ in range(2))
        pushed.append((time, load, heat))
        pushed.append({"heat": heat, "time": time + np.timedelta64(1, "h"), "load": load, "more": object()})
        time = time + np.timedelta64(2, "h")
    assert 30 < both(model, monkeypatch, pushed) < len(pushed) - 30


TIMES = [
    "2024-02-28 22:00:00", "2024-02-28T22:00", "2024-02-28T22:00:00Z", "2024-02-28 22:00:00.000",
    " 2024-02-28 22:00", "2024-02-29", "2024-02-30", "2024-02-28 24:00", "2024-W09-3", "20240228T220000",
    "2024-02-28 22:00+00:00", "28.02.2024", "02/03/2024", "2024-02", "0000-01-01", "9999-12-31 23:59:59", "", "NA",
    None, 3, 3.0, 3.5, float("nan"), 2**53, 2**53 + 1, 10**30, True, np.int64(4), np.float64(5.0),
    dt.datetime(2024, 2, 28, 22), dt.datetime(2024, 2, 28, 22, tzinfo=dt.UTC), dt.date(2024, 2, 29),
    np.datetime64("2024-02-28T22"), np.datetime64("NaT"), np.datetime64("2024-02-28T22:00:00", "ns"),
    np.datetime64("2024-02-29"), np.datetime64(2**60, "s"), np.timedelta64(5, "D"), object(), "2024-02-28 22:00:61",
    "\uff17",
]  # fmt: skip


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("on_gap", ["error", "ignore", "fill"])
def test_times_of_all_kinds(monkeypatch, dated, on_gap):
    training = data(40)
    if not dated:
        for n, row in enumerate(training):
            row["time"] = n
    model = forecaster(data=training, table=Table(on_gap=on_gap, missing=("NA", "2024-02-29")))
    first = START if dated else 2
    taken = 0
    for time in TIMES:
        taken += both(model, monkeypatch, [(first, 1.0, 2.0), (time, 1.5, 2.5), (time, 1.0, 2.0)])
        taken += both(model, monkeypatch, [{"time": time, "load": 1.0, "heat": 1.0}])
    assert taken > len(TIMES) + 5


def test_gaps_and_times_that_go_back(monkeypatch):
    draw = np.random.default_rng(2)

    def later(reader):
        minutes = [0, 30, 60, 60, 60, 60, 120, -60, 180][draw.integers(9)]
        time = reader.time + np.timedelta64(minutes, "m")
        return str(time)[:19], float(draw.normal()), None if draw.random() < 0.2 else 1.0

    for on_gap in ("error", "ignore", "fill"):
        model = forecaster(data=data(40), table=Table(on_gap=on_gap))
        assert 100 < both(model, monkeypatch, [(START, 1.0, 2.0), *[later] * 300]) < 270


def test_rows_of_all_kinds(monkeypatch):
    training = data(40)
    for n, row in enumerate(training):
        row["time"] = n
    model = forecaster(data=training)
    some = [
        (0, 1.0, 2.0), [1, 1.0, 2.0], np.array([2.0, 1.0, 2.0]), np.array([3, 1, 2]),
        np.array([4.0, 1.0, 2.0], np.float32), np.array([[5.0, 1.0, 2.0]]), np.array([5.0, 1.0]), (5, 1.0),
        (5, 1.0, 2.0, 3.0), {}, {"time": 5}, None, "abc", np.array([5, 1.0, 2.0], object), np.array(["6", "1", "2"]),
        {"time": 7, "load": 1.0, "heat": 2.0}, (8.0, "1", "NA"), np.array([9, 1, 2], np.uint8),
        np.array([True, True, False]), range(3), np.ma.array([10.0, 1.0, 2.0]), ("11", "1", "2"),
        np.ma.array([12.0, 1.0, 2.0], mask=[0, 1, 0]),
    ]  # fmt: skip
    assert both(model, monkeypatch, some) == 8


def test_a_row_names_its_series(monkeypatch):
    training = data(40)
    for row in training:
        row["building"] = "north"
    for key in ("north", " north", "NA", "7", None):
        model = forecaster(
            data=[{name: row[name] for name in (*NAMES, "building")} for row in training], series="building"
        )
        pushed = []
        for n, name in enumerate(("north", " north", "south", "", "NA", None, 7, 7.0, "7", float("nan"))):
            pushed.append({"time": START + np.timedelta64(n, "h"), "load": 1.0, "heat": 2.0, "building": name})
            pushed.append({**pushed[-1], "time": START})
        both(model, monkeypatch, pushed, key)


def test_rows_without_a_time_are_counted(monkeypatch):
    values = [{"load": row["load"], "heat": row["heat"]} for row in data(40)]
    model = forecaster(data=values, time=None)
    assert both(model, monkeypatch, [tuple(row.values()) for row in values] + values) == 80


def test_other_columns_and_months_take_the_general_way(monkeypatch):
    assert both(forecaster(), monkeypatch, []) == 0
    assert forecaster().reader.open(None)._plain is None
    assert forecaster(known=("heat",), data=data(40)).reader.open(None)._plain is None
    monthly = [{**row, "time": f"{2020 + n // 12}-{n % 12 + 1:02}-01"} for n, row in enumerate(data(40))]
    for on_gap in ("error", "ignore", "fill"):
        model = forecaster(data=monthly, table=Table(on_gap=on_gap))
        both(model, monkeypatch, [row for n, row in enumerate(monthly) if n not in (5, 6)])


@pytest.mark.parametrize(("scaling", "clip"), [("standard", None), ("standard", 0.3), ("none", None)])
def test_steps_of_an_array(monkeypatch, scaling, clip):
    from whorl.codecs.array import ArrayCodec
    from whorl.codecs.rows import RowScaler
    from whorl.data.array_reader import ArrayReader

    training = np.random.default_rng(0).normal(5.0, 3.0, (50, 2))
    training[7, 0] = np.nan
    codec = ArrayCodec(scaling=scaling, clip=clip).fit([training])
    reader = ArrayReader(past=codec, outputs=accumulator().reader.outputs, num_targets=1)
    draw = np.random.default_rng(3)
    usual, general = reader.open(None), reader.open(None)
    encode, taken = RowScaler.encode, []
    for _ in range(400):
        row = [float(draw.normal()) if draw.random() < 0.5 else CELLS[draw.integers(len(CELLS))] for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setattr(RowScaler, "encode", lambda *_, **__: None)
            wanted = outcome(general, row)
        with monkeypatch.context() as patch:
            patch.setattr(RowScaler, "encode", lambda *a, **k: taken.append(encode(*a, **k)) or taken[-1])
            found = outcome(usual, tuple(row))
        assert found[1] == wanted[1]
        # An error names the row, here a tuple and there a list.
        assert found[0] == wanted[0] or (isinstance(found[0], str) and isinstance(wanted[0], str))
    assert 30 < sum(one is not None for one in taken) < 370
