"""What the laws mean for a core and for the backends that run it. In float64, so that only a mistake is visible.

Native code runs in float32 alone: cores are read in that too.

Axes: B batch, T time, D features, H hidden.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from tests.laws.drawing import random, size
from tests.laws.table import law
from torch import Tensor, nn

from whorl.nn.core import Core, State, map_state
from whorl.ops import reference
from whorl.ops.call import Call, Weights
from whorl.ops.dispatch import Backend

same = torch.testing.assert_close


@dataclass(frozen=True, kw_only=True)
class CoreSubject:
    """A core, and how to make another of the same form.

    Args:
        new: makes a core with weights drawn by torch's generator.
        num_features: D.
        theirs: the module of torch.nn of the same form, or None.
        dtype: of weights, inputs and states.
    """

    new: Callable[[], Core]
    num_features: int = 3
    dtype: torch.dtype = torch.float64
    theirs: Callable[[], nn.Module] | None = None

    def core(self, seed: int = 0) -> Core:
        """In eval mode, every weight and bias away from zero."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            core = self.new().to(self.dtype)
            with torch.no_grad():
                for parameter in core.parameters():
                    parameter.add_(torch.randn_like(parameter), alpha=0.3)
        return core.eval()


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Drawn inputs of a core."""

    x_BTD: Tensor
    state: State
    lengths_B: Tensor
    resets_BT: Tensor

    def read(self, core: Core, **changes: Any) -> tuple[Tensor, State]:
        given = {"lengths_B": self.lengths_B, "resets_BT": self.resets_BT, "state": self.state, **changes}
        return core(given.pop("x_BTD", self.x_BTD), given.pop("state"), **given)


def sample(data: st.DataObject, core: Core, num_features: int, *, least_steps: int = 1) -> Sample:
    batch, steps = size(data, 1, 4, "batch"), size(data, least_steps, 8, "steps")
    rng, dtype = random(data), next(core.parameters()).dtype

    def tensor(*shape: int) -> Tensor:
        return torch.from_numpy(rng.standard_normal(shape)).to(dtype)

    lengths = data.draw(st.lists(st.integers(0, steps), min_size=batch, max_size=batch), label="lengths")
    resets = rng.random((batch, steps)) < data.draw(st.sampled_from([0.0, 0.3]), label="share of resets")
    state = map_state(lambda part: tensor(*part.shape), core.initial_state(batch))
    return Sample(
        x_BTD=tensor(batch, steps, num_features),
        state=state,
        lengths_B=torch.tensor(lengths),
        resets_BT=torch.from_numpy(resets),
    )


def leaves(state: State) -> list[Tensor]:
    found: list[Tensor] = []
    map_state(lambda part: found.append(part) or part, state)
    return found


def same_states(found: State, wanted: State, **tolerance: float) -> None:
    for one, other in zip(leaves(found), leaves(wanted), strict=True):
        same(one, other, **tolerance)


def chosen(flags_B: Tensor, new: State, old: State) -> State:
    """The state `new` in rows that are flagged, `old` elsewhere."""
    pairs = iter(leaves(old))
    return map_state(lambda part: torch.where(flags_B[:, None], part, next(pairs)), new)


@law("03 step", "core")
def stepping_is_the_sequence_call(subject: CoreSubject, data: st.DataObject) -> None:
    core = subject.core()
    given = sample(data, core, subject.num_features)
    whole, final = given.read(core)
    state, outputs = given.state, []
    for t in range(given.x_BTD.shape[1]):
        real = (given.lengths_B > t).long()
        y, state = core(given.x_BTD[:, t : t + 1], state, lengths_B=real, resets_BT=given.resets_BT[:, t : t + 1])
        outputs.append(y)
    same(torch.cat(outputs, 1), whole)
    same_states(state, final)


@law("04 split", "core")
def two_halves_are_the_whole(subject: CoreSubject, data: st.DataObject) -> None:
    """A causal core hands its state over; for one that reads both ways, a reset makes halves that never met."""
    core = subject.core()
    given = sample(data, core, subject.num_features)
    cut = size(data, 0, given.x_BTD.shape[1], "cut")
    lengths = (given.lengths_B.clamp(max=cut), (given.lengths_B - cut).clamp(min=0))
    state, resets = given.state, given.resets_BT
    if not core.is_causal:
        state = core.initial_state(len(given.x_BTD))
        resets = resets.clone()
        resets[:, cut : cut + 1] = True
    whole, final = given.read(core, resets_BT=resets, state=state)
    first, middle = core(given.x_BTD[:, :cut], state, lengths_B=lengths[0], resets_BT=resets[:, :cut])
    second, last = core(
        given.x_BTD[:, cut:], middle if core.is_causal else state, lengths_B=lengths[1], resets_BT=resets[:, cut:]
    )
    same(torch.cat([first, second], 1), whole)
    if core.is_causal:
        same_states(last, final)


@law("05 padding", "core")
def more_padding_changes_nothing(subject: CoreSubject, data: st.DataObject) -> None:
    core = subject.core()
    given = sample(data, core, subject.num_features)
    extra, steps = size(data, 0, 3, "extra padding"), given.x_BTD.shape[1]
    batch = len(given.x_BTD)
    real = torch.arange(steps) < given.lengths_B[:, None]
    clean = torch.where(real[..., None], given.x_BTD, 0.0)
    poisoned = torch.where(real[..., None], given.x_BTD, torch.nan)
    poisoned = torch.cat([poisoned, torch.full((batch, extra, subject.num_features), torch.nan)], 1)
    resets = torch.cat([given.resets_BT, torch.ones(batch, extra, dtype=torch.bool)], 1)
    weights_y = torch.from_numpy(random(data).standard_normal((batch, steps, core.output_size)))

    def read(x: Tensor, resets_BT: Tensor) -> tuple[Tensor, State, list[Tensor]]:
        x = x.clone().requires_grad_()
        state = map_state(lambda part: part.clone().requires_grad_(), given.state)
        y, final = core(x, state, lengths_B=given.lengths_B, resets_BT=resets_BT)
        total = (y[:, :steps] * weights_y).sum() + sum((1.5 * part.sin()).sum() for part in leaves(final))
        grads = torch.autograd.grad(total, [x, *leaves(state), *core.parameters()], allow_unused=True)
        none_is_zero = [torch.zeros(()) if grad is None else grad for grad in grads]
        return y, final, none_is_zero

    y, final, grads = read(clean, given.resets_BT)
    y_padded, final_padded, grads_padded = read(poisoned, resets)
    same(y_padded[:, :steps], y)
    assert (y_padded[~torch.cat([real, torch.zeros(batch, extra, dtype=torch.bool)], 1)] == 0).all()
    same_states(final_padded, final)
    assert (grads_padded[0][:, steps:] == 0).all()
    same(grads_padded[0][:, :steps], grads[0])
    for found, wanted in zip(grads_padded[1:], grads[1:], strict=True):
        same(found, wanted)
    empty = given.lengths_B == 0
    same_states(map_state(lambda p: p[empty], final_padded), map_state(lambda p: p[empty], given.state), rtol=0, atol=0)


@law("06 batch", "core")
def a_batch_is_its_items_alone(subject: CoreSubject, data: st.DataObject) -> None:
    core = subject.core()
    given = sample(data, core, subject.num_features)
    y, final = given.read(core)
    for n, length in enumerate(given.lengths_B.tolist()):
        alone = map_state(lambda part, n=n: part[n : n + 1], given.state)
        y_alone, final_alone = core(
            given.x_BTD[n : n + 1, :length], alone, resets_BT=given.resets_BT[n : n + 1, :length]
        )
        same(y[n : n + 1, :length], y_alone)
        same_states(map_state(lambda part, n=n: part[n : n + 1], final), final_alone)


@law("07 causality", "core")
def no_output_depends_on_a_later_step(subject: CoreSubject, data: st.DataObject) -> None:
    core = subject.core()
    given = sample(data, core, subject.num_features)
    t = size(data, 0, given.x_BTD.shape[1] - 1, "step")
    other = given.x_BTD.clone()
    other[:, t + 1 :] = 7 * torch.from_numpy(random(data).standard_normal(other[:, t + 1 :].shape)).to(other.dtype)
    same(given.read(core, x_BTD=other)[0][:, : t + 1], given.read(core)[0][:, : t + 1], rtol=0, atol=0)
    x = given.x_BTD.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(given.read(core, x_BTD=x)[0][:, : t + 1].sum(), x, allow_unused=True)
    assert gradient is None or (gradient[:, t + 1 :] == 0).all()


@law("09 parity", "core")
def weights_travel_to_torch_and_back(subject: CoreSubject, data: st.DataObject) -> None:
    assert subject.theirs is not None
    core, theirs = subject.core(), subject.theirs().to(subject.dtype).eval()
    given = sample(data, core, subject.num_features)
    states = [torch.stack(part) for part in zip(*given.state, strict=True)]

    def compare(ours: Core) -> None:
        y, final = ours(given.x_BTD, given.state)
        y_theirs, final_theirs = theirs(given.x_BTD, tuple(states) if len(states) == 2 else states[0])
        same(y, y_theirs)
        parts = final_theirs if isinstance(final_theirs, tuple) else (final_theirs,)
        for own, their in zip(zip(*final, strict=True), parts, strict=True):
            same(torch.stack(own), their)

    theirs.load_state_dict(core.stack.state_dict())
    compare(core)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.mul_(0.75)
    back = subject.core(seed=5)
    back.stack.load_state_dict(theirs.state_dict())
    compare(back)
    for (name, own), (other, their) in zip(back.stack.named_parameters(), theirs.named_parameters(), strict=True):
        assert name == other
        same(own, their, rtol=0, atol=0)


@law("10 save", "core")
def a_loaded_core_gives_the_same_bits(subject: CoreSubject, data: st.DataObject) -> None:
    core, other = subject.core(), subject.core(seed=3)
    file = io.BytesIO()
    torch.save(core.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    given = sample(data, core, subject.num_features)
    y, final = given.read(core)
    y_other, final_other = given.read(other)
    same(y_other, y, rtol=0, atol=0)
    same_states(final_other, final, rtol=0, atol=0)


@law("11 seed", "core")
def a_seed_says_what_weights_and_masks_are_drawn(subject: CoreSubject, data: st.DataObject) -> None:
    seed = size(data, 0, 2**31, "torch seed")
    core, twin = subject.core(seed).train(), subject.core(seed).train()
    given = sample(data, core, subject.num_features)
    results = []
    for one in (core, twin):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            results.append(given.read(one))
    same(results[0][0], results[1][0], rtol=0, atol=0)
    same_states(results[0][1], results[1][1], rtol=0, atol=0)


@law("12 purity", "core")
def reading_changes_neither_inputs_nor_weights(subject: CoreSubject, data: st.DataObject) -> None:
    core = subject.core()
    given = sample(data, core, subject.num_features)
    watched = [given.x_BTD, *leaves(given.state), given.lengths_B, given.resets_BT, *core.state_dict().values()]
    before = [tensor.clone() for tensor in watched]
    generator = torch.random.get_rng_state()
    first = given.read(core)
    for now, old in zip(watched, before, strict=True):
        same(now, old, rtol=0, atol=0)
    again = given.read(core)
    same(first[0], again[0], rtol=0, atol=0)
    same_states(first[1], again[1], rtol=0, atol=0)
    assert torch.equal(torch.random.get_rng_state(), generator)


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
