"""Rows into the engine and answers out of it. Whatever stops a push, all it moved stands where it stood before."""

import weakref
from collections.abc import Callable
from collections.abc import Sequence as List
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from whorl.data.pairing import first_answer
from whorl.data.reader import Inputs, Row, RowReader
from whorl.errors import ArgumentError
from whorl.runtime.engine import Engine, Slot
from whorl.runtime.prediction import Index, Prediction, joined
from whorl.runtime.state import State

if TYPE_CHECKING:
    from whorl.runtime.model import Model

# Numbers of a block of engine outputs: the block and what is made of it stay in the caches.
_BLOCK = 1 << 16


class Live:
    """What a stream moves on: its reader of rows, its slot of the engine, and how many rows it has read.

    Args:
        model: answers.
        series: key of the sequence; empty where there is none.
        fills_gaps: fills gaps with missing values where the model was fitted to refuse them.
    """

    __slots__ = (
        "__weakref__",
        "_engine",
        "_fills_gaps",
        "_forgotten",
        "_slots",
        "closed",
        "first",
        "model",
        "num_rows",
        "rows",
        "series",
        "slot",
    )

    def __init__(self, model: "Model", series: str, *, fills_gaps: bool = False) -> None:
        self.model, self.series, self._fills_gaps = model, series, fills_gaps
        self.rows = self._reading(series)
        self._engine = model.engine
        self.num_rows = 0
        self.first = first_answer(model.wiring.pairing)
        self.closed = False
        # The slot goes back when this is closed or forgotten. Who gives it back stands ready before it is taken, so
        # that a signal in between leaves none behind.
        self._slots: list[Slot] = []
        self._forgotten = weakref.finalize(self, _give_back, self._engine, self._slots)
        self._forgotten.atexit = False  # nobody needs the slot then
        self._take_slot()

    def _take_slot(self) -> None:
        self._slots.append(self._engine.open())
        self.slot = self._slots[0]

    def _reading(self, series: str) -> RowReader:
        return self.model.reader.open(series or None, fills_gaps=self._fills_gaps)

    def _maker(self) -> Callable[["Model", str], "Live"]:
        """Makes another one with the same options."""
        return partial(type(self), fills_gaps=self._fills_gaps)

    def afresh(self) -> "Live":
        """The same before its first row, in a slot of its own."""
        return self._maker()(self.model, self.series)

    def __reduce__(self) -> tuple[object, ...]:
        """Copies and pickles go on from the state in a slot of their own: the number of a slot is this one's alone."""
        return restored, (self._maker(), self.model, self.series, None if self.closed else self.state)

    def close(self) -> None:
        """Gives the slot back, once."""
        self.closed = True
        _give_back(self._engine, self._slots)
        self._forgotten.detach()

    def check_open(self) -> None:
        """A slot that was given back may belong to another stream by now."""
        if self.closed:
            raise ArgumentError(f"the stream of series '{self.series}' is closed. Start another with model.stream().")

    @property
    def state(self) -> State:
        """What the answers after the next push depend on."""
        self.check_open()
        engine = self._engine.read(self.slot)
        return State(self.model.identity, self.series, self.num_rows, self.rows.read(), engine)

    def go_on(self, state: State) -> None:
        """Takes the place of the stream that made the state."""
        rows = self._reading(state.series)
        rows.write(state.reader)
        before = self._engine.read(self.slot), self.rows, self.series, self.num_rows
        try:
            self._engine.write(self.slot, state.engine)
            self.rows, self.series, self.num_rows = rows, state.series, state.num_rows
        except BaseException:
            engine, self.rows, self.series, self.num_rows = before
            self._engine.write(self.slot, engine)
            raise

    def push(self, row: Row, known: object, *, last: bool = False) -> list[Prediction]:
        """Reads one row, or what was held back of the last one; its answers."""
        if self.closed:
            self.check_open()
        rows, engine, num_rows = self.rows, self._engine, self.num_rows
        mark, state = rows.mark(), None
        try:
            readings = rows.flush() if last else rows.push(row, known)
            # A step leaves an error no trace, but a signal may come right after it, or another step fail.
            state = engine.read(self.slot)
            if rows.lookahead:
                return self._late(readings)
            if rows.begins and readings:
                engine.write(self.slot, fresh(engine))
            out = None
            for inputs in readings:
                out = engine.step(self._slots, inputs)
            self.num_rows = num_rows + len(readings)
            if out is None or self.num_rows <= self.first:
                return []
            origin = rows.time.reshape(1)
            index = Index(np.array([self.series], object), origin, self.model.reader.times_after(origin))
            return [self.model.shown(self.model.answered(index, out), self.series)]
        except BaseException:
            self.num_rows = num_rows
            rows.back_to(mark)
            if state is not None:
                engine.write(self.slot, state)
            raise

    def _late(self, readings: List[Inputs]) -> list[Prediction]:
        """The answers that became known: none for the first rows, several after a gap and at the end."""
        outputs = [np.array(self._engine.step(self._slots, inputs)) for inputs in readings]
        self.num_rows += len(readings)
        return self.late_answers(outputs)

    def late_answers(self, outputs: List[np.ndarray]) -> list[Prediction]:
        """What the outputs (1, ...) of the last steps answer, of the rows that they are late for."""
        steps, times = self.rows.origins(len(outputs))
        if not len(steps):
            return []
        index = Index(np.full(len(steps), self.series, object), times)
        answered = self.model.answered(index, np.concatenate([outputs[n] for n in steps]))
        return [self.model.shown(answered, self.series)]

    def push_rows(self, rows: object, times: object, known: object, *, every_row: bool) -> Prediction:
        """Reads many rows; the answers of all that have one, or of the last."""
        self.check_open()
        if self.rows.restarts and times is None and known is None and (listed := _listed(rows)):
            return self._one_by_one(listed, every_row=every_row)
        num_rows, mark, state = self.num_rows, self.rows.mark(), None
        try:
            reading = self.rows.push_rows(rows, times, known)
            able = reading.steps >= self.first - num_rows
            if not every_row:
                able[:-1] = False
            state = self._engine.read(self.slot)
            decoded = self._run(reading.inputs, reading.steps[able])
            origin = reading.times[able]
            series = np.full(len(origin), self.series, object)
            self.num_rows = num_rows + (len(next(iter(reading.inputs.values()))) if reading.inputs else 0)
            index = Index(series, origin, self.model.reader.times_after(origin))
            return self.model.shown(self.model.readout.prediction(index, decoded, self.model.reader), self.series)
        except BaseException:
            self.num_rows = num_rows
            self.rows.back_to(mark)
            if state is not None:
                self._engine.write(self.slot, state)
            raise

    def _one_by_one(self, rows: List[Row], *, every_row: bool) -> Prediction:
        """The answers of rows between which a sequence may end."""
        num_rows, mark, state = self.num_rows, self.rows.mark(), self._engine.read(self.slot)
        try:
            answers = [answer for row in rows for answer in self.push(row, None)]
            return joined(answers if every_row else answers[-1:])
        except BaseException:
            self.num_rows = num_rows
            self.rows.back_to(mark)
            self._engine.write(self.slot, state)
            raise

    def _run(self, inputs: Inputs, wanted: np.ndarray) -> np.ndarray:
        """A room of answers of the n wanted steps, in the user's units; runs block by block."""
        model, program = self.model, self._engine.program
        shape = program.shapes[program.output]
        block = max(1, _BLOCK // max(1, int(np.prod(shape))))
        made = model.readout.room(len(wanted), shape)
        num_steps = len(next(iter(inputs.values()))) if inputs else 0
        places = np.searchsorted(wanted, np.arange(0, num_steps + block, block))
        for n, at in enumerate(range(0, num_steps, block)):
            chosen = wanted[places[n] : places[n + 1]] - at
            piece = {name: values[None, at : at + block] for name, values in inputs.items()}
            start = int(chosen[0]) if len(chosen) else len(piece["past"][0])
            out = self._engine.run(piece, slots=self._slots, start=start)[0]
            if not len(chosen):
                continue
            out = out if len(out) == len(chosen) else out[chosen - start]
            model.readout.in_units(out, *model.units, made, int(places[n]))
        return made


def _listed(rows: object) -> list[Row]:
    """Rows that can be pushed one by one; none where they are no list of rows: their reader says what is wrong."""
    return list(rows) if isinstance(rows, list | tuple) or (isinstance(rows, np.ndarray) and rows.ndim) else []


def fresh(engine: Engine) -> bytes:
    """The state before a first step."""
    slot = engine.open()
    try:
        return engine.read(slot)
    finally:
        engine.close(slot)


def restored(make: Callable[["Model", str], Live], model: "Model", series: str, state: State | None) -> Live:
    """What a copy or a pickle is made of; without a state it is closed."""
    live = make(model, series)
    if state is None:
        live.close()
    else:
        live.go_on(state)
    return live


def _give_back(engine: Engine, slots: list[Slot]) -> None:
    while slots:
        # Never twice, whatever comes between: by then the slot may be another stream's.
        engine.close(slots.pop())


def push_many(lives: List[Live], rows: List[Row], known: List[object]) -> list[list[Prediction]]:
    """Pushes one row into each of different streams of one model, in one step of the engine."""
    if not lives:
        return []
    engine = lives[0].model.engine
    before = [(live, live.num_rows, live.rows.mark()) for live in lives]
    states: dict[int, bytes] = {}
    try:
        readings = [live.rows.push(row, ahead) for live, row, ahead in zip(lives, rows, known, strict=True)]
        states = {live.slot: engine.read(live.slot) for live in lives}
        if lives[0].rows.lookahead:
            return _late_answers(lives, readings)
        for live in lives:
            if live.rows.begins:
                engine.write(live.slot, fresh(engine))
        outputs = _stepped(lives, readings)
        for live, reading in zip(lives, readings, strict=True):
            live.num_rows += len(reading)
        return _answers(lives, readings, outputs)
    except BaseException:
        for live, num_rows, mark in before:
            live.num_rows = num_rows
            live.rows.back_to(mark)
        for slot, state in states.items():
            engine.write(slot, state)
        raise


def _late_answers(lives: List[Live], readings: List[List[Inputs]]) -> list[list[Prediction]]:
    """Steps the engine through what was read for each stream; the answers that became known."""
    engine = lives[0].model.engine
    outputs: list[list[np.ndarray]] = [[] for _ in lives]
    for at in range(max(map(len, readings))):
        moving = [n for n, reading in enumerate(readings) if at < len(reading)]
        inputs = {name: np.concatenate([readings[n][at][name] for n in moving]) for name in readings[moving[0]][at]}
        out = np.array(engine.step([lives[n].slot for n in moving], inputs))
        for place, n in enumerate(moving):
            outputs[n].append(out[place : place + 1])
    for live, reading in zip(lives, readings, strict=True):
        live.num_rows += len(reading)
    return [live.late_answers(out) for live, out in zip(lives, outputs, strict=True)]


def _stepped(lives: List[Live], readings: List[List[Inputs]]) -> np.ndarray:
    """Steps the engine through what was read for each stream: the last outputs of each that moved, (n, ...)."""
    engine = lives[0].model.engine
    outputs = np.empty((len(lives), *engine.program.shapes[engine.program.output]), np.float32)
    for at in range(max(map(len, readings))):
        moving = [n for n, reading in enumerate(readings) if at < len(reading)]
        first = readings[moving[0]][at]
        inputs = {name: np.concatenate([readings[n][at][name] for n in moving]) for name in first}
        out = engine.step([lives[n].slot for n in moving], inputs)
        if len(moving) == len(lives) and at == 0:
            outputs = out
        else:
            outputs = np.array(outputs) if at == 1 else outputs
            outputs[moving] = out
    return outputs


def _answers(lives: List[Live], readings: List[List[Inputs]], outputs: np.ndarray) -> list[list[Prediction]]:
    able = [n for n, live in enumerate(lives) if readings[n] and live.num_rows > live.first]
    answers: list[list[Prediction]] = [[] for _ in lives]
    if not able:
        return answers
    model = lives[0].model
    series = np.array([lives[n].series for n in able], object)
    origin = np.concatenate([lives[n].rows.time.reshape(1) for n in able])
    whole = model.answered(
        Index(series, origin, model.reader.times_after(origin)), outputs if len(able) == len(lives) else outputs[able]
    )
    for place, n in enumerate(able):
        answers[n].append(model.shown(whole.take(slice(place, place + 1)), lives[n].series))
    return answers
