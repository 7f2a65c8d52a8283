"""A fitted model without torch: reader, engine and readout put together. Estimators and `runtime.load` both use it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass, field
from functools import cached_property

import msgspec
import numpy as np

from whorl.data.pairing import answered_steps, first_answer, scored_steps, target_windows
from whorl.data.reader import Reader, Row
from whorl.data.sequences import Sequence, named
from whorl.errors import ArgumentError, DataError, StreamingError
from whorl.plans.wiring import Sequences, Wiring
from whorl.runtime import class_readout as class_readout  # registers its readout
from whorl.runtime.answering import outputs
from whorl.runtime.artifact import as_plain
from whorl.runtime.engine import Engine
from whorl.runtime.evaluation import Evaluation, evaluate
from whorl.runtime.live import push_many
from whorl.runtime.prediction import Index, Prediction, joined
from whorl.runtime.program import Program
from whorl.runtime.readouts import Readout
from whorl.runtime.stream import Stream, check_one_each


@dataclass(frozen=True, kw_only=True)
class Model:
    """What `fit` makes and a `.whorl` file holds.

    Args:
        task: registered name of the task.
        settings: the task's fields as JSON values.
        wiring: the task as data.
        reader: the user's data to encoded sequences.
        engine: runs the network.
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
    baselines: Mapping[str, Program] = field(default_factory=dict)
    naive_mae: np.ndarray | None = None
    card: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def identity(self) -> str:
        """Hash of all that answers depend on, with the format of weights that are rounded: `HASH` or `HASH:int8`.

        A stream's state belongs to one identity.
        """
        digest = hashlib.sha256(self.engine.program.hash.encode())
        digest.update(msgspec.json.encode(self.wiring, enc_hook=as_plain))
        digest.update(json.dumps(self.reader.config(), sort_keys=True, default=as_plain).encode())
        for part in (self.reader.arrays(), self.readout.arrays()):
            for name in sorted(part):
                digest.update(name.encode() + np.ascontiguousarray(part[name]).tobytes())
        return digest.hexdigest() + ("" if self.engine.weights == "fp32" else f":{self.engine.weights}")

    def predict(self, data: object, *, known: object = None, every_row: bool = False) -> Prediction:
        """Answers new data.

        Args:
            data: a path, frame, records or arrays like those of `fit`; the target column may be missing of its values.
            known: rows of known covariates after the last row, for models that use them.
            every_row: answer from every row with full context instead of the last one only.

        Raises:
            DataError: a sequence is shorter than the context, or breaks another rule.
        """
        sequences = self.reader.read(data, known=known)
        steps = []
        for sequence in sequences:
            able = answered_steps(self.wiring.pairing, len(sequence))
            if not len(able):
                raise DataError(
                    f"`context` is {first_answer(self.wiring.pairing) + 1}, but {named(sequence.key)} has only "
                    f"{len(sequence)} rows. Lower `context` or drop the series."
                )
            everything = every_row or (isinstance(self.wiring.pairing, Sequences) and self.wiring.pairing.every_step)
            steps.append(self._with_known_future(sequence, able if everything else able[-1:]))
        parts = [self.answered(self.index(sequences[n], at), out) for n, at, out in self.outputs(sequences, steps)]
        return joined(parts)

    def _with_known_future(self, sequence: Sequence, steps: np.ndarray) -> np.ndarray:
        """Leaves out steps whose known covariates ahead were not given; an error where none is left."""
        if sequence.ahead is None:
            return steps
        able = steps[steps + self.reader.horizon < len(sequence) + sequence.known_ahead]
        if not len(able):
            raise DataError(
                f"`known` covariates must be given for {self.reader.horizon} rows after the last row of series "
                f"'{sequence.key}', but {sequence.known_ahead} came. Pass them with `known=`."
            )
        return able

    def evaluate(self, data: object, *, keep: bool | None = None) -> Evaluation:
        """Scores every origin with full context and full horizon beside the baselines; drops nothing.

        Args:
            data: rows with their truths.
            keep: keep answers and truths. None keeps them up to 1 GB.
        """
        sequences = self.reader.read(data, targets=True)
        steps = [scored_steps(self.wiring.pairing, len(sequence)) for sequence in sequences]
        return evaluate(self, sequences, steps, keep)

    def truths(self, sequence: Sequence, steps: np.ndarray) -> np.ndarray:
        """Targets of these steps in the user's units: (n, H, K), or (n, K) for one answer a sequence."""
        assert sequence.targets is not None
        if isinstance(self.wiring.pairing, Sequences) and self.wiring.pairing.every_step:
            return self.reader.decode(sequence.targets[steps])
        if isinstance(self.wiring.pairing, Sequences):
            return self.reader.decode(np.broadcast_to(sequence.targets, (len(steps), *sequence.targets.shape)))
        return self.reader.decode(target_windows(sequence.targets, steps, self.reader.horizon))

    def outputs(
        self, sequences: List[Sequence], steps: List[np.ndarray], engine: Engine | None = None
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yields (sequence number, steps, engine outputs) until all wanted steps are answered."""
        return outputs(engine or self.engine, sequences, steps, self.reader.horizon)

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
        return Index(np.full(len(steps), sequence.key, object), origin, self.reader.times_after(origin))

    def stream(self, series: str | None = None) -> Stream:
        """Starts a live stream for one entity.

        Raises:
            StreamingError: the network reads in both directions, so it has no answer before the end.
        """
        if not self.engine.program.streams:
            raise StreamingError(
                f"This {self.task} cannot stream: its core reads in both directions. Build it with bidirectional=False."
            )
        return Stream(self, series)

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
        return push_many([stream.live for stream in streams], rows, [None] * len(rows) if known is None else known)
