"""Arrays without values: refused where nothing is known, and told where a part of them is not."""

import numpy as np
import pytest

import whorl
from whorl.errors import DataError

PLAN = whorl.Training(epochs=1, validation=0.25)
LABELS = np.arange(12) % 2
SMALL = whorl.Recurrent("gru", hidden_size=3)


def arrays():
    return np.random.default_rng(0).normal(size=(12, 7, 3))


def every_task(x):
    """Each task that learns from arrays, and data of it."""
    steps = [["a", "b", "a", "b", "a", "b", "a"]] * len(x)
    return {
        "classify": (whorl.Classifier(network=SMALL, training=PLAN), (x, LABELS)),
        "several": (whorl.Classifier(network=SMALL, training=PLAN), (x, np.eye(2)[LABELS])),
        "regress": (whorl.Regressor(network=SMALL, training=PLAN), (x, LABELS.astype(float))),
        "tag": (whorl.Tagger(network=SMALL, training=PLAN), (x, np.array(steps))),
        "detect": (whorl.Detector(per="sequence", network=SMALL, training=PLAN), (x, None)),
        "transcribe": (whorl.Transcriber(network=SMALL, training=PLAN), (list(x), ["ab", "b"] * 6)),
    }


@pytest.mark.parametrize("task", every_task(arrays()))
def test_arrays_of_which_nothing_is_known_are_refused(task):
    estimator, data = every_task(np.full((12, 7, 3), np.nan))[task]
    with pytest.raises(DataError, match=r"`X` are missing in the 9 sequences of the training part.*Bring numbers"):
        estimator.fit(data, verbose=False)


@pytest.mark.parametrize("task", every_task(arrays()))
def test_what_has_no_values_in_training_is_told(task, capsys):
    x = arrays()
    x[..., 1] = np.nan
    x[:6] = np.nan
    estimator, data = every_task(x)[task]
    estimator.fit(data, verbose=True)
    told = capsys.readouterr().out
    assert "no values in training, so that nothing is learned of them: X[..., 1]\n" in told
    assert "of 9 training sequences have no values" in told


def test_nothing_is_told_of_values_that_are_missing_here_and_there(capsys):
    x = arrays()
    x[:, 2:5, 1] = np.nan
    whorl.Classifier(network=SMALL, training=PLAN).fit((x, LABELS), verbose=True)
    assert "no values" not in capsys.readouterr().out


def test_masked_targets_are_neither_learned_nor_scored():
    x = arrays()
    numbers = np.ma.array(LABELS.astype(float), mask=np.arange(12) < 3)
    fitted = whorl.Regressor(network=SMALL, training=PLAN).fit((x, numbers))
    assert np.isnan(fitted.evaluate((x, numbers)).target[:3]).all()
    labels = np.ma.array(np.array(["a", "b"])[LABELS], mask=np.arange(12) < 3)
    fitted = whorl.Classifier(network=SMALL, training=PLAN).fit((x, labels))
    found = fitted.evaluate((x, labels))
    assert found.num_answers == 9
    assert found.target[:3].tolist() == [None] * 3
    assert fitted.predict(x).classes.tolist() == ["a", "b"]


def test_labels_of_steps_that_are_missing_are_left_out_wherever_they_stand():
    x = arrays()
    steps = [[None, "u", "v", "u", "v", "u", float("nan")]] * 12
    fitted = whorl.Tagger(network=SMALL, training=PLAN).fit((x, steps))
    found = fitted.evaluate((x, steps))
    assert fitted.predict(x).classes.tolist() == ["u", "v"]
    assert found.num_answers == 12 * 5
