"""The reference engine: a program in numpy, one operation after the other."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from whorl.errors import ArgumentError
from whorl.runtime import arguments, kernels, scans
from whorl.runtime import operations as ops
from whorl.runtime.engine import Engine, Inputs, Slot
from whorl.runtime.program import Program

# Largest number of float32 values that one block of steps may make: what is larger than the caches only gets slower.
_BLOCK = 1 << 21


class Interpreter(Engine):
    """Runs any program. States live in one slab per field, a row for each slot."""

    name = "numpy"

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._tensors = kernels.Tensors(program.tensors)
        self._fresh: dict[str, dict[str, np.ndarray]] = {}
        for op in program.operations:
            fields = kernels.state_fields(op, program.shapes, program.tensors)
            if fields:
                self._fresh[op.out] = fields
        self._largest = max((math.prod(program.shapes[op.out]) for op in program.operations), default=1)
        self._late = needed_for_answers_alone(program)
        self._slabs = {out: {name: _rows(zero, 0) for name, zero in f.items()} for out, f in self._fresh.items()}
        self._capacity = 0
        self._free: list[Slot] = []
        self._contexts: dict[Slot, Inputs] = {}

    # Slots

    def open(self, context: Inputs | None = None) -> Slot:
        context = arguments.context_of(self.program, context)
        if not self._free:
            self._grow()
        slot = self._free.pop()
        for out, fields in self._fresh.items():
            for name, zero in fields.items():
                self._slabs[out][name][slot] = zero
        self._contexts[slot] = context
        return slot

    def fork(self, slot: Slot) -> Slot:
        new = self.open(self._contexts[self._known(slot)])
        for fields in self._slabs.values():
            for slab in fields.values():
                slab[new] = slab[slot]
        return new

    def close(self, slot: Slot) -> None:
        del self._contexts[self._known(slot)]
        self._free.append(slot)

    def read(self, slot: Slot) -> bytes:
        self._known(slot)
        parts = [slab[slot].astype(slab.dtype.newbyteorder("<")) for _, _, slab in self._fields()]
        return arguments.state_prefix(self.program, self.weights) + b"".join(part.tobytes() for part in parts)

    def write(self, slot: Slot, state: bytes) -> None:
        self._known(slot)
        state = arguments.state_of(state)
        num_bytes = sum(slab[slot].nbytes for _, _, slab in self._fields())
        arguments.check_state(self.program, self.weights, state, num_bytes)
        at = len(state) - num_bytes
        for _, _, slab in self._fields():
            row = slab[slot]
            values = np.frombuffer(state, slab.dtype.newbyteorder("<"), row.size, at)
            slab[slot] = values.reshape(row.shape)
            at += row.nbytes

    # Slots belong to the streams that opened them: a copy has none.

    def __getstate__(self) -> dict[str, object]:
        return {"program": self.program}

    def __setstate__(self, state: dict[str, Program]) -> None:
        self.__init__(state["program"])  # type: ignore[misc]

    def _fields(self) -> list[tuple[str, str, np.ndarray]]:
        return [(out, name, self._slabs[out][name]) for out in self._slabs for name in self._slabs[out]]

    def _grow(self) -> None:
        capacity = max(4, 2 * self._capacity)
        for fields in self._slabs.values():
            for name, slab in fields.items():
                fields[name] = np.concatenate([slab, np.zeros((capacity - len(slab), *slab.shape[1:]), slab.dtype)])
        self._free.extend(range(capacity - 1, self._capacity - 1, -1))
        self._capacity = capacity

    def _known(self, slot: Slot) -> Slot:
        if slot not in self._contexts:
            raise arguments.not_open(slot)
        return slot

    # Running

    def step(self, slots: Sequence[Slot], inputs: Inputs) -> np.ndarray:
        return self.run(arguments.step_of(self.program, inputs), slots=slots)[:, 0]

    def run(
        self, inputs: Inputs, lengths: np.ndarray | None = None, slots: Sequence[Slot] | None = None, *, start: int = 0
    ) -> np.ndarray:
        values, batch_size, num_steps = arguments.sequences_of(self.program, inputs)
        states, index = self._states(slots, batch_size)
        static = self._static(inputs, slots, batch_size)
        arguments.check_start(start, num_steps)
        valid = _valid(arguments.lengths_of(lengths, batch_size, num_steps), num_steps)
        output = self.program.output
        outputs = [part[output] for part in self._blocks([output], values, static, states, valid, start)]
        if index is not None:
            for out, name, slab in self._fields():
                slab[index] = states[out][name]
        empty = np.zeros((batch_size, 0, *self.program.shapes[self.program.output]), np.float32)
        result = np.concatenate([empty, *outputs], axis=1)
        if valid is not None:
            result[~valid[:, start:]] = 0.0
        return result

    def trace(self, inputs: Inputs, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Runs whole sequences from a fresh state to look inside.

        Args:
            inputs: name -> (B, T, ...) float32; static ones (B, ...).
            names: values of the program.

        Returns:
            name -> (B, T, ...); the output has the bits that `run` gives.
        """
        unknown = [name for name in names if name not in self.program.shapes]
        if unknown:
            raise ArgumentError(f"`names` must be values of the program, but {unknown} are none. Leave them out.")
        values, batch_size, _ = arguments.sequences_of(self.program, inputs)
        states, _ = self._states(None, batch_size)
        static = self._static(inputs, None, batch_size)
        parts = list(self._blocks(names, values, static, states, None, 0))
        empty = {name: np.zeros((batch_size, 0, *self.program.shapes[name]), np.float32) for name in names}
        return {name: np.concatenate([empty[name], *(part[name] for part in parts)], axis=1) for name in names}

    def _static(self, inputs: Inputs, slots: Sequence[Slot] | None, batch_size: int) -> dict[str, np.ndarray]:
        """Static inputs (B, 1, ...): those that the slots were opened with, or the ones given."""
        if slots is None:
            static = arguments.static_of(self.program, inputs, batch_size)
        else:
            names = [op.out for op in self.program.inputs if op.static]
            static = {name: np.array([self._contexts[slot][name] for slot in slots], np.float32) for name in names}
        return {name: value.reshape(batch_size, 1, *self.program.shapes[name]) for name, value in static.items()}

    def _states(
        self, slots: Sequence[Slot] | None, batch_size: int
    ) -> tuple[dict[str, dict[str, np.ndarray]], np.ndarray | None]:
        if slots is None:
            fresh = {o: {n: _rows(zero, batch_size) for n, zero in f.items()} for o, f in self._fresh.items()}
            return fresh, None
        arguments.check_slots(self.program, slots, batch_size)
        index = np.array([self._known(slot) for slot in slots], np.int64)
        return {out: {name: slab[index] for name, slab in f.items()} for out, f in self._slabs.items()}, index

    def _blocks(
        self,
        names: Sequence[str],
        values: dict[str, np.ndarray],
        static: dict[str, np.ndarray],
        states: dict[str, dict[str, np.ndarray]],
        valid: np.ndarray | None,
        start: int,
    ) -> Iterator[dict[str, np.ndarray]]:
        """Runs consecutive steps block by block, replacing `states`; yields these values of each block."""
        batch_size, num_steps = next(iter(values.values())).shape[:2]
        block = self._block_size(batch_size) if self.program.streams else max(1, num_steps)
        block = 1 if self.program.loops else block
        for first in range(0, num_steps, block):
            span = slice(first, min(first + block, num_steps))
            piece = {name: value[:, span] for name, value in values.items()}
            real = None if valid is None else valid[:, span]
            yield self._block(names, piece, static, states, real, max(0, start - first))

    def _block_size(self, batch_size: int) -> int:
        return max(1, _BLOCK // max(1, self._largest * batch_size))

    def _block(
        self,
        names: Sequence[str],
        values: dict[str, np.ndarray],
        static: dict[str, np.ndarray],
        states: dict[str, dict[str, np.ndarray]],
        valid: np.ndarray | None,
        start: int,
    ) -> dict[str, np.ndarray]:
        """Runs some consecutive steps, replacing `states`; these values from step `start` of the block on."""
        batch_size, num_steps = next(iter(values.values())).shape[:2]
        start = min(start, num_steps)
        known: dict[str, np.ndarray] = {}
        for op in self.program.operations:
            late = op.out in self._late
            steps = num_steps - start if late else num_steps
            if isinstance(op, ops.Input):
                given = static[op.out] if op.static else values[op.out]
                known[op.out] = np.broadcast_to(given, (batch_size, num_steps, *op.shape))[:, start if late else 0 :]
            elif isinstance(op, ops.Constant):
                tensor = self._tensors[op.tensor]
                known[op.out] = np.broadcast_to(tensor, (batch_size, steps, *tensor.shape))
            elif isinstance(op, ops.Previous):
                known[op.out] = states[op.out]["value"][:, None][:, start if late else 0 :]
            elif isinstance(op, ops.Keep):
                states[op.previous] = kernels.kept(known[op.x], states[op.previous], valid)
                known[op.out] = known[op.x][:, start:] if late else known[op.x]
            elif isinstance(op, ops.Scan) and op.over == "stream":
                read = tuple(known[name] for name in ops.operands(op))
                result, states[op.out] = scans.over_stream(op, read, states[op.out], valid)
                known[op.out] = result[:, start:] if late else result
            elif ops.is_stateful(op):
                x, *rest = (known[name] for name in ops.operands(op))
                initial = rest[0][:, 0] if rest else None
                result, states[op.out] = kernels.carried(op, x, states[op.out], valid, self._tensors, initial)
                known[op.out] = result[:, start:] if late else result
            else:
                operands = {
                    name: known[name][:, start:] if late and name not in self._late else known[name]
                    for name in ops.operands(op)
                }
                if isinstance(op, ops.Recurrent):
                    initial = None if op.initial is None else operands[op.initial]
                    known[op.out], final = kernels.over_value(op, operands[op.x], initial, self._tensors)
                    if op.final is not None:
                        known[op.final] = final
                else:
                    known[op.out] = kernels.alone(op, operands, self._tensors)
        return {name: known[name] if name in self._late else known[name][:, start:] for name in names}


def needed_for_answers_alone(program: Program) -> set[str]:
    """Values that no carried state depends on: they may be left out for steps whose answer is not wanted."""
    early: set[str] = set()
    for op in reversed(program.operations):
        names = {op.out} | ({op.final} if isinstance(op, ops.Recurrent) and op.final else set())
        if names & early:
            early.update(names)  # the two values of a recurrence are made together
        if ops.is_stateful(op) or names & early:
            early.update(ops.operands(op))
    return set(program.shapes) - early


def _rows(zero: np.ndarray, count: int) -> np.ndarray:
    return np.zeros((count, *zero.shape), zero.dtype)


def _valid(lengths: np.ndarray | None, num_steps: int) -> np.ndarray | None:
    """Which steps are real, (B, T)."""
    return None if lengths is None else np.arange(num_steps) < lengths[:, None]
