"""Arrays are data too: every shape is read, every mismatch is named."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import whorl
from whorl.codecs.array import ArrayCodec
from whorl.codecs.frame import Frame
from whorl.data.array_reader import ArrayReader
from whorl.data.arrays import read_arrays
from whorl.errors import DataError

RNG = np.random.default_rng(0)


def test_three_axes_are_sequences_steps_features() -> None:
    arrays = read_arrays(RNG.normal(size=(5, 7, 3)))
    assert arrays is not None
    assert (len(arrays), arrays.num_features, arrays.y) == (5, 3, None)
    assert arrays.lengths.tolist() == [7] * 5


def test_two_axes_are_sequences_of_one_feature() -> None:
    arrays = read_arrays(np.arange(6, dtype=np.int32).reshape(2, 3))
    assert arrays is not None
    assert isinstance(arrays.x, np.ndarray)
    assert arrays.x.shape == (2, 3, 1)
    assert arrays.x.dtype == np.float64
    nested = read_arrays([[0, 1, 2], [3, 4, 5]])
    assert nested is not None
    assert np.array_equal(np.stack(list(nested.x)), arrays.x)


def test_lists_hold_sequences_of_several_lengths() -> None:
    arrays = read_arrays(([np.ones((4, 2)), np.ones((1, 2))], [0, 1]))
    assert arrays is not None
    assert arrays.lengths.tolist() == [4, 1]
    assert isinstance(arrays.y, np.ndarray)
    assert arrays.y.tolist() == [0.0, 1.0]


def test_targets_stand_for_sequences_or_for_steps() -> None:
    x = np.ones((3, 4, 2))
    for shape in [(3,), (3, 5), (3, 4, 5)]:
        arrays = read_arrays((x, np.zeros(shape)))
        assert arrays is not None
        assert isinstance(arrays.y, np.ndarray)
        assert arrays.y.shape == shape
    ragged = read_arrays(([np.ones((2, 1)), np.ones((3, 1))], [np.zeros(2), np.zeros(3)]))
    assert ragged is not None
    assert isinstance(ragged.y, list)
    labels = read_arrays((x, ["up", "down", "up"]))
    assert labels is not None
    assert labels.y is not None
    assert list(labels.y) == ["up", "down", "up"]


def test_labels_of_text_become_python_text_whatever_array_they_come_in() -> None:
    x = np.ones((2, 4, 1))
    for y in (
        np.array(["Köln", "b"]),
        np.array(["Köln".encode(), b"b"]),
        np.array(["Köln", "b"], object),
        np.array([np.str_("Köln"), b"b"], object),
        np.array(["Köln", "b"], np.dtypes.StringDType()),
        ("Köln", "b"),
    ):
        arrays = read_arrays((x, y))
        assert arrays is not None
        assert isinstance(arrays.y, np.ndarray)
        assert arrays.y.dtype == object
        assert arrays.y.tolist() == ["Köln", "b"]
        assert {type(label) for label in arrays.y} == {str}
    steps = read_arrays(([np.ones((2, 1)), np.ones((1, 1))], [np.array(["a", "b"], object), ["c"]]))
    assert steps is not None
    assert steps.y is not None
    assert [list(part) for part in steps.y] == [["a", "b"], ["c"]]


def test_labels_may_be_missing_wherever_they_stand_and_whatever_they_come_in() -> None:
    x = np.ones((3, 4, 1))
    for y in (
        [None, "a", "b"],
        [float("nan"), "a", "b"],
        [np.ma.masked, "a", "b"],
        (np.nan, "a", "b"),
        np.array([None, "a", "b"], object),
        np.ma.array(["c", "a", "b"], mask=[True, False, False]),
        np.ma.array(["c", "a", "b"], object, mask=[True, False, False]),
        pd.Series([None, "a", "b"]),
        pd.Series([None, "a", "b"], dtype="string"),
        pd.Series(pd.Categorical([None, "a", "b"])),
    ):
        arrays = read_arrays((x, y))
        assert arrays is not None
        assert isinstance(arrays.y, np.ndarray)
        assert arrays.y.tolist() == [None, "a", "b"]
    for y in (
        [None, 1, 2],
        [np.ma.masked, 1, 2],
        np.ma.array([7, 1, 2], mask=[True, False, False]),
        pd.Series([None, 1, 2], dtype="Int64"),
    ):
        arrays = read_arrays((x, y))
        assert arrays is not None
        assert isinstance(arrays.y, np.ndarray)
        np.testing.assert_array_equal(arrays.y.ravel(), [np.nan, 1, 2])
    steps = read_arrays((list(x), [[None, "u", "v", "u"], np.ma.array(list("uuvv"), mask=[0, 0, 0, 1]), [None] * 4]))
    assert steps is not None
    assert steps.y is not None
    assert [list(part) for part in steps.y[:2]] == [[None, "u", "v", "u"], ["u", "u", "v", None]]
    assert np.isnan(steps.y[2]).all()
    whole = read_arrays((x, [[None, "u", "v", "u"], ["u", "u", "v", float("nan")], list("uvuv")]))
    assert whole is not None
    assert isinstance(whole.y, np.ndarray)
    assert whole.y.shape == (3, 4)
    assert whole.y[1, 3] is None


def test_labels_of_text_are_no_targets_of_a_regression() -> None:
    with pytest.raises(DataError, match="must be numbers for a regression, but holds text"):
        whorl.Regressor().fit((np.ones((4, 3)), np.array(["a", "b", "a", "b"], object)))


@pytest.mark.parametrize("y", [np.array(["a", "b"], object), np.array([["a"], ["b"]], object), (b"1", b"2")])
def test_text_does_not_score_the_answers_of_a_regression(y: Any) -> None:
    numbers = ArrayCodec().fit([np.ones((2, 1))])
    reader = ArrayReader(past=numbers, outputs=numbers)
    with pytest.raises(DataError, match=r"`y` must be numbers, .* but holds text\. Give numbers, or X alone"):
        reader.read((np.ones((2, 3, 1)), y), targets=True)


def test_a_step_with_text_among_arrays_of_several_lengths_is_no_target_of_a_regression() -> None:
    numbers = ArrayCodec().fit([np.ones((2, 1))])
    reader = ArrayReader(past=numbers, outputs=numbers)
    with pytest.raises(DataError, match="`y` must be numbers"):
        reader.read(([np.ones((2, 1)), np.ones((1, 1))], [[1.0, 2.0], ["a"]]))


def test_torch_tensors_are_arrays() -> None:
    import torch

    arrays = read_arrays((torch.ones(2, 3, 1), torch.zeros(2)))
    assert arrays is not None
    assert arrays.num_features == 1


def test_missing_values_stay_and_the_source_is_not_changed() -> None:
    x = np.array([[1.0, np.nan]])
    arrays = read_arrays(x)
    assert arrays is not None
    assert np.isnan(arrays.x[0][1, 0])
    assert x.shape == (1, 2)


@pytest.mark.parametrize(
    "source", ["load.csv", Path("load.csv"), [{"a": 1}], {"a": [1]}, Frame({"a": np.ones(2)}), None, [], 3]
)
def test_what_is_no_array_is_left_to_the_table_reader(source: object) -> None:
    assert read_arrays(source) is None


def test_data_frames_are_left_to_the_table_reader() -> None:
    import pandas as pd
    import polars as pl

    assert read_arrays(pd.DataFrame({"a": [1]})) is None
    assert read_arrays(pl.DataFrame({"a": [1]})) is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.ones((2, 2, 2, 2)), r"`X` must be \(N, T, D\) or \(N, T\).*\(2, 2, 2, 2\)"),
        (np.ones(5), r"has shape \(5,\).*X\[None\]"),
        (np.ones((0, 3, 1)), "at least one sequence"),
        (np.ones((2, 0, 1)), r"`X\[0\]` needs at least one step"),
        (np.ones((2, 3, 0)), "same number of features, at least 1"),
        ([np.ones((2, 1)), np.ones((2, 3))], r"these come: \[1, 3\]"),
        ([np.ones((2, 1)), np.ones((0, 1))], r"`X\[1\]` needs at least one step"),
        ([np.ones((2, 1, 1))], r"`X\[0\]` must be \(T, D\) or \(T,\)"),
        (np.array([["a", "b"]]), "must hold real numbers"),
        (np.ones((1, 2)) * 1j, "must hold real numbers, but holds complex128"),
        (np.array([[[1.0], [np.inf]]]), r"X\[0, 1, 0\] is inf. Write NaN"),
        (np.array([[1e300]]), "within 3.4e38"),
        ((np.ones((2, 3)), np.ones(3)), "`y` has one target for each sequence of `X`, but has 3 for 2"),
        ((np.ones((2, 3)), np.ones((2, 1, 1, 1))), r"`y` must be \(N,\), \(N, K\) or \(N, T, K\)"),
        ((np.ones((1, 3)), [np.inf]), r"y\[0\] is inf"),
        ((np.ones((2, 3)), np.array(["a", 1.5], object)), r"`y` must be all text or all numbers, but y\[1\] is 1\.5"),
        ((np.ones((2, 3)), np.array(["a", 1.5], object)), r"y\[1\] is 1\.5\. Write all of them in one way"),
        ((np.ones((2, 3)), np.array([b"a", b"\xff"])), r"all text or all numbers, but y\[1\] is .*xff"),
        (([np.ones((2, 1))], [np.ones(3)]), r"`y\[0\]` has a target for each step of `X\[0\]`, but has 3 for 2"),
    ],
)
def test_a_mismatch_is_named(source: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_arrays(source)


def test_npz_files_hold_x_and_y(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.ones((2, 3)), y=np.zeros(2))
    arrays = read_arrays(tmp_path / "a.npz")
    assert arrays is not None
    assert arrays.origin == "a.npz"
    assert arrays.y is not None
    np.savez(tmp_path / "b.npz", data=np.ones(2))
    with pytest.raises(DataError, match=r"b\.npz must hold an array 'X'.*holds 'data'"):
        read_arrays(str(tmp_path / "b.npz"))
    with pytest.raises(DataError, match="is not there"):
        read_arrays(tmp_path / "c.npz")
    np.save(tmp_path / "d.npy", np.array([[object()]]), allow_pickle=True)
    with pytest.raises(DataError, match=r"d\.npy is not a readable file of plain arrays"):
        read_arrays(tmp_path / "d.npy")


def test_every_cut_and_many_mutations_of_an_npz_file_are_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=np.ones((1, 2)), y=np.zeros(1))
    data = path.read_bytes()
    rng = random.Random(0)
    broken = [data[:end] for end in range(0, len(data), 3)]
    for _ in range(300):
        flipped = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            flipped[rng.randrange(len(data))] = rng.randrange(256)
        broken.append(bytes(flipped))
    refusals = []
    for content in broken:
        path.write_bytes(content)
        try:
            read_arrays(path)
        except DataError as error:
            refusals.append(str(error))
    assert all("a.npz" in message for message in refusals)
    assert len(refusals) > len(data) // 6


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.int64])
def test_tensors_are_read_whatever_their_type_and_with_a_gradient(kind: torch.dtype) -> None:
    x = (8 * torch.rand(3, 4, 2)).to(kind)
    found = read_arrays(x.requires_grad_() if kind.is_floating_point else x)
    assert found is not None
    assert np.array_equal(np.stack(list(found.x)), x.detach().double().numpy())
