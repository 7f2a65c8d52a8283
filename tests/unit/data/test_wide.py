"""Tables with a whole sequence in each row."""

from dataclasses import replace

import numpy as np
import pytest

import whorl
from whorl.data.check import check
from whorl.data.sources import read_table
from whorl.data.wide import wide_arrays, wide_of
from whorl.errors import DataError, ModelFileError
from whorl.plans.table import Table

SMALL = whorl.Recurrent("gru", hidden_size=8)
QUICK = whorl.Training(epochs=4, seed=0, validation=0.2, learning_rate=1e-2, device="cpu")
STEPS = 12


def table(count: int = 40, stem: str = "t") -> dict[str, list[object]]:
    """Slow and fast waves, a row each; the last of them is two steps short."""
    kinds = ["slow", "fast"] * (count // 2)
    x = np.sin(np.arange(STEPS) * np.where(np.array(kinds) == "slow", 0.3, 0.9)[:, None] + np.arange(count)[:, None])
    columns: dict[str, list[object]] = {f"{stem}{k}": x[:, k].tolist() for k in range(STEPS)}
    columns[f"{stem}10"][-1] = columns[f"{stem}11"][-1] = None
    return {"kind": list(kinds), **columns, "size": x.sum(axis=1).tolist()}


def write(path, columns):
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    path.write_text("\n".join([",".join(names), *lines]))
    return path


@pytest.mark.parametrize("stem", ["t", "", "x_0", "Step "])
def test_numbered_columns_are_the_steps_of_a_row(stem: str) -> None:
    columns = table(stem=stem)
    ignored = Table(kinds={"size": "ignore"})
    wide = wide_of(read_table(columns), ("kind",), ignored)
    assert wide is not None
    assert wide.describe() == f"each row is a sequence: its 12 steps are the columns '{stem}0' to '{stem}11'"
    found = wide_arrays(columns, wide)
    assert found.lengths.tolist() == [STEPS] * 39 + [STEPS - 2]
    assert found.x[0][:, 0].tolist() == [columns[f"{stem}{k}"][0] for k in range(STEPS)]
    assert isinstance(found.y, np.ndarray)
    assert found.y.tolist() == columns["kind"]


@pytest.mark.parametrize(
    "names",
    [
        [f"t{k}" for k in range(7)],  # few may be what is measured at one step
        [f"t{k}" for k in range(0, 20, 2)],
        [f"t{k}" for k in range(9, -1, -1)],
        [*(f"t{k}" for k in range(9)), "load"],
        [*(f"t{k}" for k in range(5)), *(f"s{k}" for k in range(5, 10))],
    ],
    ids=lambda names: names[-1],
)
def test_other_columns_are_no_steps(names: list[str]) -> None:
    assert wide_of(read_table({name: [1.0, 2.0] for name in ("kind", *names)}), ("kind",), Table()) is None


def test_a_row_without_values_and_steps_that_are_not_there_are_refused() -> None:
    columns = table()
    ignored = Table(kinds={"size": "ignore"})
    wide = wide_of(read_table(columns), ("kind",), ignored)
    assert wide is not None
    with pytest.raises(DataError, match="column `t3` is not in columns"):
        wide_arrays({name: cells for name, cells in columns.items() if name != "t3"}, wide)
    empty = {name: [*cells, None] for name, cells in columns.items()}
    with pytest.raises(DataError, match="each row is a sequence, but row 40 has no value"):
        wide_arrays(empty, wide)
    with pytest.raises(DataError, match="column `kind` is not in columns"):
        wide_arrays({name: cells for name, cells in columns.items() if name != "kind"}, wide, targets=True)
    for wrong in ({"steps": wide.steps[:3]}, {"targets": ("kind", "size")}):
        with pytest.raises(ModelFileError, match="which no fit gives"):
            type(wide)(**{"steps": wide.steps, "targets": wide.targets, "table": wide.table, **wrong}).check(1)


def test_a_classifier_of_such_a_table_reads_files_and_arrays_and_is_saved(tmp_path) -> None:
    columns = table()
    data = write(tmp_path / "waves.csv", columns)
    model = whorl.Classifier(target="kind", network=SMALL, training=QUICK, table=Table(kinds={"size": "ignore"}))
    found = model.fit(data, verbose=False).predict(data)
    x = [np.array([columns[f"t{k}"][n] for k in range(STEPS - 2 * (n == 39))]) for n in range(40)]
    assert found.probabilities.tobytes() == model.predict(x).probabilities.tobytes()
    assert model.model_.reader.names == ("kind",)
    scores = model.evaluate(data)
    assert scores.metrics["accuracy"] == np.mean(found.value == np.array(columns["kind"]))
    unlabelled = write(tmp_path / "new.csv", {name: cells for name, cells in columns.items() if name != "kind"})
    assert model.predict(unlabelled).value.tolist() == found.value.tolist()
    model.save(tmp_path / "waves.whorl")
    again = whorl.load(tmp_path / "waves.whorl").predict(data)
    assert again.probabilities.tobytes() == found.probabilities.tobytes()
    stream = model.stream()
    for value in x[0]:
        (answer,) = stream.push([value])
    assert answer.probabilities.tobytes() == found.probabilities[:1].tobytes()


def test_a_regressor_and_a_detector_read_such_a_table() -> None:
    columns = table()
    ignored = Table(kinds={"kind": "ignore"})
    model = whorl.Regressor(target="size", network=SMALL, training=QUICK, table=ignored).fit(columns, verbose=False)
    error = np.abs(model.predict(columns).value.ravel() - np.array(columns["size"])).mean()
    assert model.evaluate(columns).metrics["mae"] == pytest.approx(error)
    steps = {name: cells for name, cells in columns.items() if name not in ("kind", "size")}
    odd = {**steps, "bad": [0] * 39 + [1]}
    plan = replace(QUICK, epochs=2)
    detector = whorl.Detector(per="sequence", label="bad", network=SMALL, training=plan).fit(odd, verbose=False)
    assert detector.predict(steps).score.shape == (40,)
    assert whorl.Detector(per="sequence", network=SMALL, training=plan).fit(steps, verbose=False).predict(
        odd
    ).score.shape == (40,)


def test_check_and_suggest_know_such_a_table(tmp_path) -> None:
    columns = {name: cells for name, cells in table().items() if name != "size"}
    (note,) = check(columns, target="kind", labels=True)
    assert (note.severity, "each row is a sequence" in note.message) == ("note", True)
    one, note = check({**columns, "kind": ["slow"] * 40}, target="kind", labels=True)
    assert (one.severity, "one label only" in one.message) == ("error", True)
    assert whorl.suggest(columns, target="kind").task == "classify"


def test_labels_that_are_spelled_apart_stay_apart(tmp_path) -> None:
    columns = {name: cells for name, cells in table().items() if name != "size"}
    data = write(tmp_path / "codes.csv", {**columns, "kind": ["01", "1"] * 20})
    model = whorl.Classifier(target="kind", network=SMALL, training=QUICK).fit(data, verbose=False)
    assert model.predict(data).classes.tolist() == ["01", "1"]
    assert model.evaluate(data).num_answers == 40
