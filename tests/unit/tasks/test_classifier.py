"""The classifier: labels in the user's terms, from arrays, tables and files, at once and while they come."""

import dataclasses
import itertools

import numpy as np
import pytest

import whorl
from whorl.data.augmentation import AugmentedBatches
from whorl.data.prefixes import PrefixBatches
from whorl.errors import ArgumentError, DataError
from whorl.tasks.examples import training_part
from whorl.tasks.preparation import prepare

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


@pytest.fixture(scope="module")
def fitted():
    x, y = waves()
    return classifier().fit((x, np.array(["slow", "fast"], object)[y]))


def test_answers_are_labels_and_probabilities(fitted):
    x, y = waves(seed=1)
    answer = fitted.predict(x)
    assert answer.value.shape == (40,)
    assert answer.classes.tolist() == ["fast", "slow"]
    assert answer.probabilities.shape == (40, 2)
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1.0)
    assert (answer.value == answer.classes[answer.probabilities.argmax(axis=1)]).all()
    assert (answer.value == np.array(["slow", "fast"], object)[y]).mean() > 0.9


def test_sets_hold_the_truth_as_often_as_was_promised(fitted, tmp_path):
    rng = np.random.default_rng(3)
    x, y = waves(120, seed=3)
    unsure = np.where(rng.random(120) < 0.3, rng.integers(0, 2, 120), y)  # nobody can tell
    given = np.array(["slow", "fast"], object)[unsure]
    plan = dataclasses.replace(QUICK, epochs=5, validation=0.4)
    model = classifier(coverage=0.9, training=plan).fit((x, given), verbose=False)
    readout = model.model_.readout
    assert readout.coverage == 0.9
    assert 0 < readout.threshold < 0.5
    found = model.evaluate((x, given))
    answer = found.prediction
    held = [label in own for label, own in zip(given.tolist(), answer.sets, strict=True)]
    assert found.metrics["coverage"] == np.mean(held) > 0.85
    assert found.metrics["set_size"] == np.mean([len(own) for own in answer.sets])
    assert 1 < found.metrics["set_size"] < 2
    assert [own[0] for own in answer.sets] == answer.value.tolist()
    for own, shares in zip(answer.sets, answer.probabilities, strict=True):
        assert [share for share in sorted(shares)[::-1] if share >= readout.threshold] == sorted(
            (shares[answer.classes.tolist().index(label)] for label in own), reverse=True
        )
    model.save(tmp_path / "m.whorl")
    light = whorl.runtime.load(tmp_path / "m.whorl")
    assert light.predict(x).sets == answer.sets
    stream = light.stream()
    assert [stream.push(row)[0].sets for row in x[0]][-1] == answer.sets[:1]
    assert next(iter(answer.to_records()))["set"] == " | ".join(answer.sets[0])
    with pytest.raises(ArgumentError, match=r"coverage=0\.9"):
        _ = fitted.predict(x).sets
    assert "set" not in next(iter(fitted.predict(x).to_records()))
    assert "coverage" not in fitted.evaluate((x, given)).metrics


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 1.5, float("nan"), "0.9", True])
def test_a_coverage_that_is_no_share_is_refused(coverage):
    with pytest.raises(ArgumentError, match="`coverage` is a share"):
        whorl.Classifier(coverage=coverage)


@pytest.mark.parametrize("labels", [[7, -3], ["a", "b"], [0.5, 1.5]])
def test_labels_come_back_in_the_kind_that_was_given(labels, tmp_path):
    x, y = waves(12)
    given = np.array(labels, object if isinstance(labels[0], str) else None)[y]
    model = classifier(training=dataclasses.replace(QUICK, epochs=1)).fit((x, given))
    model.save(tmp_path / "model.whorl")
    for one in (model, whorl.load(tmp_path / "model.whorl"), whorl.runtime.load(tmp_path / "model.whorl")):
        answer = one.predict(x)
        assert set(answer.value.tolist()) <= set(labels)
        assert type(answer.value.tolist()[0]) is type(labels[0])


