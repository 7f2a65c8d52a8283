"""Whole comparisons: what is compared, what is kept of it, and what is said."""

import json

import numpy as np
import pytest

import whorl
from whorl.comparison import compare as module
from whorl.comparison import fits
from whorl.errors import ArgumentError, DataError

from .conftest import forecaster


def test_networks_stand_in_the_order_of_their_means_on_a_part_that_no_fit_has_seen(compared):
    found, _ = compared
    means = [one.scores["mae"].mean for one in found.networks]
    assert sorted(one.name for one in found.networks) == ["gru", "mlp", "rnn"]
    assert means == sorted(means)
    assert found.answers == 420 - 378 - 6 + 1
    assert found.metric == "mae"
    assert found.networks[0].behind is None
    assert all(one.behind.mean > 0 for one in found.networks[1:])
    assert all(one.behind.low is None for one in found.networks[1:])


def test_the_scores_are_those_of_the_models_that_were_kept(compared, waves):
    found, _ = compared
    best = found.networks[0]
    test = {name: values[378 - 24 :] for name, values in waves.items()}
    scores = whorl.load(best.model).evaluate(test).metrics
    first = best.records[0]
    assert first.seed == 0
    assert first.test.metrics["mae"] == pytest.approx(scores["mae"], rel=1e-6)


def test_naive_rivals_are_in_the_table_and_are_told_from_the_networks(compared):
    found, _ = compared
    assert [one.name for one in found.rivals] == ["seasonal_naive", "last_value", "drift"]
    # 37 windows that overlap are two that do not: nothing is said of chance.
    assert {one.p for one in (*found.networks, *found.rivals)} == {None}
    assert any("too small to tell how answers vary" in note for note in found.notes)


def test_networks_have_as_many_parameters_as_the_tasks_own(compared):
    found, _ = compared
    counts = {one.name: one.parameters for one in found.networks}
    assert counts["rnn"] == pytest.approx(counts["gru"], rel=0.1)
    assert counts["mlp"] == pytest.approx(counts["gru"], rel=0.1)


def test_epochs_do_not_end_fits_that_are_matched_by_time(waves):
    plan = whorl.Training(max_seconds=1.0, batch_size=128, epochs=2)  # few steps an epoch: other work may run beside
    found = whorl.compare(forecaster(training=plan), waves, networks=["gru", "rnn"], seeds=1, match="time")
    assert all(record.epochs > 2 for one in found.networks for record in one.records)


def test_how_the_data_were_read_and_divided_is_printed(waves, capsys):
    whorl.compare(forecaster(), waves, networks=["gru", "rnn"], seeds=1, verbose=True)
    said = capsys.readouterr().out
    assert "target: load" in said
    assert "parts: 336 steps to learn from, 42 choose the epoch, 37 answers are scored" in said


def test_matched_by_time_all_train_as_long(waves):
    plan = whorl.Training(max_seconds=1.5, batch_size=16)
    found = whorl.compare(forecaster(training=plan), waves, networks=["gru", "rnn"], seeds=1, match="time")
    assert all(record.stopped == "max_seconds" for one in found.networks for record in one.records)


def test_of_several_learning_rates_each_network_has_its_best_on_the_validation_part(waves):
    found = whorl.compare(
        forecaster(), waves, networks=["gru", "rnn"], seeds=2, learning_rates=[1e-6, 1e-2], match="none"
    )
    assert {record.learning_rate for one in found.networks for record in one.records} == {1e-2}
    assert "learning rates: gru 0.01, rnn 0.01" in found.notes


def test_a_test_set_of_ones_own_is_scored(waves):
    first = {name: values[:360] for name, values in waves.items()}
    later = {name: values[330:] for name, values in waves.items()}
    found = whorl.compare(forecaster(), first, networks=["gru", "rnn"], seeds=1, test=later)
    assert found.part == "the data given for it"
    assert found.answers == 90 - 24 - 6 + 1


