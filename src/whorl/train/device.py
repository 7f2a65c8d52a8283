"""Where a network is trained: the device, its precision, and its random numbers."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal

import torch
from torch import nn

from whorl.errors import ArgumentError, ResourceError


def choose_device(name: str) -> torch.device:
    """Returns the device of that name; 'auto' is the first of cuda, mps and cpu that is there.

    Raises:
        ArgumentError: torch knows no such name.
        ResourceError: this machine, or this build of torch, has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ArgumentError(
            f"`device` is 'auto' or a device name of torch such as 'cpu' or 'cuda:0', but is {name!r}."
        ) from error
    try:
        return torch.empty(1, device=device).device  # With its index, which 'cuda' alone lacks.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ResourceError(
            f"`device` is {name!r}, which this machine or this build of torch does not have. Use device='auto'."
        ) from error


def autocast(device: torch.device, precision: Literal["float32", "bfloat16"]) -> AbstractContextManager[object]:
    """Returns the context in which the forward pass runs; it can be entered again and again.

    Raises:
        ArgumentError: the device cannot compute in bfloat16.
    """
    if precision == "float32":
        return nullcontext()
    if not torch.amp.is_autocast_available(device.type) or (
        device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)
    ):
        raise ArgumentError(f"`precision` is 'bfloat16', but {device} cannot compute in it. Use precision='float32'.")
    return torch.autocast(device.type, torch.bfloat16)


@contextmanager
def placed(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Has the network on the device, and brings it back in eval mode at the end."""
    home = next((parameter.device for parameter in network.parameters()), device)
    network.to(device)
    try:
        yield
    finally:
        network.to(home)
        network.eval()


@contextmanager
def private_randomness(device: torch.device) -> Iterator[None]:
    """Lets the block seed torch as it likes; the caller's random numbers go on as if nothing had happened."""
    cuda = [device.index] if device.type == "cuda" else []
    mps_state = torch.mps.get_rng_state() if device.type == "mps" else None
    with torch.random.fork_rng(devices=cuda):
        try:
            yield
        finally:
            if mps_state is not None:
                torch.mps.set_rng_state(mps_state)


def seed_batch(device: torch.device, seed: int, epoch: int, index: int) -> None:
    """Makes dropout a function of (seed, epoch, index), so that no generator's state outlives a batch."""
    number = _mixed(_mixed(_mixed(seed) ^ (epoch & _MASK)) ^ index)
    # `torch.manual_seed` asks every kind of device there could be and takes as long as a small training step.
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(number)
    elif device.type == "mps":
        torch.mps.manual_seed(number)


_MASK = 2**64 - 1


def _mixed(number: int) -> int:
    """SplitMix64 (Steele et al. 2014): torch's CPU generator reads 32 bits of a seed, so all must depend on all."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)
