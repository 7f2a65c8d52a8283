"""A convolutional LSTM follows what moves over a picture; a GRU on the same pixels has to learn it at every place."""

import numpy as np

import whorl

SIDE, STEPS = 10, 6
WAYS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}


def clips(count, seed):
    """Noisy frames in which a square of 2 x 2 pixels moves one pixel a step, and which way it goes.

    It goes around the edges, so that no single frame tells the way, and where it stands tells nothing either.
    """
    rng = np.random.default_rng(seed)
    labels = rng.choice(list(WAYS), count)
    made = rng.integers(0, 100, (count, STEPS, SIDE, SIDE, 1)).astype(np.uint8)
    for n, label in enumerate(labels):
        at = rng.integers(0, SIDE, 2)
        for t in range(STEPS):
            rows, columns = ((at + t * np.array(WAYS[label]))[:, None] + np.arange(2)).T.T % SIDE
            made[n, t, rows[:, None], columns] = 255
    return list(made), labels.tolist()


def test_what_moves_is_followed_better_than_by_a_gru_of_as_many_weights():
    training, test = clips(300, 0), clips(200, 1)
    plan = whorl.Training(epochs=12, learning_rate=5e-3, seed=0)
    moved = whorl.Classifier(
        tokens=whorl.Image(mode="grey"),
        network=whorl.ConvLSTM(hidden_size=9),
        convolution=0,
        augmentation="none",
        pooling=("last",),
        training=plan,
    ).fit(training)
    flat = [one.reshape(STEPS, -1) for one in training[0]], training[1]
    flattened = whorl.Classifier(
        network=whorl.Recurrent("gru", hidden_size=16),
        convolution=0,
        augmentation="none",
        pooling=("last",),
        training=plan,
    ).fit(flat)
    sizes = [one.model_.engine.program.num_parameters() for one in (moved, flattened)]
    assert max(sizes) < 1.1 * min(sizes), sizes
    own = moved.evaluate(test).metrics["accuracy"]
    theirs = flattened.evaluate(([one.reshape(STEPS, -1) for one in test[0]], test[1])).metrics["accuracy"]
    assert own > 0.9, own
    assert own > theirs + 0.3, (own, theirs)
