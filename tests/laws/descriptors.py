"""Every object that exists, listed once. What is new belongs in here: test_laws.py looks for what is missing."""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from tests.laws import programs
from tests.laws.backend_laws import BackendSubject
from tests.laws.batches import BATCHES
from tests.laws.codecs import CODECS
from tests.laws.codecs_of_numbers import CODECS_OF_NUMBERS
from tests.laws.core_laws import CoreSubject
from tests.laws.cores import CORES, LINEAR_CORES, LOOKING_BACK, NATIVE_CORES, OF_PICTURES, SPEC, core, linear_core
from tests.laws.engine_laws import EngineSubject
from tests.laws.models import MODELS
from tests.laws.networks import NETWORKS
from tests.laws.readouts import READOUTS
from tests.laws.table import KINDS, Object

from whorl.data.sequences import Sequence
from whorl.ops.dispatch import BACKENDS
from whorl.runtime.engine import Engine
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.tasks import baselines, item_rivals

OBJECTS: dict[str, list[Object]] = {kind: [] for kind in KINDS}


def add(kind: str, name: str, build: Callable[[], Any], *traits: str) -> None:
    assert all(one.name != name for one in OBJECTS[kind]), f"{kind} {name} is listed twice"
    OBJECTS[kind].append(Object(kind, name, build, frozenset(traits)))


# Codecs and readouts
for name, build in (*CODECS_OF_NUMBERS.items(), *CODECS.items()):
    add("codec", name, build)
for name, build in READOUTS.items():
    add("readout", name, build)


# Cores and backends
for name, (cell, options) in CORES.items():
    foreign = bool(options.get("layer_norm") or options.get("zoneout"))
    traits = (["both ways"] if options.get("bidirectional") else []) + (["not in torch"] if foreign else [])
    add("core", name, functools.partial(core, cell, **options), *traits)
    if name in NATIVE_CORES:
        add("core", f"{name}, float32", functools.partial(core, cell, torch.float32, **options), *traits)
    for backend in BACKENDS:
        if backend.name == "torch" and foreign:
            continue  # it refuses them; the others are to run everything unless they are excused here too
        build = functools.partial(lambda backend, own: BackendSubject(backend=backend, subject=own()), backend)
        dtype = torch.float32 if backend.name == "native" else torch.float64
        own = functools.partial(core, cell, dtype, **options)
        add("backend", f"{backend.name}, {name}", functools.partial(build, own))

for name, new in LOOKING_BACK.items():
    add("core", name, functools.partial(CoreSubject, new=new), "not in torch")
    add("core", f"{name}, float32", functools.partial(CoreSubject, new=new, dtype=torch.float32), "not in torch")

for name, new in OF_PICTURES.items():
    add("core", name, functools.partial(CoreSubject, new=new, num_features=SPEC.width), "not in torch")

for name, (cell, options) in LINEAR_CORES.items():
    traits = ["not in torch", *(["both ways"] if options.get("bidirectional") else [])]
    # Native code runs in float32 alone.
    for dtype, end in ((torch.float64, ""), (torch.float32, ", float32")):
        add("core", f"{name}{end}", functools.partial(linear_core, cell, dtype, **options), *traits)


# Networks
for name, build in NETWORKS.items():
    kinds = {"window": "windowed", "carried": "carried"}
    traits = [kinds.get(name.split(",")[0], "summarised")]
    traits += ["both ways"] if "both ways" in name else []
    traits += ["one answer"] if "sequence" in name and "every step" not in name else []
    add("network", name, build, *traits)


# Engines: every engine runs every program


def item_rival(name: str) -> Program:
    codes = ([1.0, 3.0, 0.0, 2.0], [4.0, 1.0], [2.0, 3.0, 1.0])
    sessions = [
        Sequence(key="", past=np.array(own, np.float32)[:, None], time=np.arange(len(own), dtype=np.int64))
        for own in codes
    ]
    return item_rivals.rivals(sessions, 4, 3)[name]


ENGINES: dict[str, type[Engine]] = {"numpy": Interpreter, "native": NativeEngine}
PROGRAMS: dict[str, Callable[[], Program]] = {
    name: functools.cache(functools.partial(lambda build: build().program(), build)) for name, build in NETWORKS.items()
}
PROGRAMS |= programs.BY_HAND
for name in baselines.forecasts(3, 2, 7, 3, 4):
    PROGRAMS[name] = functools.partial(lambda name: baselines.forecasts(3, 2, 7, 3, 4)[name], name)
PROGRAMS["prior answer"] = lambda: baselines.prior_answer(3, np.array([2, 5, 1]))
PROGRAMS["mean answer"] = lambda: baselines.mean_answer(3, 2)
for name in ("popularity", "markov", "item_knn", "neighbours"):
    PROGRAMS[f"rival {name}"] = functools.partial(item_rival, name)
for (engine, kind), (name, program) in itertools.product(ENGINES.items(), PROGRAMS.items()):
    running = functools.partial(EngineSubject, program=program, engine=kind)
    add("engine", f"{engine}, {name}", running, *(["both ways"] if "both ways" in name else []))


# Batches
for kind, batches in BATCHES.items():
    for name, build in batches.items():
        add(kind, name, build)


# Fitted models
for name, build in MODELS.items():
    add("model", name, build, *(["both ways"] if "both ways" in name or "chained" in name else []))
