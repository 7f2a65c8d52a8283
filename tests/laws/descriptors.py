"""Every object that exists, listed once. What is new belongs in here: test_laws.py looks for what is missing."""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from tests.laws import programs, sources
from tests.laws.batch_laws import BatchesSubject
from tests.laws.codec_laws import CodecSubject
from tests.laws.core_laws import BackendSubject, CoreSubject
from tests.laws.engine_laws import EngineSubject
from tests.laws.model_laws import ModelSubject
from tests.laws.network_laws import NetworkSubject
from tests.laws.readout_laws import ReadoutSubject
from tests.laws.table import KINDS, Object
from torch import nn

import whorl
from whorl.codecs.array import ArrayCodec
from whorl.codecs.table import TableCodec
from whorl.data.padded import SequenceBatches
from whorl.data.pairing import WindowBatches
from whorl.data.strips import StripBatches
from whorl.nn.carried import FLOOR, decay_of
from whorl.nn.recurrent import RecurrentCore
from whorl.ops.dispatch import BACKENDS
from whorl.plans.networks import Recurrent
from whorl.plans.wiring import Strips, Windows
from whorl.runtime.engine import Engine
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.kernels import running_statistics
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.runtime.readouts import PointReadout, QuantileReadout
from whorl.specs import Fields, Flags, Reals, Spec, Tokens
from whorl.tasks import baselines

OBJECTS: dict[str, list[Object]] = {kind: [] for kind in KINDS}


def add(kind: str, name: str, build: Callable[[], Any], *traits: str) -> None:
    assert all(one.name != name for one in OBJECTS[kind]), f"{kind} {name} is listed twice"
    OBJECTS[kind].append(Object(kind, name, build, frozenset(traits)))


# Codecs

HOURLY = {"calendar": "t", "step": 3600.0}


def table_codec(missing_share: float = 0.0, **options: Any) -> CodecSubject:
    rng, options = np.random.default_rng(4), {"numeric": ("a", "b"), **options}
    value = functools.partial(sources.frame, missing=missing_share)
    return CodecSubject(
        new=lambda: TableCodec(**options),
        training=[value(rng, 17), value(rng, 5)],
        value=value,
        categories=options.get("categories", ()),
    )


def array_codec(missing_share: float = 0.0, **options: Any) -> CodecSubject:
    rng = np.random.default_rng(4)
    value = functools.partial(sources.array, width=3, missing=missing_share)
    return CodecSubject(new=lambda: ArrayCodec(**options), training=[value(rng, 17), value(rng, 5)], value=value)


for name, options in {
    "standard": {},
    "robust, missing held": {"scaling": "robust", "missing_share": 0.3},
    "unscaled, missing kept": {"scaling": "none", "missing": "keep", "missing_share": 0.3},
    "standard, missing kept": {"missing": "keep", "missing_share": 0.3},
    "categories": {"categories": ("c", "d")},
    "categories alone": {"numeric": (), "categories": ("c",)},
    "calendar": HOURLY,
    "daily calendar": {"calendar": "t", "step": 86_400.0, "numeric": ("a",)},
    "constant column": {"numeric": ("constant", "a")},
    "everything": {"categories": ("c",), "missing_share": 0.3, "scaling": "robust", **HOURLY},
}.items():
    add("codec", f"table, {name}", functools.partial(table_codec, **options))
for name, options in {
    "standard": {},
    "robust, missing held": {"scaling": "robust", "missing_share": 0.3},
    "unscaled": {"scaling": "none"},
    "missing kept": {"missing": "keep", "missing_share": 0.3},
}.items():
    add("codec", f"array, {name}", functools.partial(array_codec, **options))


# Cores and backends


def core(cell: str, dtype: torch.dtype = torch.float64, **options: Any) -> CoreSubject:
    hidden = 5

    def theirs() -> nn.Module:
        kinds = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
        shared = {name: options[name] for name in ("num_layers", "bidirectional", "nonlinearity") if name in options}
        return kinds[cell](3, hidden, batch_first=True, **shared)

    return CoreSubject(new=lambda: RecurrentCore(cell, 3, hidden, **options), theirs=theirs, dtype=dtype)


