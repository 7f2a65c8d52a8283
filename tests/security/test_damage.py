"""Every flipped byte and every cut of a model file is seen by its checksum."""

import json
import random

import pytest
from tests.security.crafting import parts, sealed

from whorl.errors import ModelFileError


def test_a_checksum_stands_once_in_the_metadata(sound, load):
    """M4."""
    header, body = parts(sound["array"])
    digest = header["__metadata__"]["sha256"]
    elsewhere = {k: v for k, v in header["__metadata__"].items() if k != "sha256"}
    raw = json.dumps({**header, "__metadata__": elsewhere}, separators=(",", ":"))
    for text in (
        raw,  # none at all
        '{"__metadata__":{"sha256":"' + digest + '"},' + raw[1:],  # in metadata that is given twice
        '{"sha256":"' + digest + '",' + raw[1:],  # beside the metadata
    ):
        with pytest.raises(ModelFileError):
            load(sealed(text.encode(), body))


def flips(data, places):
    for place in places:
        yield data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :]


def refused(load, data):
    try:
        load(data)
    except ModelFileError:
        return True
    return False


def chosen(size, most):
    return range(size) if size <= most else sorted(random.Random(0).sample(range(size), most))


def test_every_flipped_byte_is_detected(sound, load):
    """M4."""
    for data in sound.values():
        assert all(refused(load, flipped) for flipped in flips(data, chosen(len(data), 5_000)))


@pytest.mark.slow
def test_every_flipped_byte_of_every_place_is_detected(sound, load):
    """M4."""
    for data in sound.values():
        assert all(refused(load, flipped) for flipped in flips(data, range(len(data))))


def test_every_cut_is_detected(sound, load):
    """M4."""
    for data in sound.values():
        assert all(refused(load, data[:place]) for place in chosen(len(data), 3_000))
        assert refused(load, data + b"\0")
        assert refused(load, b"\0" + data)
