"""For each law and kind an object that breaks it, as a careless change would."""

import copy
import functools
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from tests.laws import descriptors, sources
from tests.laws.batch_laws import BatchesSubject
from tests.laws.codec_laws import CodecSubject
from tests.laws.core_laws import BackendSubject, CoreSubject
from tests.laws.engine_laws import EngineSubject
from tests.laws.model_laws import ModelSubject
from tests.laws.network_laws import NetworkSubject
from tests.laws.readout_laws import ReadoutSubject
from torch import nn

import whorl
from whorl.codecs.array import ArrayCodec
from whorl.codecs.numeric import NumericEncoder
from whorl.data.batches import Batch, Batches
from whorl.nn.recurrent import RecurrentCore
from whorl.ops import native
from whorl.ops.dispatch import Backend
from whorl.runtime import files
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.program import Program
from whorl.runtime.readouts import QuantileReadout
from whorl.tasks.preparation import Prepared, prepare

TWINS: dict[tuple[str, str], Callable[[], Any]] = {}


def twin(law: str, kind: str, subject: Callable[..., Any], *parts: Any) -> None:
    assert (law, kind) not in TWINS
    TWINS[law, kind] = functools.partial(subject, *parts)


def half(array: np.ndarray) -> np.ndarray:
    """What a file of float16 would hold."""
    return array.astype(np.float16).astype(array.dtype) if array.dtype.kind == "f" else array


# Codecs


class DecodesHalf(ArrayCodec):
    """Drops digits on the way back."""

    def decode(self, array: np.ndarray) -> np.ndarray:
        return super().decode(array.astype(np.float16))


class ForgetsBetweenPieces(ArrayCodec):
    """Its encoder does not know what the last piece held."""

    def chunks(self) -> Any:
        return NumericEncoder(lambda piece, held: (self.encode(piece), held), np.zeros(3), self.spec.width)


class NormalisesTheWhole(ArrayCodec):
    """An acausal normaliser: the mean of a sequence is known at its end alone."""

    def encode(self, values: np.ndarray) -> np.ndarray:
        encoded = super().encode(values)
        return encoded - encoded.mean(axis=0) if len(encoded) else encoded


class SavesHalf(ArrayCodec):
    """Its statistics lose digits in the file."""

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: half(array) for name, array in super().arrays().items()}


class SortsInPlace(ArrayCodec):
    """Wants medians, and takes them from the caller's own rows."""

    def fit(self, sequences: Any) -> Any:
        made = list(sequences)
        for sequence in made:
            sequence.sort(axis=0)
        return super().fit(made)


class RemembersAll(ArrayCodec):
    """Its encoder keeps every row."""

    def chunks(self) -> Any:
        encoder = super().chunks()
        seen: list[np.ndarray] = []
        encoder.read = lambda: b"".join(row.tobytes() for row in seen)  # type: ignore[method-assign]
        push = encoder.push
        encoder.push = lambda piece: (seen.append(piece), push(piece))[1]  # type: ignore[method-assign]
        return encoder


def codec(kind: type[ArrayCodec]) -> CodecSubject:
    rng = np.random.default_rng(4)
    value = functools.partial(sources.array, width=3, missing=0.3)
    return CodecSubject(new=kind, training=[value(rng, 17)], value=value)


twin("01 round trip", "codec", codec, DecodesHalf)
twin("02 chunk", "codec", codec, ForgetsBetweenPieces)
twin("07 causality", "codec", codec, NormalisesTheWhole)
twin("10 save", "codec", codec, SavesHalf)
twin("12 purity", "codec", codec, SortsInPlace)
twin("15 constant stream", "codec", codec, RemembersAll)


# Cores and backends


class ResetsLate(RecurrentCore):
    """Off by one: the state is zeroed after the step that should have started afresh."""

    def forward(self, x_BTD, state=None, *, lengths_B=None, resets_BT=None):
        if resets_BT is not None:
            resets_BT = torch.cat([torch.zeros_like(resets_BT[:, :1]), resets_BT[:, :-1]], 1)
        return super().forward(x_BTD, state, lengths_B=lengths_B, resets_BT=resets_BT)


class StateIsStale(RecurrentCore):
    """Hands over the state that it was given."""

    def forward(self, x_BTD, state=None, **options):
        y, final = super().forward(x_BTD, state, **options)
        return y, final if state is None else state


class ReadsPadding(RecurrentCore):
    """Leaks: the padding is read like real steps."""

    def forward(self, x_BTD, state=None, *, lengths_B=None, resets_BT=None):
        return super().forward(x_BTD, state, resets_BT=resets_BT)


