"""A model file is numbers and names; everything else is a ModelFileError, early and cheaply."""

import ast
import copy
import json
import random
import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tests.security.crafting import parts, sealed, section, with_section, with_tensor
from tests.unit.live.tiny import accumulator, forecaster, rows

import whorl
from whorl.errors import ModelFileError, ResourceError
from whorl.runtime import artifact, files
from whorl.runtime.state import State

SOURCES = sorted(Path(whorl.__file__).parent.rglob("*.py"))
# Names that run or unpack code; each use must be listed here with the file that may.
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "execfile", "breakpoint"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "zipimport", "runpy"}
FORBIDDEN_ATTRIBUTES = {("torch", "load"), ("torch", "save"), ("torch.jit", "load"), ("importlib", "reload")}
ALLOWED = set()


def uses(tree):
    """What a module does that could run code out of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            yield node.func.id
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] in FORBIDDEN_MODULES)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN_MODULES:
            yield node.module
        if isinstance(node, ast.Attribute) and (ast.unparse(node.value), node.attr) in FORBIDDEN_ATTRIBUTES:
            yield ast.unparse(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "numpy.load"):
            said = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if said.get("allow_pickle") != "False":
                yield "np.load without allow_pickle=False"


def test_no_module_unpickles_or_runs_text():
    """M1."""
    assert len(SOURCES) > 50
    found = {(path.name, use) for path in SOURCES for use in uses(ast.parse(path.read_text()))}
    assert found <= ALLOWED


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "import torch\ntorch.load('x')",
        "eval('1')",
        "exec(text)",
        "__import__(name)",
        "np.load(file)",
        "np.load(file, allow_pickle=True)",
        "import marshal as m",
    ],
)
def test_the_scan_sees_code_that_runs_text(code):
    """M1."""
    assert list(uses(ast.parse(code)))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Bytes of a small sound file of each kind of model."""
    folder = tmp_path_factory.mktemp("models")
    made = {
        "table": forecaster(series="building", known=("heat",), horizon=2),
        "array": accumulator(),
    }
    data = {}
    for name, model in made.items():
        files.save(model, folder / name)
        data[name] = (folder / name).read_bytes()
    return data


@pytest.fixture
def load(tmp_path):
    """Loads bytes as a model file."""

    def load_bytes(data):
        path = tmp_path / "crafted.whorl"
        path.write_bytes(data)
        return files.load(path)

    return load_bytes


