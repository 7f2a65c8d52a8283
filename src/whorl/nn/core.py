"""The contract of a core: memory over time, whatever it is made of.

Axes: B batch, T time, D features, H hidden.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Union

import torch
from torch import Tensor, nn

from whorl.runtime.operations import Name
from whorl.runtime.program import Program

State = tuple[Union[Tensor, "State"], ...]
"""Tensors in tuples or NamedTuples, nested as the core likes. The first axis of every tensor is the batch."""


class Core(nn.Module, ABC):
    """A network that reads a sequence step by step and remembers.

    Laws of every core: reading two halves with the state handed over equals reading the whole; a batch equals its
    items alone; steps after the length of a sequence change nothing, be they NaN, gradients included; with
    `is_causal`, no output depends on a later step.
    """

    @property
    @abstractmethod
    def is_causal(self) -> bool:
        """Whether no output depends on a later step; only then can the core stream."""

    @property
    @abstractmethod
    def output_size(self) -> int:
        """Features of a step of the output."""

    @abstractmethod
    def initial_state(self, batch_size: int) -> State:
        """The state before the first step, on the device and of the dtype of the parameters."""

    @abstractmethod
    def forward(
        self,
        x_BTD: Tensor,
        state: State | None = None,
        *,
        lengths_B: Tensor | None = None,
        resets_BT: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Reads sequences.

        Args:
            x_BTD: the input; anything, NaN too, after the length of a sequence.
            state: what the steps before left; the initial state if None.
            lengths_B: real steps of each sequence, zero allowed; None where all are T.
            resets_BT: True where the state before that step is zero, so that `state` serves step 0 alone. Read
                backwards, the boundary lies between that step and the one before it.

        Returns:
            The output (B, T, output_size), 0 at padding, and the state after the last real step; for a sequence of
            length 0 the state that came in.
        """

    def last_output(self, y_BTH: Tensor, state: State, lengths_B: Tensor | None = None) -> Tensor:
        """What a core that starts afresh said at the last real step, (B, output_size); zeros where there is none.

        Args:
            y_BTH: the output.
            state: the state after the last real step.
            lengths_B: as of `forward`.
        """
        if not y_BTH.shape[1]:
            return y_BTH.new_zeros(len(y_BTH), y_BTH.shape[2])
        if lengths_B is None:
            return y_BTH[:, -1]
        # Of an empty sequence this is the output at padding, which is zero.
        last_B = (lengths_B.to(y_BTH.device) - 1).clamp(min=0)
        return y_BTH[torch.arange(len(y_BTH), device=y_BTH.device), last_B]

    @abstractmethod
    def ignore_inputs(self, start: int) -> None:
        """Zeroes the weights that read the features from `start` on: what they tell has to be learned.

        A network that starts with random weights for many covariates has overfitted to them before it knows the rest.
        Of a core that learns nothing they stay, as it would never read those features.
        """

    @property
    def is_frozen(self) -> bool:
        """Whether no weight of the core is learned."""
        return not any(weight.requires_grad for weight in self.parameters())

    @abstractmethod
    def emit(self, program: Program, x: Name) -> Name:
        """Adds the core to a program that reads `x`, the input of one step; returns the name of the output."""

    @abstractmethod
    def emit_value(self, program: Program, x: Name) -> Name:
        """Adds the core over axis -2 of a value (K, S, D), afresh at each step of the stream; gives (K, S, H)."""


def map_state(function: Callable[[Tensor], Tensor], state: State) -> State:
    """Applies a function, such as `torch.detach`, to every tensor of a state; the types of its tuples stay."""
    parts = [function(part) if isinstance(part, Tensor) else map_state(function, part) for part in state]
    # tuple.__new__ builds plain tuples and NamedTuples alike.
    return tuple.__new__(type(state), parts)
