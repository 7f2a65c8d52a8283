"""The engine contract: running a program, with slots of state. An engine knows nothing of tasks."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from whorl.runtime.program import Program
from whorl.runtime.quantised import Weights

Slot = int
Inputs = Mapping[str, np.ndarray]


class Engine(ABC):
    """Runs a program over whole sequences, single steps, and batches of independent streams.

    Laws: stepping = running, bit for bit; a row never depends on its neighbours, bit for bit; two halves with the
    state handed over = the whole; padding changes nothing.
    """

    name: str
    # How weight matrices are kept. A state of one format does not fit another: it was made by other numbers.
    weights: Weights = "fp32"

    def __init__(self, program: Program) -> None:
        self.program = program

    @abstractmethod
    def open(self, context: Inputs | None = None) -> Slot:
        """Returns a slot with a fresh state.

        Args:
            context: the program's static inputs, without batch axis; shared by reference with forks.
        """

    @abstractmethod
    def step(self, slots: Sequence[Slot], inputs: Inputs) -> np.ndarray:
        """Moves each slot by one step.

        Args:
            slots: n different slots.
            inputs: name -> (n, ...) float32.

        Returns:
            The program's output, shape (n, ...). On any error the states are as before.
        """

    @abstractmethod
    def run(
        self, inputs: Inputs, lengths: np.ndarray | None = None, slots: Sequence[Slot] | None = None, *, start: int = 0
    ) -> np.ndarray:
        """Runs whole sequences.

        Args:
            inputs: name -> (B, T, ...) float32; static ones (B, ...).
            lengths: real steps of each sequence, (B,); padding stands at the end and its outputs are 0.
            slots: where states come from and go to; without them every sequence starts fresh and no state is kept.
            start: the first step whose output is wanted.

        Returns:
            The program's output, shape (B, T - start, ...).
        """

    @abstractmethod
    def fork(self, slot: Slot) -> Slot:
        """Returns a new slot with a copy of the state."""

    @abstractmethod
    def read(self, slot: Slot) -> bytes:
        """Returns the state; its size depends on the program and the format of its weights alone."""

    @abstractmethod
    def write(self, slot: Slot, state: bytes) -> None:
        """Goes on from a state that `read` returned; raises ModelFileError if it is of another program or format."""

    @abstractmethod
    def close(self, slot: Slot) -> None:
        """Gives the slot back."""
