"""A fitted model without torch: reader, engine and readout put together. Estimators and `runtime.load` both use it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass, field
from functools import cached_property

import msgspec
import numpy as np

from whorl.data.pairing import answered_steps, first_answer, steps_with_truths, target_windows
from whorl.data.reader import Reader, Row
from whorl.data.sequences import Sequence, named
from whorl.data.timestamps import spell_time
from whorl.errors import ArgumentError, DataError, StreamingError
from whorl.plans.decoding import Decoding
from whorl.plans.wiring import Autoregressive, EachRow, Sequences, Wiring
from whorl.runtime import bernoulli_readout as bernoulli_readout  # registers its readout
from whorl.runtime import class_readout as class_readout
from whorl.runtime import item_readout as item_readout
from whorl.runtime import music_readout as music_readout
from whorl.runtime import surprise_readout as surprise_readout
from whorl.runtime import tag_readout as tag_readout
from whorl.runtime import text_readout as text_readout
from whorl.runtime import token_readout as token_readout
from whorl.runtime import transcribing, writing
from whorl.runtime import transcript_readout as transcript_readout
from whorl.runtime.answering import outputs
from whorl.runtime.artifact import as_plain
from whorl.runtime.engine import Engine
from whorl.runtime.evaluation import Evaluation, evaluate
from whorl.runtime.generation import continued
from whorl.runtime.live import push_many
from whorl.runtime.prediction import Index, Prediction, joined
from whorl.runtime.program import Program
from whorl.runtime.readouts import Readout
from whorl.runtime.sequence_answers import by_sequence, whole_sequences
from whorl.runtime.source_live import push_each
from whorl.runtime.stream import Stream, check_one_each


@dataclass(frozen=True, kw_only=True)
class Model:
    """What `fit` makes and a `.whorl` file holds.

    Args:
        task: registered name of the task.
        settings: the task's fields as JSON values.
        wiring: the task as data.
        reader: the user's data to encoded sequences.
        engine: runs the network; of one that reads a sequence whole and writes another, the side that writes.
        encoder: runs the side that reads, where there is one.
        readout: outputs to answers.
        baselines: naive rivals, by name; programs that read what the network reads.
        naive_mae: (K,) mean absolute error of the seasonal naive forecast on training rows, or None.
        card: facts about data, split, training and scores, as JSON values.
    """

    task: str
    settings: Mapping[str, object]
    wiring: Wiring
    reader: Reader
    engine: Engine
    readout: Readout
    encoder: Engine | None = None
    baselines: Mapping[str, Program] = field(default_factory=dict)
    naive_mae: np.ndarray | None = None
    card: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def identity(self) -> str:
        """Hash of all that answers depend on, with the format of weights that are rounded: `HASH` or `HASH:int8`.

        A stream's state belongs to one identity.
        """
        digest = hashlib.sha256(self.engine.program.hash.encode())
        if self.encoder is not None:
            digest.update(self.encoder.program.hash.encode())
        digest.update(msgspec.json.encode(self.wiring, enc_hook=as_plain))
        digest.update(json.dumps(self.reader.config(), sort_keys=True, default=as_plain).encode())
        for part in (self.reader.arrays(), self.readout.arrays()):
            for name in sorted(part):
                digest.update(name.encode() + np.ascontiguousarray(part[name]).tobytes())
        return digest.hexdigest() + ("" if self.engine.weights == "fp32" else f":{self.engine.weights}")

    def predict(
        self, data: object, *, known: object = None, every_row: bool = False, decoding: Decoding | None = None
    ) -> Prediction:
        """Answers new data.

        Args:
            data: a path, frame, records or arrays like those of `fit`; the target column may be missing of its values.
            known: rows of known covariates after the last row, for models that use them.
            every_row: answer from every row with full context instead of the last one only. Of a language model these
                are the probabilities of the next token after each one.
            decoding: how the tokens of an answer that is written are chosen: `whorl.Greedy()`, `whorl.Sample(...)` or
                `whorl.Beam(...)`; None lets the task choose.

        Raises:
            DataError: a sequence is shorter than the context, or breaks another rule.
            ArgumentError: `decoding` was given to a model whose answers are not decoded.
        """
        shape = self.wiring.shape
        if isinstance(shape, Autoregressive) and shape.items is None and not every_row and known is None:
            return continued(self, data, decoding)
        self._check_decoded(decoding, " with `every_row`" if every_row else "")
        sequences = self.reader.read(data, known=known)
        if self.encoder is not None:
            return writing.answered(self, sequences, decoding)
        if transcribing.transcribes(self):
            return transcribing.answered(self, sequences, decoding)
        steps = []
        for sequence in sequences:
            able = answered_steps(self.wiring.pairing, len(sequence))
            if not len(able) and not self.readout.by_sequence:
                raise DataError(
                    f"`context` is {first_answer(self.wiring.pairing) + 1}, but {named(sequence.key)} has only "
                    f"{len(sequence)} rows. Bring more of them, or drop it."
                )
            everything = every_row or _answers_all(self.wiring)
            steps.append(self._with_known_future(sequence, able if everything else able[-1:]))
        parts = [self.answered(self.index(sequences[n], at), out) for n, at, out in self.outputs(sequences, steps)]
        if not self.readout.by_sequence:
            return joined(parts)
        return self.of_sequences(parts, [one.key for one in sequences], [len(wanted) for wanted in steps])

    def _check_decoded(self, decoding: Decoding | None, asked: str) -> None:
        """Refuses a decoding where answers are none that it could change."""
        if decoding is not None and self.encoder is None and not transcribing.transcribes(self):
            raise ArgumentError(
                "`decoding` is for answers that are sequences of tokens, one after the other, but those of this "
                f"{self.task} model{asked} are not. Leave it out."
            )

    def of_sequences(self, parts: List[Prediction], keys: List[str], counts: List[int]) -> Prediction:
        """Answers of steps, below each other, as those of their sequences; some of these may have no step."""
        if not parts:
            nothing = np.empty(0, np.int64)
            shape = self.engine.program.shapes[self.engine.program.output]
            parts = [self.answered(Index(nothing.astype(object), nothing), np.empty((0, *shape), np.float32))]
        series = np.empty(len(keys), object)
        series[:] = keys
        return by_sequence(joined(parts), series, counts)

    def shown(self, prediction: Prediction, series: str) -> Prediction:
        """Answers of one series as a user sees them."""
        if not self.readout.by_sequence:
            return prediction
        return by_sequence(prediction, np.array([series], object), [len(prediction)])

    def _with_known_future(self, sequence: Sequence, steps: np.ndarray) -> np.ndarray:
        """Leaves out steps whose known covariates ahead were not given; an error where none is left."""
        if sequence.ahead is None:
            return steps
        able = steps[steps + self.reader.horizon < len(sequence) + sequence.known_ahead]
        if not len(able):
            times = self.reader.times_after(sequence.time[-1:])
            span = "" if times is None else f", {spell_time(times[0, 0])} to {spell_time(times[0, -1])}"
            raise DataError(
                f"`known` covariates must be given for the {self.reader.horizon} rows after the last row of "
                f"{named(sequence.key)}{span}, but {sequence.known_ahead} of these rows came. Pass them with `known` "
                "(`--known`)."
            )
        return able

    def evaluate(self, data: object, *, keep: bool | None = None, decoding: Decoding | None = None) -> Evaluation:
        """Scores every origin with full context and full horizon beside the baselines; drops nothing.

        Args:
            data: rows with their truths.
            keep: keep answers and truths. None keeps them up to 1 GB.
            decoding: how the tokens of an answer that is written are chosen, as of `predict`.

        Raises:
            ArgumentError: `decoding` was given to a model that writes no answers in this way: one that continues
                texts is scored by the tokens that are there.
        """
        self._check_decoded(decoding, " in `evaluate`")
        sequences = self.reader.read(data, targets=True)
        if self.encoder is not None:
            return writing.evaluated(self, sequences, keep, decoding)
        if transcribing.transcribes(self):
            return transcribing.evaluated(self, sequences, keep, decoding)
        steps = [steps_with_truths(self.wiring.pairing, sequence) for sequence in sequences]
        return evaluate(self, sequences, steps, keep)

    def truths(self, sequence: Sequence, steps: np.ndarray) -> np.ndarray:
        """Targets of these steps in the user's units: (n, H, K), or (n, K) for one answer a sequence.

        Of rows that are judged, (n,): 1 where a row is an anomaly, 0 where not, NaN where nobody says.
        """
        if isinstance(self.wiring.pairing, EachRow):
            return _marks(sequence, steps, self.wiring.pairing.whole)
        assert sequence.targets is not None
        if sequence.labels is not None:
            return sequence.labels[steps] if sequence.targets.ndim == 2 else np.repeat(sequence.labels, len(steps))
        if isinstance(self.wiring.pairing, Sequences):
            whole = not self.wiring.pairing.every_step
            shape = (len(steps), *sequence.targets.shape)
            known = np.broadcast_to(sequence.targets, shape) if whole else sequence.targets[steps]
            truths = self.reader.decode(known)
            if self.reader.countdown is not None:
                # Rounding would put a truth that stands on a bound beyond it, where no interval reaches.
                self.reader.countdown.within(truths)
            return truths
        return self.reader.decode(target_windows(sequence.targets, steps, self.reader.horizon))

    def outputs(
        self, sequences: List[Sequence], steps: List[np.ndarray], engine: Engine | None = None
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yields (sequence number, steps, engine outputs) until all wanted steps are answered."""
        found = outputs(engine or self.engine, sequences, steps, self.reader.horizon)
        return whole_sequences(found) if self.readout.by_sequence else found

    def answered(self, index: Index, outputs: np.ndarray) -> Prediction:
        """What engine outputs (N, ...) of these rows answer, in the user's units."""
        return self.readout.prediction(index, self.readout.in_units(outputs, *self.units), self.reader)

    @cached_property
    def units(self) -> tuple[np.ndarray, np.ndarray]:
        """What `Reader.decode` multiplies outputs by, and what it adds, (K,) each."""
        return self.reader.scale, self.reader.center

    def index(self, sequence: Sequence, steps: np.ndarray) -> Index:
        """Which rows the answers of these steps of a sequence, (n,), are answers to."""
        origin = sequence.time[steps]
        tokens = None if sequence.tokens is None else sequence.tokens[steps]
        return Index(np.full(len(steps), sequence.key, object), origin, self.reader.times_after(origin), tokens)

    @property
    def streams(self) -> bool:
        """Whether a sequence can be answered while it comes."""
        return self.engine.program.streams and self.readout.chain is None and self.reader.streams

    def stream(self, series: str | None = None, *, decoding: Decoding | None = None) -> Stream:
        """Starts a live stream for one entity.

        Args:
            series: key of the sequence.
            decoding: how the tokens of an answer that is written are chosen, as of `predict`.

        Raises:
            StreamingError: the network reads in both directions, so it has no answer before the end.
            ArgumentError: `decoding` was given to a model that writes no texts, or writes them while it reads.
        """
        if not self.engine.program.streams:
            late = "; its `lookahead` then knows some of what follows" if transcribing.transcribes(self) else ""
            raise StreamingError(
                f"This model ({self.task}) cannot stream: its core reads in both directions, and knows nothing before "
                f"the end. Give `predict` the whole, or build it with bidirectional=False{late}."
            )
        if self.readout.chain is not None:
            raise StreamingError(
                f"This {self.task} cannot stream: the labels of a sequence are decoded together, at its end. Build it "
                "with crf=False."
            )
        return Stream(self, series, decoding=decoding)

    def push_many(
        self, streams: List[Stream], rows: List[Row], known: List[object] | None = None
    ) -> list[list[Prediction]]:
        """Pushes one row into each of many different streams, in one step of the engine.

        Returns:
            For each stream what its own `push` would have returned, bit for bit. On an error all are as before.
        """
        check_one_each(streams, rows, known)
        for stream in streams:
            stream.live.check_open()
            if stream.live.model is not self:
                raise ArgumentError(
                    f"`push_many` takes streams of this model, but '{stream.series}' is of another one."
                )
        one_by_one = self.encoder is not None or transcribing.transcribes(self)
        push = push_each if one_by_one else push_many
        return push([stream.live for stream in streams], rows, [None] * len(rows) if known is None else known)


def _answers_all(wiring: Wiring) -> bool:
    """Whether every step has an answer of its own that is wanted, and not that of the steps so far."""
    match wiring.pairing:
        case Sequences(every_step=every_step, last=last):
            return every_step and not last
        case EachRow(whole=whole):
            return not whole
        case _:
            return False


def _marks(sequence: Sequence, steps: np.ndarray, whole: bool) -> np.ndarray:
    """Whether rows are anomalies, (n,); a whole sequence is one if any of its rows is."""
    if whole or sequence.marks is None:
        return np.full(len(steps), sequence.anomaly)
    marks: np.ndarray = sequence.marks[steps]
    return marks
