"""How long ago things happened: what is told of rows at irregular times, whole and as they come."""

import numpy as np
import pytest

from whorl.codecs.elapsed import Elapsed, fit_elapsed, is_irregular
from whorl.codecs.frame import Frame
from whorl.codecs.table import TableCodec
from whorl.errors import ModelFileError
from whorl.specs import Fields, Flags, Reals

NAN = np.nan
TIMES = np.array([0, 10, 30, 100, 101], np.int64)


def frame(times=TIMES):
    return Frame(
        {
            "t": times,
            "pulse": np.array([70.0, 71.0, 72.0, 73.0, 74.0]),
            "ph": np.array([NAN, 7.4, NAN, NAN, 7.3]),
        }
    )


@pytest.fixture
def codec():
    return TableCodec(numeric=["pulse", "ph"], elapsed="t").fit([frame()])


def test_times_are_told_in_median_steps_and_what_never_happened_is_marked(codec):
    assert codec.spec == Fields({"numeric": Reals(2), "missing": Flags(1), "elapsed": Reals(2)})
    unit = np.median([10, 20, 70, 1])
    since_row = [-1, *np.log1p(np.array([10, 20, 70, 1]) / unit)]
    since_ph = [-1, 0, np.log1p(20 / unit), np.log1p(90 / unit), 0]
    np.testing.assert_allclose(codec.encode(frame())[:, 3:].T, [since_row, since_ph], rtol=1e-6)


def test_dates_and_counts_of_the_same_length_are_told_alike(codec):
    start = np.datetime64("2024-02-28T23:00", "us")
    dated = frame(start + TIMES.astype("timedelta64[m]"))
    other = TableCodec(numeric=["pulse", "ph"], elapsed="t").fit([dated])
    np.testing.assert_array_equal(other.encode(dated), codec.encode(frame()))


def test_the_unit_is_that_of_the_training_rows_alone(codec):
    later = frame(TIMES * 1000)
    np.testing.assert_allclose(codec.encode(later)[1, 3], np.log1p(10_000 / 15.0), rtol=1e-6)


def test_pieces_remember_when_things_happened(codec):
    whole, pieces = codec.encode(frame()), codec.chunks()
    first = pieces.push(frame().take(slice(0, 2)))
    resumed = codec.chunks()
    resumed.write(pieces.read())
    found = np.concatenate([first, resumed.push(frame().take(slice(2, 2))), resumed.push(frame().take(slice(2, 5)))])
    assert found.tobytes() == whole.tobytes()


def test_a_column_is_told_of_only_where_training_had_missing_values():
    full = Frame({"t": TIMES, "pulse": np.arange(5.0)})
    codec = TableCodec(numeric=["pulse"], elapsed="t").fit([full])
    assert codec.spec == Fields({"numeric": Reals(1), "elapsed": Reals(1)})


def test_a_lone_row_has_no_step_to_learn_from():
    assert fit_elapsed([TIMES[:1], TIMES[:0]], np.array([True, False, True])) == Elapsed(1.0, (0, 2))


def test_rows_are_irregular_where_their_distances_differ():
    assert is_irregular([np.array([0, 1, 2]), np.array([5, 7])])
    assert not is_irregular([np.array([0, 2, 4]), np.array([5, 7]), np.array([9])])
    assert not is_irregular([])


@pytest.mark.parametrize("unit", [0.0, -1.0, np.nan, np.inf])
def test_a_unit_that_is_no_time_is_damage(codec, unit):
    with pytest.raises(ModelFileError, match="unit of time"):
        TableCodec.restore(codec.config(), {**codec.arrays(), "unit": np.array([unit])})


def test_a_codec_without_its_unit_is_damage(codec):
    arrays = codec.arrays()
    del arrays["unit"]
    with pytest.raises(ModelFileError, match="damaged"):
        TableCodec.restore(codec.config(), arrays)


def test_a_state_may_lack_times_but_no_values(codec):
    encoder = codec.chunks()
    held = np.frombuffer(encoder.read(), np.float64).copy()
    assert np.isnan(held[2:]).all()
    encoder.write(held.tobytes())
    held[0] = np.nan
    with pytest.raises(ModelFileError, match="not finite"):
        encoder.write(held.tobytes())
