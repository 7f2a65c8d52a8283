"""A Recommender that answers when the next event comes, too."""

import numpy as np
import pytest
from msgspec.structs import replace as replaced

import whorl
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.runtime.consistency import check_parts

QUICK = whorl.Training(epochs=12, batch_size=8, learning_rate=2e-2, seed=0, device="cpu")
# Seconds from each item to the next one: short ones after the first two items, long ones after the others.
AFTER = {"a": 10, "b": 60, "c": 3600, "d": 90_000}
ROUND = list(AFTER)


def visits(users, seed=0, *, dated=False):
    """Each user goes round the letters; how long after one the next comes goes by the letter, give or take a tenth."""
    draw = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        start, time = int(draw.integers(4)), int(draw.integers(1000))
        for n in range(int(draw.integers(4, 9))):
            item = ROUND[(start + n) % 4]
            when = str(np.datetime64("2026-01-01T00:00:00") + time) if dated else time
            rows.append({"user": f"u{seed}-{user}", "item": item, "time": when})
            time += round(AFTER[item] * draw.uniform(0.9, 1.1))
    return rows


def recommender(**settings):
    given = {
        "time": "time",
        "times": "answer",
        "seen": "keep",
        "k": 2,
        "embedding_size": 8,
        "dropout": 0.0,
        "network": whorl.Recurrent("gru", hidden_size=16),
        "training": QUICK,
    }
    return whorl.Recommender(**{**given, **settings})


@pytest.fixture(scope="module")
def clock():
    return recommender().fit(visits(90), verbose=False)


def session(*items):
    times = np.cumsum([0, *(AFTER[item] for item in items[:-1])])
    return [{"user": "new", "item": item, "time": int(time)} for item, time in zip(items, times, strict=True)]


@pytest.mark.parametrize("item", ROUND)
def test_it_is_answered_when_the_next_event_comes(clock, item):
    before = ROUND[(ROUND.index(item) - 1) % 4]
    found = clock.predict(session(before, item))
    low, high = found.until.interval
    assert low[0] <= found.until.median[0] <= high[0]
    assert found.until.median[0] == pytest.approx(AFTER[item], rel=0.25)
    assert found.value[0, 0] == ROUND[(ROUND.index(item) + 1) % 4]


def test_times_are_in_seconds_whether_they_are_timestamps_or_counted(clock):
    dated = recommender().fit(visits(90, dated=True), verbose=False)
    new = [{**row, "time": str(np.datetime64("2026-03-01T00:00:00") + row["time"])} for row in session("a", "b", "c")]
    assert dated.predict(new).until.median.tolist() == clock.predict(session("a", "b", "c")).until.median.tolist()


def test_it_is_scored_beside_what_is_usual_and_what_came_after_such_a_time(clock):
    found = clock.evaluate(visits(80, seed=3))
    model, rivals = found.metrics, found.baseline
    assert set(rivals) == {"popularity", "markov", "item_knn", "neighbours"}
    assert model["until_nll"] < rivals["markov"]["until_nll"] < rivals["popularity"]["until_nll"]
    assert rivals["item_knn"]["until_nll"] == rivals["neighbours"]["until_nll"] == rivals["popularity"]["until_nll"]
    assert model["until_mae"] < 0.2 * rivals["popularity"]["until_mae"]
    assert 0.6 < model["until_coverage"] <= 1.0  # of 80 answers, promised are 0.8
    assert found.target.shape == (80, 2)
    assert set(found.target[:, 0]) <= set(ROUND)
    assert min(found.target[:, 1]) >= 9.0


def test_the_usual_time_is_that_of_the_training_events():
    rows = visits(30)
    model = recommender(training=whorl.Training(epochs=1, validation=5, device="cpu")).fit(rows, verbose=False)
    reader = model.model_.reader
    found = model.evaluate(rows)
    sequences = reader.read(rows)
    apart = np.concatenate([one.row_targets[:-1, 1] for one in sequences])
    shares = np.bincount(reader.lapses.bins(apart), minlength=len(reader.lapses)) / len(apart)
    entropy = -(shares * np.log(shares)).sum()
    assert found.baseline["popularity"]["until_nll"] == pytest.approx(entropy, abs=0.3)


def test_a_stream_answers_when_as_predict_does(clock):
    rows, stream = session("d", "a", "b", "c"), clock.stream("new")
    for n, row in enumerate(rows):
        (answer,) = stream.push(row)
        alone = clock.predict(rows[: n + 1])
        assert answer.until.shares.tobytes() == alone.until.shares.tobytes()
        assert answer.until.median.tolist() == alone.until.median.tolist()


