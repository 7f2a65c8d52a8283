"""The contract of a whole network: it answers batches in torch, and says itself as a program."""

from abc import ABC, abstractmethod

from torch import nn

from whorl.runtime.operations import Name
from whorl.runtime.program import Program


class Network(nn.Module, ABC):
    """A core with what a task puts around it."""

    @abstractmethod
    def emit(self, program: Program) -> Name:
        """Adds the network to a program and sets its output; the program answers as `forward` does in eval mode."""
