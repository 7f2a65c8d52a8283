"""Files of features: what they hold comes back, and how hostile ones end."""

import io
import json
import struct
import tracemalloc

import numpy as np
import pytest
from safetensors.numpy import save

from whorl.data.features import read_array, read_arrays_file
from whorl.errors import DataError

KINDS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def promising(shape, kind="<f8"):
    """A `.npy` file whose header promises an array that is not there."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def tensors(kind, size, shape=(2, 3)):
    header = json.dumps({"a": {"dtype": kind, "shape": shape, "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


@pytest.mark.parametrize("kind", KINDS)
def test_plain_numbers_of_each_kind_are_read_from_both_formats(kind, tmp_path):
    array = np.arange(24).reshape(2, 4, 3).astype(kind)
    (tmp_path / "x.npy").write_bytes(npy(array))
    (tmp_path / "x.safetensors").write_bytes(save({str(n): one for n, one in enumerate(array)}))
    for name in ("x.npy", "x.safetensors"):
        found = read_arrays_file(tmp_path / name)
        assert [one.dtype for one in found.values()] == [array.dtype] * 2
        np.testing.assert_array_equal(list(found.values()), array)


def test_arrays_come_in_the_order_of_the_numbers_in_their_names(tmp_path):
    names = ["0", "1", "01", "2", "10", "10b", "11", "a2", "a10", "a10c3", "b"]
    (tmp_path / "x.safetensors").write_bytes(save({name: np.full((2, 3), n) for n, name in enumerate(names)}))
    found = read_arrays_file(tmp_path / "x.safetensors")
    assert [*found] == ["0", "01", "1", "2", "10", "10b", "11", "a2", "a10", "a10c3", "b"]
    assert {name: one[0, 0] for name, one in found.items()} == {name: n for n, name in enumerate(names)}


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.npy", b"", "is damaged"),
        ("x.npy", b"hello", "is damaged"),
        ("x.npy", npy(np.zeros((2, 3)))[:-1], "cut off"),
        ("x.npy", promising((1 << 14, 1 << 12)), "cut off"),
        ("x.npy", promising((1 << 40,)), "promises 1099511627776 numbers"),
        ("x.npy", promising((-1, 3)), "is damaged"),
        ("x.npy", npy(np.array([{}]), allow_pickle=True), "holds object"),
        ("x.npy", npy(np.array(["a"])), "holds <U1"),
        ("x.npy", npy(np.zeros(2, [("a", "f8")])), "plain numbers"),
        ("x.safetensors", b"", "is damaged"),
        ("x.safetensors", struct.pack("<Q", 1 << 60), "is damaged"),
        ("x.safetensors", tensors("F32", 24)[:-1], "is damaged"),
        ("x.safetensors", tensors("F32", 24, (1 << 62, 1 << 62)), "is damaged"),
        ("x.safetensors", tensors("BF16", 12), "holds BF16"),
        ("x.safetensors", tensors("F8_E4M3", 6), "holds F8_E4M3"),
        ("x.safetensors", tensors("C64", 48), "holds C64"),
        ("x.safetensors", save({}), "has no arrays"),
    ],
)
def test_hostile_files_are_refused_before_memory_is_taken(name, data, message, tmp_path):
    """D3, D4: what is no file of plain numbers is refused, whatever it claims."""
    path = tmp_path / name
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message):
            read_array(path) if name.endswith(".npy") else read_arrays_file(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["x.npy", "x.safetensors"])
def test_mutated_files_are_read_or_end_in_a_data_error(name, tmp_path):
    """D4: features that are changed anywhere are read or refused."""
    array, rng, path = np.arange(24.0).reshape(2, 4, 3), np.random.default_rng(0), tmp_path / name
    good = npy(array) if name == "x.npy" else save({"a": array[0], "b": array[1]})
    refused = 0
    for _ in range(300):
        data = bytearray(good)
        for place in rng.integers(0, len(data) if rng.random() < 0.2 else 128, rng.integers(1, 4)):
            data[place] = rng.integers(256)
        path.write_bytes(data[: len(data) - int(rng.integers(0, 9))])
        try:
            read_arrays_file(path)
        except DataError:
            refused += 1
    assert refused > 150
