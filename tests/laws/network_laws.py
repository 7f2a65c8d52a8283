"""What the laws mean for a whole network: torch, and the program that it emits.

Axes: B batch, T steps, D columns, H horizon, K targets, O numbers for each output.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from tests.laws.drawing import close, random, rows, sequence, size
from tests.laws.table import law
from torch import Tensor, nn

from whorl.data.sequences import Sequence
from whorl.data.strips import StripBatches
from whorl.nn.build import build
from whorl.nn.carried import FLOOR, decay_of
from whorl.plans.networks import Network
from whorl.plans.wiring import Strips, Windows, Wiring
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.kernels import running_statistics
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.specs import Spec

same = torch.testing.assert_close


@dataclass(frozen=True, kw_only=True)
class NetworkSubject:
    """A network as a task builds it.

    Args:
        wiring: the task.
        recipe: of the core.
        past: what a row is.
        ahead: what is known of a row ahead, or None.
        num_targets: K.
        num_classes: C, where the answer is a class.
        season: rows after which targets come again, where something goes by that.
        tolerance: largest distance of any engine and torch, in scaled units.
        relative: whether an answer larger than one may be away by that share of it.
        new: builds the network; torch's generator draws its weights.
    """

    wiring: Wiring
    recipe: Network
    past: Spec
    ahead: Spec | None = None
    num_targets: int = 1
    num_classes: int | None = None
    season: int | None = None
    tolerance: float = 1e-6
    relative: bool = False
    new: Callable[["NetworkSubject"], nn.Module] = lambda own: build(
        own.wiring,
        own.recipe,
        past=own.past,
        ahead=own.ahead,
        num_targets=own.num_targets,
        dropout=0.3,
        num_classes=own.num_classes,
        season=own.season,
    )

    def network(self, seed: int = 0, dtype: torch.dtype = torch.float32) -> Any:
        """In eval mode, with every weight away from zero (some start there)."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.new(self)
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.add_(torch.randn_like(parameter), alpha=0.1)
                for name, buffer in network.named_buffers():  # statistics of a norm
                    if buffer.is_floating_point():
                        buffer.add_(torch.rand_like(buffer) if "var" in name else torch.randn_like(buffer), alpha=0.3)
        return network.to(dtype).eval()

    def program(self, network: Any = None) -> Program:
        program = Program()
        (network or self.network()).emit(program)
        return program

    @property
    def horizon(self) -> int:
        return getattr(self.wiring.pairing, "horizon", 0)

    @property
    def least(self) -> int:
        """Fewest rows that have an answer, and some more."""
        match self.wiring.pairing:
            case Windows(context=context):
                return context
            case Strips(warm_up=warm_up):
                return warm_up + 1
        return 1

    def sequence(self, rng: np.random.Generator, count: int) -> Sequence:
        return sequence(rng, count, self.past, ahead=self.ahead, horizon=self.horizon, targets=self.num_targets)


def windows(subject: NetworkSubject, one: Sequence) -> dict[str, Tensor]:
    """All windows of a sequence: past (n, L, D), future (n, H, F)."""
    context, horizon = subject.least, subject.horizon
    origins = np.arange(context - 1, len(one))
    inputs = {"past": one.past[origins[:, None] + np.arange(1 - context, 1)]}
    if one.ahead is not None:
        inputs["future"] = one.ahead[origins[:, None] + np.arange(1, horizon + 1)]
    return {name: torch.from_numpy(array) for name, array in inputs.items()}


def strips(subject: NetworkSubject, one: Sequence, num_steps: int) -> list[dict[str, Tensor]]:
    """A sequence as one strip, `num_steps` rows at a time; what stands after its end is cut off."""
    pairing = subject.wiring.pairing
    assert isinstance(pairing, Strips)

    def running(targets: np.ndarray) -> np.ndarray:
        return running_statistics(targets, decay_of(pairing.warm_up), FLOOR)

    batches = StripBatches([one], pairing, 1, num_steps, [(0, len(one))], running, season=subject.season, shuffle=False)
    made = []
    for index in range(len(batches)):
        inputs = batches.batch(index, seed=0, epoch=0).inputs
        surplus = (index + 1) * num_steps - len(one)
        keep = slice(None, None if surplus <= 0 else -surplus)
        made.append({name: torch.from_numpy(np.ascontiguousarray(array[:, keep])) for name, array in inputs.items()})
    return made


