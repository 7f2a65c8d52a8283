"""Labels of anomalies in tables, and what stands in for settings that were left out."""

import json

import numpy as np
import pytest

import whorl
from whorl.errors import DataError
from whorl.report import card, split
from whorl.runtime.export_records import finite

SHORT = whorl.Training(epochs=1, device="cpu", seed=0, validation=0.25)
SMALL = whorl.Recurrent("gru", hidden_size=4)


def runs(faulty=("r7",)):
    draw = np.random.default_rng(0)
    return [
        {"run": f"r{n}", "t": t, "x": float(draw.normal()), "state": "fault" if f"r{n}" in faulty else "ok"}
        for n in range(8)
        for t in range(6 + n % 3)
    ]


def detector(**settings):
    given = {"series": "run", "time": "t", "label": "state", "normal": "ok", "per": "sequence", **settings}
    return whorl.Detector(network=SMALL, training=SHORT, **given)


def test_a_run_may_have_no_normal_row_where_others_have():
    fitted = detector().fit(runs(), verbose=False)
    scores = fitted.evaluate([row for row in runs() if row["run"] in ("r1", "r7")])
    assert scores.target.tolist() == [0.0, 1.0]
    assert fitted.evaluate([row for row in runs() if row["run"] == "r7"]).target.tolist() == [1.0]


def test_what_is_normal_must_stand_somewhere():
    with pytest.raises(DataError, match="no row that is labelled 'fine'"):
        detector(normal="fine").fit(runs(), verbose=False)


def test_a_column_of_labels_that_is_nearly_there_is_a_slip():
    with pytest.raises(DataError, match=r"no column 'stat', as `label` says.*'state'"):
        detector(label="stat").fit(runs(), verbose=False)


def test_a_column_of_remaining_life_that_is_nearly_there_is_a_slip():
    rows = [{"unit": f"u{n}", "t": t, "x": float(t), "RUL": 9 - t} for n in range(6) for t in range(8)]
    model = whorl.Regressor(target="RULL", series="unit", time="t", remaining=True, network=SMALL, training=SHORT)
    with pytest.raises(DataError, match=r"no column 'RULL', as `target` says.*'RUL'"):
        model.fit(rows, verbose=False)


def test_groups_of_arrays_are_refused():
    x = np.zeros((6, 4, 2))
    with pytest.raises(whorl.ArgumentError, match="`group` is a column of a table"):
        whorl.Regressor(group="unit", network=SMALL, training=SHORT).fit((x, np.arange(6.0)), verbose=False)


@pytest.mark.parametrize(
    "task", [whorl.Classifier(), whorl.Detector(), whorl.Generator(), whorl.Regressor(remaining=True)]
)
def test_no_weight_decay_can_be_asked_for(task):
    given = type(task)(**{**task.__dict__, "training": whorl.Training(weight_decay=0.0)})
    assert given.resolved(100, 1)[1].weight_decay == 0.0
    assert task.resolved(100, 1)[1].weight_decay > 0.0


def test_numbers_that_are_not_known_are_null_in_json():
    assert json.dumps(finite({"score": float("nan"), "x": 1.0}), allow_nan=False) == '{"score": null, "x": 1.0}'


def test_class_weights_count_what_is_learned_from_alone():
    x = [np.full((5, 1), float(n)) for n in range(40)]
    labels = np.array(["rare"] * 4 + ["often"] * 36)
    from whorl.tasks.preparation import prepare

    prepared = prepare(whorl.Classifier(class_weight="balanced", training=SHORT), (x, labels))
    weights = {one.weight for one in prepared.training}
    counts = np.bincount([int(one.row_targets[0]) for one in prepared.training])
    assert sorted(weights) == pytest.approx(sorted(counts.sum() / (2 * counts)))


def test_a_sequence_that_is_held_out_whole_is_drawn_as_held_out():
    model = whorl.Classifier(target="state", series="run", time="t", network=SMALL, training=SHORT, augmentation="none")
    model.fit(runs(("r1", "r4", "r7")), verbose=False)
    facts = card.read(model.model_.card)
    drawn = split.bars(facts.data, model.held_out_, ahead=True, whole=True)
    cuts = [len(steps) for steps in model.held_out_.steps]
    assert [(bar.training == 0, bar.validation == 0) for bar in drawn] == [(bool(cut), not cut) for cut in cuts]
