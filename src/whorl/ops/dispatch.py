"""Which backend runs a call, and why not the others.

A new backend is one more member of `BACKENDS`: a name, a function that says why it cannot run a call, one that says
why it had better not, and one that runs it.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from whorl.errors import ArgumentError, did_you_mean
from whorl.ops import fused, native, reference
from whorl.ops.call import Call, State


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A way to run a call.

    Args:
        name: what the user calls it.
        refuse: says why it cannot run a call; None if it can.
        run: returns the output (T, B, directions * H) and the final state, each part (L, B, H).
        decline: says why the next backend is faster on a call that it can run; None if none is.
    """

    name: str
    refuse: Callable[[Call], str | None]
    run: Callable[[Call], tuple[Tensor, State]]
    decline: Callable[[Call], str | None] = lambda call: None


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """A backend that was not chosen.

    Args:
        backend: its name.
        reason: why it was not chosen.
        cost_ms: what it would have cost; None if it cannot run the call or was not measured.
    """

    backend: str
    reason: str
    # A measurement is no part of the decision, so two decisions are equal whatever the clock said.
    cost_ms: float | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Which backend runs a call.

    Args:
        backend: the name of the chosen backend.
        rejected: all the others, each with the reason.
        cost_ms: what the chosen backend costs; None if it was not measured.
    """

    backend: str
    rejected: tuple[Rejection, ...]
    cost_ms: float | None = field(default=None, compare=False)


BACKENDS: tuple[Backend, ...] = (
    Backend(name="native", refuse=native.refuse, run=native.run, decline=native.decline),
    Backend(name="torch", refuse=fused.refuse, run=fused.run),
    Backend(name="reference", refuse=lambda call: None, run=reference.run),
)
"""From the most to the least preferred; the last runs everything."""

_forced: ContextVar[str | None] = ContextVar("whorl_backend", default=None)
# torch.compile cannot read a ContextVar. It does read a global name, and compiles anew when that changes.
_forced_in_graphs: str | None = None
# What the blocks of all threads and tasks that are open now force, the last one entered at the end.
_open_blocks: list[tuple[object, str]] = []
_lock = threading.Lock()


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Makes every recurrent module inside the `with` block run on one backend.

    A module under torch.compile obeys the block that was entered last, of those that are open in any thread; others
    that of their own thread or task.

    Args:
        name: 'native', 'torch' or 'reference'.

    Raises:
        ArgumentError: the name is unknown; or, at a call inside the block, the backend cannot run that call.
    """
    _find(name)
    block = (object(), name)
    token = _forced.set(name)
    with _lock:
        _open_blocks.append(block)
        _force_in_graphs()
    try:
        yield
    finally:
        _forced.reset(token)
        with _lock:
            _open_blocks.remove(block)
            _force_in_graphs()


def _force_in_graphs() -> None:
    global _forced_in_graphs
    _forced_in_graphs = _open_blocks[-1][1] if _open_blocks else None


def forced_name() -> str | None:
    """The backend that a `with backend(...)` block forces; None outside of one."""
    return _forced_in_graphs if torch.compiler.is_compiling() else _forced.get()


def choose(call: Call) -> Backend:
    """The first backend that can run the call and has no reason against it, or the one that is forced.

    Raises:
        ArgumentError: the one that is forced cannot run the call.
    """
    forced = forced_name()
    if forced is None:
        for candidate in BACKENDS:
            if candidate.refuse(call) is None and candidate.decline(call) is None:
                return candidate
        raise AssertionError("the last backend runs everything")
    candidate = _find(forced)
    reason = candidate.refuse(call)
    if reason is not None:
        raise ArgumentError(
            f"`backend({forced!r})` must be able to run the call, but {reason}. "
            "Leave the `with whorl.nn.backend(...)` block or choose 'reference'."
        )
    return candidate


def decide(call: Call) -> Decision:
    """The choice, and why it did not fall on the others."""
    chosen, forced = choose(call).name, forced_name()
    preferred = f"{chosen!r} is preferred"
    return Decision(
        backend=chosen,
        rejected=tuple(
            Rejection(
                backend=other.name,
                reason=f"{forced!r} is forced" if forced else other.refuse(call) or other.decline(call) or preferred,
            )
            for other in BACKENDS
            if other.name != chosen
        ),
    )


def measure(decision: Decision, call: Call, *, repeats: int = 5) -> Decision:
    """Returns the decision with the cost of each backend that can run the call, forward and, with gradients, backward.

    The generators of random numbers are left as they were.
    """
    rejected = []
    for rejection in decision.rejected:
        able = _find(rejection.backend).refuse(call) is None
        rejected.append(replace(rejection, cost_ms=_cost_ms(rejection.backend, call, repeats)) if able else rejection)
    return replace(decision, rejected=tuple(rejected), cost_ms=_cost_ms(decision.backend, call, repeats))


def _cost_ms(name: str, call: Call, repeats: int) -> float:
    run_backend = _find(name).run
    is_cuda = call.x_TBD.is_cuda
    tensors = (call.x_TBD, *call.state, *(weight for layer in call.weights for weight in layer))
    leaves = [tensor for tensor in tensors if tensor is not None and tensor.requires_grad]
    times = []
    with torch.random.fork_rng(devices=[call.x_TBD.device] if is_cuda else []):
        for _ in range(repeats + 1):
            start = time.perf_counter()
            output, _state = run_backend(call)
            if leaves and output.requires_grad:
                torch.autograd.grad(output.sum(), leaves, allow_unused=True)
            if is_cuda:
                torch.cuda.synchronize(call.x_TBD.device)
            times.append(1e3 * (time.perf_counter() - start))
    # The first run pays for allocation and code loading.
    return statistics.median(times[1:])


def _find(name: str) -> Backend:
    for candidate in BACKENDS:
        if candidate.name == name:
            return candidate
    names = [candidate.name for candidate in BACKENDS]
    raise ArgumentError(f"`{name}` is not a backend; known are {', '.join(names)}.{did_you_mean(name, names)}")
