"""The regressor: a number for a sequence or each of its rows, and how many rows are left until failure."""

import numpy as np
import pytest

import whorl
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.runtime.metrics import phm08
from whorl.tasks.preparation import prepare

QUICK = whorl.Training(epochs=2, batch_size=8, seed=0, device="cpu", validation=0.25)
SMALL = whorl.Recurrent("gru", hidden_size=5)
LENGTHS = (7, 3, 11, 1, 8, 5, 9, 4)


def regressor(**options):
    return whorl.Regressor(**{"network": SMALL, "training": QUICK, **options})


def engines(seed=0, lengths=LENGTHS):
    """Engines whose heat rises until they fail."""
    rng = np.random.default_rng(seed)
    return [np.stack([np.arange(n) / 5 + rng.normal(0, 0.1, n), rng.normal(0, 1, n)], axis=1) for n in lengths]


def rows_of(pieces, **more):
    return [
        {"engine": f"e{n}", "cycle": t + 1, "heat": float(heat), "hum": float(hum), **more}
        for n, one in enumerate(pieces)
        for t, (heat, hum) in enumerate(one)
    ]


def on_a_table(**options):
    return regressor(**{"remaining": True, "series": "engine", "time": "cycle", **options})


@pytest.fixture(scope="module")
def of_arrays():
    return regressor(remaining=True, cap=6).fit(engines(), verbose=False)


@pytest.fixture(scope="module")
def of_table():
    return on_a_table(cap=6).fit(rows_of(engines()), verbose=False)


def truths(estimator, data):
    prepared = prepare(estimator, data)
    return [prepared.reader.decode(one.targets)[:, 0].round(3).tolist() for one in prepared.sequences]


def test_the_truth_of_a_row_is_the_rows_that_are_left():
    found = truths(regressor(remaining=True), engines())
    assert found[0] == [6, 5, 4, 3, 2, 1, 0]
    assert found[3] == [0]
    assert truths(on_a_table(), rows_of(engines())) == found


def test_truths_above_the_cap_count_as_the_cap():
    assert truths(regressor(remaining=True, cap=2.5), engines())[0] == [2.5, 2.5, 2.5, 2.5, 2, 1, 0]


def test_a_column_says_what_is_left_after_the_last_row_whatever_stands_in_the_others():
    data = rows_of(engines())
    for n, row in enumerate(data):
        row["left"] = 900 + n
    data[6]["left"] = 10
    assert truths(on_a_table(target="left"), data)[0] == [16, 15, 14, 13, 12, 11, 10]
    left = np.arange(8.0)
    assert truths(regressor(remaining=True), (engines(), left))[1] == [3, 2, 1]


def test_a_sequence_without_its_remaining_life_teaches_nothing():
    left = np.arange(8.0)
    left[0] = np.nan
    assert all(np.isnan(truths(regressor(remaining=True), (engines(), left))[0]))
    model = regressor(remaining=True).fit((engines(), left), verbose=False)
    assert model.evaluate((engines(), left)).num_answers == 7


def test_predict_answers_the_last_row_and_a_stream_each(of_table, of_arrays):
    assert of_arrays.predict(engines()).value.shape == (8, 1)
    assert of_arrays.predict(engines(), every_row=True).value.shape == (sum(LENGTHS), 1)
    whole = of_table.predict(rows_of(engines()))
    assert whole.index.origin.tolist() == list(LENGTHS)
    stream = of_table.stream("e2")
    answers = [stream.push(row)[0].value for row in rows_of(engines()) if row["engine"] == "e2"]
    assert len(answers) == 11
    assert np.array_equal(answers[-1][0], whole.value[2])


def test_with_every_step_each_row_is_answered(of_table):
    model = on_a_table(every_step=True).fit(rows_of(engines()), verbose=False)
    assert model.predict(rows_of(engines())).value.shape == (sum(LENGTHS), 1)