def test_records_tell_the_median_and_the_interval(clock):
    found = clock.predict(session("a", "b"))
    first, second = found.to_records()
    assert first["until"] == second["until"] == found.until.median[0]
    assert (first["until_q0.1"], first["until_q0.9"]) == tuple(bound[0] for bound in found.until.interval)
    assert {"until", "until_q0.1", "until_q0.9"} <= set(found.to_frame().columns)


def test_a_gap_ends_a_session_and_no_time_beyond_it_is_answered():
    model = recommender(gap=7200.0).fit(visits(90), verbose=False)
    assert model.model_.reader.lapses.most.max() <= 7200.0
    rows = [{"user": "u", "item": "d", "time": 0}, {"user": "u", "item": "a", "time": 90_000}]
    found = model.predict(rows)
    assert len(found.until) == 2
    assert found.until.median[1] == pytest.approx(AFTER["a"], rel=0.25)
    stream = model.stream("u")
    assert len(stream.push_rows([]).until) == 0  # a poll that finds nothing new
    assert stream.push_rows(rows).until.shares.tobytes() == found.until.shares.tobytes()
    assert len(stream.push_rows(()).until) == 0
    late = [{**row, "time": row["time"] + 10**6} for row in session("a", "b")]
    for row in late:
        (answer,) = stream.push(row)
        assert stream.flush() == []  # nothing is held back, and nothing forgotten
    assert answer.until.shares.tobytes() == model.predict(late).until.shares.tobytes()
    array = model.stream("u").push_rows(np.array(rows, object))
    assert array.until.shares.tobytes() == found.until.shares.tobytes()


def test_what_is_read_does_not_change_where_times_are_not_answered():
    rows = visits(30)
    short = whorl.Training(epochs=1, validation=5, device="cpu")
    widths = {
        times: recommender(times=times, training=short).fit(rows, verbose=False).model_.reader.past.spec.width
        for times in ("ignore", "read", "answer")
    }
    assert widths == {"ignore": 1, "read": 2, "answer": 3}


def test_several_networks_some_negatives_and_untied_answers_say_when_too():
    rows = visits(60)
    for settings in ({"negatives": 2}, {"tied": False}, {"network": whorl.Recurrent("gru", 16, members=2)}):
        model = recommender(**settings).fit(rows, verbose=False)
        assert model.predict(session("b", "c")).until.median[0] == pytest.approx(3600, rel=0.3)


def test_saved_and_loaded_it_says_the_same(clock, tmp_path):
    clock.save(tmp_path / "clock.whorl")
    rows = session("a", "b")
    for loaded in (whorl.load(tmp_path / "clock.whorl"), whorl.runtime.load(tmp_path / "clock.whorl")):
        assert loaded.predict(rows).until.shares.tobytes() == clock.predict(rows).until.shares.tobytes()


def test_parts_that_do_not_fit_each_other_are_refused(clock):
    model = clock.model_
    items = replaced(model.wiring.shape.items, until=False)
    silent = replaced(model.wiring, shape=replaced(model.wiring.shape, items=items))
    with pytest.raises(ModelFileError, match="bins of time"):
        check_parts(silent, model.reader, model.readout, model.engine.program, {}, None)
    config, arrays = model.reader.config(), model.reader.arrays()
    with pytest.raises(ModelFileError, match="its items or times"):
        type(model.reader).restore({**config, "pace": None}, arrays)
    fewer = {name: array[1:] if name.startswith("lapses") else array for name, array in arrays.items()}
    reader = type(model.reader).restore(config, fewer)
    with pytest.raises(ModelFileError, match="bins of time"):
        check_parts(model.wiring, reader, model.readout, model.engine.program, model.baselines, None)


def test_what_has_no_times_and_words_that_mean_nothing_are_refused(clock):
    with pytest.raises(DataError, match="that column is missing"):
        clock.predict([["a", "b"]])
    with pytest.raises(ArgumentError, match="`times` needs to know when"):
        recommender().fit([["a", "b", "c"]] * 9, verbose=False)
    with pytest.raises(ArgumentError, match="Did you mean 'answer'"):
        recommender(times="answers")
    with pytest.raises(ArgumentError, match="`times` must be one of ignore, read, answer, but is True"):
        recommender(times=True)
    with pytest.raises(ArgumentError, match="`times` must be one of ignore, read, answer, but is False"):
        whorl.Recommender(times=False)


def test_a_report_shows_what_was_expected_and_what_came(clock, tmp_path):
    clock.report(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "When the next event comes" in text
    assert "expected after" in text
    assert "until_nll" in text
