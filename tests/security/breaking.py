"""Ways to break a model file: each takes header and body, and gives them with one thing changed."""

import copy
import struct

import numpy as np
from tests.security.crafting import section, with_section, with_tensor

from whorl.runtime import artifact


def changed_section(name, change):
    """A way to break a file: one section changed."""

    def craft(header, body):
        value = section(header, name)
        return with_section(header, name, change(value) or value), body

    return craft


def put(**items):
    def change(value):
        return {**value, **items}

    return change


def without(key):
    def change(value):
        return {name: part for name, part in value.items() if name != key}

    return change


def inside(*path, to):
    """Changes a value deep in a section."""

    def change(value):
        value = copy.deepcopy(value)
        at = value
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = to
        return value

    return change


def program_changed(number, **changes):
    def change(value):
        value = copy.deepcopy(value)
        value["operations"][number].update(changes)
        return value

    return change


def metadata(**items):
    return lambda header, body: ({**header, "__metadata__": {**header["__metadata__"], **items}}, body)


def entry(name, **changes):
    return lambda header, body: ({**header, name: {**header[name], **changes}}, body)


def dropped(name):
    """A tensor taken out, the others moved up."""

    def craft(header, body):
        start, stop = header[name]["data_offsets"]
        kept = {}
        for other, part in header.items():
            if other == name:
                continue
            if other != "__metadata__" and part["data_offsets"][0] >= stop:
                part = {**part, "data_offsets": [edge - (stop - start) for edge in part["data_offsets"]]}
            kept[other] = part
        return kept, body[:start] + body[stop:]

    return craft


def added(name, dtype="F32", shape=(1,), data=b"\0\0\0\0"):
    return lambda header, body: with_tensor(header, body, name, dtype, list(shape), data)


def numbers(name, value):
    """One number of a tensor replaced."""

    def craft(header, body):
        start = header[name]["data_offsets"][0]
        packed = struct.pack({"F32": "<f", "F64": "<d", "I64": "<q", "BOOL": "<B"}[header[name]["dtype"]], value)
        return header, body[:start] + packed + body[start + len(packed) :]

    return craft


def retyped(name, dtype):
    """A tensor with the same numbers in another type."""

    def craft(header, body):
        old = header[name]
        array = np.frombuffer(body[slice(*old["data_offsets"])], artifact.DTYPES[old["dtype"]])
        header, body = dropped(name)(header, body)
        return with_tensor(header, body, name, dtype, old["shape"], array.astype(artifact.DTYPES[dtype]).tobytes())

    return craft