def test_every_row_is_scored_where_sequences_end_in_failure_and_the_last_one_where_they_end_before(of_table, of_arrays):
    assert of_table.evaluate(rows_of(engines())).num_answers == sum(LENGTHS)
    found = of_table.evaluate(rows_of(engines(), remaining=40))
    assert found.num_answers == 8
    assert found.target[:, 0].round(4).tolist() == [6.0] * 8  # the cap
    assert of_arrays.evaluate(engines()).num_answers == sum(LENGTHS)
    found = of_arrays.evaluate((engines(), np.arange(8)))
    np.testing.assert_allclose(found.target[:, 0], np.minimum(np.arange(8), 6), atol=1e-5)


def test_answers_and_their_bounds_stay_between_zero_and_the_cap():
    model = regressor(remaining=True, cap=6, quantiles=(0.1, 0.9)).fit(engines(), verbose=False)
    far = [one * 100 for one in engines()] + [one * -100 for one in engines()]
    answer = model.predict(far, every_row=True)
    for values in (answer.value, answer.quantiles):
        assert values.min() >= 0
        assert values.max() <= 6
    low, high = answer.interval
    assert (low <= answer.value).all()
    assert (answer.value <= high).all()
    assert {"coverage", "width", "pinball"} <= set(model.evaluate(engines()).metrics)


@pytest.mark.parametrize("cap", [2, 4, 6, 8])
def test_an_interval_that_ends_at_the_cap_holds_a_truth_that_is_the_cap(cap):
    """Truths are kept as 32-bit numbers on the scale of training, from where they come back a little off."""
    model = regressor(remaining=True, cap=cap, quantiles=(0.1, 0.9)).fit(engines(), verbose=False)
    target = model.evaluate(engines(seed=1, lengths=(20, 12, 7))).target
    assert target.min() >= 0
    assert cap - 1e-5 < target.max() <= cap


def test_the_rival_called_age_takes_every_life_to_be_of_median_length():
    model = regressor(remaining=True, training=whorl.Training(epochs=1, validation=1, seed=3)).fit(
        engines(), verbose=False
    )
    held = {len(one) for one in model.held_out_.sequences} - {
        len(one) for one, steps in zip(model.held_out_.sequences, model.held_out_.steps, strict=True) if not len(steps)
    }
    life = float(np.median([n for n in LENGTHS if n not in held]))
    lone = engines(1, (12,))
    error = np.maximum(life - np.arange(1, 13), 0) - np.arange(11, -1, -1)
    found = model.evaluate(lone).baseline["age"]
    assert found["mae"] == pytest.approx(np.abs(error).mean(), abs=1e-4)
    assert found["phm08"] == pytest.approx(phm08(error.astype(float)).sum(), rel=1e-4)


def test_an_answer_that_is_too_long_costs_more_than_one_that_is_too_short():
    np.testing.assert_allclose(phm08(np.array([-13.0, 0.0, 10.0])), [np.e - 1, 0.0, np.e - 1])
    assert np.isfinite(phm08(np.array([1e9]))).all()


def test_a_saved_model_counts_like_before(of_table, tmp_path):
    of_table.save(tmp_path / "m.whorl")
    light = whorl.runtime.load(tmp_path / "m.whorl")
    assert light.reader.countdown == of_table.model_.reader.countdown
    assert light.evaluate(rows_of(engines())).metrics == of_table.evaluate(rows_of(engines())).metrics


def test_a_cap_that_is_no_number_of_rows_is_damage(of_table):
    reader = of_table.model_.reader
    config = reader.config()
    for cap in (0.0, -3.0, float("nan")):
        with pytest.raises(ModelFileError, match="damaged"):
            type(reader).restore({**config, "countdown": {"cap": cap}}, reader.arrays())


@pytest.mark.parametrize("left", [-1.0, np.inf])
def test_a_remaining_life_below_zero_is_refused(of_table, left):
    with pytest.raises(DataError, match=r"remaining.*series 'e0'"):
        of_table.evaluate(rows_of(engines(), remaining=left if left < 0 else -2))
    with pytest.raises(DataError):
        regressor(remaining=True).fit((engines(), np.full(8, left)), verbose=False)


