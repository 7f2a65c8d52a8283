"""Slow and fast waves, and small classifiers of them."""

import numpy as np

import whorl

QUICK = whorl.Training(epochs=30, batch_size=8, learning_rate=1e-2, seed=0, device="cpu", validation=0.25)
SMALL = whorl.Recurrent("gru", hidden_size=8)


def waves(count=40, seed=0, lengths=(11, 23)):
    """Slow and fast waves with noise: (X, y)."""
    rng = np.random.default_rng(seed)
    x, y = [], []
    for n in range(count):
        steps = np.arange(rng.integers(*lengths))
        label = n % 2
        x.append(
            (np.sin((0.4, 1.3)[label] * steps + rng.uniform(0, 6)) + 0.1 * rng.standard_normal(len(steps)))[:, None]
        )
        y.append(label)
    return x, np.array(y)


def classifier(**options):
    return whorl.Classifier(**{"network": SMALL, "training": QUICK, **options})
