"""The classifier of several labels at once: arrays, tables and texts, and what is refused."""

import dataclasses

import numpy as np
import polars as pl
import pytest

import whorl
from whorl.errors import ArgumentError, DataError, ModelFileError

QUICK = whorl.Training(epochs=12, batch_size=8, learning_rate=1e-2, seed=0, device="cpu", validation=0.25)
ONE = dataclasses.replace(QUICK, epochs=1)
SMALL = whorl.Recurrent("gru", hidden_size=8)
NAMES = ("slow", "schnéll", "rising")


def sounds(count=60, seed=0):
    """Waves and slopes that come together by chance: (X, Y)."""
    rng = np.random.default_rng(seed)
    x, y = [], []
    for _ in range(count):
        steps = np.arange(rng.integers(11, 17))
        there = rng.random(3) < (0.5, 0.4, 0.25)
        parts = np.stack([np.sin(0.4 * steps + rng.uniform(0, 6)), np.sin(2 * steps + rng.uniform(0, 6)), steps / 6])
        x.append((there @ parts + 0.1 * rng.standard_normal(len(steps)))[:, None])
        y.append(there)
    return x, np.array(y, np.float64)


def records(count=24):
    """Long rows; the labels of a sequence are those of its last row."""
    x, y = sounds(count)
    return [
        {"who": f"n{n}", "v": float(value), "rain": int(y[n][0]), "wind": int(y[n][1]) if t == len(one) - 1 else None}
        for n, one in enumerate(x)
        for t, value in enumerate(one[:, 0])
    ]


def classifier(**options):
    return whorl.Classifier(**{"target": NAMES, "network": SMALL, "training": QUICK, **options})


def same(one, other):
    return one.probabilities.tobytes() == other.probabilities.tobytes() and one.value.tolist() == other.value.tolist()


@pytest.fixture(scope="module")
def fitted():
    x, y = sounds()
    y[5, 1] = np.nan
    return classifier().fit((x, y), verbose=False)


def test_answers_are_tuples_of_the_labels_whose_probability_reaches_their_thresholds(fitted):
    x, _ = sounds(19, seed=1)
    answer = fitted.predict(x)
    assert (answer.names, tuple(answer.classes)) == (NAMES, NAMES)
    assert (answer.probabilities.shape, answer.thresholds.shape) == ((19, 3), (3,))
    for own, shares in zip(answer.value, answer.probabilities, strict=True):
        assert own == tuple(
            name for name, share, least in zip(NAMES, shares, answer.thresholds, strict=True) if share >= least
        )
    assert {len(own) for own in answer.value} >= {0, 1, 2}
    assert same(answer.take(slice(3, 5)), fitted.predict(x[3:5]))
    assert answer.most_likely(1)[0][0][1] == answer.probabilities[0].max()
    with pytest.raises(ArgumentError, match="read `value`"):
        _ = answer.sets


def test_scores_stand_beside_the_frequency_of_each_label(fitted):
    x, y = sounds(40, seed=2)
    found = fitted.evaluate((x, y))
    assert list(found.baseline) == ["prior"]
    assert found.metrics["nll"] < found.baseline["prior"]["nll"]
    said = np.array([[name in own for name in NAMES] for own in found.prediction.value])
    assert found.metrics["subset_accuracy"] == (said == (y > 0)).all(axis=1).mean()
    assert found.target.tolist() == y.tolist()
    y[:, 2] = np.nan
    assert fitted.evaluate((x, y)).metrics["f1_micro"] != found.metrics["f1_micro"]
    card = fitted.model_.card["data"]
    assert card["classes"] == list(NAMES)
    assert all(0 < count < 60 for count in card["counts"])


def test_a_stream_a_file_and_a_copy_answer_as_predict_does(fitted, tmp_path):
    x, _ = sounds(3, seed=3)
    expected = fitted.predict(x)
    fitted.save(tmp_path / "m.whorl")
    for one in (fitted, whorl.load(tmp_path / "m.whorl"), whorl.runtime.load(tmp_path / "m.whorl")):
        assert same(one.predict(x), expected)
        stream = one.stream()
        pushed = [stream.push(row)[0] for row in x[0]]
        assert same(pushed[-1], expected.take(slice(0, 1)))
    assert whorl.load(tmp_path / "m.whorl").target == NAMES


