"""Each rule speaks of a second fault, built otherwise than the first, in models that were really fitted."""

import numpy as np
import polars as pl
import pytest
from tests.unit.report.test_findings import rules

import whorl


def plan(**choices):
    return whorl.Training(**{"device": "cpu", "seed": 0, **choices})


def forecaster(values, *, cell="gru", units=8, training, **settings):
    frame = pl.DataFrame({"t": np.arange(len(values)), "y": np.asarray(values, np.float64)})
    network = settings.pop("network", whorl.Recurrent(cell, hidden_size=units))
    model = whorl.Forecaster(target="y", time="t", network=network, training=training, **settings)
    return model.fit(frame, verbose=False)


def noise(count, seed=0):
    return np.random.default_rng(seed).standard_normal(count)


def test_a_text_that_is_read_too_few_times_is_not_learned(tmp_path):
    path = tmp_path / "it.txt"
    path.write_text("the cat sat on the mat and the dog lay on the log. " * 60)
    model = whorl.Generator(
        network=whorl.Recurrent("lstm", hidden_size=16),
        training=plan(epochs=5, batch_size=4, tbptt_steps=32, learning_rate=1e-3),
    )
    assert "not converged" in rules(model.fit(path, verbose=False))


def test_sentences_with_labels_by_chance_are_known_by_heart():
    random = np.random.default_rng(0)
    words = [f"w{n}" for n in range(400)]
    texts = [" ".join(random.choice(words, 6)) for _ in range(150)]
    labels = random.choice(["yes", "no"], 150).tolist()
    network = whorl.Recurrent("gru", hidden_size=64)
    training = plan(epochs=25, learning_rate=1e-2, weight_decay=0.0, validation=0.3)
    model = whorl.Classifier(text="t", network=network, training=training, augmentation="none", pooling=("last",))
    assert "overfitting" in rules(model.fit((texts, labels), verbose=False))


def test_labels_that_nothing_tells_are_not_learned():
    x = [np.ones((12, 2)) for _ in range(120)]
    y = np.random.default_rng(0).choice(["a", "b", "c"], 120)
    network = whorl.Recurrent("lstm", hidden_size=8)
    model = whorl.Classifier(network=network, training=plan(epochs=8), augmentation="none", convolution=0)
    assert "underfitting" in rules(model.fit((x, y), verbose=False))


def test_a_target_of_another_size_than_the_scale_makes_long_gradients():
    """Targets that are not scaled, a thousand times as large as what the network begins with."""
    random = np.random.default_rng(0)
    x = [random.standard_normal((15, 2)) for _ in range(80)]
    y = np.array([1000.0 * one[:, 0].sum() for one in x])
    model = whorl.Regressor(
        network=whorl.Recurrent("rnn", hidden_size=8), table=whorl.Table(scaling="none"), training=plan(epochs=10)
    )
    assert "exploding gradient" in rules(model.fit((x, y), verbose=False))


def test_a_season_beyond_what_a_state_remembers_is_said_where_nothing_else_tells_it():
    wave = np.sign(np.sin(2 * np.pi * np.arange(1500) / 110)) + 0.1 * noise(1500)
    few = whorl.Recurrent("rnn", hidden_size=4)
    model = whorl.Detector(network=few, training=plan(epochs=2, batch_size=2)).fit(wave[:, None], verbose=False)
    assert model.model_.card["data"]["period"] == 110
    assert "vanishing gradient" in rules(model)
    for memory in ("carried", "window"):  # which read what stood a season before by a way of its own
        model = forecaster(wave, memory=memory, network=few, context=120, horizon=110, training=plan(epochs=2))
        assert model.model_.card["data"]["period"] == 110
        assert not {"vanishing gradient", "context too short"} & set(rules(model))


def test_a_season_longer_than_the_context_is_said():
    t = np.arange(1200)
    week = np.repeat([1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0], 8)  # eight rows a day
    model = forecaster(week[t % 56] + 0.1 * noise(1200), context=12, horizon=8, training=plan(epochs=2))
    assert "context too short" in rules(model)


def test_answers_that_hang_on_the_first_rows_of_the_context_are_said():
    """Each row is nearly one of another column, 15 rows before: the oldest but one that a context of 16 still sees."""
    values, other = noise(1200), noise(1200, seed=1)
    values[15:] = other[:-15] + 0.1 * values[15:]
    frame = pl.DataFrame({"t": np.arange(1200), "y": values, "other": other})
    training = plan(epochs=60, learning_rate=1e-2)
    network = whorl.Recurrent("gru", hidden_size=16)
    model = whorl.Forecaster(
        target="y", time="t", network=network, context=16, horizon=1, segment_length=4, training=training
    )
    assert "context too short" in rules(model.fit(frame, verbose=False))


def test_a_rate_that_throws_the_weights_about_shuts_a_layer():
    random = np.random.default_rng(0)
    x = [random.standard_normal((20, 3)) for _ in range(80)]
    y = np.array([one[-1, 0] for one in x])
    network = whorl.Recurrent("lstm", hidden_size=8)
    model = whorl.Regressor(network=network, training=plan(epochs=10, learning_rate=3.0, clip_norm=None))
    assert "saturated layer" in rules(model.fit((x, y), verbose=False))


def test_a_network_that_counts_has_a_state_that_grows():
    x = np.random.default_rng(0).standard_normal((100, 120, 1))
    y = np.cumsum(np.ones_like(x), axis=1)
    network = whorl.Recurrent("rnn", hidden_size=8, nonlinearity="relu")
    training = plan(epochs=8, learning_rate=1e-2, batch_size=10)
    model = whorl.Regressor(every_step=True, network=network, training=training)
    assert "drifting state" in rules(model.fit((x, y), verbose=False))


def test_complaints_that_are_rare_are_hardly_found():
    random = np.random.default_rng(0)
    words = [f"w{n}" for n in range(300)]
    texts = [" ".join(random.choice(words, 5)) for _ in range(200)]
    labels = ["complaint" if n % 10 == 0 else "praise" for n in range(200)]
    model = whorl.Classifier(
        text="t", network=whorl.Recurrent("lstm", hidden_size=8), training=plan(epochs=4, validation=0.3)
    )
    assert "class imbalance" in rules(model.fit((texts, labels), verbose=False))


def test_a_sensor_that_stood_still_while_it_was_learned_is_said():
    """Scaled by what it did in training, which was nearly nothing, the later rows are huge."""
    rows = 1e-3 * noise(600)
    rows[500:] += np.linspace(0.0, 5.0, 100)
    frame = pl.DataFrame({"t": np.arange(600), "y": noise(600, 1), "sensor": rows})
    model = whorl.Forecaster(
        target="y", time="t", horizon=2, context=12, network=whorl.Recurrent("gru", hidden_size=4),
        training=plan(epochs=2, validation=0.2),
    ).fit(frame, verbose=False)  # fmt: skip
    assert "unscaled inputs" in rules(model)


@pytest.mark.parametrize("memory", ["window", "carried"])
def test_a_forecast_of_an_hourly_day_is_healthy(memory):
    t = np.arange(1500)
    wave = np.sin(2 * np.pi * t / 24) + 0.1 * noise(1500)
    assert rules(forecaster(wave, context=48, horizon=6, memory=memory, training=plan(epochs=12))) == []
