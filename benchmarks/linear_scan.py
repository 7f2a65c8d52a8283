"""Training of recurrences that are linear in their state: native code beside ways to write them in torch.

    python -m benchmarks.linear_scan [--cells mingru minlstm lru] [--parts scan layer] [--threads 1 2] [--rounds 7]
                                     [--compile] [--out benchmarks/results/linear.json]

Of the *scan*, what is timed begins with the products of the input and ends with their gradients: gates are opened,
states are formed, and the gradients of products and initial state come back. Products are made anew before each call,
as a layer makes them, and are nobody else's. A *layer* of as many features as units has its products beside that, and
the gradients of its input and of all weights. In torch the scan is a loop over steps, the parallel scan that is whorl's
reference, and for the gated cells the sums of logarithms of Feng et al. (2024), appendix B; an LRU has no logarithm of
its terms there. --compile measures each of them under torch.compile, too, where that works. Before anything is timed,
outputs and gradients of all are compared, and a way that differs is not measured. Beside scans stands a copy by torch
of as many bytes as both passes must read and write. Rounds go through all ways in turn, so that other work on the
machine meets all of them, and each is timed some times in a row, so that none finds the caches full of what another one
left there; the least time of each counts. `python -m benchmarks.page` shows what --out has written.
"""

import argparse
import itertools
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import torch
from benchmarks import machine
from torch import Tensor
from torch.nn import functional

from whorl.cells import LINEAR_CELLS, LinearName
from whorl.nn.linear_layer import LinearLayer
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
# Times that a way is timed before the next one has its turn, and seconds that they take together at least: five calls
# of a tenth of a millisecond say what the helper threads were doing.
IN_A_ROW, TURN_S = 5, 0.03

NATIVE, COPY = "native", "copy of as many bytes"
Way = Callable[[LinearPass], tuple[Tensor, Tensor]]
Part = Literal["scan", "layer"]


class Problem(NamedTuple):
    """What is timed.

    Args:
        leaves: gradients of which are wanted.
        weight: what the output is multiplied by.
        begin: what comes before the clock starts; it gives what makes the output in some way.
    """

    leaves: list[Tensor]
    weight: Tensor
    begin: Callable[[], Callable[[Way], Tensor]]


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
    found: dict[str, Way] = {NATIVE: native_linear.run, "loop": loop, "parallel scan": linear.scan}
    if cell != "lru":
        found["sums of logarithms"] = logarithms
    if compiled:
        others = {name: way for name, way in found.items() if name not in (NATIVE, "loop")}
        found |= {f"{name}, compiled": torch.compile(way) for name, way in others.items()}
    return found


def problem(part: Part, cell: LinearName, batch: int, steps: int, hidden: int) -> Problem:
    """Random numbers; states are positive, for those who take their logarithm."""
    torch.manual_seed(0)
    known = LINEAR_CELLS[cell]
    size = known.state_parts * hidden
    if part == "layer":
        layer, x = LinearLayer(cell, hidden, hidden), torch.randn(batch, steps, hidden).requires_grad_()
        start = torch.full((batch, size), 1e-3)

        def said(way: Way) -> Tensor:
            gates, passed = layer.split(layer.gates(x))
            states, _ = way(LinearPass(cell, gates, layer.decay(), start, None, None, False, owned=True))
            return layer.output(states, passed)

        return Problem([x, *layer.parameters()], torch.randn(batch, steps, hidden), lambda: said)
    width = size if cell == "lru" else known.num_gates * hidden
    given = [torch.randn(batch, steps, width), torch.rand(batch, size) + 0.1]
    if cell == "lru":
        modulus, angle = 0.999 * torch.rand(hidden).sqrt(), 6.28 * torch.rand(hidden)
        given.append(torch.cat([modulus * angle.cos(), modulus * angle.sin()]))
    products, state, *decay = [one.requires_grad_() for one in given]

    def begin() -> Callable[[Way], Tensor]:
        own = LinearPass(cell, products.clone(), decay[0] if decay else None, state, None, None, False, owned=True)
        return lambda way: way(own)[0]

    return Problem([products, state, *decay], torch.randn(batch, steps, size), begin)


def once(way: Way, timed: Problem) -> tuple[float, list[Tensor]]:
    """Seconds of both passes, and the output and the gradients."""
    made = timed.begin()
    begin = time.perf_counter()
    output = made(way)
    gradients = torch.autograd.grad(output, timed.leaves, timed.weight)
    return time.perf_counter() - begin, [output.detach(), *gradients]


def halves(cell: LinearName, batch: int, steps: int, hidden: int) -> tuple[Tensor, Tensor]:
    """Of as many numbers as both passes of a scan must read and write.

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


def measure(part: Part, cell: LinearName, sizes: tuple[int, int, int], rounds: int, compiled: bool) -> dict[str, Any]:
    """The least seconds of each way; a text in place of them where it differs or fails."""
    timed = problem(part, cell, *sizes)
    wanted = once(linear.scan, timed)[1]
    result: dict[str, Any] = {}
    able: dict[str, Callable[[], float]] = {}
    for name, way in ways(cell, compiled).items():
        try:
            if agrees(once(way, timed)[1], wanted):
                able[name] = lambda way=way: once(way, timed)[0]  # type: ignore[misc]
            else:
                result[name] = "other numbers"
        except Exception as error:  # torch.compile fails in many ways
            result[name] = f"fails: {type(error).__name__}"
    if part == "scan":
        source, target = halves(cell, *sizes)
        able[COPY] = lambda: copied(source, target)
    for _ in range(rounds):
        for name, seconds_of in able.items():
            result[name] = min(result.get(name, float("inf")), least(seconds_of))
    return result


def least(seconds_of: Callable[[], float]) -> float:
    """The least seconds of a turn."""
    found = [seconds_of() for _ in range(IN_A_ROW)]
    while sum(found) < TURN_S:
        found.append(seconds_of())
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", choices=tuple(LINEAR_CELLS), default=list(LINEAR_CELLS))
    parser.add_argument("--parts", nargs="+", choices=get_args(Part), default=list(get_args(Part)))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], help="of torch and native code")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="torch")
    described, records = machine.describe(), []
    for part, threads, cell, sizes in itertools.product(options.parts, options.threads, options.cells, SIZES):
        torch.set_num_threads(threads)
        found = measure(part, cell, sizes, options.rounds, options.compile)
        where = dict(zip(("batch", "steps", "hidden"), sizes, strict=True))
        records.append({"part": part, "threads": threads, "cell": cell, **where, "ways": found})
        print(f"{part} of {cell}, B={sizes[0]} T={sizes[1]} H={sizes[2]}, threads {threads}")
        for name, seconds in found.items():
            told = seconds
            if isinstance(seconds, float):
                told = f"{1e3 * seconds:9.2f} ms {seconds / found[NATIVE]:7.1f} x"
            print(f"  {name:32} {told}", flush=True)
    if options.out is not None:
        whole = {"machine": described, "rounds": options.rounds, "records": records}
        options.out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
