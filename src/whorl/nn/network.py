"""The contract of a whole network: it answers batches in torch, and says itself as a program."""

from abc import ABC, abstractmethod

import numpy as np
from torch import nn

from whorl.runtime.operations import Name
from whorl.runtime.program import Program


class Network(nn.Module, ABC):
    """A core with what a task puts around it."""

    def learned(self) -> dict[str, np.ndarray]:
        """What a readout needs to know beside the program's outputs; mostly nothing."""
        return {}

    def emit_encoder(self, program: Program) -> Name | None:
        """Adds what reads a sequence whole before the network writes another; None where it is no such network."""
        return None

    @abstractmethod
    def emit(self, program: Program) -> Name:
        """Adds the network to a program and sets its output; the program answers as `forward` does in eval mode."""
