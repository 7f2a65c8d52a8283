"""The numbers of an entry: the same inputs, states, weights and output gradients for every peer.

Axes: T time, B batch, I features of a step, H hidden, G stacked gates.
"""

import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from benchmarks.registry import GATES, RESET_EVERY, Entry


class Layer(NamedTuple):
    """The tensors of a layer, named and shaped as in torch; None where the layer has no such tensor."""

    weight_ih: np.ndarray
    weight_hh: np.ndarray
    bias_ih: np.ndarray
    bias_hh: np.ndarray
    weight_hr: np.ndarray | None = None
    norm_weight_ih: np.ndarray | None = None
    norm_weight_hh: np.ndarray | None = None
    norm_weight_c: np.ndarray | None = None
    norm_bias_c: np.ndarray | None = None

    def present(self) -> dict[str, np.ndarray]:
        """The tensors that the layer has."""
        return {name: value for name, value in self._asdict().items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """All in float32, drawn once for the name of an entry.

    Args:
        x: (T, B, I).
        state: h, and c with an LSTM, each (B, H).
        layer: the weights.
        seeds: the gradients of output (T, B, H), h and c that the backward pass starts from.
        lengths: (B,) where the option is 'lengths', the longest T; else None.
        resets: (T, B) True where the state before that step is zero, where the option is 'resets'; else None.
        seed: for what a peer draws while it runs.
    """

    x: np.ndarray
    state: tuple[np.ndarray, ...]
    layer: Layer
    seeds: tuple[np.ndarray, ...]
    lengths: np.ndarray | None
    resets: np.ndarray | None
    seed: int


# Of layer norm. With gains of 1 an LSTM of these sizes amplifies the rounding of float32 a thousandfold in 100 steps,
# in every implementation, and a comparison with float64 would see nothing else.
GAIN = 0.5


def problem(entry: Entry) -> Problem:
    """Draws the numbers of an entry."""
    seed = zlib.crc32(entry.name.encode())
    rng = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    num_steps, batch, width = entry.steps, entry.batch, entry.projection or entry.hidden
    layer = _layer(entry, rng)
    state = (normal(batch, width, scale=0.5),)
    seeds = (normal(num_steps, batch, width), normal(batch, width))
    if entry.cell == "lstm":
        state += (normal(batch, entry.hidden, scale=0.5),)
        seeds += (normal(batch, entry.hidden),)
    lengths = resets = None
    if entry.option == "lengths":
        lengths = rng.integers(num_steps // 4, num_steps, batch, endpoint=True)
        lengths[0] = num_steps
        seeds[0][np.arange(num_steps)[:, None] >= lengths] = 0.0
    if entry.option == "resets":
        resets = rng.random((num_steps, batch)) < 1 / RESET_EVERY
    x = normal(num_steps, batch, entry.inputs)
    return Problem(x=x, state=state, layer=layer, seeds=seeds, lengths=lengths, resets=resets, seed=seed)


def _layer(entry: Entry, rng: np.random.Generator) -> Layer:
    hidden, width = entry.hidden, entry.projection or entry.hidden
    gates = GATES[entry.cell] * hidden
    bound = hidden**-0.5

    def uniform(*shape: int, around: float = 0.0) -> np.ndarray:
        return (around + rng.uniform(-bound, bound, shape)).astype(np.float32)

    layer = Layer(uniform(gates, entry.inputs), uniform(gates, width), uniform(gates), uniform(gates))
    if entry.projection:
        layer = layer._replace(weight_hr=uniform(width, hidden))
    if entry.option == "layer norm":
        layer = layer._replace(norm_weight_ih=uniform(gates, around=GAIN), norm_weight_hh=uniform(gates, around=GAIN))
        if entry.cell == "lstm":
            layer = layer._replace(norm_weight_c=uniform(hidden, around=GAIN), norm_bias_c=uniform(hidden))
    return layer


# Rows that a step is verified on, one after the other, the state carried.
CHECKED_STEPS = 50


def rows(entry: Entry) -> np.ndarray:
    """The inputs of the first steps of a stream, (CHECKED_STEPS, B, I), for 'step' and 'streams'."""
    rng = np.random.default_rng(zlib.crc32(f"rows of {entry.name}".encode()))
    return rng.standard_normal((CHECKED_STEPS, entry.batch, entry.inputs)).astype(np.float32)
