"""The libraries that are measured. Each member of `HOMES` builds its subjects in a process of its own."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from benchmarks.registry import Entry, Kind


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An entry as one peer solves it.

    Args:
        code: which code of the peer runs, for the reader of the results.
        results: everything that is compared: outputs, final states, and gradients (named `grad ...`).
        call: what is timed: one forward and backward pass, or one step.
        warm: what is called before the time is taken, to have code and data where they are when it runs all the time;
            None for `call`.
        calls: number of calls of a sample; 0 for as many as fill its time.
    """

    code: str
    results: Callable[[], dict[str, np.ndarray]]
    call: Callable[[], object]
    warm: Callable[[], object] | None = None
    calls: int = 0


REFERENCE = "reference"

HOMES: dict[str, dict[Kind, str]] = {
    REFERENCE: dict.fromkeys(("train", "step", "streams"), "benchmarks.peers.reference"),
    "whorl": {"train": "benchmarks.peers.whorl_training", "step": "benchmarks.peers.whorl_steps"},
    "whorl plain": {"train": "benchmarks.peers.whorl_training"},
    "whorl fp32": {"step": "benchmarks.peers.whorl_steps"},
    "torch": {"train": "benchmarks.peers.torch_training", "step": "benchmarks.peers.torch_steps"},
    "torch cell": {"train": "benchmarks.peers.torch_training", "step": "benchmarks.peers.torch_steps"},
    "jax": {"train": "benchmarks.peers.jax_training"},
    "onnxruntime": {"step": "benchmarks.peers.onnxruntime_steps"},
}
"""Peer -> kind of entry -> module with `build(entry, peer) -> Subject`. A batched step is a step."""

LIBRARIES = {"torch cell": ("torch",), "onnxruntime": ("onnxruntime", "onnx"), "jax": ("jax",)}
"""The distributions that a peer needs; what is not named here needs torch, numpy and whorl alone."""


def build(entry: Entry, peer: str) -> Subject:
    """Builds the subject of a peer; imports its library."""
    homes, entry = HOMES[peer], entry.solved_by(peer)
    module = importlib.import_module(homes.get(entry.kind) or homes["step"])
    subject: Subject = module.build(entry, peer)
    return subject
