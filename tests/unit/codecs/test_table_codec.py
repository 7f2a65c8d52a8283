"""Rows to arrays and back: statistics of training alone, pieces = whole, and a strict way back from a file."""

import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.codecs.array import ArrayCodec
from whorl.codecs.category import Categories
from whorl.codecs.codec import codecs
from whorl.codecs.frame import Frame
from whorl.codecs.table import TableCodec
from whorl.errors import DataError, ModelFileError, NotFittedError
from whorl.specs import Fields, Flags, Reals, Tokens

RNG = np.random.default_rng(5)


def frame(rows: int = 9, missing: tuple[int, ...] = (0, 1, 4)) -> Frame:
    heat = RNG.normal(20, 5, rows)
    heat[list(missing)] = np.nan
    return Frame(
        {
            "date": np.datetime64("2016-07-01", "us") + np.arange(rows).astype("timedelta64[h]"),
            "load": RNG.normal(1000, 300, rows),
            "heat": heat,
            "wind": np.array([(None, "N", "E")[i % 3] for i in range(rows)], object),
        },
        "load.csv",
    )


def codec(**options: object) -> TableCodec:
    return TableCodec(
        numeric=["load", "heat"],
        categories=["wind"],
        calendar="date",
        step=3600.0,
        **options,  # type: ignore[arg-type]
    )


def test_the_spec_says_what_each_column_is() -> None:
    fitted = codec().fit([frame()])
    assert fitted.spec == Fields({"numeric": Reals(2), "missing": Flags(1), "wind": Tokens(3), "calendar": Reals(6)})
    array = fitted.encode(frame())
    assert array.shape == (9, 10)
    assert array.dtype == np.float32


def test_empty_fields_are_left_out_and_names_do_not_collide() -> None:
    whole = Frame({"y": np.arange(3.0), "calendar": np.array(["a", "b", "a"], object)})
    assert TableCodec(numeric=["y"]).fit([whole]).spec == Fields({"numeric": Reals(1)})
    lone = TableCodec(numeric=[], categories=["calendar"]).fit([whole])
    assert lone.spec == Fields({" calendar": Tokens(3)})
    assert lone.encode(whole).shape == (3, 1)


def test_a_missing_value_is_held_and_flagged_and_starts_at_the_centre() -> None:
    fitted = codec().fit([frame()])
    one = frame()
    array = fitted.encode(one)
    assert array[:2, 1].tolist() == [0.0, 0.0]
    assert array[4, 1] == array[3, 1]
    assert array[:, 2].tolist() == np.isnan(one["heat"]).astype(float).tolist()


def test_targets_keep_their_missing_values() -> None:
    fitted = TableCodec(numeric=["heat"], missing="keep").fit([frame()])
    one = frame()
    array = fitted.encode(one)
    assert fitted.spec == Fields({"numeric": Reals(1)})
    assert np.isnan(array[:, 0]).tolist() == np.isnan(one["heat"]).tolist()


def test_statistics_ignore_missing_values_and_a_constant_has_scale_one() -> None:
    values = Frame({"a": np.array([1.0, np.nan, 3.0]), "b": np.full(3, 0.1), "c": np.full(3, np.nan)})
    fitted = TableCodec(numeric=["a", "b", "c"]).fit([values])
    assert fitted.center.tolist() == pytest.approx([2.0, 0.1, 0.0])
    assert fitted.scale.tolist() == [1.0, 1.0, 1.0]


def test_robust_scaling_is_median_and_interquartile_range() -> None:
    values = Frame({"a": np.array([0.0, 1.0, 2.0, 3.0, 1e6]), "b": np.array([5.0, 5.0, 5.0, 5.0, 10.0])})
    fitted = TableCodec(numeric=["a", "b"], scaling="robust").fit([values])
    assert fitted.center.tolist() == [2.0, 5.0]
    assert fitted.scale.tolist() == pytest.approx([2.0, 2.0])
    plain = TableCodec(numeric=["a"], scaling="none").fit([values])
    assert plain.encode(values)[:, 0].tolist() == values["a"].tolist()


