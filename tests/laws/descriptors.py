"""Every object that exists, listed once. What is new belongs in here: test_laws.py looks for what is missing."""

import functools
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from tests.laws import programs, sources
from tests.laws.backend_laws import BackendSubject
from tests.laws.batch_laws import BatchesSubject
from tests.laws.codec_laws import CodecSubject
from tests.laws.codec_values import whole_steps_return
from tests.laws.codecs import CODECS
from tests.laws.core_laws import CoreSubject
from tests.laws.cores import CORES, LINEAR_CORES, LOOKING_BACK, NATIVE_CORES, OF_PICTURES, SPEC, core, linear_core
from tests.laws.engine_laws import EngineSubject
from tests.laws.models import MODELS
from tests.laws.networks import NETWORKS
from tests.laws.readout_laws import ReadoutSubject
from tests.laws.table import KINDS, Object

from whorl.codecs.array import ArrayCodec
from whorl.codecs.framed import FramedCodec
from whorl.codecs.table import TableCodec
from whorl.data.augmentation import AugmentedBatches
from whorl.data.forgetting import ForgettingBatches
from whorl.data.padded import SequenceBatches
from whorl.data.pair_batches import PairBatches
from whorl.data.pairing import WindowBatches
from whorl.data.pieces import PieceBatches
from whorl.data.prefixes import PrefixBatches
from whorl.data.sequences import Sequence
from whorl.data.shuffling import ShuffledBatches, Shuffling
from whorl.data.sound_batches import SoundBatches
from whorl.data.strips import StripBatches
from whorl.data.tied_batches import TiedBatches
from whorl.data.token_strips import TokenStrips
from whorl.data.views import ViewedBatches
from whorl.nn.carried import FLOOR, decay_of
from whorl.ops.dispatch import BACKENDS
from whorl.plans.changes import Augmentation, Forgetting, SoundChange, Views
from whorl.plans.wiring import EachRow, Sequences, Strips, Windows
from whorl.runtime.bernoulli_readout import BernoulliReadout
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.engine import Engine
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.item_readout import ItemReadout
from whorl.runtime.kernels import running_statistics
from whorl.runtime.music_readout import ChordReadout, EventReadout
from whorl.runtime.native import NativeEngine
from whorl.runtime.ngrams import KneserNey
from whorl.runtime.program import Program
from whorl.runtime.readouts import PointReadout, QuantileReadout
from whorl.runtime.spelling import Advice
from whorl.runtime.surprise_readout import SurpriseReadout
from whorl.runtime.tag_readout import TagReadout
from whorl.runtime.text_readout import CaptionReadout, ReplyReadout, SummaryReadout, TextReadout
from whorl.runtime.token_readout import TokenReadout
from whorl.runtime.transcript_readout import TranscriptReadout
from whorl.specs import Picture, Reals
from whorl.tasks import baselines, item_rivals

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
    "elapsed time": {"elapsed": "t", "missing_share": 0.3},
    "everything": {"categories": ("c",), "missing_share": 0.3, "scaling": "robust", "elapsed": "t", **HOURLY},
}.items():
    add("codec", f"table, {name}", functools.partial(table_codec, **options))
for name, options in {
    "standard": {},
    "robust, missing held": {"scaling": "robust", "missing_share": 0.3},
    "unscaled": {"scaling": "none"},
    "missing kept": {"missing": "keep", "missing_share": 0.3},
}.items():
    add("codec", f"array, {name}", functools.partial(array_codec, **options))
for stride in (1, 3):

    def framed_codec(stride: int) -> CodecSubject:
        rng, value = np.random.default_rng(4), functools.partial(sources.array, width=2, missing=0.2)
        return CodecSubject(
            new=lambda: FramedCodec(ArrayCodec(), stride),
            training=[value(rng, 17), value(rng, 5)],
            value=value,
            returned=whole_steps_return,
        )

    add("codec", f"frames, {stride} a step", functools.partial(framed_codec, stride))
for name, build in CODECS.items():
    add("codec", name, build)


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


# Readouts