@pytest.mark.parametrize("y", [np.zeros((8, 2)), np.array(list("abcdefgh")), [np.zeros(n) for n in LENGTHS]])
def test_remaining_lives_of_another_shape_are_refused(y):
    with pytest.raises(DataError, match=r"one number for each sequence"):
        regressor(remaining=True).fit((engines(), y), verbose=False)


def test_settings_that_do_nothing_are_refused():
    with pytest.raises(ArgumentError, match="remaining=True"):
        regressor(cap=5)
    with pytest.raises(ArgumentError, match="above zero"):
        regressor(remaining=True, cap=0)
    with pytest.raises(ArgumentError, match="one column"):
        regressor(remaining=True, target=("a", "b"))
    with pytest.raises(ArgumentError, match="ascending"):
        regressor(quantiles=(0.9, 0.1))


def test_each_row_of_a_table_may_have_a_target_that_is_not_read():
    data = rows_of(engines())
    for n, row in enumerate(data):
        row["wear"] = float(n)
    model = regressor(target="wear", series="engine", time="cycle", every_step=True).fit(data, verbose=False)
    assert "wear" not in model.model_.reader.past.numeric
    found = model.evaluate(data)
    np.testing.assert_allclose(found.target[:, 0], np.arange(sum(LENGTHS)), atol=1e-3)
    bare = [{name: cell for name, cell in row.items() if name != "wear"} for row in data]
    assert np.array_equal(model.predict(bare).value, found.prediction.value)


def test_no_group_is_on_both_sides():
    data = rows_of(engines(0, (4,) * 16))
    for row in data:
        row["plant"] = f"plant {int(row['engine'][1:]) // 4}"
    estimator = on_a_table(group="plant")
    prepared = prepare(estimator, data)
    sides = [{n // 4 for n, cut in enumerate(prepared.cuts) if bool(cut) == side} for side in (True, False)]
    assert sides[0].isdisjoint(sides[1])
    assert "plant" not in prepared.reader.schema.columns
    data[5]["plant"] = "another"
    with pytest.raises(DataError, match="one group for each series"):
        prepare(estimator, data)


def test_cells_of_a_file_may_count_cycles_in_a_stream(of_table):
    rows = rows_of(engines())[:3]
    texts = [{name: str(cell) for name, cell in row.items()} for row in rows]
    streams = [of_table.stream("e0") for _ in range(2)]
    for row, text in zip(rows, texts, strict=True):
        (wanted,), (found,) = streams[0].push(row), streams[1].push(text)
        np.testing.assert_array_equal(found.value, wanted.value)
    with pytest.raises(DataError):
        streams[1].push({**texts[2], "cycle": "4.5"})


def test_a_report_tells_of_remaining_life(of_table, tmp_path):
    of_table.report(tmp_path / "r.html", rows_of(engines(), remaining=2))
    assert "phm08" in (tmp_path / "r.html").read_text()


def test_series_and_groups_of_large_numbers_are_told_apart():
    keys = np.repeat(2**53 + np.arange(12), 3)
    table = {
        "id": keys,
        "ward": keys // 4 * 4 + keys % 2,
        "x": np.sin(np.arange(36.0)),
        "y": np.repeat(np.arange(12.0), 3),
    }
    training = whorl.Training(epochs=1, seed=0, device="cpu")
    model = whorl.Regressor(target="y", series="id", group="ward", network="rnn", training=training)
    model.fit(table, verbose=False)
    answered = model.predict(table)
    assert answered.index.series.tolist() == [str(key) for key in keys[::3].tolist()]
    held = [n for n, at in enumerate(model.held_out_.steps) if len(at)]
    assert held == [held[0], held[0] + 2]  # a ward, which floats would not tell from the one beside it
    stream = model.stream(2**53 + 1)
    assert stream.push({"id": 2**53 + 1, "x": 1.0})
    with pytest.raises(DataError, match="this stream is that of series '9007199254740993'"):
        stream.push({"id": 2**53, "x": 1.0})