def test_what_lies_far_out_is_read_as_the_bound_of_its_column() -> None:
    values = Frame({"a": np.array([0.0, 1.0, 2.0, 3.0, 4.0]), "b": np.array([0.0, 1.0, 2.0, 3.0, 4.0])})
    fitted = TableCodec(numeric=["a", "b"], scaling="robust", clip={"a": 3.0}).fit([values])
    far = Frame({"a": np.array([1e9, np.nan, -1e9, 6.0]), "b": np.array([1e9, 2.0, -1e9, 6.0])})
    read = fitted.encode(far)
    assert read[:, 0].tolist() == [3.0, 3.0, -3.0, 2.0]
    assert read[:, 1].tolist() == np.float32([(1e9 - 2) / 2, 0.0, (-1e9 - 2) / 2, 2.0]).tolist()
    assert fitted.decode(np.array([[3.0, 0.0]], np.float32)).tolist() == [[8.0, 2.0]]
    again = TableCodec.restore(json.loads(json.dumps(fitted.config())), fitted.arrays())
    assert again.encode(far).tobytes() == read.tobytes()
    with pytest.raises(DataError, match="infinite"):
        fitted.encode(Frame({"a": np.array([np.inf]), "b": np.array([0.0])}))


def test_a_config_from_before_there_were_bounds_has_none() -> None:
    fitted = codec().fit([frame()])
    config = {name: value for name, value in fitted.config().items() if name != "clip"}
    assert TableCodec.restore(config, fitted.arrays()).config() == fitted.config()


def test_statistics_are_those_of_all_training_sequences_and_fit_changes_none() -> None:
    parts = [frame(5, ()), frame(30, ())]
    before = [part["load"].copy() for part in parts]
    fitted = codec().fit(iter(parts))
    assert fitted.center[0] == pytest.approx(np.concatenate(before).mean())
    assert all(np.array_equal(part["load"], old) for part, old in zip(parts, before, strict=True))


def test_decoding_is_the_way_back_in_the_users_units() -> None:
    one = frame(missing=())
    fitted = codec().fit([one])
    array = fitted.encode(one)
    for encoded in (array, array[:, :2]):
        decoded = fitted.decode(encoded)
        assert decoded.dtype == np.float64
        # float32 keeps 24 bits of the scaled value
        assert np.abs(decoded[:, 0] - one["load"]).max() <= 4 * 2**-24 * fitted.scale[0]
    assert fitted.decode(np.zeros((4, 3, 2))).shape == (4, 3, 2)
    with pytest.raises(DataError, match="`decode` takes 2 numeric columns, but the array has 3"):
        fitted.decode(np.zeros((4, 3)))


@given(st.lists(st.integers(0, 12), max_size=6), st.booleans(), st.booleans())
def test_pieces_are_the_whole_and_a_stored_state_goes_on(cuts: list[int], keep: bool, restart: bool) -> None:
    one = frame(12, (0, 3, 4, 5, 11))
    fitted = codec(missing="keep" if keep else "hold").fit([frame()])
    encoder, parts = fitted.chunks(), []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 12], strict=True):
        if restart:
            state, encoder = encoder.read(), fitted.chunks()
            encoder.write(state)
        parts.append(encoder.push(one.take(slice(start, stop))))
    parts.append(encoder.flush())
    assert np.concatenate(parts).tobytes() == fitted.encode(one).tobytes()


def test_no_row_depends_on_a_later_one() -> None:
    one = frame(12, (3, 4))
    fitted = codec().fit([frame()])
    assert fitted.encode(one)[:6].tobytes() == fitted.encode(one.take(slice(0, 6))).tobytes()


def test_a_state_of_another_codec_or_a_damaged_one_is_refused() -> None:
    encoder = codec().fit([frame()]).chunks()
    with pytest.raises(ModelFileError, match="16 bytes, but 8 came"):
        encoder.write(b"\0" * 8)
    with pytest.raises(ModelFileError, match="not finite"):
        encoder.write(np.array([np.nan, 0.0]).tobytes())