def tag_readout(chain: np.ndarray | None) -> TagReadout:
    return TagReadout(CategoricalReadout(), chain)


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

add("readout", "surprise", lambda: ReadoutSubject(new=SurpriseReadout, num_outputs=2, rows=True))

for calibrated in (True, False):
    build = functools.partial(
        ReadoutSubject, new=CategoricalReadout, num_outputs=4, calibrated=calibrated, classes=True
    )
    add("readout", f"categorical{'' if calibrated else ', not calibrated'}", build)

build = functools.partial(
    ReadoutSubject, new=functools.partial(CategoricalReadout, coverage=0.8), num_outputs=4, classes=True
)
add("readout", "categorical, sets", build)

for calibrated in (True, False):
    build = functools.partial(ReadoutSubject, new=BernoulliReadout, num_outputs=5, calibrated=calibrated, several=True)
    add("readout", f"several labels{'' if calibrated else ', not calibrated'}", build)

build = functools.partial(ReadoutSubject, new=ChordReadout, num_outputs=5, several=True)
add("readout", "next chord", build)

for order in (0, 2):
    ngrams = KneserNey(2, num_tokens=4).fit([[1, 3, 3, 2], [1, 3, 2]])
    said = functools.partial(TranscriptReadout, order, Advice(ngrams, 0.5, 0.25) if order else None)
    build = functools.partial(ReadoutSubject, new=said, num_outputs=4, calibrated=False, classes=True)
    add("readout", f"transcript{', n-grams' if order else ''}", build)

CHAIN = np.arange(25, dtype=np.float32).reshape(5, 5)
for tags in (None, CHAIN):
    build = functools.partial(
        ReadoutSubject, new=functools.partial(tag_readout, tags), num_outputs=4, calibrated=True, classes=True
    )
    add("readout", f"tags{'' if tags is None else ', chained'}", build)

for count, seen in ((3, 0), (2, 4)):
    build = functools.partial(
        ReadoutSubject, new=functools.partial(ItemReadout, count, seen), num_outputs=5 + seen, classes=True
    )
    add("readout", f"next items{', seen ones left out' if seen else ''}", build)

for name, kind, steps in (
    ("next token", TokenReadout, 1),
    ("next event", EventReadout, 1),
    ("text", TextReadout, 3),
    ("summary", SummaryReadout, 3),
    ("caption", CaptionReadout, 3),
    ("reply", ReplyReadout, 3),
):
    # `fit` is called as it is for others, and learns nothing.
    build = functools.partial(ReadoutSubject, new=kind, num_outputs=4, classes=True, steps=(steps,))
    add("readout", name, build)


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


def token_batches(num_steps: int, **options: Any) -> BatchesSubject:
    """The number of a row is its token, and what comes next is the one truth."""
    return BatchesSubject(
        new=lambda sequences, spans: TokenStrips(sequences, spans, 2, num_steps, **options), least=2, horizon=1
    )


def piece_batches(length: int, *, shuffle: bool = True) -> BatchesSubject:
    return BatchesSubject(
        new=lambda sequences, spans: PieceBatches(sequences, EachRow(length), 3, spans, shuffle=shuffle),
        every_step=True,
        covers=not shuffle,
    )


def whole_pieces(sequences: list[Sequence], spans: list[tuple[int, int]]) -> PieceBatches:
    """Whole sequences are held out, and no part of one."""
    return PieceBatches(sequences, EachRow(1, whole=True), 2, [(0, len(one)) for one in sequences])


def sequence_batches(every_step: bool = False, **options: Any) -> BatchesSubject:
    return BatchesSubject(new=lambda sequences, spans: SequenceBatches(sequences, 2, **options), every_step=every_step)


def tied_batches() -> BatchesSubject:
    """Without ties nothing changes places; tests/unit/data/test_tied_batches.py has those that do."""
    return BatchesSubject(new=lambda sequences, spans: TiedBatches(sequences, 2), every_step=True)


def pair_batches(**options: Any) -> BatchesSubject:
    """What is read of a pair is as long as what is written, and its other way round."""
    return BatchesSubject(
        new=lambda sequences, spans: PairBatches(
            [replace(one, source=one.past[::-1].copy()) for one in sequences], 2, **options
        ),
        every_step=True,
    )


