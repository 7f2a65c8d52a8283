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
from whorl.data.reader import Inputs, Reader, Row
from whorl.data.sequences import Sequence, named
from whorl.errors import ArgumentError, DataError, StreamingError
from whorl.plans.wiring import Sequences, Wiring
from whorl.runtime.answering import outputs
from whorl.runtime.artifact import as_plain
from whorl.runtime.engine import Engine
from whorl.runtime.evaluation import Evaluation, evaluate
from whorl.runtime.prediction import Index, Prediction, joined
from whorl.runtime.program import Program
from whorl.runtime.readouts import Answer, Readout
from whorl.runtime.stream import Stream


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
        """Hash of all that answers depend on; a stream's state belongs to one identity."""
        digest = hashlib.sha256(self.engine.program.hash.encode())
        digest.update(msgspec.json.encode(self.wiring, enc_hook=as_plain))
        digest.update(json.dumps(self.reader.config(), sort_keys=True, default=as_plain).encode())
        for part in (self.reader.arrays(), self.readout.arrays()):
            for name in sorted(part):
                digest.update(name.encode() + np.ascontiguousarray(part[name]).tobytes())
        return digest.hexdigest()

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
        parts = [self.prediction(sequences[n], at, self.readout(out)) for n, at, out in self.outputs(sequences, steps)]
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

    def prediction(self, sequence: Sequence, steps: np.ndarray, answer: Answer) -> Prediction:
        """An answer of some steps of one sequence, in the user's units."""
        key = np.full(len(steps), sequence.key, object)
        return self._labelled(Index(key, sequence.time[steps], self.reader.times_after(sequence.time[steps])), answer)

    def _labelled(self, index: Index, answer: Answer) -> Prediction:
        quantiles = answer.quantiles
        if quantiles is not None:
            quantiles = np.moveaxis(self.reader.decode(np.moveaxis(quantiles, -1, 0)), 0, -1)
        return Prediction(
            value=self.reader.decode(answer.value),
            index=index,
            names=self.reader.names,
            quantiles=quantiles,
            levels=self.readout.levels,
        )

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
        ahead = [None] * len(rows) if known is None else known
        if not len(rows) == len(ahead) == len(streams) == len({id(stream) for stream in streams}):
            raise ArgumentError(f"`push_many` needs one row for each of {len(streams)} different streams.")
        for stream in streams:
            stream._check_open()
            if stream._model is not self:
                raise ArgumentError(
                    f"`push_many` takes streams of this model, but '{stream.series}' is of another one."
                )
        before = [stream._rows.read() for stream in streams]
        slots: dict[int, bytes] = {}
        try:
            readings = [
                stream._rows.push(row, future) for stream, row, future in zip(streams, rows, ahead, strict=True)
            ]
            slots = {stream._slot: self.engine.read(stream._slot) for stream in streams}
            return self._stepped(streams, readings)
        except BaseException:
            for stream, remainder in zip(streams, before, strict=True):
                stream._rows.write(remainder)
            for slot, state in slots.items():
                self.engine.write(slot, state)
            raise

    def _stepped(self, streams: List[Stream], readings: List[List[Inputs]]) -> list[list[Prediction]]:
        """Steps the engine through what was read from a row of each stream, and answers."""
        results: dict[int, np.ndarray] = {}
        for depth in range(max(map(len, readings), default=0)):
            moving = [n for n, reading in enumerate(readings) if depth < len(reading)]
            first = readings[moving[0]][depth]
            inputs = {name: np.concatenate([readings[n][depth][name] for n in moving]) for name in first}
            out = self.engine.step([streams[n]._slot for n in moving], inputs)
            results.update(zip(moving, out, strict=True))
        num_rows = [stream.num_rows + len(reading) for stream, reading in zip(streams, readings, strict=True)]
        answers = [self._answers(stream, num_rows[n], results[n]) for n, stream in enumerate(streams)]
        for stream, count in zip(streams, num_rows, strict=True):
            stream.num_rows = count
        return answers

    def _answers(self, stream: Stream, num_rows: int, out: np.ndarray) -> list[Prediction]:
        if num_rows <= first_answer(self.wiring.pairing):
            return []
        origin = np.asarray(stream.time).reshape(1)
        index = Index(np.array([stream.series], object), origin, self.reader.times_after(origin))
        return [self._labelled(index, self.readout(out[None]))]
