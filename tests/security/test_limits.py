"""Sizes in a model file are held against the limits early and cheaply."""

import json
import time
import tracemalloc

import pytest
from tests.security.crafting import parts, sealed, section, with_section

from whorl.errors import ModelFileError
from whorl.runtime import artifact, files


def tensors(count, **changes):
    usual = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    return {
        "__metadata__": {"format": "1", "sha256": "0" * 64},
        **{f"t{n}": {**usual, **changes} for n in range(count)},
    }


HUGE = {
    "an empty file": b"",
    "nothing but a length": b"\x08\0\0\0\0\0\0\0",
    "a header of 2^63 bytes": b"\xff" * 8 + b"{}",
    "a header of 4 GB": (2**32).to_bytes(8, "little") + b"{}",
    "a header over the limit": sealed(b" " * 1_000_001, b""),
    "a header longer than the file": (100).to_bytes(8, "little") + b"{}",
    "10,001 tensors": sealed(tensors(10_001), b""),
    "a tensor of 2^63 numbers": sealed(tensors(1, shape=[2**63]), b""),
    "sizes that overflow 64 bits": sealed(tensors(1, shape=[2**33, 2**33]), b""),
    "sizes that overflow to zero": sealed(tensors(1, shape=[2**32, 2**32, 4], data_offsets=[0, 0]), b""),
    "an empty tensor of huge axes": sealed(tensors(1, shape=[2**40, 2**40, 0]), b""),
    "an empty tensor of many axes": sealed(tensors(1, shape=[8] * 7 + [0]), b"x" * 8),
    "a hundred axes": sealed(tensors(1, shape=[1] * 100, data_offsets=[0, 4]), b"x" * 4),
    "an axis of a million digits": sealed(
        json.dumps(tensors(1)).replace("[0]", "[" + "9" * 900_000 + "]", 1).encode(), b""
    ),
    "offsets beyond 64 bits": sealed(tensors(1, shape=[2**62], data_offsets=[0, 2**64]), b""),
    "a tensor larger than the file": sealed(tensors(1, shape=[2**31], data_offsets=[0, 2**33]), b"x" * 100),
    "a header of brackets": sealed(b"[" * 900_000, b""),
    "a header of one long word": sealed(b'"' + b"a" * 900_000 + b'"', b""),
}


@pytest.mark.parametrize("what", HUGE)
def test_a_file_beyond_the_limits_is_refused_before_anything_is_allocated(what, tmp_path):
    """M2."""
    path = tmp_path / "huge.whorl"
    path.write_bytes(HUGE[what])
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            files.load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The header itself (at most 1 MB) is parsed; nothing that it promises is allocated.
    assert peak < 10_000_000 + 3 * min(len(HUGE[what]), artifact.MAX_HEADER)


@pytest.mark.parametrize("what", HUGE)
def test_a_bad_file_is_refused_in_50_milliseconds(what, tmp_path):
    """M2."""
    path = tmp_path / "huge.whorl"
    path.write_bytes(HUGE[what])
    best = min(_seconds_to_refuse(path) for _ in range(5))
    assert best <= 0.050


def _seconds_to_refuse(path):
    start = time.process_time()
    with pytest.raises(ModelFileError):
        files.load(path)
    return time.process_time() - start


def test_a_window_that_a_few_bytes_name_allocates_nothing(sound, load):
    """M2."""
    header, body = parts(sound["table"])
    program = section(header, "program")
    window = next(op for op in program["operations"] if op["op"] == "window")
    extra = [{"op": "window", "out": f"w{n}", "x": window["out"], "length": 1_000_000} for n in range(200)]
    crafted = with_section(header, "program", {**program, "operations": program["operations"] + extra})
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match="1 GB"):
            load(sealed(crafted, body))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