def shared_batches(**options: Any) -> BatchesSubject:
    """Two targets behind each other share what is read."""

    def new(sequences: list[Sequence], spans: list[tuple[int, int]]) -> PairBatches:
        sources = [one.past[::-1].copy() for one in sequences]
        shared = [replace(one, source=sources[n - n % 2]) for n, one in enumerate(sequences)]
        return PairBatches(shared, 2, together=2, **options)

    return BatchesSubject(new=new, every_step=True)


add("window batches", "shuffled", window_batches)
add("window batches", "in order, every other", lambda: window_batches(shuffle=False, stride=2))
add("strip batches", "shuffled", lambda: strip_batches(3))
add("strip batches", "in order, long steps", lambda: strip_batches(20, shuffle=False))
add("strip batches", "text, shuffled", lambda: token_batches(3))
add("strip batches", "text, in order, long steps", lambda: token_batches(20, shuffle=False))


class Unmoved:
    """Pieces that stay in their key, so that rows can be told; tests/unit/data/test_transposing.py has it."""

    def __call__(self, rows: np.ndarray, number: int, *, seed: int, epoch: int) -> np.ndarray:
        return rows.copy()


add("strip batches", "music, shuffled", lambda: token_batches(3, transposing=Unmoved()))
add("piece batches", "shuffled", lambda: piece_batches(4))
add("piece batches", "in order", lambda: piece_batches(3, shuffle=False))
add("sequence batches", "shuffled", sequence_batches)
# What changes is left out here, so that rows can be told; tests/unit/data/test_augmentation.py has it.
STILL = Augmentation(warp=0.0, scale=0.0, noise=0.0)
add(
    "sequence batches",
    "augmented",
    lambda: BatchesSubject(
        new=lambda sequences, spans: AugmentedBatches(SequenceBatches(sequences, 2), STILL, Reals(2))
    ),
)
UNCHANGED = SoundChange(speed=0.0, warp=0.0, gain=0.0, tilt=0.0, noise=0.0, masks=0)
add(
    "sequence batches",
    "sounds",
    lambda: BatchesSubject(new=lambda sequences, spans: SoundBatches(SequenceBatches(sequences, 2), UNCHANGED)),
)
KEPT = Forgetting(rate=0.0)
add(
    "sequence batches",
    "forgetting",
    lambda: BatchesSubject(
        new=lambda sequences, spans: ForgettingBatches(SequenceBatches(sequences, 2), KEPT, Reals(2), sequences)
    ),
)
add(
    "sequence batches",
    "prefixes",
    lambda: BatchesSubject(new=lambda sequences, spans: PrefixBatches(SequenceBatches(sequences, 2), 0.0)),
)
# So is what changes places; tests/unit/comparison/test_shuffling.py has it.
IN_PLACE = Shuffling(Sequences(lookahead=1000))
add(
    "sequence batches",
    "changing places",
    lambda: BatchesSubject(new=lambda sequences, spans: ShuffledBatches(SequenceBatches(sequences, 2), IN_PLACE)),
)
add("sequence batches", "every step, in order", lambda: sequence_batches(every_step=True, shuffle=False))
add("sequence batches", "whole pieces", lambda: BatchesSubject(new=whole_pieces, every_step=True))
add("sequence batches", "ties", tied_batches)
add("sequence batches", "pairs", pair_batches)
add("sequence batches", "pairs, in order", lambda: pair_batches(shuffle=False))
add("sequence batches", "pairs that share a source", shared_batches)
# So is what is seen from elsewhere; tests/unit/data/test_views.py has it.
FROM_HERE = Views(mirror=False, shift=0.0)
add(
    "sequence batches",
    "views",
    lambda: BatchesSubject(
        new=lambda sequences, spans: ViewedBatches(SequenceBatches(sequences, 2), FROM_HERE, Picture(1, 1, 2))
    ),
)


# Fitted models
for name, build in MODELS.items():
    add("model", name, build, *(["both ways"] if "both ways" in name or "chained" in name else []))
