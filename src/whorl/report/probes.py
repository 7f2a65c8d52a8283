"""Probes: what a fitted recurrent network remembers, measured on data; and what its state does in a live stream."""

from collections.abc import Sequence as List
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from whorl.codecs.table import TableCodec
from whorl.codecs.text import TextCodec
from whorl.data.lookahead import LateReader
from whorl.data.pairing import answered_steps, steps_with_truths
from whorl.data.reader import Row
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError
from whorl.report import gradients, reach, traces
from whorl.report.anatomy import last_layer
from whorl.report.evidence import HeldOut
from whorl.report.gates import LayerProbe, probe_layer
from whorl.report.gradients import LagGradient
from whorl.report.reach import Reach
from whorl.report.signals import Encoded, Followed, encoded, followed
from whorl.report.traces import Layer
from whorl.runtime.kernels import state_fields
from whorl.runtime.model import Model
from whorl.runtime.prediction import Prediction
from whorl.runtime.source_live import SourceLive
from whorl.runtime.stream import Stream
from whorl.runtime.transcribing import transcribes
from whorl.specs import Fields, Reals

# Sequences whose states are looked at.
_SEQUENCES = 24
_MOST_COLUMNS = 4
# Neighbours in time are alike anyway.
_APART = 10


@dataclass(frozen=True, kw_only=True)
class Probes:
    """What was measured of a fitted recurrent network.

    Args:
        gradient: how far back the loss of an answer is felt; None where no truth is known.
        reach: from how far back answers come; None where nothing that is read changes them.
        layers: of each recurrent layer and direction, in order; of networks side by side those of the first.
        encoded: what a linear reader finds in the states of the last layer, the best first.
        followed: units of all layers, and what they carry beside what they say, that follow a signal, each with it.
    """

    gradient: LagGradient | None
    reach: Reach | None
    layers: tuple[LayerProbe, ...]
    encoded: tuple[Encoded, ...]
    followed: tuple[Followed, ...]

    def to_dict(self) -> dict[str, object]:
        """The same as JSON values."""
        plain: dict[str, object] = asdict(self)
        for name in ("gradient", "reach"):
            part = plain[name]
            if isinstance(part, dict):
                plain[name] = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in part.items()}
        return plain


def probe(model: Model, data: "HeldOut | List[Sequence]") -> Probes:
    """Measures what a network remembers.

    Args:
        model: a fitted one, as `estimator.model_` or `whorl.runtime.load` gives it.
        data: what `fit` held out, `estimator.held_out_`, or sequences as `model.reader.read(data, targets=True)` gives
            them; without truths there is no gradient.

    Raises:
        ArgumentError: the network reads a text whole and writes another one, or nothing in it recurs.
    """
    _check(model)
    _, sequences, steps = _parts(model, data)
    traced = _traced(model, sequences, steps)
    last = next((layer for layer in reversed(traced) if not layer.op.reverse), None)
    looked_for = (sequences[:_SEQUENCES], *column_names(model, _MOST_COLUMNS))
    goes_on = not traces.begins_anew(model)
    return Probes(
        gradient=gradients.by_lag(model, sequences, steps),
        reach=reach.reach(model, sequences, steps),
        layers=tuple(probe_layer(layer, model.engine.program.tensors, goes_on=goes_on) for layer in traced),
        encoded=() if last is None else encoded(last, *looked_for),
        followed=tuple(one for layer in traces.with_insides(traced) for one in followed(layer, *looked_for)),
    )


class Place(NamedTuple):
    """A row of a sequence, and how far its state lies from another one."""

    sequence: str
    step: int
    distance: float


def nearest(model: Model, data: "HeldOut | List[Sequence]", sequence: int, step: int, count: int = 5) -> list[Place]:
    """Where else the last layer was in nearly the same state, the nearest first. Of an LSTM that is h and c.

    Args:
        model: fitted.
        data: as of `probe`.
        sequence: number of the sequence among those given.
        step: row of it. Of several targets, whose states lie beside each other, the first is looked at.
        count: how many places.

    Returns:
        Places at least 10 rows apart from the one asked for, and from each other. The distance is Euclid's, of units
        divided by their spread, per unit: two places drawn at random are 1.4 apart on average.
    """
    _check(model)
    numbers, sequences, steps = _parts(model, data)
    traced = _traced(model, sequences, steps)
    last = next((layer for layer in reversed(traced) if not layer.op.reverse), None)
    if last is None or last.op.over == "value":
        raise ArgumentError("`nearest` is of states that go on from row to row, but each window starts anew here.")
    firsts = {run.sequence: run for run in reversed(last.runs)}
    last = last._replace(runs=[firsts[number] for number in sorted(firsts)])
    owners = np.concatenate([np.full(len(run.h), run.sequence) for run in last.runs])
    rows = np.concatenate([run.steps for run in last.runs])
    place = numbers.index(sequence) if sequence in numbers else -1
    here = np.flatnonzero((owners == place) & (rows == step))
    if not len(here):
        raise ArgumentError(
            f"`step` {step} of `sequence` {sequence} was not looked at; the first {_SEQUENCES} sequences with answers "
            f"are, up to row {traces.MOST_ROWS}. Ask for another place."
        )
    states = last.whole.states.astype(np.float64)
    spread = states.std(axis=0)
    scaled = states / np.where(spread > 1e-9, spread, np.inf)
    distances = np.sqrt(((scaled - scaled[here[-1]]) ** 2).mean(axis=1))
    found: list[Place] = []
    taken = [(place, step)]
    for n in np.argsort(distances, kind="stable").tolist():
        owner, row = int(owners[n]), int(rows[n])
        if all(owner != other or abs(row - at) >= _APART for other, at in taken):
            taken.append((owner, row))
            found.append(Place(sequences[owner].key, row, float(distances[n])))
        if len(found) == count:
            break
    return found