def test_unseen_categories_are_code_zero_and_reported() -> None:
    fitted = codec().fit([frame(missing=())])
    other = frame().with_columns({"wind": np.array(["S", "N", "W"] * 3, object)})
    assert fitted.encode(other)[:3, 2].tolist() == [0.0, 2.0, 0.0]
    said = fitted.report(other)
    assert "column 'wind' has 2 categories that training did not have, in 6 rows ('S', 'W')" in said[0]
    assert "column 'heat' has 3 missing values, and training had none" in said[1]
    assert fitted.report(frame(missing=())) == []


def test_a_value_that_is_infinite_once_scaled_is_refused_by_name() -> None:
    fitted = codec().fit([frame()])
    for value in (np.inf, 1e300):
        with pytest.raises(DataError, match="column 'load' has a value that is infinite once scaled"):
            fitted.encode(frame().with_columns({"load": np.full(9, value)}))


def test_fitting_without_rows_and_encoding_without_fit_are_refused() -> None:
    with pytest.raises(DataError, match="at least one training row"):
        codec().fit([])
    with pytest.raises(NotFittedError, match="Call `fit`"):
        codec().encode(frame())


def test_a_codec_travels_as_json_and_arrays() -> None:
    fitted = codec().fit([frame()])
    again = codecs.get("table").restore(json.loads(json.dumps(fitted.config())), fitted.arrays())
    assert again.encode(frame()).shape == (9, 10)
    one = frame()
    assert again.encode(one).tobytes() == fitted.encode(one).tobytes()
    assert again.spec == fitted.spec


@pytest.mark.parametrize("name", ["center", "scale", "flagged", "category0.bytes", "category0.ends"])
def test_a_damaged_array_is_a_model_file_error(name: str) -> None:
    fitted = codec().fit([frame()])
    arrays = fitted.arrays()
    wrong = [arrays[name][:-1], arrays[name].astype(np.float32), arrays[name][None]]
    if name in ("center", "scale"):
        wrong += [np.full(2, np.nan), np.full(2, np.inf)]
    if name == "scale":
        wrong += [np.zeros(2), np.full(2, -1.0)]
    if name == "category0.bytes":
        wrong += [np.array([255, 254], np.uint8), np.array([78, 78], np.uint8)]
    if name == "category0.ends":
        wrong += [np.array([-1, 2]), np.array([3, 2]), np.array([0, 2**62])]
    for array in wrong:
        with pytest.raises(ModelFileError):
            TableCodec.restore(fitted.config(), {**arrays, name: array})
    without = {key: array for key, array in arrays.items() if key != name}
    with pytest.raises(ModelFileError):
        TableCodec.restore(fitted.config(), without)
    with pytest.raises(ModelFileError):
        TableCodec.restore(fitted.config(), {**arrays, "more": arrays[name]})


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"scaling": "best"},
        {"clip": {"load": -1.0}},
        {"clip": None},
        {"missing": None},
        {"numeric": "load"},
        {"numeric": ["load"]},
        {"categories": []},
    ],
)
def test_a_damaged_config_is_a_model_file_error(change: dict[str, object]) -> None:
    fitted = codec().fit([frame()])
    with pytest.raises(ModelFileError):
        TableCodec.restore({**fitted.config(), **change}, fitted.arrays())


def test_a_row_is_pushed_in_microseconds() -> None:
    fitted = codec().fit([frame()])
    encoder, row = fitted.chunks(), frame(1, ())
    times = []
    for _ in range(300):
        start = time.thread_time()  # what other work on the machine takes is not in it
        encoder.push(row)
        times.append(time.thread_time() - start)
    assert min(times) < 250e-6  # measured: 55 us


