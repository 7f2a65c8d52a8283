"""What the laws mean for a core. In float64, so that only a mistake is visible.

Native code runs in float32 alone: cores are read in that too.

Axes: B batch, T time, D features, H hidden.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from tests.laws.drawing import random, size
from tests.laws.table import law
from torch import Tensor, nn

from whorl.nn.core import Core, State, map_state

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
