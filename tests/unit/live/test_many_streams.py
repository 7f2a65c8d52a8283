"""One push into many streams: the bits of each alone, and all or none of them."""

import pytest
from tests.unit.live.tiny import MEMORIES, forecaster, rows
from tests.unit.live.watching import same

import whorl
from whorl.errors import ArgumentError, DataError
from whorl.plans.table import Table


@pytest.mark.parametrize("memory", MEMORIES)
def test_pushing_many_is_pushing_each_bit_for_bit(memory):
    model = forecaster(memory=memory, series="building", table=Table(on_gap="fill"))
    names = [f"s{n}" for n in range(7)]
    data = {name: rows(13, series=name, seed=n) for n, name in enumerate(names)}
    data["s3"] = [row for n, row in enumerate(data["s3"]) if n not in (5, 6)]  # this one fills a gap
    many = [model.stream(series=name) for name in names]
    alone = [model.stream(series=name) for name in names]
    places = [0] * 7
    for t in range(11):
        chosen = [n for n in range(7) if (n + t) % 3]  # another batch each time
        given = [data[names[n]][places[n]] for n in chosen]
        answers = model.push_many([many[n] for n in chosen], given)
        for n, row, said in zip(chosen, given, answers, strict=True):
            same(said, alone[n].push(row))
            places[n] += 1
    assert [bytes(stream.state) for stream in many] == [bytes(stream.state) for stream in alone]


def test_one_bad_row_of_many_leaves_all_streams_as_they_were():
    model = forecaster()
    streams = [model.stream() for _ in range(3)]
    for row in rows(5):
        model.push_many(streams, [row] * 3)
    before = [bytes(stream.state) for stream in streams]
    row = rows(6)[5]
    for bad in (0, 1, 2):
        given = [{**row, "load": "x"} if n == bad else row for n in range(3)]
        with pytest.raises(DataError):
            model.push_many(streams, given)
        assert [bytes(stream.state) for stream in streams] == before


def test_pushing_many_needs_a_row_for_each_of_different_streams_of_this_model():
    model, row = forecaster(), rows(1)[0]
    one, two, foreign = model.stream(), model.stream(), forecaster().stream()
    for streams, given in (([one, two], [row]), ([one], [row, row]), ([], [row])):
        for push in (model.push_many, whorl.push_many):
            with pytest.raises(ArgumentError, match=rf"`rows` must .*{len(streams)} streams, but holds {len(given)}"):
                push(streams, given)
    with pytest.raises(ArgumentError, match="`streams` must be different streams"):
        model.push_many([one, one], [row, row])
    with pytest.raises(ArgumentError, match="`known` must hold one for each of the 2 streams, but holds 1"):
        model.push_many([one, two], [row, row], [None])
    with pytest.raises(ArgumentError, match="of another one"):
        model.push_many([one, foreign], [row, row])
    assert model.push_many([], []) == []
    assert one.num_rows == two.num_rows == foreign.num_rows == 0


def test_pushing_many_takes_what_can_be_gone_through_once():
    model = forecaster()
    streams = [model.stream() for _ in range(2)]
    assert whorl.push_many(iter(streams), iter(rows(1) * 2), iter([None, None])) == [[], []]
    assert whorl.push_many(iter([]), iter([])) == []
    assert [stream.num_rows for stream in streams] == [1, 1]
