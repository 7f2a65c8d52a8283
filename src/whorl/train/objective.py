"""What the loop asks of a task: how wrong is this network about this batch, and what does it remember?"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from whorl.data.batches import Batch
from whorl.errors import ArgumentError

# A network's memory between batches: tensors in tuples, named tuples and lists, as deep as the network likes.
Carried: TypeAlias = "Tensor | tuple[Carried, ...] | list[Carried] | None"


class TensorBatch(NamedTuple):
    """A `whorl.data.batches.Batch` as tensors on the training device; the fields mean the same."""

    inputs: Mapping[str, Tensor]
    targets: Tensor
    weights: Tensor
    lengths: Tensor | None
    carries: bool
    description: str


class Loss(NamedTuple):
    """What an objective answers.

    Args:
        total: the sum of the weighted losses of the batch's examples, a scalar that can be differentiated.
        weight: the sum of their weights; the loop trains on total / weight and reports sums over sums.
        state: what the network remembers at the end of the batch, for a batch that carries on; None forgets.
    """

    total: Tensor
    weight: Tensor | float
    state: Carried = None


class Objective(Protocol):
    """Runs the network on a batch and says how wrong it is.

    It is a function of its arguments and of torch's random generator: the loop seeds that for every batch, which is
    what makes a resumed run equal to an uninterrupted one.
    """

    def __call__(self, network: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        """Returns the loss of the batch, the state being the one that the batch before left, or None."""


def to_tensors(batch: Batch, device: torch.device) -> TensorBatch:
    """Moves a batch to the device; on the CPU the arrays are shared, not copied."""

    def tensor(array: np.ndarray) -> Tensor:
        # Read-only and reversed views are legal in numpy; torch warns of the one and refuses the other.
        shareable = array.flags.writeable and min(array.strides, default=0) >= 0
        return torch.from_numpy(array if shareable else array.copy()).to(device)

    return TensorBatch(
        inputs={name: tensor(array) for name, array in batch.inputs.items()},
        targets=tensor(batch.targets),
        weights=tensor(batch.weights),
        lengths=None if batch.lengths is None else tensor(batch.lengths),
        carries=batch.carries,
        description=batch.description,
    )


def map_tensors(change: Callable[[Tensor], Tensor], state: Carried) -> Carried:
    """Returns the same nest with every tensor replaced by `change(tensor)`."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return change(state)
    if not isinstance(state, tuple | list):
        raise ArgumentError(
            f"`state` carries tensors in tuples, named tuples and lists, but holds {type(state).__name__}. "
            "Turn it into a tensor."
        )
    if isinstance(state, list):
        return [map_tensors(change, part) for part in state]
    parts = tuple(map_tensors(change, part) for part in state)
    # A named tuple takes its fields one by one.
    return type(state)(*parts) if hasattr(state, "_fields") else parts  # type: ignore[arg-type]


def detached(state: Carried) -> Carried:
    """Cuts the gradient: what happened before the next batch is then a constant (truncated BPTT)."""
    return map_tensors(Tensor.detach, state)


def leaves(state: Carried) -> list[Tensor]:
    """Returns the tensors of a nest, left to right."""
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    map_tensors(note, state)
    return found


def refilled(template: Carried, tensors: list[Tensor]) -> Carried:
    """Returns a nest of the template's form with these tensors as its leaves; their number must agree."""
    rest: Iterator[Tensor] = iter(tensors)
    return map_tensors(lambda _: next(rest), template)
