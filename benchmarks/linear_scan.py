"""Training of recurrences that are linear in their state: native code beside ways to write them in torch.

    python -m benchmarks.linear_scan [--cells mingru minlstm lru] [--rounds 7] [--threads N] [--compile] [--out FILE]

What is timed begins with the products of the input and ends with their gradients: gates are opened, states are formed,
and the gradients of products and initial state come back. In torch that is a loop over steps, the parallel scan that is
whorl's reference, and for the gated cells the sums of logarithms of Feng et al. (2024), appendix B; an LRU has no
logarithm of its terms there. --compile measures each of them under torch.compile, too, where that works. Before
anything is timed, states and gradients of all are compared, and a way that differs is not measured. Beside them stands
a copy by torch of as many bytes as both passes must read and write. Rounds go through all ways in turn, so that other
work on the machine meets all of them, and each is timed a few times in a row, so that none finds the caches full of
what another one left there; the least time of each counts.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from benchmarks import machine
from torch import Tensor
from torch.nn import functional

from whorl.cells import LINEAR_CELLS, LinearName
from whorl.ops import linear, native_linear
from whorl.ops.linear import LinearPass

# B, T, H: of some all numbers stay in the caches, of others none.
SIZES = (
    (32, 100, 32),
    (32, 100, 64),
    (32, 100, 128),
    (64, 100, 256),
    (256, 50, 128),
    (1, 1000, 64),
    (32, 512, 256),
    (1, 4096, 256),
)
# After 4,096 steps gradients by sums of logarithms are off by 2.7e-3 of the largest in float32, all others by 2e-7.
TOLERANCE = 1e-2
# Times that a way is timed before the next one has its turn.
IN_A_ROW = 5

Way = Callable[[LinearPass], tuple[Tensor, Tensor]]


def loop(layer: LinearPass) -> tuple[Tensor, Tensor]:
    """One step after the other."""
    a, b = linear.terms(layer.cell, layer.gates_BTG, layer.decay_S)
    h, states = layer.state_BS, []
    for a_t, b_t in zip(a.expand_as(b).unbind(1), b.unbind(1), strict=True):
        h = linear.product(layer.cell, a_t, h) + b_t
        states.append(h)
    return torch.stack(states, 1), h


def logarithms(layer: LinearPass) -> tuple[Tensor, Tensor]:
    """h_t = exp(A_t + log sum_k exp(log b_k - A_k)), where A_t is the sum of log a up to t; all terms are positive."""
    gates = layer.gates_BTG
    if layer.cell == "mingru":
        z, c = gates.chunk(2, -1)
        log_a, log_share = -functional.softplus(z), -functional.softplus(-z)
    else:
        i, f, c = gates.chunk(3, -1)
        apart = functional.softplus(-f) - functional.softplus(-i)
        log_a, log_share = -functional.softplus(apart), -functional.softplus(-apart)
    log_g = torch.where(c >= 0, (functional.relu(c) + 0.5).log(), -functional.softplus(-c))
    sums = functional.pad(log_a.cumsum(1), (0, 0, 1, 0))
    terms = torch.cat([layer.state_BS[:, None].log(), log_share + log_g], 1)
    states = (sums + (terms - sums).logcumsumexp(1)).exp()[:, 1:]
    return states, states[:, -1]


def ways(cell: LinearName, compiled: bool) -> dict[str, Way]:
    found: dict[str, Way] = {"native": native_linear.run, "loop": loop, "parallel scan": linear.scan}
    if cell != "lru":
        found["sums of logarithms"] = logarithms
    if compiled:
        others = {name: way for name, way in found.items() if name not in ("native", "loop")}
        found |= {f"{name}, compiled": torch.compile(way) for name, way in others.items()}
    return found


def problem(cell: LinearName, batch: int, steps: int, hidden: int) -> tuple[list[Tensor], Tensor]:
    """Products, lambda where there is one, and a state, which is positive; and what the states are multiplied by."""
    torch.manual_seed(0)
    known = LINEAR_CELLS[cell]
    size = known.state_parts * hidden
    width = size if cell == "lru" else known.num_gates * hidden
    given = [torch.randn(batch, steps, width), torch.rand(batch, size) + 0.1]
    if cell == "lru":
        modulus, angle = 0.999 * torch.rand(hidden).sqrt(), 6.28 * torch.rand(hidden)
        given.append(torch.cat([modulus * angle.cos(), modulus * angle.sin()]))
    return [one.requires_grad_() for one in given], torch.randn(batch, steps, size)


def once(way: Way, cell: LinearName, given: list[Tensor], weight: Tensor) -> tuple[float, list[Tensor]]:
    """Seconds of both passes, and the states and gradients."""
    gates, state, *decay = given
    begin = time.perf_counter()
    states, _ = way(LinearPass(cell, gates, decay[0] if decay else None, state, None, None, False))
    gradients = torch.autograd.grad(states, given, weight)
    return time.perf_counter() - begin, [states.detach(), *gradients]


def halves(cell: LinearName, batch: int, steps: int, hidden: int) -> tuple[Tensor, Tensor]:
    """Of as many numbers as both passes must read and write.

    Gates are read twice and their gradients written; states are written and read, and their gradients read. The
    backward pass of an LRU does not read what was added.
    """
    known = LINEAR_CELLS[cell]
    numbers = (2 * known.state_parts if cell == "lru" else 3 * known.num_gates) + 3 * known.state_parts
    source = torch.ones(numbers * batch * steps * hidden // 2)
    return source, torch.empty_like(source)


def copied(source: Tensor, target: Tensor) -> float:
    """Seconds of a copy."""
    begin = time.perf_counter()
    target.copy_(source)
    return time.perf_counter() - begin


def agrees(found: list[Tensor], wanted: list[Tensor]) -> bool:
    return all(
        bool(((one - other).abs().max() / other.abs().max().clamp(min=1.0)) < TOLERANCE)
        for one, other in zip(found, wanted, strict=True)
    )


def measure(cell: LinearName, sizes: tuple[int, int, int], rounds: int, compiled: bool) -> dict[str, Any]:
    """The least seconds of each way; a text in place of them where it differs or fails."""
    given, weight = problem(cell, *sizes)
    wanted = once(linear.scan, cell, given, weight)[1]
    result: dict[str, Any] = {}
    able: dict[str, Way] = {}
    for name, way in ways(cell, compiled).items():
        try:
            if agrees(once(way, cell, given, weight)[1], wanted):
                able[name] = way
            else:
                result[name] = "other numbers"
        except Exception as error:  # torch.compile fails in many ways
            result[name] = f"fails: {type(error).__name__}"
    memory, copy = halves(cell, *sizes), "copy of as many bytes"
    for _ in range(rounds):
        for name, way in able.items():
            seconds = min(once(way, cell, given, weight)[0] for _ in range(IN_A_ROW))
            result[name] = min(seconds, result.get(name, seconds))
        seconds = min(copied(*memory) for _ in range(IN_A_ROW))
        result[copy] = min(seconds, result.get(copy, seconds))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", choices=tuple(LINEAR_CELLS), default=list(LINEAR_CELLS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, help="of torch and native code; as many as torch takes by itself")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="torch")
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    results = []
    for cell in options.cells:
        for sizes in SIZES:
            found = measure(cell, sizes, options.rounds, options.compile)
            results.append({"cell": cell, **dict(zip(("batch", "steps", "hidden"), sizes, strict=True)), "ways": found})
            print(f"{cell}, B={sizes[0]} T={sizes[1]} H={sizes[2]}")
            for name, seconds in found.items():
                told = seconds
                if isinstance(seconds, float):
                    told = f"{1e3 * seconds:9.1f} ms {seconds / found['native']:7.1f} x"
                print(f"  {name:32} {told}", flush=True)
    if options.out is not None:
        whole = {"threads": torch.get_num_threads(), "machine": machine.describe(), "results": results}
        options.out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