def test_arrays_share_scaling_holding_and_flags() -> None:
    values = np.array([[np.nan, 1.0], [2.0, 5.0], [np.nan, 3.0], [6.0, 3.0]])
    fitted = ArrayCodec().fit([values])
    assert fitted.spec == Fields({"numeric": Reals(2), "missing": Flags(1)})
    array = fitted.encode(values)
    assert array[:, 0].tolist() == [0.0, -1.0, -1.0, 1.0]
    assert array[:, 2].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert fitted.decode(array)[[1, 3], 0].tolist() == [2.0, 6.0]
    encoder = fitted.chunks()
    pieces = [encoder.push(values[i : i + 1]) for i in range(4)]
    assert np.concatenate([*pieces, encoder.flush()]).tobytes() == array.tobytes()
    again = codecs.get("array").restore(json.loads(json.dumps(fitted.config())), fitted.arrays())
    assert again.encode(values).tobytes() == array.tobytes()


def test_an_array_codec_clips_every_column() -> None:
    values = np.array([[0.0, 10.0], [1.0, 20.0], [2.0, 30.0]])
    fitted = ArrayCodec(clip=1.0).fit([values])
    far = np.array([[50.0, 20.0], [np.nan, -50.0]])
    assert fitted.encode(far).tolist() == [[1.0, 0.0], [1.0, -1.0]]
    again = ArrayCodec.restore(json.loads(json.dumps(fitted.config())), fitted.arrays())
    assert again.encode(far).tobytes() == fitted.encode(far).tobytes()


def test_an_array_codec_keeps_the_number_of_features_of_training() -> None:
    fitted = ArrayCodec(missing="keep").fit([np.ones((3, 2)), np.zeros((1, 2))])
    assert np.isnan(fitted.encode(np.array([[np.nan, 1.0]]))[0, 0])
    with pytest.raises(DataError, match=r"shape \(T, 2\) is expected, as in training, but \(3, 1\) came"):
        fitted.encode(np.ones((3, 1)))
    with pytest.raises(DataError, match="with one D"):
        ArrayCodec().fit([np.ones((3, 2)), np.ones((3, 1))])
    with pytest.raises(DataError, match=r"within 3\.4e38, the range of 32-bit floats, but a training row has inf"):
        ArrayCodec().fit([np.array([[np.inf]])])
    with pytest.raises(DataError, match="Feature 1 has a value that is infinite"):
        fitted.encode(np.array([[1.0, np.inf]]))
    with pytest.raises(DataError, match="`decode` takes 2 columns"):
        fitted.decode(np.ones((3, 1)))
    with pytest.raises(ModelFileError):
        ArrayCodec.restore({**fitted.config(), "num_features": 3}, fitted.arrays())
    with pytest.raises(ModelFileError):
        ArrayCodec.restore({}, fitted.arrays())
    with pytest.raises(ModelFileError):
        ArrayCodec.restore(fitted.config(), {})


def test_a_number_with_a_point_is_the_category_of_its_shortest_spelling() -> None:
    known = Categories(("01.0", "1", "1.5", "2.50", "z"))
    column = np.array(["1.0", "1.", "1.50", "2.50", "2.5", "01.0", "01", "1.0.0", "10", "z.0", None], object)
    assert known.encode(column).ravel().tolist() == [2, 2, 3, 4, 0, 1, 0, 0, 0, 0, 0]
    assert known.unseen(column) == {"2.5": 1, "01": 1, "1.0.0": 1, "10": 1, "z.0": 1}


def test_the_series_of_a_table_are_reported_together() -> None:
    fitted = codec().fit([frame(missing=())])
    first = frame().with_columns({"wind": np.array(["S", "N", "W"] * 3, object)})
    second = frame().with_columns({"wind": np.array(["S", "N", "E"] * 3, object)})
    said = fitted.report(first, second)
    assert len(said) == 2
    assert "column 'wind' has 2 categories that training did not have, in 9 rows ('S', 'W')" in said[0]
    assert "column 'heat' has 6 missing values" in said[1]
