"""The native engine: a program in one call of compiled code, with the bits of a row independent of all others."""

import os
from collections.abc import Sequence

import numpy as np

from whorl import _native
from whorl.errors import ArgumentError
from whorl.runtime import arguments
from whorl.runtime.engine import Engine, Inputs, Slot
from whorl.runtime.lowering import lowered, refusal
from whorl.runtime.program import Program
from whorl.runtime.quantised import WEIGHTS, Weights

# Numbers that a block of steps may make: they stay in a cache of 1 MB.
_BLOCK = 1 << 17


class NativeEngine(Engine):
    """Runs a program in C++. States lie in one slab, a row for each slot.

    Args:
        program: what is run; see `refusal` for what cannot be.
        weights: how the matrices that feed a recurrence are kept. In 'bf16' and 'int8' a step reads a half and a
            quarter of their bytes, and the answers change by what rounding costs. The program keeps its float32
            matrices beside them.
        num_threads: most threads that one call uses; None takes those that the process may run on. It changes no bit.

    Raises:
        ArgumentError: the program cannot be run natively, or an argument is out of range.
    """

    name = "native"

    def __init__(self, program: Program, *, weights: Weights = "fp32", num_threads: int | None = None) -> None:
        super().__init__(program)
        reason = refusal(program)
        if reason is not None:
            # The numpy interpreter has float32 only.
            advice = (
                "Use the numpy interpreter" if weights == "fp32" else "Use weights='fp32', on the numpy interpreter"
            )
            raise ArgumentError(f"the native engine cannot run this program: {reason}. {advice}.")
        if weights not in WEIGHTS:
            raise ArgumentError(f"`weights` must be 'fp32', 'bf16' or 'int8', but is {weights!r}.")
        arguments.check_threads(num_threads)
        self.weights = weights
        self.num_threads = int(num_threads or _usable_cores())
        self._build()

    def _build(self) -> None:
        names = [op.out for op in self.program.inputs if not op.static]
        native = lowered(self.program, self.weights)
        prefix = arguments.state_prefix(self.program, self.weights)
        self._native = _native.Engine(native, names, prefix, self.num_threads, _BLOCK)

    # Slots

    def open(self, context: Inputs | None = None) -> Slot:
        given = arguments.context_of(self.program, context)
        static = [np.ascontiguousarray(given[op.out]) for op in self.program.inputs if op.static]
        return self._native.open(static)

    def fork(self, slot: Slot) -> Slot:
        return self._native.fork(slot)

    def close(self, slot: Slot) -> None:
        self._native.close(slot)

    def read(self, slot: Slot) -> bytes:
        return self._native.read(slot)

    def write(self, slot: Slot, state: bytes) -> None:
        state = arguments.state_of(state)
        if not self._native.write(slot, state):
            arguments.check_state(self.program, self.weights, state, self._native.state_size)

    def bind(self, slots: Sequence[Slot]) -> _native.Bound:
        """Ties open slots to arrays, for steps without any further argument.

        Args:
            slots: n different slots.

        Returns:
            An object with `inputs`, name -> (n, ...) float32 to be filled in place, `output` (n, ...), and `step()`,
            which moves each slot by one step and overwrites `output`. It keeps the engine alive. `step()` raises
            ArgumentError once one of the slots is closed.
        """
        arguments.check_slots(self.program, slots, len(slots))
        for slot in slots:
            self._check_open(slot)
        return self._native.bind([int(slot) for slot in slots])

    def _check_open(self, slot: Slot) -> None:
        if not self._native.is_open(slot):
            raise arguments.not_open(slot)

    # Running

    def step(self, slots: Sequence[Slot], inputs: Inputs) -> np.ndarray:
        # The native step takes plain arguments only: checked here, they would cost more than many steps do.
        output = self._native.step(slots, inputs)
        return self._checked_step(slots, inputs) if output is None else output

    def _checked_step(self, slots: Sequence[Slot], inputs: Inputs) -> np.ndarray:
        return self.run(arguments.step_of(self.program, inputs), slots=slots)[:, 0]

    def run(
        self, inputs: Inputs, lengths: np.ndarray | None = None, slots: Sequence[Slot] | None = None, *, start: int = 0
    ) -> np.ndarray:
        values, batch_size, num_steps = arguments.sequences_of(self.program, inputs)
        static: list[np.ndarray] = []
        if slots is None:
            given = arguments.static_of(self.program, inputs, batch_size)
            static = [np.ascontiguousarray(value) for value in given.values()]
        else:
            arguments.check_slots(self.program, slots, batch_size)
            for slot in slots:
                self._check_open(slot)
        arguments.check_start(start, num_steps)
        real = arguments.lengths_of(lengths, batch_size, num_steps)
        output = np.empty((batch_size, num_steps - start, *self.program.shapes[self.program.output]), np.float32)
        self._native.run(
            [np.ascontiguousarray(value) for value in values.values()],
            static,
            output,
            batch_size,
            num_steps,
            start,
            None if slots is None else [int(slot) for slot in slots],
            None if real is None else real.tolist(),
        )
        return output

    # What is compiled belongs to its process, and slots to the streams that opened them: a copy has neither.

    def __getstate__(self) -> dict[str, object]:
        return {"program": self.program, "weights": self.weights, "num_threads": self.num_threads}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._build()


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
