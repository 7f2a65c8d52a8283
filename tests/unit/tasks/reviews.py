"""Texts with labels, classifiers of them, and how their streams are asked."""

import dataclasses
import itertools

import numpy as np

import whorl

QUICK = whorl.Training(epochs=25, batch_size=8, learning_rate=1e-2, seed=0, device="cpu", validation=0.25)
ONE = dataclasses.replace(QUICK, epochs=1)
SMALL = whorl.Recurrent("gru", hidden_size=8)
GOOD, BAD = ("lovely", "größte", "bright", "🙂"), ("awful", "mäßig", "dull", "🙁")
STRANGE = [
    "",
    " \n\t ",
    "xyzzy",
    "lovely" * 40,
    "Ǆ\u0301 größte",
    "\u200b",
    "\0",
    "دولة 漢字 한국",
    "🙂🙂🙂",
    "x " * 3000,
]


def reviews(count=48, seed=0):
    """Sentences with one word that tells: (texts, labels)."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for n in range(count):
        words = list(rng.choice(["the", "film", "was", "a", "bit", "long,", "Ann's"], rng.integers(1, 7)))
        words.insert(int(rng.integers(0, len(words) + 1)), str(rng.choice((GOOD, BAD)[n % 2])))
        texts.append(" ".join(words) + rng.choice(["", ".", " !"]))
        labels.append(("good", "bad")[n % 2])
    return texts, labels


def classifier(**options):
    return whorl.Classifier(**{"text": "text", "network": SMALL, "training": QUICK, **options})


def table(count=24):
    texts, labels = reviews(count)
    return [
        {"price": n % 5, "text": text, "shop": ("Süd", "Nord", "West")[n % 3], "verdict": label}
        for n, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]


def streamed(model, text, cuts):
    """The answers of a text that is pushed in pieces, the last one that of its end."""
    stream = model.stream()
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    answers = [answer for piece in pieces for answer in stream.push(piece)]
    return [*answers, *stream.flush()]


def same(one, other):
    return one.probabilities.tobytes() == other.probabilities.tobytes()
