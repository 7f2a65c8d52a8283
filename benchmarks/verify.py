"""The gate: a peer's time counts only where its results are right. Needs numpy alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from benchmarks.registry import Entry, Weights

Results = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How far results may lie from float64.

    Args:
        output: largest difference of an output or final state, whose values are of order 1.
        gradient: largest difference of a gradient, as a share of that gradient's largest value.
    """

    output: float
    gradient: float = 1e-4


BOUNDS: dict[Weights, Bounds] = {
    "fp32": Bounds(output=1e-5),
    # 8 bits of mantissa: a weight is off by 2^-9 of itself at most, and the errors of 512 products mostly cancel.
    "bf16": Bounds(output=1e-2),
    # Weights off by 1/254 of their row's largest, activations by 1/510 of their range.
    "int8": Bounds(output=5e-2),
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the gate says of a peer.

    Args:
        output: largest difference of an output.
        state: largest difference of a final state; None where none is compared.
        gradient: largest difference of a gradient, relative to that gradient's largest value; None where there is none.
        red: why no time may be shown; None where all is well.
    """

    output: float
    state: float | None = None
    gradient: float | None = None
    red: str | None = None


def bounds(entry: Entry, peer: str) -> Bounds:
    """The bounds of a peer: only whorl's own weights may be narrow."""
    return BOUNDS[entry.weights if peer == "whorl" else "fp32"]


def compare(found: Results, expected: Results, within: Bounds) -> Verdict:
    """Compares every array with the reference; one that is missing, of another shape or not finite is red."""
    missing, unknown = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or unknown:
        return Verdict(output=float("nan"), red=f"results differ in kind: missing {missing}, unknown {unknown}")
    largest: dict[str, float] = {}
    red = []
    for name, right in expected.items():
        group = "gradient" if name.startswith("grad ") else "output" if name == "output" else "state"
        difference = _difference(found[name], right, relative=group == "gradient")
        limit = within.gradient if group == "gradient" else within.output
        # Not `>`: NaN must be red too.
        if not difference <= limit:
            red.append(f"`{name}` differs by {difference:.1e}, allowed are {limit:.0e}")
        # Not Python's `max`, which may lose a NaN.
        largest[group] = float(np.maximum(largest.get(group, 0.0), difference))
    return Verdict(
        output=largest.get("output", float("nan")),
        state=largest.get("state"),
        gradient=largest.get("gradient"),
        red="; ".join(red) or None,
    )


def _difference(found: np.ndarray, right: np.ndarray, *, relative: bool) -> float:
    if found.shape != right.shape:
        return float("inf")
    if right.size == 0:
        return 0.0
    difference = float(np.max(np.abs(found.astype(np.float64) - right)))
    scale = float(np.max(np.abs(right))) if relative else 1.0
    return difference / scale if scale > 0 else difference