def test_a_file_that_is_sealed_anew_is_sound(sound, load):
    for data in sound.values():
        load(data)
        assert sealed(*parts(data)) == data


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        files.save(forecaster(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    files.save(files.load(tmp_path / "a"), tmp_path / "c")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()


def test_a_loaded_model_is_the_saved_one(tmp_path):
    model = forecaster()
    model.readout.fit(*calibration())
    files.save(model, tmp_path / "m.whorl")
    back = files.load(tmp_path / "m.whorl")
    assert back.identity == model.identity
    assert back.card == model.card
    data = rows(30)
    one, two = model.predict(data, every_row=True), back.predict(data, every_row=True)
    assert one.value.tobytes() == two.value.tobytes()
    assert one.quantiles.tobytes() == two.quantiles.tobytes()
    assert back.evaluate(data).baseline == model.evaluate(data).baseline


def calibration():
    draw = np.random.default_rng(0)
    return draw.normal(0, 1, (40, 3, 1, 4)).astype(np.float32), draw.normal(0, 1, (40, 3, 1)).astype(np.float32)


# M1


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


BROKEN = {
    "unknown section": metadata(code="{}"),
    "missing section": lambda h, b: (
        {**h, "__metadata__": {k: v for k, v in h["__metadata__"].items() if k != "card"}},
        b,
    ),
    "another format": metadata(format="2"),
    "no format": lambda h, b: ({**h, "__metadata__": {k: v for k, v in h["__metadata__"].items() if k != "format"}}, b),
    "section is not JSON": metadata(reader="{"),
    "section is not an object": metadata(card="[1]"),
    "section with NaN": metadata(card='{"a":NaN}'),
    "section with an infinite number": metadata(card='{"a":1e999}'),
    "section nested too deep": metadata(card="[" * 200_000),
    "section with a huge number": metadata(card='{"a":' + "9" * 100_000 + "}"),
    "metadata is not text": metadata(card=7),
    "unknown field of the model": changed_section("model", put(code="x")),
    "missing field of the model": changed_section("model", without("task")),
    "wrong type in the model": changed_section("model", put(task=7)),
    "unknown reader": changed_section("model", put(reader="os")),
    "unknown readout": changed_section("model", put(readout="os")),
    "two readouts": changed_section("model", put(readout="point")),
    "unknown pairing": changed_section("model", inside("wiring", "pairing", "type", to="shell")),
    "unknown field of the pairing": changed_section("model", inside("wiring", "pairing", "extra", to=1)),
    "a warm-up below one": changed_section("model", inside("wiring", "pairing", "warm_up", to=0)),
    "a warm-up beyond all rows": changed_section("model", inside("wiring", "pairing", "warm_up", to=2**64)),
    "lags below none": changed_section("model", inside("wiring", "pairing", "num_lags", to=-1)),
    "a horizon below one": changed_section("model", inside("wiring", "pairing", "horizon", to=-2)),
    "another horizon": changed_section("model", inside("wiring", "pairing", "horizon", to=3)),
    "other levels": changed_section("model", inside("wiring", "head", "levels", to=[0.2, 0.5, 0.9])),
    "fewer levels": changed_section("model", inside("wiring", "head", "levels", to=[0.1, 0.9])),
    "unknown field of the reader": changed_section("reader", put(code="x")),
    "missing field of the reader": changed_section("reader", without("table")),
    "unknown table option": changed_section("reader", inside("table", "code", to="x")),
    "wrong table option": changed_section("reader", inside("table", "on_gap", to="guess")),
    "unknown schema field": changed_section("reader", inside("schema", "code", to="x")),
    "a column without a kind": changed_section("reader", inside("schema", "kinds", to={})),
    "unknown kind": changed_section("reader", inside("schema", "kinds", "heat", to="image")),
    "a column twice": changed_section("reader", inside("schema", "past", to=["heat"])),
    "a target that is not answered": changed_section("reader", inside("schema", "targets", to=["heat"])),
    "another step": changed_section("reader", inside("step", "count", to=0)),
    "a negative horizon of the reader": changed_section("reader", put(horizon=-2)),
    "a horizon beyond": changed_section("reader", put(horizon=10**30)),
    "a codec of another column": changed_section("reader", inside("past", "numeric", to=["load", "nothing"])),
    "unknown codec option": changed_section("reader", inside("past", "code", to="x")),
    "another calendar": changed_section("reader", inside("past", "calendar", to="heat")),
    "unknown operation": changed_section("program", program_changed(3, op="shell")),
    "unknown field of an operation": changed_section("program", program_changed(3, code="x")),
    "an operation without a name": changed_section("program", program_changed(3, out="")),
    "a value that is not there": changed_section("program", program_changed(-1, x="nothing")),
    "another width": changed_section("program", program_changed(0, shape=[9])),
    "another output": changed_section("program", put(output="past")),
    "another output shape": changed_section("program", program_changed(-1, shape=[1, 2, 4])),
    "a static input": changed_section("program", program_changed(0, static=True)),
    "a baseline that is no program": changed_section("baselines", put(drift="{}")),
    "a baseline that is no text": changed_section("baselines", put(drift=7)),
    "an unknown baseline's tensor": added("baseline/other/steps"),
    "a baseline of another shape": changed_section(
        "baselines",
        lambda value: {**value, "last_value": value["last_value"].replace('"shape":[2,1,1]', '"shape":[1,2,1]')},
    ),
    "an extra tensor of nobody": added("code"),
    "an extra tensor of the program": added("program/code"),
    "an extra tensor of the reader": added("reader/code"),
    "an extra tensor of a codec": added("reader/past/code"),
    "an extra tensor of the readout": added("readout/code"),
    "an extra score": added("scores/code"),
    "a missing weight": dropped("program/w"),
    "a missing statistic": dropped("reader/past/center"),
    "missing levels": dropped("readout/levels"),
    "a weight that is NaN": numbers("program/w", float("nan")),
    "a weight that is infinite": numbers("program/u", float("inf")),
    "a centre that is NaN": numbers("reader/past/center", float("nan")),
    "a scale of zero": numbers("reader/outputs/scale", 0.0),
    "a naive error below zero": numbers("scores/naive_mae", -1.0),
    "a flag that is neither": numbers("reader/past/flagged", 7),
    "offsets beyond their bytes": numbers("reader/past/category0.ends", 99),
    "negative offsets": numbers("reader/past/category0.ends", -1),
    "a level above one": numbers("readout/levels", 2.0),
    "levels that do not ascend": lambda h, b: changed_section(
        "model", inside("wiring", "head", "levels", to=[0.6, 0.5, 0.9])
    )(*numbers("readout/levels", 0.6)(h, b)),
    "unknown codec family": changed_section("model", inside("wiring", "inputs", to="os")),
    "a weight in float64": retyped("program/w", "F64"),
    "a weight in int64": retyped("program/w", "I64"),
    "a statistic in float32": retyped("reader/past/center", "F32"),
    "levels in float32": retyped("readout/levels", "F32"),
    "a naive error in float32": retyped("scores/naive_mae", "F32"),
    "an unknown type": entry("program/w", dtype="F16"),
    "no type": entry("program/w", dtype=""),
    "another shape of a weight": lambda h, b: (
        {**h, "program/w": {**h["program/w"], "shape": h["program/w"]["shape"][::-1]}},
        b,
    ),
    "a flat weight": lambda h, b: (
        {**h, "program/w": {**h["program/w"], "shape": [int(np.prod(h["program/w"]["shape"]))]}},
        b,
    ),
    "an unknown field of a tensor": entry("program/w", code=1),
    "offsets that overlap": entry("program/w", data_offsets=[0, 4]),
    "offsets the wrong way": entry("program/w", data_offsets=[8, 4]),
    "negative size": entry("program/w", shape=[-1, -15]),
    "more bytes than named": lambda h, b: (h, b + b"\0"),
    "fewer bytes than named": lambda h, b: (h, b[:-1]),
    "no bytes": lambda h, b: (h, b""),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_does_not_belong_into_a_file_is_refused(what, sound, load):
    """M1."""
    header, body = BROKEN[what](*parts(sound["table"]))
    with pytest.raises(ModelFileError):
        load(sealed(header, body))


@pytest.mark.parametrize(
    "craft",
    [
        changed_section("reader", put(num_targets=2)),
        changed_section("reader", put(code=1)),
        changed_section("reader", inside("past", "num_features", to=3)),
        added("reader/other/center", "F64", (2,), b"\0" * 16),
        added("readout/levels", "F64", (1,), b"\0" * 8),
        changed_section("model", inside("wiring", "pairing", "every_step", to="yes")),
        dropped("reader/outputs/scale"),
    ],
)
def test_a_model_of_arrays_is_as_strict(craft, sound, load):
    """M1."""
    with pytest.raises(ModelFileError):
        load(sealed(*craft(*parts(sound["array"]))))


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


# M2


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


def test_a_file_that_could_not_be_read_back_is_not_written(tmp_path):
    path = tmp_path / "m.whorl"
    path.write_bytes(b"before")
    many = {f"t{n}": np.zeros(1, np.float32) for n in range(10_001)}
    for made in (artifact.Artifact({}, many), artifact.Artifact({"card": "x" * 1_000_000}, {})):
        with pytest.raises(ModelFileError, match="Fit a smaller model"):
            artifact.write(path, made)
    for bad in (np.array([np.nan], np.float32), np.array([np.inf]), np.zeros(1, np.float16), np.array(["x"])):
        with pytest.raises(ModelFileError, match="tensor `t`"):
            artifact.write(path, artifact.Artifact({}, {"t": bad}))
    assert path.read_bytes() == b"before"
    assert [found.name for found in tmp_path.iterdir()] == ["m.whorl"]


@pytest.mark.parametrize("name", ["missing/m.whorl", "file/m.whorl", "a\0b", "n" * 300, "."])
def test_a_path_that_cannot_be_used_is_one_error(name, tmp_path):
    (tmp_path / "file").write_text("")
    model = accumulator()
    with pytest.raises(ResourceError):
        files.save(model, tmp_path / name)
    with pytest.raises(ModelFileError):
        files.load(tmp_path / name)
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


# M4


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


# Fuzzing behind the checksum


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


def mutated(header, body, draw):
    names = [name for name in header if name != "__metadata__"]
    match draw.randrange(6):
        case 0 | 1 | 2:
            name = draw.choice(["model", "program", "reader", "baselines"])
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


def fuzz(sound, load, count, seed):
    """Mutations either load and then answer or refuse data, or are refused as a file; nothing else ever happens."""
    draw, loaded = random.Random(seed), 0
    data = rows(9, series="north")
    for n in range(count):
        header, body = parts(sound["table" if n % 3 else "array"])
        try:
            model = load(sealed(*mutated(header, body, draw)))
        except ModelFileError:
            continue
        loaded += 1
        with np.errstate(all="ignore"):
            try:
                given = data if n % 3 else [np.ones((3, 2))]
                model.predict(given, **({"known": rows(30, series="north")[9:]} if n % 3 else {}))
            except whorl.WhorlError:
                continue
    return loaded


def test_a_mutation_with_a_right_checksum_is_refused_or_works(sound, load):
    """M1."""
    loaded = fuzz(sound, load, 2_000, seed=0)
    assert 20 < loaded < 1_500


@pytest.mark.slow
def test_many_more_mutations_are_refused_or_work(sound, load):
    """M1."""
    for seed in range(1, 11):
        fuzz(sound, load, 3_000, seed)
