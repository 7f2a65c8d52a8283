"""A Translator beats copies and similar pairs on small synthetic data, in seconds."""

import numpy as np

import whorl

UNITS = ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")


def pairs(count, seed):
    """Synthetic: digits and their German words from the last to the first, so that attention has to look back."""
    draw = np.random.default_rng(seed)
    numbers = [draw.integers(0, 10, draw.integers(1, 5)).tolist() for _ in range(count)]
    return (
        [" ".join(map(str, digits)) for digits in numbers],
        [" ".join(UNITS[digit] for digit in reversed(digits)) for digits in numbers],
    )


def test_a_translator_that_waits_learns_to_spell_while_it_reads():
    training, test = (
        (sources, [" ".join(reversed(text.split())) for text in targets])
        for sources, targets in (pairs(900, 0), pairs(150, 1))
    )
    model = whorl.Translator(
        wait=1,
        input_feeding=True,
        tokens=whorl.Text(unit="word"),
        longest=8,
        dropout=0.1,
        network=whorl.Recurrent("gru", hidden_size=32),
        training=whorl.Training(epochs=8, batch_size=32, learning_rate=1e-2, seed=0, device="cpu"),
    ).fit(training, verbose=False)
    scores = model.evaluate(test)
    best = max(rival["bleu"] for rival in scores.baseline.values())
    assert scores.metrics["bleu"] > best + 20
    stream = model.stream()
    said = [[answer.value[0] for answer in stream.push(piece)] for piece in ("4 ", "0 ", "7 ", "1")]
    assert [text for answers in said for text in answers][:2] == ["vier", "vier null"]
    assert stream.flush()[0].value == ["vier null sieben eins"]


def test_a_translator_learns_to_reverse_and_to_spell():
    model = whorl.Translator(
        tokens=whorl.Text(unit="word"),
        longest=8,
        dropout=0.1,
        network=whorl.Recurrent("gru", hidden_size=32),
        training=whorl.Training(epochs=12, batch_size=32, learning_rate=1e-2, seed=0, device="cpu"),
    ).fit(pairs(900, 0), verbose=False)
    scores = model.evaluate(pairs(150, 1))
    best = max(rival["bleu"] for rival in scores.baseline.values())
    assert scores.metrics["bleu"] > best + 20
    assert scores.metrics["perplexity"] < 1.6
    assert model.predict(["4 0 7"]).value == ["sieben null vier"]