TWO = {"num_layers": 2, "dropout": 0.25}
BOTH = {"bidirectional": True}
CORES = {
    "rnn tanh": ("rnn", {}),
    "rnn relu, two layers": ("rnn", {"nonlinearity": "relu", **TWO}),
    "rnn, both ways": ("rnn", BOTH),
    "rnn, layer norm": ("rnn", {"layer_norm": True}),
    "gru": ("gru", {}),
    "gru, two layers": ("gru", TWO),
    "gru, both ways, two layers": ("gru", {**BOTH, **TWO}),
    "gru, layer norm, two layers": ("gru", {"layer_norm": True, **TWO}),
    "gru, zoneout": ("gru", {"zoneout": 0.2}),
    "gru, recurrent dropout": ("gru", {"recurrent_dropout": 0.3}),
    "lstm": ("lstm", {}),
    "lstm, two layers": ("lstm", TWO),
    "lstm, both ways": ("lstm", BOTH),
    "lstm, layer norm": ("lstm", {"layer_norm": True}),
    "lstm, zoneout, two layers": ("lstm", {"zoneout": 0.2, **TWO}),
    "lstm, everything": (
        "lstm",
        {"layer_norm": True, "zoneout": 0.1, "recurrent_dropout": 0.2, **BOTH, **TWO},
    ),
}
# Read by native code, which runs in float32 alone. What it does with each option is law 08's.
NATIVE_CORES = ("rnn tanh", "gru, both ways, two layers", "lstm", "lstm, everything")
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


# Networks: built as the tasks build them

PLAIN = Fields({"numeric": Reals(1)})
TWO_TARGETS = Fields({"numeric": Reals(2)})
RICH = Fields({"numeric": Reals(3), "missing": Flags(1), "shop": Tokens(4), "calendar": Reals(2)})
AHEAD = Fields({"numeric": Reals(1), "holiday": Tokens(3)})


# Layer norm of a product that hardly varies over its few units divides by as little as sqrt(eps), and so enlarges
# rounding: the engine was up to 6.7e-6 from torch, which itself was 4.8e-6 from torch in float64 (30 sequences each).
LAYER_NORM = 2e-5


def forecaster(
    recipe: Recurrent, *, past: Spec = PLAIN, ahead: Spec | None = None, targets: int = 1, **settings: Any
) -> NetworkSubject:
    wiring = whorl.Forecaster(**{"horizon": 3, "context": 7, "quantiles": (), **settings}).wiring()
    tolerance = LAYER_NORM if recipe.layer_norm else 1e-6
    return NetworkSubject(
        wiring=wiring, recipe=recipe, past=past, ahead=ahead, num_targets=targets, tolerance=tolerance
    )


def regressor(recipe: Recurrent, *, past: Spec = RICH, targets: int = 2, every_step: bool = False) -> NetworkSubject:
    wiring = whorl.Regressor(every_step=every_step).wiring()
    return NetworkSubject(wiring=wiring, recipe=recipe, past=past, num_targets=targets)


def recipe(cell: str, **options: Any) -> Recurrent:
    return Recurrent(cell, hidden_size=6, **options)