def floats(network: nn.Module, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    dtype = next(network.parameters()).dtype
    return {name: tensor.to(dtype) for name, tensor in inputs.items()}


def pools(network: Any) -> bool:
    """Whether a sequence has one answer; of several networks side by side each has."""
    return getattr(getattr(network, "members", [network])[0], "pool", None) is not None


def answers(subject: NetworkSubject, network: Any, one: Sequence, num_steps: int | None = None) -> Tensor:
    """What the torch network answers at every step that has an answer: (n, ...)."""
    with torch.no_grad():
        match subject.wiring.pairing:
            case Windows():
                return network(floats(network, windows(subject, one)))
            case Strips():
                state, made = None, []
                for inputs in strips(subject, one, num_steps or len(one)):
                    y, state = network(floats(network, inputs), state)
                    made.append(y[0])
                return torch.cat(made)
            case _:
                past = torch.from_numpy(one.past)[None]
                if not pools(network):
                    return network(floats(network, {"past": past}))[0]
                # The answer so far, at every step.
                lengths = torch.arange(1, len(one) + 1)
                return network(floats(network, {"past": past.expand(len(one), -1, -1)}), lengths)


@law("03 step", "network")
def stepping_is_reading_at_once(subject: NetworkSubject, data: st.DataObject) -> None:
    network = subject.network(dtype=torch.float64)
    one = subject.sequence(random(data), size(data, subject.least, subject.least + 9, "rows"))
    same(answers(subject, network, one, num_steps=1), answers(subject, network, one))


@law("04 split", "network")
def pieces_with_the_state_handed_over_are_the_whole(subject: NetworkSubject, data: st.DataObject) -> None:
    network = subject.network(dtype=torch.float64)
    one = subject.sequence(random(data), size(data, subject.least, subject.least + 9, "rows"))
    pieces = size(data, 1, len(one), "rows of a piece")
    same(answers(subject, network, one, num_steps=pieces), answers(subject, network, one))


@law("05 padding", "network")
def more_padding_changes_no_answer_and_no_gradient(subject: NetworkSubject, data: st.DataObject) -> None:
    network, rng = subject.network(dtype=torch.float64), random(data)
    lengths = data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=4), label="lengths")
    extra = size(data, 0, 3, "extra padding")
    parts = [rows(subject.past, rng, length) for length in lengths]
    longest = max(1, *lengths)

    def read(steps: int, filler: float) -> tuple[Tensor, list[Tensor]]:
        past = np.full((len(parts), steps, subject.past.width), filler)
        for row, part in enumerate(parts):
            past[row, : len(part)] = part
        x = torch.from_numpy(past).requires_grad_()
        out = network({"past": x}, torch.tensor(lengths))
        if not pools(subject.network()):
            real = torch.arange(steps) < torch.tensor(lengths)[:, None]
            out = torch.where(real[..., None, None], out, 0.0)[:, :longest]
        learned = [weight for weight in network.parameters() if weight.requires_grad]
        grads = torch.autograd.grad(out.sin().sum(), [x, *learned], materialize_grads=True)
        assert (grads[0][:, longest:] == 0).all()
        return out, [grads[0][:, :longest], *grads[1:]]

    out, grads = read(longest, 0.0)
    out_padded, grads_padded = read(longest + extra, np.nan)
    same(out_padded, out)
    for found, wanted in zip(grads_padded, grads, strict=True):
        same(found, wanted)


@law("06 batch", "network")
def a_batch_is_its_examples_alone(subject: NetworkSubject, data: st.DataObject) -> None:
    network, rng = subject.network(dtype=torch.float64), random(data)
    count, batch = size(data, subject.least, subject.least + 5, "rows"), size(data, 1, 4, "batch")
    many = [subject.sequence(rng, count) for _ in range(batch)]
    lengths = torch.tensor([size(data, 1, count, "length") for _ in many])
    if isinstance(subject.wiring.pairing, Strips):
        made = [strips(subject, one, count)[0] for one in many]
    elif isinstance(subject.wiring.pairing, Windows):
        made = [{name: x[:1] for name, x in windows(subject, one).items()} for one in many]
    else:
        made = [{"past": torch.from_numpy(one.past)[None]} for one in many]

    def read(inputs: list[dict[str, Tensor]], lengths_B: Tensor) -> Tensor:
        together = floats(network, {name: torch.cat([one[name] for one in inputs]) for name in inputs[0]})
        with torch.no_grad():
            if isinstance(subject.wiring.pairing, Strips):
                return network(together)[0]
            return network(together) if isinstance(subject.wiring.pairing, Windows) else network(together, lengths_B)

    whole = read(made, lengths)
    for n, one in enumerate(made):
        same(whole[n : n + 1], read([one], lengths[n : n + 1]))