def test_a_stream_says_the_risk_so_far_as_predict_does(fitted):
    (x, *_), _ = waves(1)
    rows = fitted.predict([x], every_row=True)
    stream = fitted.stream()
    pushed = [stream.push(row)[0] for row in x]
    assert np.concatenate([one.probabilities for one in pushed]).tobytes() == rows.probabilities.tobytes()
    assert [one.value[0] for one in pushed] == rows.value.tolist()
    at_once = fitted.stream().push_rows(x)
    assert at_once.probabilities.tobytes() == rows.probabilities.tobytes()
    assert fitted.predict([x]).probabilities.tobytes() == rows.probabilities[-1:].tobytes()


def test_scores_stand_beside_the_frequencies_of_the_classes(fitted):
    x, y = waves(60, seed=2)
    found = fitted.evaluate((x, np.array(["slow", "fast"], object)[y]))
    assert set(found.metrics) >= {"accuracy", "balanced_accuracy", "f1", "auroc", "nll", "brier", "ece"}
    assert found.metrics["accuracy"] == (found.prediction.value == found.target).mean()
    assert found.baseline["prior"]["accuracy"] == 0.5
    assert found.baseline["prior"]["nll"] == pytest.approx(np.log(2), abs=0.02)
    assert found.metrics["nll"] < 0.5 * found.baseline["prior"]["nll"]


def records(count=16, seed=0):
    rows = []
    for n, series in enumerate(waves(count, seed)[0]):
        rows += [
            {"who": f"s{n}", "t": t, "x": float(value), "kind": ("slow", "fast")[n % 2]}
            for t, value in enumerate(series[:, 0])
        ]
    return rows


def test_a_long_table_has_the_label_of_each_series_in_its_last_row():
    rows = records()
    for before, after in itertools.pairwise(rows):
        if before["who"] == after["who"]:
            before["kind"] = None  # unknown until the end
    model = classifier(target="kind", series="who", time="t").fit(rows)
    answer = model.predict([{name: cell for name, cell in row.items() if name != "kind"} for row in records(seed=1)])
    assert answer.index.series.tolist() == [f"s{n}" for n in range(16)]
    assert (answer.value == np.array(["slow", "fast"] * 8, object)).mean() > 0.8
    stream = model.stream(series="s3")
    (said,) = stream.push({"t": 0, "x": 0.5})
    assert said.value[0] in ("slow", "fast")


def test_numbers_of_a_table_are_labels_too():
    rows = [{**row, "kind": {"slow": 0, "fast": 1}[row["kind"]]} for row in records()]
    model = classifier(target="kind", series="who", time="t", training=dataclasses.replace(QUICK, epochs=1)).fit(rows)
    assert model.predict(rows).classes.tolist() == [0, 1]


def test_files_of_the_archives_are_read(tmp_path):
    path = tmp_path / "Waves_TRAIN.tsv"
    x, y = waves(20, lengths=(15, 16))
    path.write_text(
        "".join("\t".join([str(label + 1), *map(str, one[:, 0])]) + "\n" for one, label in zip(x, y, strict=True))
    )
    model = classifier().fit(path)
    assert model.predict(path).classes.tolist() == [1, 2]
    assert model.evaluate(path).num_answers == 20


def test_classes_of_few_examples_count_as_much_where_that_is_asked_for():
    x, y = waves(40)
    kept = [n for n in range(40) if y[n] == 0 or n < 9]
    x, y = [x[n] for n in kept], y[kept]
    weights = []
    for how in ("none", "balanced"):
        from whorl.tasks.preparation import prepare

        prepared = prepare(classifier(class_weight=how), (x, y))
        weights.append({float(one.targets[0]): one.weight for one in prepared.sequences})
    assert weights[0] == {0.0: 1.0, 1.0: 1.0}
    assert weights[1][1.0] == pytest.approx(20 / 4 * weights[1][0.0])


