"""The least time that an entry can take on this machine: its arithmetic at the measured rate, or its weights read once.

The rates are measured on large products and long vectors in torch and numpy, in a process of their own. That of reading
weights is an estimate, and so is the floor of a step.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.registry import GATES, Entry

BYTES = {"fp32": 4, "bf16": 2, "int8": 1}


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What the machine can do.

    Args:
        flops: floating-point operations in a second: threads -> fp32.
        narrow: operations in a second on one thread: 'bf16', 'int8'.
        read: bytes of an array that one core reads in a second, when it reads as many bytes again and again: array's
            bytes -> rate, an estimate.
    """

    flops: dict[int, float]
    narrow: dict[str, float]
    read: dict[int, float]


def products(entry: Entry) -> int:
    """Multiplications of one step of one sequence: input, recurrence and projection."""
    width = entry.projection or entry.hidden
    return GATES[entry.cell] * entry.hidden * (entry.inputs + width) + entry.projection * entry.hidden


def weight_bytes(entry: Entry) -> int:
    """Bytes that a step reads at least: every weight once."""
    return products(entry) * BYTES[entry.weights]


def seconds(entry: Entry, rates: Rates, *, real_steps: int | None = None) -> float:
    """The floor of a call.

    Training multiplies three times, forward, for the inputs' gradients and for the weights', and a multiplication with
    its addition is two operations: 6 G T B H (I + H) without a projection. One step for one stream reads all weights,
    at a rate that is an estimate; one step for many streams is bound by arithmetic.

    Args:
        entry: what is computed.
        rates: of the machine.
        real_steps: steps of all sequences together; T B if None.
    """
    if entry.kind == "train":
        steps = entry.steps * entry.batch if real_steps is None else real_steps
        return 6 * products(entry) * steps / rates.flops[entry.threads]
    arithmetic = rates.flops[1] if entry.weights == "fp32" else rates.narrow[entry.weights]
    computing = 2 * products(entry) * entry.batch / arithmetic
    if entry.kind == "streams":
        return computing
    return max(computing, weight_bytes(entry) / rates.read[weight_bytes(entry)])


def measure(sizes: Sequence[int], *, n: int = 2048) -> Rates:
    """Measures the rates; imports torch.

    Args:
        sizes: bytes of the arrays whose reading is timed.
        n: rows and columns of the products.
    """
    import torch

    a, whole = torch.ones(n, n), torch.ones(n, n, dtype=torch.int8)
    half = a.to(torch.bfloat16)
    flops, narrow = {}, {}
    for threads in (2, 1):
        torch.set_num_threads(threads)
        flops[threads] = 2 * n**3 / _best(lambda: torch.mm(a, a), 10)
    # A processor without bf16 arithmetic computes in fp32.
    narrow["bf16"] = max(flops[1], 2 * n**3 / _best(lambda: torch.mm(half, half), 3))
    narrow["int8"] = 2 * n**3 / _best(lambda: torch._int_mm(whole, whole), 5)
    return Rates(flops=flops, narrow=narrow, read=_read_rates(sizes))


# A shorter array is read as fast as this one, which the first cache of every current core holds.
_SHORTEST = 16 * 1024


def _read_rates(sizes: Sequence[int]) -> dict[int, float]:
    """The rate of each array, or that of a larger one where that was higher: fewer bytes are not read more slowly.

    A short array is read in about the time of the call that is taken off, so that its own rate comes out too low.
    """
    rates, highest = {}, 0.0
    for size in sorted(sizes, reverse=True):
        rates[size] = highest = max(highest, _read_rate(size))
    return rates


def _read_rate(size: int) -> float:
    import numpy as np

    array, one = np.ones(max(size, _SHORTEST) // 4, np.float32), np.ones(1, np.float32)

    def many(values: np.ndarray) -> None:
        for _ in range(100):
            np.dot(values, values)

    # What remains is reading: the time of the calls is taken off.
    seconds = (_best(lambda: many(array), 30) - _best(lambda: many(one), 30)) / 100
    return float(array.nbytes / seconds)


def _best(function: Callable[[], object], repeats: int) -> float:
    """The shortest time: a rate is what the machine can do, not what it does when something else runs."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best