NETWORKS = {
    "window": lambda: forecaster(recipe("gru")),
    "window, covariates": lambda: forecaster(recipe("lstm"), past=RICH),
    "window, future": lambda: forecaster(recipe("gru"), past=RICH, ahead=AHEAD, quantiles=(0.1, 0.5, 0.9)),
    "window, rescaled, two targets": lambda: forecaster(
        recipe("rnn", num_layers=2), past=TWO_TARGETS, targets=2, series="shop"
    ),
    "window, padded segments": lambda: forecaster(
        recipe("gru", layer_norm=True, num_layers=2), past=RICH, ahead=AHEAD, segment_length=3, horizon=5, series="shop"
    ),
    "window, lstm with layer norm": lambda: forecaster(
        recipe("lstm", layer_norm=True, num_layers=2), segment_length=2, horizon=1, context=6
    ),
    "carried": lambda: forecaster(recipe("gru"), memory="carried"),
    "carried, covariates": lambda: forecaster(recipe("lstm", num_layers=2), past=RICH, memory="carried"),
    "carried, future": lambda: forecaster(
        recipe("gru", zoneout=0.1), past=RICH, ahead=AHEAD, memory="carried", quantiles=(0.1, 0.9), series="shop"
    ),
    "carried, two targets": lambda: forecaster(
        recipe("rnn", nonlinearity="relu"), past=TWO_TARGETS, targets=2, memory="carried"
    ),
    "sequence": lambda: regressor(recipe("lstm")),
    "sequence, both ways": lambda: regressor(recipe("gru", bidirectional=True, num_layers=2)),
    "sequence, every step": lambda: regressor(recipe("gru"), every_step=True),
    "sequence, every step, both ways": lambda: regressor(recipe("rnn", bidirectional=True), every_step=True),
}
for name, build in NETWORKS.items():
    traits = [{"window": "windowed", "carried": "carried", "sequence": "summarised"}[name.split(",")[0]]]
    traits += ["both ways"] if "both ways" in name else []
    traits += ["one answer"] if "sequence" in name and "every step" not in name else []
    add("network", name, build, *traits)


# Engines: every engine runs every program

ENGINES: dict[str, type[Engine]] = {"numpy": Interpreter, "native": NativeEngine}
PROGRAMS: dict[str, Callable[[], Program]] = {
    name: functools.cache(functools.partial(lambda build: build().program(), build)) for name, build in NETWORKS.items()
}
PROGRAMS |= programs.BY_HAND
for name in baselines.forecasts(3, 2, 7, 3, 4):
    PROGRAMS[name] = functools.partial(lambda name: baselines.forecasts(3, 2, 7, 3, 4)[name], name)
PROGRAMS["mean answer"] = lambda: baselines.mean_answer(3, 2)
for (engine, kind), (name, program) in itertools.product(ENGINES.items(), PROGRAMS.items()):
    running = functools.partial(EngineSubject, program=program, engine=kind)
    add("engine", f"{engine}, {name}", running, *(["both ways"] if "both ways" in name else []))


# Readouts

add("readout", "point", lambda: ReadoutSubject(new=PointReadout, num_outputs=1))
for levels in ((0.1, 0.5, 0.9), (0.2, 0.8), (0.3,)):
    for calibrated in (True, False):
        build = functools.partial(
            ReadoutSubject,
            new=functools.partial(QuantileReadout, levels),
            num_outputs=1 + len(levels),
            calibrated=calibrated,
        )
        add("readout", f"quantile {levels}{'' if calibrated else ', not calibrated'}", build)


# Batches


def window_batches(**options: Any) -> BatchesSubject:
    pairing = Windows(4, 3, options.pop("stride", 1))
    return BatchesSubject(
        new=lambda sequences, spans: WindowBatches(sequences, pairing, 3, spans, **options), least=7, horizon=3
    )


def strip_batches(num_steps: int, **options: Any) -> BatchesSubject:
    pairing = Strips(4, 3)

    def running(targets: np.ndarray) -> np.ndarray:
        return running_statistics(targets, decay_of(pairing.warm_up), FLOOR)

    return BatchesSubject(
        new=lambda sequences, spans: StripBatches(sequences, pairing, 2, num_steps, spans, running, **options),
        least=7,
        horizon=3,
    )


def sequence_batches(every_step: bool = False, **options: Any) -> BatchesSubject:
    return BatchesSubject(new=lambda sequences, spans: SequenceBatches(sequences, 2, **options), every_step=every_step)


add("window batches", "shuffled", window_batches)
add("window batches", "in order, every other", lambda: window_batches(shuffle=False, stride=2))
add("strip batches", "shuffled", lambda: strip_batches(3))
add("strip batches", "in order, long steps", lambda: strip_batches(20, shuffle=False))
add("sequence batches", "shuffled", sequence_batches)
add("sequence batches", "every step, in order", lambda: sequence_batches(every_step=True, shuffle=False))


# Fitted models


