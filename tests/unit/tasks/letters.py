"""Texts of a few words, frames that say their letters, and small networks that learn to read them."""

import numpy as np

import whorl

WORDS = ("ab", "ba", "cad", "dab")


def text_of(rng: np.random.Generator) -> str:
    return " ".join(WORDS[n] for n in rng.integers(0, len(WORDS), rng.integers(1, 4)))


def frames_of(text: str, rng: np.random.Generator) -> np.ndarray:
    """Some frames that say each letter, and some that say nothing."""
    rows = []
    for letter in text:
        rows += [np.eye(5)[" abcd".index(letter)]] * int(rng.integers(2, 5)) + [np.zeros(5)] * int(rng.integers(1, 3))
    return np.array(rows) + 0.1 * rng.standard_normal((len(rows), 5))


def examples(count: int, seed: int) -> tuple[list[np.ndarray], list[str]]:
    rng = np.random.default_rng(seed)
    texts = [text_of(rng) for _ in range(count)]
    return [frames_of(text, rng) for text in texts], texts


def transcriber(epochs: int = 25, **settings: object) -> whorl.Transcriber:
    network = settings.pop("network", whorl.Recurrent("gru", hidden_size=24))
    return whorl.Transcriber(network=network, training=whorl.Training(epochs=epochs), **settings)
