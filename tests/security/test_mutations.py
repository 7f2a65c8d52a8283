"""Mutated model files with a right checksum are refused as files, or work."""

import copy
import json
import random

import numpy as np
import pytest
from tests.security.crafting import parts, sealed, section, with_section
from tests.unit.live.tiny import rows

import whorl
from whorl.errors import ModelFileError

SCALARS = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    7,
    2**31,
    2**63,
    2**64,
    10**30,
    0.5,
    -1.5,
    1e300,
    "",
    "x",
    "past",
    [],
    {},
    [[]],
]


def nodes(value, path=()):
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from nodes(part, (*path, key))
    if isinstance(value, list):
        for number, part in enumerate(value):
            yield from nodes(part, (*path, number))


def mutated_json(value, draw):
    """A JSON value with one place replaced, removed, doubled or swapped for another of its places."""
    value = copy.deepcopy(value)
    path = draw.choice([path for path in nodes(value) if path])
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    match draw.randrange(4):
        case 0:
            parent[path[-1]] = draw.choice(SCALARS)
        case 1:
            del parent[path[-1]]
        case 2:
            if isinstance(parent, list):
                parent.insert(path[-1], copy.deepcopy(parent[path[-1]]))
            else:
                parent[f"{path[-1]}x"] = parent[path[-1]]
        case _:
            other = draw.choice([other for other in nodes(value) if other])
            found = value
            for key in other:
                found = found[key]
            parent[path[-1]] = copy.deepcopy(found)
    return value


SECTIONS = ("model", "program", "reader", "baselines")


def mutated(header, body, draw, sections=SECTIONS):
    names = [name for name in header if name != "__metadata__"]
    match draw.randrange(6):
        case 0 | 1 | 2:
            name = draw.choice(sections)
            return with_section(header, name, mutated_json(section(header, name), draw)), body
        case 3:
            return {**header, (name := draw.choice(names)): mutated_json(header[name], draw)}, body
        case 4:
            place = draw.randrange(len(body))
            return header, body[:place] + bytes([draw.randrange(256)]) + body[place + 1 :]
        case _:
            raw = bytearray(json.dumps(header, separators=(",", ":")).encode())
            raw[draw.randrange(len(raw))] = draw.choice(b'{}[]",:0129e-.\\ntx')
            return bytes(raw), body


def fuzz(given, load, count, seed=0, sections=SECTIONS):
    """Mutations either load and then answer or refuse data, or are refused as a file; nothing else ever happens.

    `given` are bytes of files, which take turns, and what is asked of a model of each. Returns how many loaded.
    """
    draw, loaded = random.Random(seed), 0
    for n in range(count):
        sound, asked = given[n % len(given)]
        try:
            model = load(sealed(*mutated(*parts(sound), draw, sections)))
        except ModelFileError:
            continue
        loaded += 1
        with np.errstate(all="ignore"):
            try:
                asked(model)
            except whorl.WhorlError:
                continue
    return loaded


def turns(sound):
    """A model of arrays and, twice as often, one of a table."""
    data, known = rows(9, series="north"), rows(30, series="north")[9:]
    array = sound["array"], lambda model: model.predict([np.ones((3, 2))])
    table = sound["table"], lambda model: model.predict(data, known=known)
    return [array, table, table]


def test_a_mutation_with_a_right_checksum_is_refused_or_works(sound, load):
    """M1."""
    loaded = fuzz(turns(sound), load, 2_000)
    assert 20 < loaded < 1_500


@pytest.mark.slow
def test_many_more_mutations_are_refused_or_work(sound, load):
    """M1."""
    for seed in range(1, 11):
        fuzz(turns(sound), load, 3_000, seed)
