"""Where order carries nothing it is said, where it does it is not, and what is too little to tell is said to be so."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import whorl
from whorl.comparison.losses import Losses, interval
from whorl.comparison.order import AS_IT_IS, FEED_FORWARD, NAIVE, SHUFFLED, Order, order
from whorl.comparison.order_parts import parts_of
from whorl.errors import ArgumentError, DataError
from whorl.tasks.learning import learn


def plan(**choices):
    return whorl.Training(**{"device": "cpu", "seed": 0, "epochs": 12, "batch_size": 16, **choices})


def gru(units=12, **options):
    return whorl.Recurrent("gru", hidden_size=units, **options)


def classifier(**settings):
    return whorl.Classifier(
        **{"network": gru(), "training": plan(), "convolution": 0, "augmentation": "none", **settings}
    )


def bags(count=240, seed=0):
    """Few steps, whose largest number says the class wherever it stands."""
    random = np.random.default_rng(seed)
    x = [random.uniform(0.0, 1.0, (int(n), 1)) for n in random.integers(4, 7, count)]
    for one in x[::2]:
        one[random.integers(len(one))] = 2.0
    return x, np.array(["peak", "none"] * (count // 2))


def ramps(count=240, seed=0):
    """The same numbers up or down: a bag of them says nothing."""
    random = np.random.default_rng(seed)
    x = [np.sort(random.standard_normal((12, 1)), axis=0) for _ in range(count)]
    return [one[::-1] if n % 2 else one for n, one in enumerate(x)], np.array(["up", "down"] * (count // 2))


def test_where_only_what_comes_tells_the_class_a_recurrent_network_is_the_wrong_choice():
    found = order(classifier(), bags(), seeds=2, verbose=False)
    assert not found.matters
    assert found.is_useless
    assert "Order does not matter, and a recurrent network is the wrong choice here" in found.verdict
    assert found.losses[FEED_FORWARD] < 0.5 * found.losses[NAIVE]
    finding = found.finding()
    assert (finding.rule, finding.severity) == ("order does not matter", "warning")
    assert "network=whorl.Perceptron(window=1), pooling=('mean', 'max'), convolution=0" in finding.advice
    # What is said is what was fitted.
    said = classifier(network=whorl.Perceptron(12, window=1), pooling=("mean", "max"), convolution=0)
    assert said.fit(bags(), verbose=False).evaluate(bags(seed=1)).metrics["accuracy"] > 0.9


def test_where_only_order_tells_the_class_it_matters():
    found = order(classifier(), ramps(160), seeds=1, verbose=False)
    assert found.matters
    assert found.finding() is None
    assert found.verdict.startswith("Order matters: ")
    assert found.losses[AS_IT_IS] < 0.1
    for name in (SHUFFLED, FEED_FORWARD):
        assert found.losses[name] > 0.4, "a network that knows no order guesses"
    assert found.metrics[AS_IT_IS]["accuracy"] > 0.9
    assert found.metrics[NAIVE]["accuracy"] < 0.7


def test_the_largest_of_a_series_needs_no_order_and_what_came_last_does():
    random = np.random.default_rng(0)
    x = random.standard_normal((240, 6, 1))
    task = whorl.Regressor(network=gru(), training=plan(epochs=15, learning_rate=1e-2))
    peak = order(task, (x, x[:, :, 0].max(axis=1)), seeds=1, verbose=False)
    assert not peak.matters
    last = order(task, (x, x[:, -1, 0] - x[:, -2, 0]), seeds=1, verbose=False)
    assert last.matters
    assert last.measure == "squared error in units of the training scale"


def forecaster(**settings):
    training = plan(epochs=6, batch_size=64, learning_rate=1e-2, validation=0.2)
    return whorl.Forecaster(
        **{"target": "y", "time": "t", "horizon": 1, "context": 12, "network": gru(), "training": training, **settings}
    )


def test_a_wave_is_forecast_by_its_course_and_a_walk_back_to_a_mean_by_its_last_row():
    random = np.random.default_rng(0)
    count = 1500
    t = np.arange(count)
    # Of two waves the last value says neither which way nor how far they go.
    waves = np.sin(0.7 * t) + np.sin(1.9 * t) + 0.05 * random.standard_normal(count)
    found = order(forecaster(), pl.DataFrame({"t": t, "y": waves}), seeds=1, verbose=False)
    assert found.matters
    walk = np.zeros(count)
    for n in range(1, count):
        walk[n] = 0.3 * walk[n - 1] + random.standard_normal()
    found = order(forecaster(), pl.DataFrame({"t": t, "y": walk}), seeds=1, verbose=False)
    assert not found.matters
    assert found.losses[SHUFFLED] == pytest.approx(found.losses[AS_IT_IS], rel=0.05)


def test_words_whose_tag_hangs_on_the_one_before_need_their_order():
    random = np.random.default_rng(0)
    words = [random.choice(["a", "b"], 8).tolist() for _ in range(160)]
    tags = [["x" if before == "a" else "y" for before in ["b", *line[:-1]]] for line in words]
    task = whorl.Tagger(network=whorl.Recurrent("lstm", hidden_size=16), training=plan(epochs=15))
    assert order(task, (words, tags), seeds=1, verbose=False).matters


def test_odd_sequences_are_told_by_their_order():
    random = np.random.default_rng(0)
    steps = np.arange(20) / 2
    x = np.stack([np.sin(steps + random.uniform(0, 6)) for _ in range(160)])[..., None]
    odd = np.arange(160) % 4 == 0
    x[odd] = random.permuted(x[odd], axis=1)
    data = x + 0.05 * random.standard_normal(x.shape), np.where(odd, "odd", "normal")
    training = plan(epochs=25, validation=0.3, learning_rate=1e-2)
    task = whorl.Detector(per="sequence", normal="normal", network=gru(), training=training)
    found = order(task, data, seeds=1, verbose=False)
    assert found.matters
    assert found.measure == "1 - AUROC"
    with pytest.raises(DataError, match="`label` must say of the sequences"):
        order(task, data[0], seeds=1, verbose=False)


def test_several_labels_are_compared_too():
    x, y = ramps(80)
    task = classifier(target=("a", "b"), training=plan(epochs=1))
    several = order(task, (x, np.stack([y == "up", y == "down"], axis=1).astype(int)), seeds=1, verbose=False)
    assert several.measure == "mean Brier score of a label"


def test_where_a_single_word_decides_the_order_of_words_does_not_matter():
    random = np.random.default_rng(0)
    texts, labels = [], []
    for n in range(240):
        words = random.choice(["it", "was", "the", "film", "we", "saw", "last", "night"], 5).tolist()
        words.insert(random.integers(6), ("good", "bad")[n % 2])
        texts.append(" ".join(words))
        labels.append(("up", "down")[n % 2])
    training = plan(epochs=8, learning_rate=1e-2)
    found = order(
        whorl.Classifier(text="text", network=gru(), training=training), (texts, labels), seeds=2, verbose=False
    )
    assert found.measure == "Brier score"
    assert found.finding().rule == "order does not matter"


@pytest.mark.parametrize(
    "network", [gru(bidirectional=True), gru(members=2), whorl.Recurrent("mingru", hidden_size=8), "cnn", "mlp"]
)
def test_every_network_is_compared(network):
    found = order(classifier(network=network, training=plan(epochs=1)), ramps(40), seeds=1, verbose=False)
    assert set(found.losses) == {AS_IT_IS, SHUFFLED, FEED_FORWARD, NAIVE}
    assert all(np.isfinite(value) for value in found.losses.values())


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (whorl.Generator(), "writes texts"),
        (whorl.Translator(), "writes texts"),
        (whorl.Summarizer(), "writes texts"),
        (whorl.Chatbot(), "writes texts"),
        (whorl.Forecaster(memory="carried"), "carries a state .* Use memory='window'"),
        (whorl.Regressor(remaining=True), "tells what remains"),
        (whorl.Detector(), "judges each row .* Use per='sequence'"),
    ],
)
def test_tasks_whose_steps_cannot_change_places_are_refused(task, why):
    with pytest.raises(ArgumentError, match=rf"`order` shuffles .* but this {type(task).__name__} {why}"):
        order(task, "no-such-file.csv")


@pytest.mark.parametrize("seeds", [0, 1.5, True])
def test_seeds_are_a_whole_number(seeds):
    with pytest.raises(ArgumentError, match="`seeds` is a whole number >= 1"):
        order(classifier(), bags(40), seeds=seeds)


def test_the_same_seeds_find_the_same_and_nothing_that_was_given_is_changed():
    x, y = ramps(60)
    before = [one.copy() for one in x]
    task = classifier(training=plan(epochs=2))
    first, again = (order(task, (x, y), seeds=1, verbose=False) for _ in range(2))
    assert first == again
    assert not hasattr(task, "model_")
    for one, other in zip(x, before, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("validation", [0.2, 12])
def test_what_is_scored_is_neither_learned_from_nor_chosen_by(validation):
    x, y = ramps(60)
    parts = parts_of(classifier(training=plan(validation=validation)), (x, y))
    keys = [{one.key for one in some} for some in (parts.prepared.training, parts.prepared.validation, parts.scored)]
    assert len(keys[0] | keys[1] | keys[2]) == sum(map(len, keys)) == 60
    assert len(keys[1]) == 12
    assert len(keys[2]) == 12
    # What is read is scaled by the training part alone.
    kept = np.concatenate([x[int(key)] for key in keys[0]])
    np.testing.assert_allclose(parts.prepared.reader.past.center, kept.mean(axis=0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("validation", [0.2, 200])
def test_of_a_series_the_last_quarter_is_scored_and_no_truth_is_on_two_sides(validation):
    task = forecaster(training=plan(validation=validation), horizon=4)
    parts = parts_of(task, pl.DataFrame({"t": np.arange(1000), "y": np.arange(1000.0)}))
    decode, context = parts.prepared.reader.decode, 12
    learned = np.concatenate([decode(one.row_targets) for one in parts.prepared.training])
    chosen, scored = (
        np.concatenate([decode(one.row_targets[context:]) for one in some])
        for some in (parts.prepared.validation, parts.scored)
    )
    assert learned.max() < chosen.min()
    assert chosen.max() < scored.min()
    assert scored.max() == pytest.approx(999)
    assert scored.min() == pytest.approx(800, abs=2)
    assert len(np.unique(parts.blocks)) == pytest.approx(200 / 16, abs=2)


def test_sequences_without_a_truth_are_not_scored():
    x, _ = ramps(60)
    y = np.where(np.arange(60) % 3 == 0, np.nan, np.arange(60.0))
    task = whorl.Regressor(network=gru(), training=plan(epochs=1, validation=0.2))
    parts = parts_of(task, (x, y))
    assert parts.scored
    assert all(np.isfinite(one.targets).all() for one in parts.scored)
    assert np.isfinite(order(task, (x, y), seeds=1, verbose=False).cost)


def test_too_little_data_are_refused():
    with pytest.raises(DataError, match="Bring more"):
        order(classifier(), bags(2), seeds=1)
    with pytest.raises(DataError, match=r"`validation` is 0\.5, which leaves nothing to choose the epoch by"):
        order(whorl.Regressor(training=plan(validation=0.5)), (np.ones((2, 3, 1)), np.arange(2.0)), seeds=1)


def found(**changes):
    made = Order(
        network="gru",
        measure="Brier score",
        losses={AS_IT_IS: 0.2, SHUFFLED: 0.21, FEED_FORWARD: 0.2, NAIVE: 0.6},
        metrics={},
        interval=(-0.01, 0.03),
        feed_forward_interval=(-0.02, 0.02),
        instead="a perceptron",
        rival="prior",
        answers=100,
        blocks=100,
        seeds=3,
    )
    return replace(made, **changes)


def test_what_cannot_be_told_is_no_finding():
    assert found().is_useless
    for unsure in (
        found(interval=(-0.2, 0.3)),
        found(blocks=4),
        found(losses={AS_IT_IS: 0.6, SHUFFLED: 0.6, FEED_FORWARD: 0.6, NAIVE: 0.6}),
    ):
        assert not unsure.matters
        assert not unsure.is_useless
        assert unsure.finding() is None
        assert "cannot be told" in unsure.verdict


def test_a_small_cost_that_is_sure_is_no_use_of_order():
    sure = found(losses={AS_IT_IS: 0.2, SHUFFLED: 0.22, FEED_FORWARD: 0.2, NAIVE: 0.6}, interval=(0.01, 0.03))
    assert not sure.matters
    assert sure.is_useless
    assert found(losses={AS_IT_IS: 0.2, SHUFFLED: 0.3, FEED_FORWARD: 0.2, NAIVE: 0.6}, interval=(0.05, 0.15)).matters


def test_a_feed_forward_network_that_does_worse_makes_it_a_note():
    worse = found(
        losses={AS_IT_IS: 0.2, SHUFFLED: 0.21, FEED_FORWARD: 0.4, NAIVE: 0.6}, feed_forward_interval=(0.1, 0.3)
    )
    assert worse.finding().severity == "note"
    assert "a feed-forward network does worse" in worse.verdict


def test_fits_that_had_not_converged_are_counted():
    slow = plan(epochs=6, learning_rate=1e-4, schedule="constant")
    task = whorl.Regressor(network=gru(), training=slow)
    x = np.random.default_rng(0).standard_normal((120, 6, 1))
    found = order(task, (x, 3 + x[:, :, 0].sum(axis=1)), seeds=1, verbose=False)
    assert found.unfinished > 0
    assert f"{found.unfinished} of 3 fits had not converged" in found.verdict


def test_order_that_matters_to_a_network_that_is_beaten_without_it_is_said_to():
    losses = {AS_IT_IS: 0.4, SHUFFLED: 0.5, FEED_FORWARD: 0.2, NAIVE: 0.6}
    beaten = found(losses=losses, interval=(0.05, 0.15), feed_forward_interval=(-0.3, -0.1))
    assert beaten.verdict.startswith("Order matters, but a feed-forward network does better than this one: ")


def test_a_network_that_looks_back_is_called_so():
    assert "a network that looks back is the wrong choice" in found(network="cnn").verdict


def test_an_interval_holds_the_difference_and_is_wider_where_answers_hang_together():
    random = np.random.default_rng(0)
    base = random.standard_normal((2, 300))
    other = base + 0.5 + 0.1 * random.standard_normal((2, 300))
    low, high = interval(Losses(values=other), Losses(values=base), np.arange(300), 0)
    assert low < 0.5 < high
    slow = np.repeat(random.standard_normal((1, 10)), 30, axis=1)
    alone = interval(Losses(values=slow), Losses(values=0 * slow), np.arange(300), 0)
    together = interval(Losses(values=slow), Losses(values=0 * slow), np.arange(300) // 30, 0)
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])
    assert interval(Losses(values=other), Losses(values=base), np.arange(300), 0) == (low, high)


def test_scores_are_judged_by_the_pairs_that_they_put_in_order():
    marks = np.array([0.0, 0.0, 1.0, 1.0])
    assert Losses(values=np.array([[1.0, 2.0, 3.0, 4.0]]), marks=marks).total == 0.0
    assert Losses(values=np.array([[4.0, 3.0, 2.0, 1.0]]), marks=marks).total == 1.0
    assert Losses(values=np.array([[1.0, 3.0, 2.0, 4.0]]), marks=marks).total == 0.25


def test_what_stood_a_season_before_is_read_by_no_fit(monkeypatch):
    """Shuffled rows would lose it, for another reason than that a memory lost their order."""
    fitted = []
    monkeypatch.setattr(
        "whorl.comparison.order.learn", lambda *given, **more: fitted.append(learn(*given, **more)) or fitted[-1]
    )
    week = np.random.default_rng(0).standard_normal(12)
    rows = np.tile(week, 30)[:, None] + 0.05 * np.random.default_rng(1).standard_normal((360, 1))
    task = whorl.Forecaster(context=12, horizon=3, network=gru(), training=plan(epochs=2))
    order(task, rows, seeds=1, verbose=False)
    assert len(fitted) == 3
    for one in fitted:
        assert not [name for name in one.model.engine.program.tensors if "season" in name]
    alone = task.fit(rows, verbose=False).model_.engine.program.tensors
    assert [name for name in alone if "season" in name]