class NormalisesTheBatch(RecurrentCore):
    """A row depends on its neighbours."""

    def forward(self, x_BTD, state=None, **options):
        return super().forward(x_BTD - x_BTD.mean(0, keepdim=True), state, **options)


class LooksAhead(RecurrentCore):
    """Every step sees a little of the mean of the whole sequence."""

    def forward(self, x_BTD, state=None, **options):
        return super().forward(x_BTD - 1e-3 * x_BTD.mean(1, keepdim=True), state, **options)


class OtherEquation(RecurrentCore):
    """Its h is not the one of torch."""

    def forward(self, x_BTD, state=None, **options):
        y, final = super().forward(x_BTD, state, **options)
        return 1.001 * y, final


class StateDictInHalf(RecurrentCore):
    """Rounds to float16 on the way to the file."""

    def state_dict(self, *args, **options):
        return {name: tensor.half().double() for name, tensor in super().state_dict(*args, **options).items()}


def unseeded(x: torch.Tensor) -> torch.Tensor:
    """Noise that no seed rules."""
    generator = torch.Generator()
    generator.seed()
    return x * torch.rand(x.shape, generator=generator, dtype=x.dtype)


class SeedlessDropout(RecurrentCore):
    """Draws its masks from a generator of its own."""

    def forward(self, x_BTD, state=None, **options):
        return super().forward(unseeded(x_BTD), state, **options)


class WritesIntoItsInput(RecurrentCore):
    """Saves memory at the caller's expense."""

    def forward(self, x_BTD, state=None, **options):
        return super().forward(x_BTD.mul_(0.5), state, **options)


def core(kind: type[RecurrentCore]) -> CoreSubject:
    return CoreSubject(new=lambda: kind("gru", 3, 5), theirs=lambda: nn.GRU(3, 5, batch_first=True))


twin("03 step", "core", core, ResetsLate)
twin("04 split", "core", core, StateIsStale)
twin("05 padding", "core", core, ReadsPadding)
twin("06 batch", "core", core, NormalisesTheBatch)
twin("07 causality", "core", core, LooksAhead)
twin("09 parity", "core", core, OtherEquation)
twin("10 save", "core", core, StateDictInHalf)
twin("11 seed", "core", core, SeedlessDropout)
twin("12 purity", "core", core, WritesIntoItsInput)


def no_gradient_of_the_initial_state() -> BackendSubject:
    """Native code whose backward forgets where the state came from."""

    def run(call):
        return native.run(replace(call, state=tuple(part.detach() for part in call.state)))

    return BackendSubject(
        backend=Backend(name="broken", refuse=native.refuse, run=run),
        subject=replace(core(RecurrentCore), dtype=torch.float32),
    )


twin("08 backend", "backend", no_gradient_of_the_initial_state)


# Networks


def network(name: str, change: Callable[[Any], None], **options: Any) -> NetworkSubject:
    """A network of the descriptors with one thing changed after it was built."""
    subject = replace(descriptors.NETWORKS[name](), **options)

    def new(own: NetworkSubject) -> nn.Module:
        made = subject.new(own)
        change(made)
        return made

    return replace(subject, new=new)


def with_forward(forward: Callable[..., Any]) -> Callable[[Any], None]:
    """Replaces `forward` by a function of the old one and its arguments."""

    def change(made: Any) -> None:
        made.forward = functools.partial(forward, made.forward)

    return change


def on_past(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any], None]:
    return with_forward(lambda old, inputs, *rest: old({**inputs, "past": function(inputs["past"])}, *rest))


def half_state_dict(made: Any) -> None:
    old = made.state_dict
    made.state_dict = lambda: {name: tensor.half().float() for name, tensor in old().items()}


forgets_its_state = with_forward(lambda old, inputs, state=None: (old(inputs, None)[0], state))
twin("03 step", "network", network, "carried", forgets_its_state)
twin("04 split", "network", network, "carried, covariates", forgets_its_state)
reads_padding = with_forward(lambda old, inputs, lengths=None: old(inputs))
TWINS["05 padding", "network"] = lambda: network("sequence", reads_padding, past=descriptors.PLAIN)
twin("06 batch", "network", network, "window, rescaled, two targets", on_past(lambda x: x - x.mean(0, keepdim=True)))
twin("07 causality", "network", network, "carried", on_past(lambda x: x - 1e-2 * x.mean(1, keepdim=True)))
twin("10 save", "network", network, "window", half_state_dict)
twin("11 seed", "network", network, "window", on_past(unseeded))
twin("12 purity", "network", network, "window", on_past(lambda x: torch.from_numpy(x.numpy().__imul__(0.5))))
twin("13 stream", "network", network, "carried", with_forward(lambda old, *given: (1.00001 * old(*given)[0], None)))


