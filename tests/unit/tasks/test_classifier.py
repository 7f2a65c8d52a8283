"""The classifier: labels in the user's terms, from arrays, tables and files, at once and while they come."""

import dataclasses
import itertools

import numpy as np
import pytest
from tests.unit.tasks.waves import QUICK, classifier, waves

import whorl
from whorl.data.augmentation import AugmentedBatches
from whorl.data.prefixes import PrefixBatches
from whorl.errors import ArgumentError, DataError
from whorl.tasks.examples import training_part
from whorl.tasks.preparation import prepare


def test_answers_are_labels_and_probabilities(slow_or_fast):
    x, y = waves(seed=1)
    answer = slow_or_fast.predict(x)
    assert answer.value.shape == (40,)
    assert answer.classes.tolist() == ["fast", "slow"]
    assert answer.probabilities.shape == (40, 2)
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1.0)
    assert (answer.value == answer.classes[answer.probabilities.argmax(axis=1)]).all()
    assert (answer.value == np.array(["slow", "fast"], object)[y]).mean() > 0.9


def test_sets_hold_the_truth_as_often_as_was_promised(slow_or_fast, tmp_path):
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
        _ = slow_or_fast.predict(x).sets
    assert "set" not in next(iter(slow_or_fast.predict(x).to_records()))
    assert "coverage" not in slow_or_fast.evaluate((x, given)).metrics


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


def test_a_stream_says_the_risk_so_far_as_predict_does(slow_or_fast):
    (x, *_), _ = waves(1)
    rows = slow_or_fast.predict([x], every_row=True)
    stream = slow_or_fast.stream()
    pushed = [stream.push(row)[0] for row in x]
    assert np.concatenate([one.probabilities for one in pushed]).tobytes() == rows.probabilities.tobytes()
    assert [one.value[0] for one in pushed] == rows.value.tolist()
    at_once = slow_or_fast.stream().push_rows(x)
    assert at_once.probabilities.tobytes() == rows.probabilities.tobytes()
    assert slow_or_fast.predict([x]).probabilities.tobytes() == rows.probabilities[-1:].tobytes()


def test_scores_stand_beside_the_frequencies_of_the_classes(slow_or_fast):
    x, y = waves(60, seed=2)
    found = slow_or_fast.evaluate((x, np.array(["slow", "fast"], object)[y]))
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


def test_records_tell_the_probability_of_each_class(slow_or_fast):
    x, _ = waves(2)
    first, _ = slow_or_fast.predict(x).to_records()
    assert list(first) == ["series", "origin", "output", "value", "probability", "p(fast)", "p(slow)"]
    assert first["probability"] == max(first["p(fast)"], first["p(slow)"])


def test_the_report_shows_which_class_is_taken_for_which(slow_or_fast, tmp_path):
    slow_or_fast.report(tmp_path / "report.html")
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