def test_every_class_is_on_both_sides_of_the_split():
    from whorl.tasks.preparation import prepare

    x, _ = waves(40)
    y = np.array([0] * 36 + [1] * 4)
    prepared = prepare(classifier(), (x, y))
    held = {float(one.targets[0]) for one in prepared.validation}
    assert held == {0.0, 1.0} == {float(one.targets[0]) for one in prepared.training}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"pooling": ("last", "las")}, "Did you mean 'last'"),
        ({"pooling": ()}, "`pooling` is some of"),
        ({"pooling": ("max", "max")}, "each once"),
        ({"convolution": -1}, "`convolution` is a whole number >= 0"),
        ({"class_weight": "even"}, "`class_weight` must be one of none, balanced"),
        ({"augmentation": "text"}, "`augmentation` must be one of auto, none, series, sound, tokens, views, prefixes"),
        ({"augmentation": ("series", "prefix")}, "Did you mean 'prefixes'"),
        ({"augmentation": 3}, "`augmentation` must be one of auto"),
        ({"augmentation": ()}, "'auto' or 'none' alone, or some of the others"),
        ({"augmentation": ("none", "prefixes")}, "'auto' or 'none' alone"),
        ({"augmentation": ("prefixes", "prefixes")}, "each once"),
        ({"augmentation": "tokens"}, "`augmentation` has 'tokens', but examples are series"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options, told):
    with pytest.raises(ArgumentError, match=told):
        whorl.Classifier(**options)


def test_data_without_labels_or_with_one_class_are_refused():
    x, y = waves(12)
    with pytest.raises(DataError, match="`y` must be given"):
        classifier().fit(x)
    with pytest.raises(DataError, match="one label only"):
        classifier().fit((x, np.zeros(12, int)))
    with pytest.raises(DataError, match="one label for each sequence"):
        classifier().fit((x, y[:, None]))
    with pytest.raises(ArgumentError, match="`target` names the one column of labels"):
        classifier(series="who").fit(records())


def test_records_tell_the_probability_of_each_class(fitted):
    x, _ = waves(2)
    first, _ = fitted.predict(x).to_records()
    assert list(first) == ["series", "origin", "output", "value", "probability", "p(fast)", "p(slow)"]
    assert first["probability"] == max(first["p(fast)"], first["p(slow)"])


def test_the_report_shows_which_class_is_taken_for_which(fitted, tmp_path):
    fitted.report(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "Which is taken for which" in text
    assert "Are the probabilities right?" in text
    assert "1: fast, 2: slow" in text


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ("auto", [AugmentedBatches]),
        ("none", []),
        ("prefixes", [PrefixBatches]),
        (("series", "prefixes"), [PrefixBatches, AugmentedBatches]),
    ],
)
def test_training_sequences_are_changed_in_the_ways_that_were_asked_for(asked, made):
    estimator = classifier(augmentation=asked)
    batches, _, _ = training_part(estimator, estimator.wiring(), prepare(estimator, waves()))
    found = []
    while hasattr(batches, "_batches"):
        found.append(type(batches))
        batches = batches._batches
    assert found == made


@pytest.mark.parametrize("task", [whorl.Classifier, whorl.Regressor])
def test_a_table_without_a_column_to_read_is_refused(task):
    rows = [{"id": n // 4, "t": n, "size": float(n), "kind": n // 4 % 3} for n in range(80)]
    ignored = whorl.Table(kinds={"size": "ignore"})
    with pytest.raises(
        DataError, match=r"records has no column that is read.*the columns are 'id', 't', 'size', 'kind'"
    ):
        task(target="kind", series="id", time="t", table=ignored).fit(rows, verbose=False)


@pytest.mark.parametrize("task", [whorl.Classifier, whorl.Regressor])
def test_a_table_that_is_one_sequence_is_refused(task):
    rows = [{"kind": n % 3, "load": float(n), **{f"t{k}": float(n + k) for k in range(9)}} for n in range(30)]
    with pytest.raises(DataError, match=r"records is one sequence, as no column is named as `series`.*number the col"):
        task(target="kind").fit(rows, verbose=False)


def test_labels_that_training_does_not_have_count_as_wrong_and_missing_ones_do_not_count(fitted):
    x, y = waves(seed=1)
    labels = np.array(["slow", "fast"], object)[y]
    before = fitted.evaluate((x, labels))
    labels[:10] = "new"
    found = fitted.evaluate((x, labels))
    right = fitted.predict(x).value == labels
    assert found.metrics["accuracy"] == right.mean() <= 0.75
    assert (found.metrics["unseen"], found.num_answers) == (0.25, 40)
    assert found.baseline["prior"]["unseen"] == 0.25
    assert found.target.tolist() == labels.tolist()
    assert "unseen" not in before.metrics
    labels[:10] = ""
    found = fitted.evaluate((x, labels))
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