@law("07 causality", "network")
def no_answer_depends_on_a_later_row(subject: NetworkSubject, data: st.DataObject) -> None:
    network, rng = subject.network(), random(data)
    count = size(data, subject.least, subject.least + 7, "rows")
    t = size(data, 0, count - 1, "step")
    one, other = subject.sequence(rng, count), subject.sequence(rng, count)
    other.past[: t + 1] = one.past[: t + 1]
    if one.ahead is not None and other.ahead is not None:
        other.ahead[: t + 1 + subject.horizon] = one.ahead[: t + 1 + subject.horizon]
    found, wanted = answers(subject, network, other), answers(subject, network, one)
    same(found[: t + 1], wanted[: t + 1], rtol=0, atol=0)


@law("10 save", "network")
def a_loaded_network_gives_the_same_bits(subject: NetworkSubject, data: st.DataObject) -> None:
    network, other = subject.network(), subject.network(seed=size(data, 1, 99, "seed of the other"))
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    one = subject.sequence(random(data), subject.least + 3)
    same(answers(subject, other, one), answers(subject, network, one), rtol=0, atol=0)
    assert subject.program(other).hash == subject.program(network).hash


@law("11 seed", "network")
def a_seed_says_what_weights_and_dropout_are(subject: NetworkSubject, data: st.DataObject) -> None:
    seed = size(data, 0, 2**31, "torch seed")
    one = subject.sequence(random(data), subject.least + 3)
    made = []
    for _ in range(2):
        network = subject.network(seed).train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made.append(answers(subject, network, one))
    same(made[0], made[1], rtol=0, atol=0)


@law("12 purity", "network")
def answering_and_emitting_change_nothing(subject: NetworkSubject, data: st.DataObject) -> None:
    network = subject.network()
    one = subject.sequence(random(data), subject.least + 3)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    given: list[tuple[Tensor, Tensor]] = []

    def note(_: nn.Module, arguments: tuple[Any, ...]) -> None:
        given.extend((tensor, tensor.clone()) for tensor in arguments[0].values())

    generator = torch.random.get_rng_state()
    with network.register_forward_pre_hook(note):
        first = answers(subject, network, one)
    program = subject.program(network)
    assert given
    for now, old in given:
        same(now, old, rtol=0, atol=0)
    for name, tensor in network.state_dict().items():
        same(tensor, before[name], rtol=0, atol=0)
    same(answers(subject, network, one), first, rtol=0, atol=0)
    assert subject.program(network).hash == program.hash
    assert torch.equal(torch.random.get_rng_state(), generator)


@law("13 stream", "network")
def every_engine_agrees_with_torch(subject: NetworkSubject, data: st.DataObject) -> None:
    """Within 1e-6 in scaled units, which is what rows and answers are in here, over at most 1,000 carried steps.

    A subject that needs another bound says why.
    """
    network = subject.network()
    count = data.draw(st.sampled_from([subject.least, subject.least + 7, 150, 1000]), label="rows")
    one = subject.sequence(random(data), count)
    program = subject.program(network)
    if program.streams:
        wanted = answers(subject, network, one)
    else:
        # Read both ways: the answer at the end, or at every step, of the whole sequence.
        with torch.no_grad():
            wanted = network({"past": torch.from_numpy(one.past)[None]})
        wanted = wanted[0] if not pools(network) else wanted
    exact = wanted.double().numpy()
    size = np.maximum(1.0, np.abs(exact)) if subject.relative else 1.0
    for engine in (Interpreter(program), NativeEngine(program)):
        found = engine.run(one.inputs(0, count, subject.horizon))[0]
        close(found[len(found) - len(exact) :] / size, exact / size, atol=subject.tolerance)
