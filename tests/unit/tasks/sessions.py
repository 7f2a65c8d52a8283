"""Sessions that go round six letters, and small recommenders of them."""

import numpy as np

import whorl

TINY = whorl.Recurrent("gru", hidden_size=12)
QUICK = whorl.Training(epochs=12, batch_size=8, learning_rate=2e-2, seed=0, device="cpu")
ROUND = ["a", "b", "c", "d", "e", "f"]


def turns(users, seed=0):
    """Each user goes round the letters, from one of them on."""
    draw = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        start, count = int(draw.integers(6)), int(draw.integers(3, 6))
        rows += [
            {"user": f"u{seed}-{user}", "item": ROUND[(start + n) % 6], "time": 100 * user + 7 * n}
            for n in range(count)
        ]
    return rows


def recommender(**settings):
    given = {"time": "time", "k": 3, "embedding_size": 8, "dropout": 0.0, "network": TINY, "training": QUICK}
    return whorl.Recommender(**{**given, **settings})