def test_records_and_pictures_tell_each_label(fitted, tmp_path):
    x, y = sounds(30, seed=4)
    answer = fitted.predict(x)
    first = next(answer.to_records())
    assert list(first) == ["series", "origin", "value", *(f"p({name})" for name in NAMES)]
    assert [one["value"] for one in answer.to_records()] == [" | ".join(own) for own in answer.value]
    answer.write(tmp_path / "a.csv")
    assert answer.to_frame().shape == (30, 6)
    answer.plot(1)
    for data in (None, (x, y), (x, np.full((30, 3), np.nan))):
        fitted.report(tmp_path / "report.html", data)
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert "own unit" not in page  # labels have none
        known = data is None or bool(np.isfinite(data[1]).any())
        assert ("Which labels are found" in page) == ("Are the probabilities right?" in page) == known
        assert "Each label" in page or not known
        assert "3 labels" in page


def test_a_long_table_has_the_labels_of_a_sequence_in_its_last_row(tmp_path):
    rows = records()
    model = classifier(target=["rain", "wind"], series="who", training=ONE).fit(rows, verbose=False)
    assert model.model_.reader.names == ("rain", "wind")
    truths = model.evaluate(pl.DataFrame(rows)).target
    last = {row["who"]: (row["rain"], row["wind"]) for row in rows}
    assert truths.tolist() == [list(map(float, own)) for own in last.values()]
    bare = [{"who": row["who"], "v": row["v"]} for row in rows]
    assert same(model.predict(bare), model.predict(rows))
    model.save(tmp_path / "m.whorl")
    assert same(whorl.runtime.load(tmp_path / "m.whorl").predict(bare), model.predict(bare))


def test_texts_are_a_table_or_lists_with_a_column_for_each_label(tmp_path):
    texts = [f"a {'calm ' * (n % 2)}{'wild ' * (n % 3 == 0)}sea" for n in range(30)]
    y = np.array([[n % 2, n % 3 == 0] for n in range(30)], int)
    model = classifier(target=("calm", "wild"), text="text", training=ONE)
    model.fit((texts, y), verbose=False)
    table = {"text": texts, "calm": y[:, 0], "wild": [None if n == 7 else bool(v) for n, v in enumerate(y[:, 1])]}
    of_table = classifier(target=("calm", "wild"), text="text", training=ONE).fit(table, verbose=False)
    for one in (model, of_table):
        answer = one.predict(texts[:4])
        assert answer.probabilities.shape == (4, 2)
        one.save(tmp_path / "m.whorl")
        assert same(whorl.load(tmp_path / "m.whorl").predict(texts[:4]), answer)
    assert np.isnan(of_table.evaluate(table).target[7, 1])
    with pytest.raises(DataError, match="`y` must have 2 columns, one for each of calm, wild"):
        model.evaluate((texts, y[:, 0]))
    with pytest.raises(DataError, match=r"column 'wild', row 3: .*but yes came"):
        model.evaluate({**table, "wild": ["0", "1", "", "yes"] + ["1"] * 26})


def test_labels_without_names_are_numbered_as_arrays_are():
    x, y = sounds(24)
    model = whorl.Classifier(network=SMALL, training=ONE)
    model.fit((x, y), verbose=False)
    assert model.target is None
    assert model.predict(x[:2]).names == ("y0", "y1", "y2")
    texts = whorl.Classifier(text="text", network=SMALL, training=ONE).fit((["a", "b", "c d"] * 8, y[:, :2].tolist()))
    assert texts.predict(["a"]).names == ("y0", "y1")


