"""Every law holds for every object, and no pair of them is missing."""

import importlib
import itertools
from inspect import isabstract

import pytest
from tests.laws import descriptors
from tests.laws.table import KINDS, TABLE, Object, check, expected, laws

from whorl.codecs.codec import codecs
from whorl.data.batches import Batches
from whorl.data.reader import readers
from whorl.nn.core import Core
from whorl.nn.linear import LinearCore
from whorl.nn.recurrent import RecurrentCore
from whorl.ops.dispatch import BACKENDS
from whorl.plans.networks import CELLS
from whorl.runtime import operations as ops
from whorl.runtime.engine import Engine
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.readouts import readouts
from whorl.tasks.estimator import estimators

PAIRS = list(expected(descriptors.OBJECTS))


@pytest.mark.parametrize(("name", "described"), PAIRS, ids=[f"{name}-{one}" for name, one in PAIRS])
def test_the_law_holds(name: str, described: Object) -> None:
    check(name, described.kind, described.subject)


# No pair is missing


def test_there_are_fifteen_laws_and_each_is_written_for_every_kind_that_the_table_names() -> None:
    assert [name.split(" ")[0] for name in TABLE] == [f"{n:02}" for n in range(1, 16)]
    assert set(laws) == {(name, kind) for name, kinds in TABLE.items() for kind in kinds}


def test_every_pair_of_the_table_is_collected() -> None:
    """Counted by hand from the table, not by the generator that the collection itself uses."""
    (mark,) = [mark for mark in test_the_law_holds.pytestmark if mark.name == "parametrize"]
    collected = {(name, one.kind, one.name) for name, one in mark.args[1]}
    for name, kinds in TABLE.items():
        for kind, excuses in kinds.items():
            wanted = {one.name for one in descriptors.OBJECTS[kind] if not any(t in excuses for t in one.traits)}
            assert wanted, f"{name} holds for no {kind}"
            assert {one for law, of, one in collected if (law, of) == (name, kind)} == wanted
    assert len(collected) == len(mark.args[1])


def test_every_kind_has_objects_and_every_object_has_laws() -> None:
    assert set(descriptors.OBJECTS) == set(KINDS)
    held = {(one.kind, one.name) for _, one in PAIRS}
    assert held == {(one.kind, one.name) for kind in KINDS for one in descriptors.OBJECTS[kind]}


def test_an_excuse_is_used_by_some_object() -> None:
    for name, kinds in TABLE.items():
        for kind, excuses in kinds.items():
            have = {trait for one in descriptors.OBJECTS[kind] for trait in one.traits}
            assert set(excuses) <= have, f"{name} excuses a {kind} that does not exist"


# No object is missing


def subclasses(contract: type) -> set[type]:
    """What the library has of a contract."""
    found = {one for child in contract.__subclasses__() for one in (child, *subclasses(child))}
    return {one for one in found if one.__module__.startswith("whorl.")}


def subjects(kind: str) -> list:
    return [one.subject for one in descriptors.OBJECTS[kind]]


def test_every_codec_and_readout_is_described() -> None:
    assert {type(one.new()) for one in subjects("codec")} == {codecs.get(name) for name in codecs}
    assert {type(one.new()) for one in subjects("readout")} == {readouts.get(name) for name in readouts}


def test_every_core_and_cell_is_described() -> None:
    made = [one.new() for one in subjects("core")]
    assert {type(core) for core in made} == {one for one in subclasses(Core) if not isabstract(one)}
    recurrent = {core.stack.cell.name for core in made if isinstance(core, RecurrentCore)}
    linear = {core.cell for core in made if isinstance(core, LinearCore)}
    assert recurrent == set(ops.GATES)
    assert {name.split("_")[0] for name in recurrent} | linear == set(CELLS)


def test_every_backend_is_described_with_every_core_that_it_accepts() -> None:
    assert {one.backend.name for one in subjects("backend")} == {backend.name for backend in BACKENDS}
    refused = sum("not in torch" in one.traits for one in descriptors.OBJECTS["core"] if one.name in descriptors.CORES)
    assert len(subjects("backend")) == len(descriptors.CORES) * len(BACKENDS) - refused


def test_every_engine_and_operation_is_described() -> None:
    engines = [one.new() for one in subjects("engine")]
    assert {type(engine) for engine in engines} == subclasses(Engine) == {Interpreter, NativeEngine}
    operations = [op for engine in engines for op in engine.program.operations]
    assert {type(op) for op in operations} == set(ops.AnyOperation.__args__)
    for kind, field in ((ops.Activate, "function"), (ops.Combine, "function"), (ops.Reduce, "function")):
        known = set(kind.__annotations__[field].__args__)
        assert {getattr(op, field) for op in operations if isinstance(op, kind)} == known
    scans = {(op.over, op.numbers, op.reverse) for op in operations if isinstance(op, ops.Scan)}
    assert scans == set(itertools.product(("stream", "value"), ("real", "complex"), (False, True)))
    for over in ("stream", "value"):
        assert {op.cell for op in operations if isinstance(op, ops.Recurrent) and op.over == over} == set(ops.GATES)


def test_every_kind_of_batches_is_described() -> None:
    described = {type(one.subject.new(*sample(one))) for kind in KINDS if "batches" in kind for one in _of(kind)}
    importlib.import_module("whorl.tasks.fitting")
    assert described == subclasses(Batches)


def _of(kind: str) -> list[Object]:
    return descriptors.OBJECTS[kind]


def sample(one: Object) -> tuple:
    from tests.laws.batch_laws import numbered

    return [numbered(0, 12, one.subject)], [(0, 12)]


def test_every_task_and_reader_is_described() -> None:
    models = subjects("model")
    assert {type(one.new()) for one in models} == {estimators.get(name) for name in estimators}
    assert {type(one.model.reader) for one in models} == {readers.get(name) for name in readers}