# Engines


class ForgetsItsState(Interpreter):
    """Every call starts afresh, as if the slots were not there."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        return super().run(inputs, lengths, start=start)


class ReadsPaddingToo(Interpreter):
    """Does not know where a sequence ends."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        return super().run(inputs, None, slots, start=start)


class SeesItsNeighbours(Interpreter):
    """Takes off what the rows of a batch have in common."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        result = super().run(inputs, lengths, slots, start=start)
        return result - np.float32(1e-3) * result.mean(axis=0, keepdims=True)


class SeesTheFuture(Interpreter):
    """Takes off the mean of all steps."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        result = super().run(inputs, lengths, slots, start=start)
        return result - np.float32(1e-3) * result.mean(axis=1, keepdims=True)


class RoundsItsAnswers(Interpreter):
    """Answers in half precision."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        return half(super().run(inputs, lengths, slots, start=start))


class IgnoresStates(Interpreter):
    """Takes a state, and goes on from its own."""

    def write(self, slot, state):
        return None


class ScalesInPlace(Interpreter):
    """Writes into the arrays that it was given."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        for value in inputs.values():
            value *= np.float32(0.5)
        return super().run(inputs, lengths, slots, start=start)


class KeepsAJournal(Interpreter):
    """A state that grows with every call."""

    journal = b""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        self.journal += b"x"
        return super().run(inputs, lengths, slots, start=start)

    def read(self, slot):
        return super().read(slot) + self.journal

    def write(self, slot, state):
        super().write(slot, state[: len(super().read(slot))])


def engine(kind: type[Interpreter]) -> EngineSubject:
    return EngineSubject(program=lambda: descriptors.NETWORKS["carried"]().program(), engine=kind)


twin("03 step", "engine", engine, ForgetsItsState)
twin("04 split", "engine", engine, ForgetsItsState)
twin("05 padding", "engine", engine, ReadsPaddingToo)
twin("06 batch", "engine", engine, SeesItsNeighbours)
twin("07 causality", "engine", engine, SeesTheFuture)
twin("08 backend", "engine", engine, RoundsItsAnswers)
twin("10 save", "engine", engine, IgnoresStates)
twin("12 purity", "engine", engine, ScalesInPlace)
twin("15 constant stream", "engine", engine, KeepsAJournal)


# Readouts


class CentresTheBatch(QuantileReadout):
    """An answer depends on the others of its batch."""

    def __call__(self, outputs):
        return super().__call__(outputs - outputs.mean(axis=0, keepdims=True))


class SavesHalfFactors(QuantileReadout):
    """Its factors lose digits in the file."""

    def arrays(self):
        return {name: half(array) for name, array in super().arrays().items()}


class SortsTheTruths(QuantileReadout):
    """Wants order statistics, and takes them from the caller's own targets."""

    def fit(self, outputs, targets):
        targets.sort(axis=0)
        return super().fit(outputs, targets)


def readout(kind: type[QuantileReadout]) -> ReadoutSubject:
    return ReadoutSubject(new=lambda: kind((0.1, 0.5, 0.9)), num_outputs=4)


twin("06 batch", "readout", readout, CentresTheBatch)
twin("10 save", "readout", readout, SavesHalfFactors)
twin("12 purity", "readout", readout, SortsTheTruths)


# Batches


class Changed(Batches):
    """Other batches, each changed by a function."""

    def __init__(self, batches: Batches, change: Callable[[Batch], Batch]) -> None:
        self.batches, self.change = batches, change
        self.made: dict[tuple[int, int, int], Batch] = {}

    def __len__(self) -> int:
        return len(self.batches)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        return self.change(self.batches.batch(index, seed=seed, epoch=epoch))


class Shared(Changed):
    """Hands out one object again and again."""

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        if (index, seed, epoch) not in self.made:
            self.made[index, seed, epoch] = super().batch(index, seed=seed, epoch=epoch)
        return self.made[index, seed, epoch]


def padded_in_front(batch: Batch) -> Batch:
    """Sequences that stand at the end of their rows instead of the start."""
    past = batch.inputs["past"]
    lengths = np.full(len(past), past.shape[1]) if batch.lengths is None else batch.lengths
    return batch._replace(
        inputs={"past": np.stack([np.roll(row, 1 + len(row) - n, 0) for row, n in zip(past, lengths, strict=True)])}
    )


def one_row_late(batch: Batch) -> Batch:
    """The window ends with the first target."""
    return batch._replace(inputs={**batch.inputs, "past": batch.inputs["past"] + np.float32(1.0)})


