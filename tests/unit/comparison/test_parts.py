"""A test part is taken away before anything is learned."""

import numpy as np
import pytest

import whorl
from whorl.comparison.parts import divide
from whorl.errors import ArgumentError, DataError, SplitError


def forecaster(**settings):
    return whorl.Forecaster(target="load", time="time", horizon=6, context=24, **settings)


def test_the_last_rows_of_a_table_are_the_test_part_and_no_fit_sees_them(waves):
    parts = divide(forecaster(), waves)
    (before,), (cut,) = parts.fitted.sequences, parts.fitted.cuts
    assert (cut, len(before)) == (336, 378)  # 420 rows: 80 % to learn from, 10 % each
    (whole,), (steps,) = parts.test.sequences, parts.test.steps
    assert len(whole) == 420
    assert steps.min() == 377  # the first truth that is scored is the first row of the test part
    assert steps.max() == 420 - 6 - 1
    np.testing.assert_array_equal(before.past, whole.past[:378])


def test_statistics_do_not_know_the_test_part(waves):
    changed = {**waves, "load": np.where(np.arange(420) < 336, waves["load"], 1e6)}
    first, second = divide(forecaster(), waves), divide(forecaster(), changed)
    np.testing.assert_array_equal(first.fitted.reader.scale, second.fitted.reader.scale)
    np.testing.assert_array_equal(first.fitted.reader.center, second.fitted.reader.center)


def test_known_covariates_reach_over_the_end_of_what_is_fitted(waves):
    table = {**waves, "promo": (np.arange(420) % 7 == 0).astype(float)}
    (before,) = divide(forecaster(known=["promo"]), table).fitted.sequences
    assert len(before.ahead) == len(before) + 6
    assert before.known_ahead == 6


def test_whole_sequences_are_drawn_with_classes_on_both_sides(labelled):
    parts = divide(whorl.Classifier(training=whorl.Training(validation=0.2)), labelled)
    fitted, tested = parts.fitted, [n for n, own in enumerate(parts.test.steps) if len(own)]
    assert len(fitted.sequences) + len(tested) == 60
    assert len(tested) == len(fitted.validation) == 12
    truths = [float(parts.test.sequences[n].targets[0]) for n in tested]
    assert truths.count(0.0) == truths.count(1.0) == 6
    seen = {one.past.tobytes() for one in fitted.sequences}
    assert not any(parts.test.sequences[n].past.tobytes() in seen for n in tested)


def test_groups_stay_whole():
    random = np.random.default_rng(0)
    table = {
        "id": np.repeat(np.arange(40), 5),
        "patient": np.repeat(np.arange(40) // 4, 5),
        "x": random.normal(size=200),
        "y": np.repeat(random.normal(size=40), 5),
    }
    model = whorl.Regressor(target="y", series="id", group="patient", training=whorl.Training(validation=0.2))
    parts = divide(model, table)
    tested = {int(one.key) // 4 for one, own in zip(parts.test.sequences, parts.test.steps, strict=True) if len(own)}
    learned = {int(one.key) // 4 for one in parts.fitted.training}
    chosen = {int(one.key) // 4 for one in parts.fitted.validation}
    assert tested
    assert not tested & learned | tested & chosen | learned & chosen


def test_the_end_of_a_text_is_the_test_part():
    text = "To be or not to be, that is the question. " * 60
    parts = divide(whorl.Generator(), [text])
    (before,), (cut,) = parts.fitted.sequences, parts.fitted.cuts
    scored = sum(map(len, parts.test.steps))
    assert len(before) - cut == pytest.approx(len(text) / 10, abs=3)
    assert scored == pytest.approx(len(text) / 10, abs=3)


def test_other_data_for_the_test_leave_the_data_whole(waves):
    parts = divide(forecaster(), waves, {name: values[:60] for name, values in waves.items()})
    assert len(parts.fitted.sequences[0]) == 420
    assert [len(own) for own in parts.test.steps] == [60 - 24 - 6 + 1]
    with pytest.raises(DataError, match="`test` has no row with full context and full horizon"):
        divide(forecaster(), waves, {name: values[:29] for name, values in waves.items()})


def test_a_part_that_is_too_large_is_told_with_what_was_asked_for(waves):
    with pytest.raises(DataError, match=r"this is twice the 200 of `validation`"):
        divide(forecaster(training=whorl.Training(validation=200)), waves)


def test_an_error_that_has_nothing_to_do_with_parts_is_told_as_it_is(waves):
    table = {**waves, "validation": [None, *range(1, 420)]}
    with pytest.raises(DataError) as caught:
        divide(whorl.Forecaster(target="load", time="validation", horizon=6, context=24), table)
    assert "column 'validation' needs a timestamp in every row" in str(caught.value)
    assert "A test part" not in str(caught.value)


@pytest.mark.parametrize(
    ("task", "data"),
    [
        (whorl.Generator(training=whorl.Training(validation=30)), ["one text of few letters"]),
        (whorl.Generator(training=whorl.Training(validation=30)), [f"text {n}" for n in range(50)]),
        (whorl.Recommender(training=whorl.Training(validation=5)), [["a", "b", "c", "d"]] * 9),
        (whorl.Classifier(training=whorl.Training(validation=5)), (np.zeros((9, 4, 2)), np.arange(9) % 2)),
        (whorl.Regressor(training=whorl.Training(validation=5)), (np.zeros((9, 4, 2)), np.arange(9.0))),
    ],
)
def test_what_is_too_little_to_be_split_says_so_whatever_the_data(task, data):
    with pytest.raises(SplitError, match="A test part as large as the validation part is held out, too"):
        divide(task, data)


def test_what_is_too_little_for_three_parts_is_refused(waves):
    with pytest.raises(ArgumentError, match=r"`validation` is 0\.6, but a test part of the same size"):
        divide(forecaster(training=whorl.Training(validation=0.6)), waves)
    short = {name: values[:70] for name, values in waves.items()}
    with pytest.raises(DataError, match="too small to choose the epoch and to be a test part"):
        divide(forecaster(training=whorl.Training(validation=3)), short)
    table = {"id": np.repeat(np.arange(8), 3), "g": np.repeat(np.arange(8) // 4, 3), "y": np.repeat(np.arange(8.0), 3)}
    with pytest.raises(DataError, match="cannot both choose the epoch and be a test part"):
        divide(whorl.Regressor(target="y", series="id", group="g"), {**table, "x": np.sin(np.arange(24.0))})