def model(new: Callable[..., Any], network: Recurrent, *, training: dict[str, Any], **options: Any) -> ModelSubject:
    plan = whorl.Training(
        epochs=1, batch_size=16, tbptt_steps=8, device="cpu", validation=options.pop("validation", 0.2)
    )
    settings = options.pop("settings", {})
    return ModelSubject(new=lambda: new(network=network, training=plan, **settings), training=training, **options)


def table_model(network: Recurrent, *, names: tuple[str, ...] = ("a",), **options: Any) -> ModelSubject:
    settings = {"target": "y", "time": "t", "horizon": 3, "context": 5, **options.pop("settings", {})}
    rows = functools.partial(sources.records, **options.pop("columns", {}))
    rng = np.random.default_rng(9)
    training = {name: rows(rng, 41 + 3 * n) for n, name in enumerate(names)}
    targets = (settings["target"],) if isinstance(settings["target"], str) else settings["target"]
    needs_known = bool(settings.get("known"))
    return model(
        whorl.Forecaster,
        network,
        training=training,
        rows=rows,
        settings=settings,
        horizon=3,
        least=5 + 3 * needs_known,
        needs_known=needs_known,
        series=settings.get("series"),
        targets=targets,
        **options,
    )


def rich(network: Recurrent, memory: str) -> ModelSubject:
    table = whorl.Table(calendar="on", kinds={"weather": "category"})
    settings = {
        "target": ("y", "z"),
        "series": "shop",
        "known": ("promo", "holiday"),
        "static": ("city",),
        "memory": memory,
        "table": table,
    }
    columns = {"second": True, "covariates": True, "missing": 0.15}
    return table_model(
        network, names=("a", "b", "c"), settings=settings, columns=columns, covariates=("temperature", "weather")
    )


def array_model(network: Recurrent, *, every_step: bool = False) -> ModelSubject:
    rng = np.random.default_rng(9)
    rows = functools.partial(sources.array, width=2, missing=0.1)

    def truths(rng: np.random.Generator, given: list[np.ndarray]) -> Any:
        if every_step:
            return [rng.standard_normal((len(one), 2)) for one in given]
        return rng.standard_normal(len(given))

    return model(
        whorl.Regressor,
        network,
        training={str(n): rows(rng, 3 + n % 5) for n in range(23)},
        rows=rows,
        truths=truths,
        settings={"every_step": every_step},
    )


def sequence_table_model() -> ModelSubject:
    rng = np.random.default_rng(9)
    rows = functools.partial(sources.records, covariates=True, one_target=True)
    return model(
        whorl.Regressor,
        recipe("gru"),
        training={f"s{n}": rows(rng, 4 + n % 3) for n in range(19)},
        rows=rows,
        series="shop",
        settings={"target": "y", "time": "t", "series": "shop", "static": ("city",)},
        targets=("y",),
        covariates=("temperature", "weather"),
    )


MODELS = {
    "window forecaster": lambda: table_model(recipe("gru")),
    "window forecaster, everything": lambda: rich(recipe("lstm"), "window"),
    "window forecaster, rows without time": lambda: table_model(
        recipe("rnn"), settings={"time": None, "quantiles": ()}, columns={"timed": False}
    ),
    "carried forecaster": lambda: table_model(recipe("gru"), settings={"memory": "carried"}),
    "carried forecaster, everything": lambda: rich(recipe("lstm", num_layers=2), "carried"),
    "carried forecaster, gaps filled": lambda: table_model(
        recipe("gru"),
        settings={"memory": "carried", "table": whorl.Table(on_gap="fill")},
        columns={"gaps": 0.2},
        gaps=True,
    ),
    "regressor on arrays": lambda: array_model(recipe("lstm")),
    "regressor on arrays, every step": lambda: array_model(recipe("gru", layer_norm=True), every_step=True),
    "regressor on arrays, both ways": lambda: array_model(recipe("gru", bidirectional=True)),
    "regressor on a table": sequence_table_model,
}
for name, build in MODELS.items():
    add("model", name, build, *(["both ways"] if "both ways" in name else []))
