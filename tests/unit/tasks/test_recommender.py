"""A Recommender: what it learns from, what it answers, and what it leaves out."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.tasks.sessions import QUICK, ROUND, recommender, turns

import whorl
from whorl.errors import DataError
from whorl.report.evidence import gather
from whorl.report.recommendations import recommendations
from whorl.runtime.records import records
from whorl.tasks.telling import score_lines


def test_a_new_session_is_answered_by_what_follows_its_items(round_trip):
    found = round_trip.predict([["a", "b"], ["e", "f"]])
    assert found.value.shape == (2, 3)
    assert found.value[:, 0].tolist() == ["c", "a"]
    assert (np.diff(found.probabilities, axis=1) <= 0).all()
    assert [items[0][0] for items in found.most_likely(1)] == ["c", "a"]


def test_new_users_of_a_table_are_answered_each(round_trip):
    rows = turns(5, seed=1)
    found = round_trip.predict(rows)
    assert found.index.series.tolist() == [f"u1-{n}" for n in range(5)]
    records = list(found.to_records())
    assert records[0].keys() == {"series", "origin", "rank", "output", "value", "probability"}
    own = [one["rank"] for one in records if one["series"] == "u1-1"]
    assert own == list(range(1, 1 + sum(item is not None for item in found.value[1])))


def test_a_stream_answers_as_predict_and_leaves_out_what_was_bought(round_trip):
    stream, so_far = round_trip.stream("new"), []
    for n, item in enumerate(["b", "c", "d"]):
        (answer,) = stream.push({"item": item, "time": 10 * n})
        so_far.append(item)
        alone = round_trip.predict([so_far])
        assert answer.value.tolist() == alone.value.tolist()
        assert answer.probabilities.tobytes() == alone.probabilities.tobytes()
        assert not set(so_far) & set(answer.value[0])


def test_seen_items_stay_where_they_are_to_be_kept():
    model = recommender(seen="keep").fit(turns(60), verbose=False)
    (answer,) = model.predict([["a", "b", "a", "b"]], every_row=False).value
    assert len(set(answer)) == 3
    every = recommender(seen="keep", k=9).fit(turns(60), verbose=False).predict([["a", "b"]]).value
    assert sorted(every[0]) == ROUND  # no more than there are


def test_where_fewer_items_are_left_than_asked_for_the_others_are_none(round_trip):
    found = round_trip.predict([["a", "b", "c", "d", "e"]])
    assert found.value.tolist() == [["f", None, None]]
    assert [one["value"] for one in found.to_records()] == ["f"]
    assert [[item for item, _ in items] for items in found.most_likely(3)] == [["f"]]
    everything = round_trip.predict([ROUND])
    assert everything.value.tolist() == [[None, None, None]]
    assert everything.probabilities.tolist() == [[0.0, 0.0, 0.0]]
    assert everything.most_likely(3) == [[]]
    for answers, names in ((found, ["f"]), (everything, [])):
        (axes,) = answers.plot().axes
        assert [label.get_text() for label in axes.get_yticklabels()] == names


def test_an_item_that_training_does_not_have_is_read_as_unknown_and_counts_as_missed(round_trip):
    found = round_trip.predict([["a", "never heard of", "b"]])
    assert "never heard of" not in found.value[0]
    scores = round_trip.evaluate([["a", "b", "c"], ["a", "b", "never heard of"]])
    assert scores.metrics["unseen"] == 0.5
    assert scores.metrics["hr@10"] == 0.5
    (sequence,) = round_trip.model_.reader.read([["a", "never heard of"]])
    assert round_trip.model_.reader.num_unseen([sequence]) == 1


def test_it_beats_its_rivals_where_order_tells_and_all_are_ranked_alike(round_trip):
    scores = round_trip.evaluate(turns(80, seed=2))
    assert scores.metrics["hr@1"] > 0.9
    assert set(scores.baseline) == {"popularity", "markov", "item_knn", "neighbours"}
    assert scores.baseline["markov"]["hr@1"] > 0.9  # what is told by the last item alone, it knows too
    assert scores.baseline["popularity"]["hr@1"] < 0.6
    assert scores.metrics["recall@10"] == scores.metrics["hr@10"]
    assert scores.num_answers == 80


def test_the_last_event_alone_is_scored_and_a_lone_one_is_skipped(round_trip):
    scores = round_trip.evaluate([["a", "b"], ["c"]])
    assert scores.num_answers == 1
    assert scores.skipped == ("1",)
    with pytest.raises(DataError, match="`evaluate` needs"):
        round_trip.evaluate([["c"]])


def test_no_event_that_is_held_out_is_learned_from():
    rows = turns(30)
    last = {row["user"]: n for n, row in enumerate(rows)}
    some = set(list(last.values())[::2])  # of the others the truths are known
    other = [{**row, "item": "z"} if n in some else row for n, row in enumerate(rows)]
    all_of_them = replace(QUICK, validation=30)
    once, again = (recommender(training=all_of_them).fit(given, verbose=False) for given in (rows, other))
    assert "z" not in again.model_.reader.classes
    assert once.model_.engine.program.tensors.keys() == again.model_.engine.program.tensors.keys()
    first, second = (one.history_.epochs[0].train_loss for one in (once, again))
    assert first == second


def test_rows_of_a_user_are_put_in_order_of_time_and_ties_stay(round_trip):
    rows = [{"user": "u", "item": item, "time": time} for item, time in (("b", 5), ("a", 1), ("c", 5))]
    (one,) = round_trip.model_.reader.read(rows)
    assert round_trip.model_.reader.past.items.decode(one.past[:, 0]).tolist() == ["a", "b", "c"]
    assert one.time.tolist() == [1, 5, 5]


def test_a_gap_ends_a_session_in_tables_and_in_streams():
    rows = turns(60)
    model = recommender(gap=50.0, times="read").fit(rows, verbose=False)
    visits = [{"user": "u", "item": item, "time": time} for item, time in (("a", 0), ("b", 7), ("d", 900), ("e", 907))]
    assert len(model.predict(visits)) == 2
    stream = model.stream("u")
    answers = [stream.push(row)[0] for row in visits]
    assert answers[-1].value.tolist() == model.predict(visits[2:]).value.tolist()
    assert "a" in answers[-1].value[0]  # of the session before nothing is left
    at_once = model.stream("u").push_rows(visits)
    assert at_once.value.tolist() == [answer.value[0].tolist() for answer in answers]
    many = model.model_.push_many([model.stream("u"), model.stream("v")], [visits[0], visits[2]])
    assert [one[0].value[0].tolist() for one in many] == [answers[0].value[0].tolist(), answers[2].value[0].tolist()]


@pytest.mark.parametrize("dated", [False, True])
def test_a_time_that_nobody_told_is_unknown_and_not_that_of_the_epoch(dated):
    def when(time):
        return str(np.datetime64("2026-01-01") + np.timedelta64(time, "D")) if dated else time

    rows = [{**row, "time": when(row["time"])} for row in turns(20)]
    model = recommender(training=replace(QUICK, epochs=1)).fit(rows, verbose=False)
    early = {"item": "b", "time": "1912-06-23" if dated else -7}
    stream = model.stream("new")
    (first,) = stream.push({"item": "a"})
    assert next(records(first))["origin"] == (None if dated else 0)  # no time at all, or the number of the event
    again = model.stream("new")
    again.state = stream.state
    for one in (stream, again):
        assert one.push(early)[0].index.origin[0] == (np.datetime64("1912-06-23") if dated else -7)
        one.push({"item": "c"})  # at no known time: the next one is compared with the one before it
        with pytest.raises(DataError, match="is not before that of the last one"):
            one.push({**early, "time": "1912-06-22" if dated else -8})
    begun = model.stream("other")
    begun.state = model.stream("other").state
    assert begun.push(early)[0].index.origin[0] == (np.datetime64("1912-06-23") if dated else -7)


def test_whole_numbers_come_back_as_such_and_may_come_as_text():
    rows = [{**row, "item": ROUND.index(row["item"]) * 10} for row in turns(40)]
    model = recommender().fit(rows, verbose=False)
    for session in ([0, 10], ["0", "10"], [0.0, 10.0], np.array([0, 10])):
        (answer,) = model.predict([session]).value
        assert answer[0] == 20
        assert type(answer[0]) is int


def test_items_that_are_text_stay_as_they_are_written():
    rows = [{**row, "item": f"0{ROUND.index(row['item'])}"} for row in turns(40)]
    model = recommender(table=whorl.Table(kinds={"item": "category"})).fit(rows, verbose=False)
    assert model.predict([["00", "01"]]).value[0, 0] == "02"


@pytest.mark.parametrize(
    ("spelled", "kind"),
    [
        (["007", "7", "012", "12", "5"], str),
        (["1.10", "1.1", "2.0", "2.00", "3"], str),
        (["+1", "1", "1e2", "100", "5"], str),
        (["9007199254740993", "9007199254740992", "3", "4", "5"], str),
        (["10", "20", "30", "40", "50"], int),
        (["10.0", "20.0", "30.0", "40.0", "50.0"], int),
        (["1.5", "2.5", "3.5", "4.5", "5.5"], float),
    ],
    ids=lambda one: one[0] if isinstance(one, list) else one.__name__,
)
def test_items_of_a_file_that_are_spelled_apart_stay_apart(spelled, kind, tmp_path):
    rows = [f"u{n},{spelled[(n + k) % 5]}" for n in range(30) for k in range(3)]
    (tmp_path / "log.csv").write_text("\n".join(["user,item", *rows]))
    model = recommender(time=None, k=5).fit(tmp_path / "log.csv", verbose=False)
    (answer,) = model.predict([[spelled[0]]]).value
    assert {type(item) for item in answer if item is not None} == {kind}
    wanted = {one if kind is str else str(kind(float(one))) for one in spelled[1:]}
    assert {str(item) for item in answer if item is not None} == wanted


def test_items_of_a_file_that_are_true_and_false_are_names(tmp_path):
    rows = [f'{{"user": "u{n}", "item": {["true", "false"][(n + k) % 2]}}}' for n in range(30) for k in range(3)]
    (tmp_path / "log.jsonl").write_text("\n".join(rows))
    model = recommender(time=None, k=2).fit(tmp_path / "log.jsonl", verbose=False)
    assert set(model.model_.reader.classes) >= {"True", "False"}


def test_it_is_told_where_the_items_that_come_were_there_before():
    rows = [{**row, "item": ROUND[n % 2]} for n, row in enumerate(turns(60))]
    scores = recommender().fit(rows, verbose=False).evaluate(rows)
    assert scores.metrics["seen"] > 0.5
    assert "had been there before and are left out" in score_lines(scores.metrics, scores.baseline)[-1]
    kept = recommender(seen="keep").fit(rows, verbose=False).evaluate(rows)
    assert kept.metrics["seen"] == 0.0
    assert "left out" not in score_lines(kept.metrics, kept.baseline)[-1]


def test_a_saved_model_is_the_same_and_says_what_it_is(round_trip, tmp_path):
    round_trip.save(tmp_path / "shop.whorl")
    loaded = whorl.load(tmp_path / "shop.whorl")
    assert isinstance(loaded, whorl.Recommender)
    assert loaded.predict([["a"]]).value.tolist() == round_trip.predict([["a"]]).value.tolist()
    assert loaded.evaluate(turns(9)).baseline == round_trip.evaluate(turns(9)).baseline


def test_a_large_catalogue_learns_from_some_items_at_a_time():
    model = recommender(negatives=4).fit(turns(60), verbose=False)
    assert model.evaluate(turns(60, seed=3)).metrics["hr@1"] > 0.8


def test_validation_counts_sessions_whose_last_event_is_held_out():
    model = recommender(training=replace(QUICK, epochs=1, validation=7)).fit(turns(30), verbose=False)
    assert model.model_.card["scores"]["answers"] == 7
    with pytest.raises(DataError, match="only 30 sessions have 3 events"):
        recommender(training=replace(QUICK, validation=31)).fit(turns(30), verbose=False)


def test_a_report_shows_sessions_neighbours_and_that_the_last_event_was_held_out(round_trip, tmp_path):
    round_trip.report(tmp_path / "r.html")
    told = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert all(f'id="{part}"' in told for part in ("sessions", "nearest"))
    for one in recommendations(round_trip.model_, gather(round_trip.model_, round_trip.held_out_)).examples:
        items = [item for item, _ in one.recommended]
        assert len(items) == min(3, 6 - len(one.read))  # those that were read are left out
        assert set(items).isdisjoint(one.read)
    events = [len(one.past) for one in round_trip.held_out_.sequences[:2]]  # without the last
    assert all(f"{count} for training, 1 held out" in told for count in events)


def test_items_that_training_does_not_have_are_among_the_answers(round_trip):
    found = round_trip.evaluate([["never", "seen"], ["a", "seen"]])
    assert (found.num_answers, found.metrics["unseen"]) == (2, 1.0)
