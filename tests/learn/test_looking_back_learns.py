"""Networks that do not recur learn, too: each of them, in each of the shapes that tasks have."""

import numpy as np
import pytest

import whorl

LOOKING_BACK = {
    "transformer": whorl.Transformer(16, num_heads=2, window=32, dropout=0.0),
    "cnn": whorl.Convolution(16, dropout=0.0),
    "mlp": whorl.Perceptron(32, window=32, dropout=0.0),
}


def echoes(count, seed):
    """Noise of 20 to 30 steps; the label is the sign of the number six steps before the end."""
    draw = np.random.default_rng(seed)
    x = [draw.normal(0, 1, (length, 1)) for length in draw.integers(20, 31, count)]
    return x, np.array(["up" if one[-6, 0] > 0 else "down" for one in x])


def season(count):
    """Synthetic: a profile of eight steps, and noise of 0.3 that a forecast cannot know."""
    draw = np.random.default_rng(0)
    profile = np.array([0.0, 2.0, 3.0, 1.0, -1.0, -1.5, -3.0, -0.5])
    return {"load": profile[np.arange(count) % 8] + draw.normal(0, 0.3, count)}


@pytest.mark.parametrize("key", LOOKING_BACK)
def test_a_classifier_finds_the_step_that_tells(key):
    model = whorl.Classifier(
        network=LOOKING_BACK[key],
        pooling=("last",),
        convolution=0,
        augmentation="none",
        training=whorl.Training(epochs=25, learning_rate=5e-3, seed=0, device="cpu"),
    ).fit(echoes(600, 0), verbose=False)
    scores = model.evaluate(echoes(200, 1))
    assert scores.metrics["accuracy"] > 0.85  # by chance: 0.5
    assert scores.metrics["nll"] < 0.6 * scores.baseline["prior"]["nll"]


PLANS = {
    "window": whorl.Training(epochs=16, batch_size=16, learning_rate=5e-3, seed=0, device="cpu"),
    "carried": whorl.Training(epochs=40, batch_size=4, tbptt_steps=16, learning_rate=1e-2, seed=0, device="cpu"),
}


@pytest.mark.parametrize("key", LOOKING_BACK)
@pytest.mark.parametrize("memory", PLANS)
def test_a_forecaster_finds_the_season(key, memory):
    data = season(700)
    model = whorl.Forecaster(
        target="load",
        horizon=4,
        context=24,
        memory=memory,
        segment_length="auto" if memory == "carried" else 2,
        network=LOOKING_BACK[key],
        training=PLANS[memory],
    )
    model.fit({"load": data["load"][:560]}, verbose=False)
    scores = model.evaluate({"load": data["load"][536:]})
    # The noise alone has a mean absolute error of 0.24; what repeats it, as the seasonal naive forecast, one of 0.34.
    assert all(scores.metrics["mae"] < rival["mae"] for rival in scores.baseline.values())
    assert scores.metrics["mae"] < 0.33


@pytest.mark.parametrize("key", LOOKING_BACK)
def test_a_generator_learns_what_comes_next(key):
    sentences = ["the loop unrolls", "a whorl turns", "the state is a value", "rows come in"]
    draw = np.random.default_rng(0)
    text = ". ".join(sentences[n] for n in draw.integers(0, 4, 500))
    model = whorl.Generator(
        tokens=whorl.Text(unit="character"),
        network=LOOKING_BACK[key],
        training=whorl.Training(epochs=6, batch_size=8, tbptt_steps=24, learning_rate=1e-2, seed=0, device="cpu"),
    ).fit([text[:6000]], verbose=False)
    scores = model.evaluate([text[6000:]])
    # Which sentence comes next is not known: some 0.08 nats a character. By the character before alone: 1.21.
    assert scores.metrics["nll"] < 0.2
    assert all(scores.metrics["nll"] < rival["nll"] for rival in scores.baseline.values())


@pytest.mark.parametrize("key", LOOKING_BACK)
def test_a_detector_is_surprised_by_what_breaks_the_rule(key):
    signal = np.sin(0.7 * np.arange(900)) + np.random.default_rng(0).normal(0, 0.05, 900)
    odd = [720, 790, 850]
    signal[odd] += 1.5
    model = whorl.Detector(
        target="y",
        network=LOOKING_BACK[key],
        alarm=whorl.Alarm(smooth=1),
        training=whorl.Training(epochs=25, seed=0, device="cpu"),
    ).fit({"y": signal[:600]}, verbose=False)
    score = model.predict({"y": signal}).score.reshape(-1)
    assert sorted(np.argsort(score)[-3:].tolist()) == odd
