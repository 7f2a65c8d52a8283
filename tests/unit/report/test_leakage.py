"""Columns that give the answer away, and sequences on both sides of a split, are said; what is only useful is not."""

import numpy as np
import polars as pl
import pytest
from tests.unit.report.test_findings import rules
from tests.unit.report.test_findings_again import noise, plan

import whorl
from whorl.report import card
from whorl.report.findings import findings, measure

SMALL = whorl.Recurrent("gru", hidden_size=4)


def said(model):
    """The evidence of leakage in a fitted model."""
    found = measure(model.model_, card.read(model.model_.card), None, model.held_out_)
    return " / ".join(one.evidence for one in findings(found) if one.rule == "leakage")


def forecaster(columns, **settings):
    frame = pl.DataFrame({"t": np.arange(len(columns["y"])), **columns})
    model = whorl.Forecaster(
        target="y", time="t", horizon=3, context=12, network=SMALL, training=plan(epochs=1), **settings
    )
    return model.fit(frame, verbose=False)


def wave(count=800):
    return np.sin(np.arange(count) / 4) + 0.3 * noise(count)


def shifted(values, by):
    """Each row has the value of the row so many rows later, and the last ones repeat the last."""
    return np.concatenate([values[by:], np.repeat(values[-1], by)])


@pytest.mark.parametrize("memory", ["window", "carried"])
def test_a_column_that_holds_the_next_rows_target_gives_it_away(memory):
    y = wave()
    found = said(forecaster({"y": y, "later": 3 - 2 * shifted(y, 1)}, memory=memory))
    assert "column 'later' beyond the last rows of 'y' is 100% what comes" in found


def test_a_mean_over_rows_before_and_after_gives_the_later_ones_away():
    y = wave()
    smooth = np.convolve(y, np.ones(5) / 5, mode="same") + 0.02 * noise(len(y), 1)
    assert "column 'smooth' beyond the last rows" in said(forecaster({"y": y, "smooth": smooth}))


def test_a_column_known_ahead_that_is_the_target_gives_it_away():
    y = wave()
    found = said(forecaster({"y": y, "planned": y + 0.02 * noise(len(y), 1)}, known=("planned",)))
    assert "column 'planned' is known ahead, and beyond" in found


def test_the_target_in_other_units_and_what_helps_to_tell_it_are_no_leak():
    y = wave()
    other = 32 + 1.8 * y
    drives = 0.7 * shifted(y, 1) + 0.7 * noise(len(y), 2)
    assert said(forecaster({"y": y, "other": other, "drives": drives, "known": np.cos(np.arange(800))})) == ""
    assert said(forecaster({"y": y, "drives": drives}, known=("drives",))) == ""


def lives(count=80, seed=0):
    random = np.random.default_rng(seed)
    x = [random.standard_normal((int(n), 2)) for n in random.integers(5, 12, count)]
    return x, np.array([one[:, 0].sum() + 0.3 * random.standard_normal() for one in x])


def table(x, columns):
    keys = np.repeat(np.arange(len(x)), [len(one) for one in x])
    rows = np.concatenate(x)
    made = {"series": keys, "t": np.concatenate([np.arange(len(one)) for one in x]), "a": rows[:, 0], "b": rows[:, 1]}
    return pl.DataFrame({**made, **{name: np.asarray(cells)[keys] for name, cells in columns.items()}})


def regressor(x, columns, **settings):
    model = whorl.Regressor(
        target="y", series="series", time="t", network=SMALL, training=plan(epochs=1, validation=0.3), **settings
    )
    return model.fit(table(x, columns), verbose=False)


def test_a_static_column_that_is_the_target_bent_and_noisy_gives_it_away():
    x, y = lives()
    assert "column 'grade' explains" in said(regressor(x, {"y": y, "grade": np.exp(0.2 * y)}, static=("grade",)))
    noisy = y + 0.02 * noise(len(y), 3)
    assert "column 'noisy' explains" in said(regressor(x, {"y": y, "noisy": noisy}))
    assert said(regressor(x, {"y": y, "useful": y + noise(len(y), 3)})) == ""


def test_the_last_value_of_a_slow_series_is_no_leak_of_the_next_one():
    random = np.random.default_rng(0)
    slow = [np.cumsum(random.standard_normal(40))[:, None] + 50 * random.standard_normal() for _ in range(120)]
    x, y = [one[:-1] for one in slow], np.array([one[-1, 0] for one in slow])
    model = whorl.Regressor(network=SMALL, training=plan(epochs=1)).fit((x, y), verbose=False)
    assert said(model) == ""


def classifier(x, columns, **settings):
    model = whorl.Classifier(
        target="kind", series="series", time="t", network=SMALL, training=plan(epochs=1, validation=0.3), **settings
    )
    return model.fit(table(x, columns), verbose=False)


def test_a_number_that_codes_the_class_gives_it_away():
    x, y = lives()
    kind = np.where(y > 0, "up", "down")
    code = np.where(y > 0, 7.0, 3.0) + 0.05 * noise(len(y), 4)
    assert "column 'code' explains" in said(classifier(x, {"kind": kind, "code": code}))
    assert said(classifier(x, {"kind": kind, "y": y})) == ""