def stirred(batch: Batch) -> Batch:
    """A share of the order comes from no seed."""
    return batch._replace(weights=batch.weights + np.float32(os.urandom(1)[0]))


BATCHES = {
    "window batches": descriptors.window_batches,
    "strip batches": lambda: descriptors.strip_batches(3),
    "sequence batches": descriptors.sequence_batches,
}


def batches(kind: str, change: Callable[[Batch], Batch], wrapper: type[Changed] = Changed) -> BatchesSubject:
    subject = BATCHES[kind]()
    return replace(subject, new=lambda sequences, spans: wrapper(subject.new(sequences, spans), change))


def spans_are_ignored(kind: str) -> BatchesSubject:
    """The validation part is trained on."""
    subject = BATCHES[kind]()
    return replace(subject, new=lambda sequences, spans: subject.new(sequences, [(0, len(one)) for one in sequences]))


twin("05 padding", "sequence batches", batches, "sequence batches", padded_in_front)
for kind in ("window batches", "strip batches"):
    twin("07 causality", kind, batches, kind, one_row_late)
    twin("14 leak", kind, spans_are_ignored, kind)
for kind in BATCHES:
    twin("11 seed", kind, batches, kind, stirred)
    twin("12 purity", kind, batches, kind, lambda batch: batch, Shared)


# Fitted models


@functools.cache
def described(name: str) -> ModelSubject:
    return next(one.subject for one in descriptors.OBJECTS["model"] if one.name == name)


def model(name: str, change: Callable[[Any], None], **options: Any) -> ModelSubject:
    """A fitted model of the descriptors with one thing changed."""
    subject = replace(described(name), **options)
    fitted = copy.copy(described(name).fitted)
    change(fitted)
    subject.__dict__["fitted"] = fitted
    return subject


def with_engine(kind: type[Interpreter]) -> Callable[[Any], None]:
    def change(fitted: Any) -> None:
        fitted.model_ = replace(fitted.model_, engine=kind(fitted.model_.engine.program))

    return change


class ForgetsBetweenRows(ForgetsBetweenPieces):
    """The codec of a reader that does not hold a value from row to row."""

    def chunks(self) -> Any:
        return NumericEncoder(lambda piece, held: (self.encode(piece), held), np.zeros(2), self.spec.width)


def forgets_between_rows(fitted: Any) -> None:
    reader = copy.copy(fitted.model_.reader)
    reader.past = ForgetsBetweenRows.restore(reader.past.config(), reader.past.arrays())
    fitted.model_ = replace(fitted.model_, reader=reader)


def saves_half(fitted: Any) -> None:
    """Rounds the weights to float16 on the way to the file."""

    def save(path: Any) -> None:
        program = fitted.model_.engine.program
        rounded = Program.from_json(program.to_json(), {name: half(t) for name, t in program.tensors.items()})
        files.save(replace(fitted.model_, engine=Interpreter(rounded)), path)

    fitted.save = save


class Seedless(whorl.Forecaster):
    """Draws a seed of its own."""

    def fit(self, data: object, **options: Any) -> Any:
        given = self.training
        self.training = replace(given, seed=int.from_bytes(os.urandom(4)))
        try:
            return super().fit(data, **options)
        finally:
            self.training = given


class SortsTheRows(whorl.Forecaster):
    """Sorts the caller's rows in place, latest first and back."""

    def fit(self, data: Any, **options: Any) -> Any:
        super().fit(data, **options)
        data.sort(key=lambda row: row["y"])
        return self


def estimator(kind: type[whorl.Forecaster]) -> ModelSubject:
    subject = described("window forecaster")

    def new() -> Any:
        return kind(**subject.new().get_params())

    return replace(subject, new=new)


def scaled_by_all_rows(own: Any, data: Any) -> Prepared:
    """The scaler is fitted before the data is split."""
    prepared = prepare(own, data)
    reader: Any = copy.copy(prepared.reader)
    reader.past = ArrayCodec().fit([np.asarray(x) for x in data[0]])
    return replace(prepared, reader=reader)


twin("02 chunk", "model", model, "regressor on arrays", forgets_between_rows)
twin("06 batch", "model", model, "window forecaster, everything", with_engine(SeesItsNeighbours))
twin("10 save", "model", model, "window forecaster", saves_half)
twin("11 seed", "model", estimator, Seedless)
twin("12 purity", "model", estimator, SortsTheRows)
twin("13 stream", "model", model, "window forecaster", with_engine(ForgetsItsState))
twin("15 constant stream", "model", model, "carried forecaster", with_engine(KeepsAJournal))
TWINS["14 leak", "model"] = lambda: model("regressor on arrays", lambda fitted: None, prepare=scaled_by_all_rows)