def test_order_that_is_of_no_use_is_said_in_the_advice():
    random = np.random.default_rng(0)
    labels = np.arange(240) % 2
    series = (random.normal(0, 1, (240, 12)) + labels[:, None])[..., None].astype(np.float32)
    small = whorl.Recurrent("gru", hidden_size=8)
    plan = whorl.Training(epochs=12, validation=0.2, learning_rate=0.01)
    model = whorl.Classifier(network=small, convolution=0, augmentation="none", training=plan)
    found = whorl.compare(model, (series, labels), networks=["gru", "rnn"], seeds=2, order=True)
    assert "Order does not matter, and a recurrent network is the wrong choice here: shuffled steps" in found.advice


def test_order_that_is_of_use_is_said_in_a_note(labelled):
    small = whorl.Recurrent("gru", hidden_size=8)
    plan = whorl.Training(epochs=12, validation=0.2, learning_rate=0.01)
    model = whorl.Classifier(network=small, convolution=0, augmentation="none", training=plan)
    found = whorl.compare(model, labelled, networks=["gru", "rnn"], seeds=2, order=True)
    assert found.notes[-1].startswith("Order matters")
    assert "rder matters" not in found.advice


def test_where_order_cannot_be_told_nothing_is_fitted(waves, monkeypatch):
    monkeypatch.setattr(fits, "learn", None)
    with pytest.raises(ArgumentError, match="`order` shuffles the rows of windows or of whole sequences, but this"):
        whorl.compare(forecaster(memory="carried"), waves, networks=["gru", "rnn"], seeds=1, order=True)


def test_labels_are_compared_by_any_metric_that_has_a_better_end(labelled):
    model = whorl.Classifier(training=whorl.Training(epochs=4, validation=0.2))
    found = whorl.compare(model, labelled, networks=["gru", "mlp"], seeds=1, metric="accuracy", match="none")
    assert found.metric == "accuracy"
    assert all(0.0 <= one.scores["accuracy"].low <= one.scores["accuracy"].high <= 1.0 for one in found.networks)
    with pytest.raises(ArgumentError, match=r"`metric` is 'bleu', which models of this task do not have: .*accuracy"):
        whorl.compare(model, labelled, networks=["gru", "mlp"], seeds=1, metric="bleu", match="none")


def test_labels_that_training_did_not_have_are_answers_that_are_wrong(labelled):
    series, labels = labelled
    words = np.array(["down", "up"])[labels]
    words[-6:] = "no"
    plan = whorl.Training(epochs=1, validation=0.2)
    small = whorl.Recurrent("gru", hidden_size=4)
    model = whorl.Classifier(network=small, training=plan)
    found = whorl.compare(
        model, (series[:40], words[:40]), networks=["gru", "rnn"], seeds=1, test=(series[40:], words[40:]), match="none"
    )
    assert found.answers == 20


def test_a_task_that_writes_texts_is_compared_among_networks_that_recur():
    pairs = [{"source": f"say {n} {n % 7}", "target": f"{n % 7} {n}"} for n in range(60)]
    model = whorl.Translator(
        source="source",
        target="target",
        embedding_size=8,
        network=whorl.Recurrent("gru", hidden_size=8),
        training=whorl.Training(epochs=1, validation=0.2),
    )
    found = whorl.compare(model, pairs, seeds=1, match="none", metric="nll")
    assert {one.name for one in found.networks} == {"rnn", "lstm", "gru"}
    assert found.notes[0] == "this task takes no transformer, cnn, mlp"
    assert found.answers == 12
    assert all(one.latency is not None for one in found.networks)


def test_texts_are_compared_by_what_comes_next():
    text = "To be or not to be, that is the question. " * 50
    network = whorl.Recurrent("gru", hidden_size=8)
    model = whorl.Generator(network=network, training=whorl.Training(epochs=1))
    found = whorl.compare(model, [text], networks=["gru", "cnn"], seeds=1)
    assert found.metric == "nll"
    assert found.rivals
    assert all(one.recipe == {} and one.latency is None for one in found.rivals)


