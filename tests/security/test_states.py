"""A stored state is read as strictly as a model file."""

import struct

import pytest
from tests.unit.live.tiny import forecaster, rows

from whorl.errors import ModelFileError
from whorl.runtime.state import State


def state_refused(data):
    try:
        State.from_bytes(data)
    except ModelFileError:
        return True
    return False


@pytest.mark.parametrize("memory", ["carried", "window"])
def test_every_flip_and_every_cut_of_a_state_is_detected(memory):
    """M4."""
    stream = forecaster(memory=memory).stream(series="ü")
    for row in rows(6):
        stream.push(row)
    data = bytes(stream.state)
    assert bytes(State.from_bytes(data)) == data
    for bit in range(8):
        for place in range(len(data)):
            assert state_refused(data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :])
    assert all(state_refused(data[:place]) for place in range(len(data)))
    assert state_refused(data + b"\0")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        struct.pack("<QQQQ", 1, 0, 0, 0),
        struct.pack("<QQQQ", 1, 2**63, 0, 0),
        struct.pack("<QQQQ", 1, 2, 0, 0) + b"{}",
        struct.pack("<QQQQ", 1, 4, 0, 0) + b"null",
        struct.pack("<QQQQ", 1, 27, 0, 0) + b'{"model":"m","series":"s"} ' + b"more",
        struct.pack("<QQQQ", 1, 27, 9, 0) + b'{"model":"m","series":"s"} ',
        struct.pack("<QQQQ", 1, 22, 0, 0) + b'{"model":1,"series":2}',
        struct.pack("<QQQQ", 1, 4, 0, 0) + b"\xff\xfe{}",
        struct.pack("<QQQQ", 1, 200_000, 0, 0) + b"[" * 200_000,
    ],
    ids=lambda body: repr(body[32:60]),
)
def test_a_state_with_a_right_checksum_is_still_read_strictly(body):
    import hashlib

    assert state_refused(b"whorlst1" + hashlib.sha256(body).digest() + body)


@pytest.mark.parametrize("data", [None, 10**9, "text", [1], object()])
def test_what_is_no_bytes_is_no_state(data):
    assert state_refused(data)