def test_one_target_in_a_tuple_is_a_lone_one():
    rows = [{**row, "kind": ("dry", "wet")[row["rain"]]} for row in records()]
    model = whorl.Classifier(target=("kind",), series="who", network=SMALL, training=ONE).fit(rows, verbose=False)
    assert model.predict(rows).classes.tolist() == ["dry", "wet"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"coverage": 0.9}, "`coverage` is of sets among which one label is true"),
        ({"class_weight": "balanced"}, "`class_weight` weighs examples by their one label"),
        ({"target": ("a", "a")}, "each once"),
        ({"target": ()}, "each once"),
        ({"text": "slow"}, "`text` and `target` are both"),
    ],
)
def test_settings_that_are_of_one_label_are_refused(options, told):
    with pytest.raises(ArgumentError, match=told):
        classifier(**options)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [(2, "but 2 came"), (0.5, r"but 0\.5 came"), ("yes", "but yes came"), (-1, "but -1 came")],
    ids=str,
)
def test_a_cell_that_is_neither_0_nor_1_is_told_with_its_column_and_row(wrong, told, tmp_path):
    rows = records(12)
    rows[7]["wind"] = wrong
    with pytest.raises(DataError, match=rf"column 'wind', row 7: .*{told}"):
        classifier(target=("rain", "wind"), series="who").fit(rows)
    path = tmp_path / "rain.csv"
    lines = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in rows]
    path.write_text("\n".join(["who,v,rain,wind", *lines]), encoding="utf-8")
    with pytest.raises(DataError, match=rf"rain\.csv: column 'wind', row 9: .*{told}"):
        classifier(target=("rain", "wind"), series="who").fit(path)


def test_arrays_of_other_shapes_and_values_are_refused(fitted):
    x, y = sounds(8)
    for wrong in (y[:, 0], y[:, :2], [one[:, 0] for one in x]):
        with pytest.raises(DataError, match="`y` must have 3 columns of 0 and 1, one for each of slow"):
            fitted.evaluate((x, wrong))
    y[6, 1] = 3
    with pytest.raises(DataError, match="column 'schnéll', row 6"):
        classifier().fit((x, y))
    with pytest.raises(DataError, match="column 'rising' is a target, but all its 8 values are missing"):
        classifier().fit((x, np.where(np.arange(3) == 2, np.nan, 1.0) * (np.arange(8)[:, None] % 2)))
    with pytest.raises(DataError, match="always 1 or always 0 in the training part"):
        classifier(training=ONE).fit((x, np.ones((8, 3))))
    with pytest.raises(DataError, match="`y` must be given"):
        classifier().fit(x)


def test_a_label_that_training_never_has_is_told_and_left_alone(capsys):
    x, y = sounds(24)
    y[:, 1] = 0
    model = classifier(training=ONE).fit((x, y), verbose=True)
    assert "nothing is learned of them: schnéll" in capsys.readouterr().out
    assert np.isfinite(model.evaluate((x, y)).baseline["prior"]["nll"])


def test_a_file_whose_parts_are_of_one_label_is_refused(fitted):
    from whorl.runtime import consistency
    from whorl.runtime.bernoulli_readout import BernoulliReadout
    from whorl.runtime.class_readout import CategoricalReadout

    model = fitted.model_
    rest = (model.engine.program, model.baselines, None)
    consistency.check_parts(model.wiring, model.reader, model.readout, *rest)
    for readout in (CategoricalReadout(), BernoulliReadout(thresholds=np.full(2, 0.5))):
        with pytest.raises(ModelFileError, match="its readout"):
            consistency.check_parts(model.wiring, model.reader, readout, *rest)


@pytest.mark.parametrize(
    "config", [{"names": ["a"]}, {"names": ["a", "a"]}, {"names": 7}, {"names": ["a", "b"], "x": 1}]
)
def test_damaged_labels_are_refused(config):
    from whorl.data.indicators import Indicators, restore_labels

    assert restore_labels({"names": ["a", "b"]}, {}).names == ("a", "b")
    with pytest.raises(ModelFileError, match="damaged"):
        Indicators.restore(config, {})
    with pytest.raises(ModelFileError, match="damaged"):
        Indicators.restore({"names": ["a", "b"]}, {"x": np.zeros(1)})


def test_labels_of_files_without_names_are_numbered_as_arrays_are():
    shades = np.arange(20 * 6 * 5, dtype=np.uint8).reshape(20, 6, 5, 1)
    y = np.stack([np.arange(20) % 2, np.arange(20) // 10], axis=1)
    model = whorl.Classifier(tokens=whorl.Image(mode="grey"), training=ONE).fit((shades, y), verbose=False)
    assert model.predict(shades[:3]).probabilities.shape == (3, 2)
    assert model.model_.reader.names == ("y0", "y1")