class Watch:
    """Looks at the state of a live stream while rows are pushed into it.

    Args:
        stream: of a model that carries a state from row to row.

    Example:
        watch = Watch(model.stream())
        for row in rows:
            watch.push(row)
        watch.norms  # (n, layers)
    """

    def __init__(self, stream: Stream) -> None:
        if isinstance(stream.live, SourceLive):
            raise ArgumentError(
                "`stream` writes texts, and keeps no state of its network between pushes. Watch another one."
            )
        self.stream = stream
        self._norms: list[np.ndarray] = []
        self._layers = len(self.states())
        if not self._layers:
            raise ArgumentError(
                "`stream` carries no state of a recurrence: windows start anew, or nothing recurs. Watch another."
            )

    def push(self, row: Row, known: object = None) -> list[Prediction]:
        """Pushes a row; the answers are those of the stream."""
        answers = self.stream.push(row, known)
        self._norms.append(np.array([float(np.linalg.norm(state)) for state in self.states().values()]))
        return answers

    def states(self) -> dict[str, np.ndarray]:
        """The state of each recurrent layer now, by its name in the program: h, or h and c side by side."""
        live = self.stream.live
        program, engine = live.model.engine.program, live.model.engine
        raw, at, found = engine.read(live.slot), 0, {}
        sizes = {op.out: state_fields(op, program.shapes, program.tensors) for op in program.operations}
        total = sum(field.nbytes for fields in sizes.values() for field in fields.values())
        at = len(raw) - total
        for out, fields in sizes.items():
            for name, zero in fields.items():
                if name == "state":
                    values = np.frombuffer(raw, zero.dtype.newbyteorder("<"), zero.size, at)
                    found[out] = values.reshape(zero.shape).copy()
                at += zero.nbytes
        return found

    @property
    def norms(self) -> np.ndarray:
        """Length of the state of each layer after each push, (n, layers)."""
        return np.array(self._norms).reshape(len(self._norms), self._layers)


def _check(model: Model) -> None:
    if not isinstance(model, Model):
        raise ArgumentError(
            f"`model` is a fitted model, such as `estimator.model_`, but is a {type(model).__name__}. Give that."
        )
    if model.encoder is not None:
        raise ArgumentError(
            "probes look at networks that read and answer in one, but this one reads a text whole and writes another. "
            "Its report draws what it looks at."
        )
    if transcribes(model):
        raise ArgumentError(
            "probes compare answers with truths step by step, but nobody knows at which step a transcript is said. Its "
            "report draws where it is heard."
        )
    if last_layer(model.engine.program) is None:
        raise ArgumentError("probes look at what recurs, but nothing in this network does. Use a recurrent one.")


def _parts(model: Model, data: "HeldOut | List[Sequence]") -> tuple[list[int], list[Sequence], list[np.ndarray]]:
    """Sequences with their numbers, and the steps of each that have answers; those without are left out."""
    if isinstance(data, List) and all(isinstance(one, Sequence) for one in data):
        pairing = model.wiring.pairing
        steps = [
            answered_steps(pairing, len(one)) if one.targets is None else steps_with_truths(pairing, one)
            for one in data
        ]
        given = list(zip(data, steps, strict=True))
    elif isinstance(data, List) or not hasattr(data, "sequences"):
        raise ArgumentError(
            f"`data` is what `fit` held out, or sequences that a model has read, but is a {type(data).__name__}. Read "
            "other data by `model.reader.read(data, targets=True)`."
        )
    else:
        given = list(zip(data.sequences, data.steps, strict=True))
    kept = [(number, one, at) for number, (one, at) in enumerate(given) if len(at)]
    if not kept:
        raise ArgumentError("`data` has no row that is answered. Bring longer sequences.")
    return [number for number, _, _ in kept], [one for _, one, _ in kept], [at for _, _, at in kept]


def _traced(model: Model, sequences: List[Sequence], steps: List[np.ndarray]) -> list[Layer]:
    return traces.layers(model, sequences[:_SEQUENCES], steps[:_SEQUENCES])


def column_names(model: Model, most: int) -> tuple[list[str], list[str] | None]:
    """Names of the first columns of numbers that are read; and of symbols, where the first column is one."""
    reader = model.reader.reader if isinstance(model.reader, LateReader) else model.reader
    codec = getattr(reader, "past", None)
    text = getattr(codec, "text", codec)
    if isinstance(text, TextCodec):
        return [], list(text.vocabulary)
    if isinstance(codec, TableCodec):
        return list(codec.numeric[:most]), None
    spec = getattr(codec, "spec", None)
    first = next(iter(spec.fields.values()), None) if isinstance(spec, Fields) else spec
    width = first.width if isinstance(first, Reals) else 0
    return [f"input {n + 1}" for n in range(min(width, most))], None