def test_of_several_labels_each_has_its_own_leak():
    x, y = lives()
    labels = np.stack([y > 0, noise(len(y), 6) > 0], axis=1)
    frame = table(x, {"up": labels[:, 0].astype(int), "lucky": labels[:, 1].astype(int)})
    code = np.where(labels[:, 1], 2.0, 1.0)[frame["series"].to_numpy()]
    model = whorl.Classifier(
        target=("up", "lucky"), series="series", time="t", network=SMALL, training=plan(epochs=1, validation=0.3)
    )
    assert said(model.fit(frame, verbose=False)) == ""
    assert "column 'code' explains 100% of 'lucky'" in said(model.fit(frame.with_columns(code=code), verbose=False))


def test_few_sequences_of_many_classes_are_told_apart_by_chance():
    x, _ = lives(60)
    kind = np.array([f"kind {n % 30}" for n in range(60)])
    assert said(classifier(x, {"kind": kind, "size": noise(60, 7)}, static=("size",))) == ""


def test_a_category_that_names_the_class_gives_it_away_and_a_name_of_each_sequence_does_not():
    x, y = lives()
    kind = np.where(y > 2, "high", np.where(y < -2, "low", "middle"))
    ward = np.char.add("ward of ", kind)
    assert "column 'ward' has categories" in said(classifier(x, {"kind": kind, "ward": ward}, static=("ward",)))
    either = np.where(noise(len(y), 5) > 0, "west", "east")
    assert said(classifier(x, {"kind": kind, "side": either}, static=("side",))) == ""


def test_a_column_that_is_the_label_of_its_row_gives_it_away():
    random = np.random.default_rng(0)
    x = random.standard_normal((30, 20, 2))
    labels = np.where(x[:, :, 0] > 0, "on", "off")
    x[:, :, 1] = np.where(x[:, :, 0] > 0, 5.0, -5.0)
    tagger = whorl.Tagger(network=SMALL, training=plan(epochs=1))
    assert "column 'input 2' explains" in said(tagger.fit((x, labels), verbose=False))
    x[:, :, 1] = random.standard_normal((30, 20))
    assert said(tagger.fit((x, labels), verbose=False)) == ""


@pytest.mark.parametrize("kind", ["words", "texts", "rows that are judged", "running text", "only targets"])
def test_models_without_a_column_that_could_tell_have_no_leaks(kind, tmp_path):
    small = {"network": SMALL, "training": plan(epochs=1)}
    if kind == "words":
        words = np.random.default_rng(0).choice(["a", "b", "c"], (20, 12)).tolist()
        model = whorl.Tagger(**small).fit((words, [[word.upper() for word in one] for one in words]), verbose=False)
    elif kind == "texts":
        texts = [f"w{n} w{n + 1} w{n + 2}" for n in range(30)], ["1", "0"] * 15
        model = whorl.Classifier(text="t", **small).fit(texts, verbose=False)
    elif kind == "rows that are judged":
        model = whorl.Detector(**small).fit(noise(400).reshape(200, 2), verbose=False)
    elif kind == "running text":
        (tmp_path / "it.txt").write_text("".join(chr(97 + n * n % 26) for n in range(900)))
        model = whorl.Generator(**small).fit(tmp_path / "it.txt", verbose=False)
    else:
        model = forecaster({"y": wave(200)})
    assert said(model) == ""


def simple(x, y):
    training = plan(epochs=1, validation=0.25)
    return whorl.Regressor(network=SMALL, training=training).fit((x, y), verbose=False)


def test_copies_on_both_sides_of_the_split_are_said():
    x, y = lives(60)
    assert said(simple(x, y)) == ""
    found = said(simple(x + x, np.concatenate([y, y])))
    assert "held-out sequences stand in the training part, too" in found


def test_pieces_that_overlap_are_said_and_pieces_side_by_side_are_not():
    long = noise(2000)[:, None]
    pieces = [long[at : at + 40] for at in range(0, 1900, 10)]
    assert "held-out sequences" in said(simple(pieces, np.array([one.mean() for one in pieces])))
    apart = [long[at : at + 40] for at in range(0, 1900, 40)]
    assert said(simple(apart, np.arange(len(apart)) % 7.0)) == ""


def test_texts_that_were_pasted_twice_are_said():
    words = np.random.default_rng(0).choice([f"w{n}" for n in range(200)], (60, 12))
    texts = [" ".join(row) for row in words]
    labels = ["yes", "no"] * 30
    model = whorl.Classifier(text="t", network=SMALL, training=plan(epochs=1, validation=0.25))
    assert said(model.fit((texts, labels), verbose=False)) == ""
    assert "held-out sequences" in said(model.fit((texts[:40] * 2, labels[:40] * 2), verbose=False))


def test_what_stands_still_is_no_copy_of_what_stands_still():
    x = [np.zeros((12, 1)) if n % 2 else noise(12, n)[:, None] for n in range(60)]
    assert said(simple(x, noise(60))) == ""


def test_leakage_is_said_in_a_report(tmp_path):
    y = wave()
    forecaster({"y": y, "later": shifted(y, 2)}).report(tmp_path / "it.html")
    assert "<strong>leakage</strong>: column &#39;later&#39;" in (tmp_path / "it.html").read_text()


def test_a_healthy_table_has_no_findings():
    y = wave(1500)
    frame = pl.DataFrame({"t": np.arange(1500), "y": y, "other": np.roll(y, 1) + noise(1500, 2)})
    model = whorl.Forecaster(
        target="y", time="t", horizon=3, context=48, network=whorl.Recurrent("gru", hidden_size=8),
        training=plan(epochs=12),
    ).fit(frame, verbose=False)  # fmt: skip
    assert rules(model) == []
