"""Labels of classifiers: unknown and missing ones, and how those of tables and files are read."""

import dataclasses

import numpy as np
import pytest
from tests.unit.tasks.waves import QUICK, classifier, waves

import whorl
from whorl.errors import DataError


def test_labels_that_training_does_not_have_count_as_wrong_and_missing_ones_do_not_count(slow_or_fast):
    x, y = waves(seed=1)
    labels = np.array(["slow", "fast"], object)[y]
    before = slow_or_fast.evaluate((x, labels))
    labels[:10] = "new"
    found = slow_or_fast.evaluate((x, labels))
    right = slow_or_fast.predict(x).value == labels
    assert found.metrics["accuracy"] == right.mean() <= 0.75
    assert (found.metrics["unseen"], found.num_answers) == (0.25, 40)
    assert found.baseline["prior"]["unseen"] == 0.25
    assert found.target.tolist() == labels.tolist()
    assert "unseen" not in before.metrics
    labels[:10] = ""
    found = slow_or_fast.evaluate((x, labels))
    assert found.metrics["accuracy"] == right[10:].mean()
    assert found.num_answers == 30
    assert "unseen" not in found.metrics


def test_rows_of_a_table_with_labels_that_training_does_not_have_count_as_wrong():
    x, y = waves(count=24)
    rows = [(n, value, "ab"[label]) for n, (one, label) in enumerate(zip(x, y, strict=True)) for value in one[:, 0]]
    table = {name: list(column) for name, column in zip(("id", "x", "kind"), zip(*rows, strict=True), strict=True)}
    quick = dataclasses.replace(QUICK, epochs=2)
    fitted = classifier(training=quick, target="kind", series="id").fit(table)
    before = fitted.evaluate(table).metrics["accuracy"]
    table["kind"] = ["new" if key < 6 else kind for key, kind in zip(table["id"], table["kind"], strict=True)]
    found = fitted.evaluate(table)
    assert found.metrics["unseen"] == 0.25
    assert found.metrics["accuracy"] <= min(before, 0.75)
    assert found.num_answers == 24


def labelled(labels):
    """Records of series with these labels in turn."""
    x, _ = waves(count=24, lengths=(3, 4))
    return [
        {"id": f"s{n}", "x": float(value), "kind": labels[n % len(labels)]}
        for n, one in enumerate(x)
        for value in one[:, 0]
    ]


def written(rows, path):
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.mark.parametrize(
    ("labels", "from_file"),
    [
        (["01", "1", "9"], ["01", "1", "9"]),
        (["0", "1", "2"], [0, 1, 2]),
        (["1.1", "1.10"], ["1.1", "1.10"]),
        (["1e3", "2"], ["1e3", "2"]),
        ([str(2**53), str(2**53 + 1)], [str(2**53), str(2**53 + 1)]),
        (["0", "1"] * 8 + ["unknown"], ["0", "1", "unknown"]),
    ],
)
def test_labels_of_text_stay_text_and_those_of_a_file_are_numbers_where_nothing_is_lost(labels, from_file, tmp_path):
    rows = labelled(labels)
    plan = dataclasses.replace(QUICK, epochs=1)
    for data, classes in ((rows, sorted(set(labels))), (written(rows, tmp_path / "d.csv"), from_file)):
        fitted = classifier(training=plan, target="kind", series="id").fit(data)
        fitted.save(tmp_path / "m.whorl")
        loaded = whorl.runtime.load(tmp_path / "m.whorl")
        assert loaded.predict(data).classes.tolist() == classes
        found = loaded.evaluate(data)
        assert (found.num_answers, "unseen" in found.metrics) == (24, False)
        assert set(found.target.tolist()) == set(classes)


def test_numbers_stay_labels_of_numbers_and_large_ones_are_told_apart():
    plan = dataclasses.replace(QUICK, epochs=1)
    for labels, classes in (([3, 1], [1, 3]), ([2**53, 2**53 + 1], [str(2**53), str(2**53 + 1)])):
        fitted = classifier(training=plan, target="kind", series="id").fit(labelled(labels))
        assert fitted.predict(labelled(labels)).classes.tolist() == classes


def test_a_column_that_is_called_numeric_has_numbers():
    plan = dataclasses.replace(QUICK, epochs=1)
    table = whorl.Table(kinds={"kind": "numeric"})
    fitted = classifier(training=plan, target="kind", series="id", table=table).fit(labelled(["01", "2"]))
    assert fitted.predict(labelled(["01", "2"])).classes.tolist() == [1, 2]


@pytest.mark.parametrize(("task", "values"), [(whorl.Classifier, "ab"), (whorl.Regressor, (1.5, 2.5))])
def test_what_stands_in_other_rows_than_the_last_is_told(task, values):
    rows = [{"id": n // 4, "x": float(n), "kind": values[n // 4 % 2] if n % 4 == 0 else None} for n in range(48)]
    with pytest.raises(DataError, match="column `kind` has a value in no last row of a sequence, and the last row"):
        task(target="kind", series="id").fit(rows, verbose=False)


def test_quantities_are_told_from_labels(capsys):
    x, y = waves(count=24, lengths=(3, 4))
    plan = dataclasses.replace(QUICK, epochs=1)
    amounts = np.linspace(0.1, 0.9, 24)
    with pytest.raises(DataError, match=r"all 24 classes occur once.*whorl fit regress"):
        classifier(training=plan).fit((x, amounts), verbose=False)
    amounts[1::6] = amounts[::6]
    classifier(training=plan).fit((x, amounts), verbose=True)
    assert "most labels come once: 20 among 24; if they are quantities" in capsys.readouterr().out
    classifier(training=plan).fit((x, y), verbose=True)
    assert "quantities" not in capsys.readouterr().out
