"""What is told beside the table: what is scored too little, and what cannot be scored at all."""

import numpy as np
import pytest

import whorl
from whorl.errors import ArgumentError, DataError
from whorl.report.probes import probe

PLAN = whorl.Training(epochs=1, batch_size=16)
SMALL = whorl.Recurrent("gru", hidden_size=4)


def rare(count=60):
    """Series of noise, three of which have a label of their own."""
    x = [np.random.default_rng(n).standard_normal((6, 1)) for n in range(count)]
    return x, np.array(["rare" if n in (3, 30, 50) else "usual" for n in range(count)])


def notes_of(task, data, **options):
    return whorl.compare(task, data, networks=["gru", "rnn"], seeds=1, verbose=False, **options).notes


def test_labels_that_are_not_scored_are_named():
    notes = notes_of(whorl.Classifier(network=SMALL, training=PLAN, convolution=0), rare())
    assert any(note.startswith("the test part has no example of rare: nothing is said") for note in notes)
    x, y = rare()
    notes = notes_of(whorl.Classifier(network=SMALL, training=PLAN, convolution=0), (x, y), test=(x[:9], y[:9]))
    assert not any("no example of" in note for note in notes)


def test_sessions_that_choose_the_epoch_do_not_lack_in_the_test_part():
    rows = [{"user": f"u{n}", "item": "abcde"[(n + t) % 5], "time": t} for n in range(40) for t in range(6)]
    task = whorl.Recommender(user="user", item="item", time="time", network=SMALL, training=PLAN)
    assert not any("series are scored" in note for note in notes_of(task, rows))


@pytest.mark.parametrize(
    ("anomalies", "says"), [([], "labelled as an anomaly"), (range(180, 200), "labelled as normal")]
)
def test_detectors_whose_test_part_has_one_label_alone_are_refused_before_any_fit(anomalies, says, monkeypatch):
    marks = np.zeros(200)
    marks[30] = 1
    marks[list(anomalies)] = 1  # the last 20 rows are the test part
    data = {"time": np.arange(200), "x": np.sin(np.arange(200)), "odd": marks}
    task = whorl.Detector(time="time", label="odd", network=SMALL, training=PLAN)
    monkeypatch.setattr("whorl.comparison.compare.Schedule", None)
    with pytest.raises(DataError, match=f"no row of the test part, \\d+ rows, is {says}"):
        notes_of(task, data)
    with pytest.raises(DataError, match="marks anomalies with `label`"):
        notes_of(whorl.Detector(time="time", network=SMALL, training=PLAN), {"time": data["time"], "x": data["x"]})


def test_probes_say_what_they_take():
    model = whorl.Regressor(network=SMALL, training=PLAN).fit((np.ones((20, 5, 1)), np.arange(20.0)), verbose=False)
    with pytest.raises(ArgumentError, match=r"such as `estimator\.model_`, but is a Regressor"):
        probe(model, model.held_out_)
    with pytest.raises(ArgumentError, match=r"`data` is what `fit` held out.*but is a ndarray"):
        probe(model.model_, np.ones((3, 5, 1)))
    with pytest.raises(ArgumentError, match="but is a list"):
        probe(model.model_, [np.ones((5, 1))])
