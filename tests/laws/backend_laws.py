"""What the laws mean for a backend: values and gradients of the reference, whatever core it runs.

Axes: B batch, T time, D features.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from hypothesis import strategies as st
from tests.laws.core_laws import CoreSubject, same, sample
from tests.laws.drawing import random
from tests.laws.table import law
from torch import Tensor

from whorl.ops import reference
from whorl.ops.call import Call, Weights
from whorl.ops.dispatch import Backend


@dataclass(frozen=True, kw_only=True)
class BackendSubject:
    """A backend, and a core that it can run."""

    backend: Backend
    subject: CoreSubject


def accepted(backend: Backend, call: Call) -> Call:
    """The call, without resets and empty sequences where the backend refuses those."""
    if backend.refuse(call) is not None:
        call = replace(call, resets_TB=None)
    if backend.refuse(call) is not None and call.lengths_B is not None:
        call = replace(call, lengths_B=call.lengths_B.clamp(min=1))
    assert backend.refuse(call) is None, backend.refuse(call)
    return call


@law("08 backend", "backend")
def a_backend_gives_values_and_gradients_of_the_reference(subject: BackendSubject, data: st.DataObject) -> None:
    core = subject.subject.core()
    given = sample(data, core, subject.subject.num_features)
    parts = tuple(torch.stack(part) for part in zip(*given.state, strict=True))
    call = core.stack.call(given.x_BTD, parts, lengths=given.lengths_B, resets=given.resets_BT)
    call, dtype = accepted(subject.backend, call), subject.subject.dtype
    rng = random(data)
    weight = torch.from_numpy(rng.standard_normal((*call.x_TBD.shape[:2], core.output_size)))

    def results(
        run: Callable[[Call], tuple[Tensor, tuple[Tensor, ...]]], dtype: torch.dtype, *, rounding: float = 0.0
    ) -> tuple[Tensor, ...]:
        def given_as(tensor: Tensor) -> Tensor:
            moved = 1 + rounding * torch.from_numpy(rng.choice((-1.0, 1.0), tensor.shape))
            return (tensor * moved).to(dtype)

        x = given_as(call.x_TBD.detach()).requires_grad_()
        state = tuple(given_as(part.detach()).requires_grad_() for part in call.state)
        weights = tuple(Weights(*(w if w is None else given_as(w) for w in layer)) for layer in call.weights)
        output, final = run(replace(call, x_TBD=x, state=state, weights=weights))
        total = (output * weight.to(dtype)).sum() + sum((1.5 * part.sin()).sum() for part in final)
        wanted = [x, *state, *core.parameters()]
        grads = torch.autograd.grad(total, wanted, allow_unused=True, materialize_grads=True)
        return (output, *final, *grads)

    found, wanted = results(subject.backend.run, dtype), results(reference.run, torch.float64)
    if dtype == torch.float64:
        for ours, true in zip(found, wanted, strict=True):
            same(ours, true)
    else:
        # Layer norm over few units loses digits in float32 whoever computes it. How many, the reference says: in
        # float32, and in float64 of numbers that were moved as rounding to float32 may move them.
        others = [
            results(reference.run, dtype),
            *(results(reference.run, torch.float64, rounding=2**-24) for _ in "abc"),
        ]
        for ours, true, *rounded in zip(found, wanted, *others, strict=True):
            lost = max(float((one - true).detach().abs().max()) if true.numel() else 0.0 for one in rounded)
            same(ours.double(), true.double(), rtol=1e-5, atol=1e-5 + 4.0 * lost)
    if subject.backend.run is reference.run:
        _gradients_are_differences(call, weight)


def _gradients_are_differences(call: Call, weight: Tensor) -> None:
    """The reference has no reference: its gradient along a random direction is a difference quotient."""
    x = call.x_TBD.detach().clone().requires_grad_()
    state = tuple(part.detach().clone().requires_grad_() for part in call.state)

    def total(x: Tensor, state: tuple[Tensor, ...]) -> Tensor:
        output, final = reference.run(replace(call, x_TBD=x, state=state))
        return (output * weight).sum() + sum((1.5 * part.sin()).sum() for part in final)

    points = [x, *state]
    grads = torch.autograd.grad(total(x, state), points, allow_unused=True, materialize_grads=True)
    ways = [torch.from_numpy(np.cos(np.arange(p.numel()) + 1.0)).reshape(p.shape) for p in points]
    slope = sum((grad * way).sum() for grad, way in zip(grads, ways, strict=True))
    with torch.no_grad():
        ahead, behind = ([p + sign * 1e-6 * w for p, w in zip(points, ways, strict=True)] for sign in (1, -1))
        quotient = (total(ahead[0], tuple(ahead[1:])) - total(behind[0], tuple(behind[1:]))) / 2e-6
    # Central differences of 1e-6 in float64: 1e-9 by rounding, more where relu has its corner within the step.
    same(slope, quotient, rtol=1e-6, atol=1e-6)
