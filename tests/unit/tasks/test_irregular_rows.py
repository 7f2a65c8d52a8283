"""Rows at irregular times with many missing values: how long ago things were is told, in streams too."""

import numpy as np
import pytest

import whorl
from whorl.errors import ArgumentError, ModelFileError
from whorl.tasks.preparation import prepare

QUICK = whorl.Training(epochs=1, batch_size=8, seed=0, device="cpu", validation=0.25)
SMALL = whorl.Recurrent("gru", hidden_size=5)


def patients(seed=0, count=12, regular=False):
    rng = np.random.default_rng(seed)
    rows = []
    for n in range(count):
        minute = 0
        for _ in range(int(rng.integers(2, 9))):
            minute += 15 if regular else int(rng.integers(1, 90))
            pulse = float(rng.normal(70 + 20 * (n % 2), 5)) if rng.random() < 0.7 else None
            rows.append(
                {"patient": f"p{n}", "minute": minute, "pulse": pulse, "heat": 37.0 + n % 2, "ill": "ny"[n % 2]}
            )
    return rows


def classifier(**table):
    return whorl.Classifier(
        target="ill", series="patient", time="minute", table=whorl.Table(**table), network=SMALL, training=QUICK
    )


@pytest.fixture(scope="module")
def fitted():
    return classifier(on_gap="ignore").fit(patients(), verbose=False)


def test_irregular_rows_are_told_apart_by_time_and_it_is_said_so(fitted):
    notes = prepare(classifier(on_gap="ignore"), patients()).notes
    assert any("--elapsed off" in note for note in notes)
    assert fitted.model_.reader.past.elapsed == "minute"


def test_regular_rows_and_gaps_that_are_filled_are_not():
    for data, table in (
        (patients(regular=True), {"on_gap": "ignore"}),
        (patients(), {"on_gap": "ignore", "elapsed": "off"}),
    ):
        prepared = prepare(classifier(**table), data)
        assert prepared.reader.past.elapsed is None
        assert not any("elapsed" in note for note in prepared.notes)


def test_it_can_be_asked_for_where_there_is_a_time():
    prepared = prepare(classifier(elapsed="on"), patients(regular=True))
    assert prepared.reader.past.elapsed == "minute"
    timeless = [{name: cell for name, cell in row.items() if name != "minute"} for row in patients()]
    estimator = whorl.Classifier(target="ill", series="patient", table=whorl.Table(elapsed="on"))
    with pytest.raises(ArgumentError, match="no time"):
        prepare(estimator, timeless)


def test_a_stream_of_records_cells_and_lists_tells_the_same(fitted):
    rows = [row for row in patients() if row["patient"] == "p3"]
    wanted = fitted.predict(rows, every_row=True).probabilities
    names = (*fitted.model_.reader.schema.columns[:1], "pulse", "heat")
    forms = (
        rows,
        [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in rows],
        [[row[name] for name in names] for row in rows],
    )
    for form in forms:
        stream = fitted.stream("p3")
        found = np.concatenate([stream.push(row)[0].probabilities for row in form])
        assert found.tobytes() == wanted.tobytes()


def test_a_row_that_is_refused_leaves_what_was_told_as_it_was(fitted):
    rows = [row for row in patients() if row["patient"] == "p3"]
    plain, disturbed = fitted.stream("p3"), fitted.stream("p3")
    for row in rows:
        (wanted,) = plain.push(row)
        with pytest.raises(whorl.errors.DataError):
            disturbed.push({**row, "pulse": "much"})
        (found,) = disturbed.push(row)
        np.testing.assert_array_equal(found.probabilities, wanted.probabilities)
    assert bytes(plain.state) == bytes(disturbed.state)


def test_the_reader_of_another_column_is_damage(fitted):
    reader = fitted.model_.reader
    config = reader.config()
    with pytest.raises(ModelFileError, match="damaged"):
        type(reader).restore({**config, "past": {**config["past"], "elapsed": "pulse"}}, reader.arrays())