def test_a_network_that_reads_both_ways_has_no_steps_and_is_judged_by_its_training(labelled):
    both = whorl.Recurrent("gru", bidirectional=True, hidden_size=4)
    model = whorl.Classifier(training=whorl.Training(epochs=1, validation=0.2))
    found = whorl.compare(model, labelled, networks={"both": both, "one": "gru"}, seeds=1, match="none")
    timed = {one.name: one.latency for one in found.networks}
    assert timed["both"] is None
    assert timed["one"].state_bytes > 0
    assert timed["one"].p50_s <= timed["one"].p99_s


def test_a_comparison_is_written_as_json_and_as_a_page_that_loads_nothing(compared, tmp_path):
    found, _ = compared
    found.write(tmp_path / "c.json")
    plain = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert plain["advice"] == found.advice
    assert [one["name"] for one in plain["networks"]] == [one.name for one in found.networks]
    found.write(tmp_path / "c.html")
    text = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert "<script" not in text
    assert found.advice in text.replace("&#39;", "'")
    with pytest.raises(ArgumentError, match=r"`path` ends in .html or .json, but is `c.pdf`"):
        found.write("c.pdf")


def test_a_table_has_a_line_for_each_network_and_each_rival(compared):
    found, _ = compared
    lines = found.lines()
    assert lines[0] == "scored: a part that no fit has seen, 37 answers; 2 seeds"
    assert len(lines) == 2 + len(found.networks) + len(found.rivals) + len(found.notes) + 1
    assert lines[-1] == found.advice


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"match": "size"}, "`match` must be one of parameters, time, latency, none, but is 'size'"),
        ({"seeds": 0}, "`seeds` is a whole number >= 1, but is 0"),
        ({"workers": 1.5}, "`workers` is a whole number >= 1, but is 1.5"),
        ({"metric": "maee"}, r"`metric` must be one of .*Did you mean 'mae'"),
        ({"networks": ["gru"]}, "`networks` must be at least two, but are gru"),
        ({"networks": ["gru", "lstmm"]}, "is 'lstmm'. Did you mean 'lstm'"),
        ({"learning_rates": ["a"]}, "`learning_rates` are positive numbers, but one is 'a'"),
        ({"learning_rates": -0.1}, "`learning_rates` are positive numbers, but one is -0.1"),
        ({"networks": {"a b": "gru", "c": "rnn"}}, "a name in `networks` has letters, digits"),
    ],
)
def test_what_breaks_a_rule_is_refused_before_anything_is_read(given, says):
    with pytest.raises(ArgumentError, match=says):
        whorl.compare(forecaster(), "nothing.csv", **given)


def test_a_network_that_a_task_does_not_take_is_refused_with_its_own_words():
    with pytest.raises(ArgumentError, match="`network` is a Transformer, but texts are written by layers"):
        whorl.compare(whorl.Chatbot(), "nothing.txt", networks=["gru", "transformer"])


def test_rows_that_nobody_has_labelled_cannot_judge_detectors(waves):
    model = whorl.Detector(time="time", training=whorl.Training(epochs=1))
    with pytest.raises(DataError, match="marks anomalies with `label`"):
        whorl.compare(model, waves, networks=["gru", "rnn"], seeds=1, match="none")


def test_the_default_networks_are_those_of_the_documentation():
    assert module.entrants.NETWORKS == ("rnn", "lstm", "gru", "transformer", "cnn", "mlp")


def test_a_frozen_core_is_compared_with_the_same_cell_that_is_trained(labelled):
    once, asked = whorl.Training(epochs=1), {"networks": ["rnn", "rnn-frozen"], "seeds": 1, "match": "none"}
    frozen = whorl.Recurrent("rnn", hidden_size=9, frozen=True)
    for own, units in (("gru", 400), (frozen, 9)):
        found = whorl.compare(whorl.Classifier(network=own, training=once), labelled, **asked)
        recipes = {one.name: (one.recipe["frozen"], one.recipe["hidden_size"]) for one in found.networks}
        assert recipes == {"rnn": (False, 64), "rnn-frozen": (True, units)}


def test_what_does_not_recur_is_not_compared_frozen(labelled):
    with pytest.raises(ArgumentError, match="only a core that recurs can be frozen"):
        whorl.compare(whorl.Classifier(), labelled, networks=["gru", "mlp-frozen"])
