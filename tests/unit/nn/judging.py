"""Native layers and their judge: the same passes through plain PyTorch in float64, with the same masks.

Axes: B batch, T time, D features, H hidden.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

import whorl.nn
from whorl.nn.stack import RecurrentStack
from whorl.ops import native, reference
from whorl.ops.call import Call, State, Weights
from whorl.ops.stack import Pass, run_layers

CELLS = {
    "rnn": (whorl.nn.RNN, {}),
    "relu": (whorl.nn.RNN, {"nonlinearity": "relu"}),
    "gru": (whorl.nn.GRU, {}),
    "lstm": (whorl.nn.LSTM, {}),
}

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "two layers both ways": {"num_layers": 2, "bidirectional": True},
    "no bias": {"bias": False},
    "layer norm": {"layer_norm": True},
    "layer norm, no bias": {"layer_norm": True, "bias": False},
    "recurrent dropout": {"recurrent_dropout": 0.3},
    "zoneout": {"zoneout": 0.3},
    "everything": {
        "layer_norm": True,
        "zoneout": 0.2,
        "recurrent_dropout": 0.2,
        "num_layers": 2,
        "bidirectional": True,
    },
}
PROJECTED = {f"{name}, projected": {**options, "proj_size": 2} for name, options in OPTIONS.items()}

Run = Callable[[Call], tuple[Tensor, State]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A module, and data of a size.

    Args:
        cell: key of CELLS.
        sizes: T, B, D, H.
        options: of the module.
        training: whether it draws masks.
        lengths: whether the sequences have lengths, 0 among them.
        resets: whether states are zeroed on the way.
    """

    cell: str
    sizes: tuple[int, int, int, int] = (7, 5, 3, 6)
    options: dict[str, Any] = field(default_factory=dict)
    training: bool = True
    lengths: bool = False
    resets: bool = False

    def module(self) -> RecurrentStack:
        kind, options = CELLS[self.cell]
        torch.manual_seed(1)
        module = kind(self.sizes[2], self.sizes[3], **options, **self.options).train(self.training)
        with torch.no_grad():  # gains of 1 and biases of 0 would hide mistakes
            for name, parameter in module.named_parameters():
                if name.startswith(("norm", "bias")):
                    parameter.add_(0.3 * torch.randn_like(parameter))
        return module

    def call(self) -> Call:
        """All tensors of order 1, all that can learn are to learn."""
        module = self.module()
        steps, rows, features, _ = self.sizes
        x = torch.randn(steps, rows, features, requires_grad=True)
        state = tuple(torch.randn(shape, requires_grad=True) for shape in module.state_shapes(rows))
        lengths = torch.randint(0, steps + 1, (rows,)) if self.lengths else None
        if lengths is not None:
            lengths[0] = 0 if rows > 1 else steps - steps // 3  # a sequence alone is read, and cut
        return module.call(x, state, lengths=lengths, resets=torch.rand(steps, rows) < 0.3 if self.resets else None)


def in_float64(call: Call) -> tuple[Tensor, State]:
    """The reference in float64; its masks are drawn as those of the call are."""

    def double(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.double()

    def scan(layer: Pass) -> tuple[Tensor, State]:
        hold = layer.hold if not isinstance(layer.hold, tuple) else tuple(map(double, layer.hold))
        return reference.scan(
            layer._replace(
                x_TBD=layer.x_TBD.double(),
                state=tuple(map(double, layer.state)),
                weights=Weights(*map(double, layer.weights)),
                mask_BH=double(layer.mask_BH),
                hold=hold,
            )
        )

    return run_layers(call, scan)


def leaves(call: Call) -> list[Tensor]:
    """What learns: x, the initial state, the weights."""
    return [call.x_TBD, *call.state, *(w for layer in call.weights for w in layer if w is not None)]


def results(run: Run, call: Call) -> tuple[list[Tensor], list[Tensor]]:
    """Output and final state; and the gradients of the leaves, of a sum in which each number has its own weight."""
    torch.manual_seed(2)
    output, final = run(call)
    found = [output, *final]
    torch.manual_seed(3)
    total = sum((one * torch.randn(one.shape).to(one.dtype)).sum() for one in found)
    grads = torch.autograd.grad(total, leaves(call), allow_unused=True, materialize_grads=True)
    return [one.detach() for one in found], list(grads)


def largest(tensor: Tensor) -> float:
    return tensor.abs().max().item() if tensor.numel() else 0.0


def errors(found: tuple[list[Tensor], list[Tensor]], judge: tuple[list[Tensor], list[Tensor]]) -> tuple[float, float]:
    """Largest error of outputs and states, and of gradients, each relative to the largest number beside it.

    Values below 1 and gradients below 1e-3 count as those.
    """

    def relative(pairs: Iterable[tuple[Tensor, Tensor]], least: float) -> float:
        found = []
        for one, right in pairs:
            assert one.shape == right.shape
            found.append(largest(one - right) / max(largest(right), least))
        return torch.tensor(found, dtype=torch.float64).max().item()  # Python's own `max` passes over NaN

    return relative(zip(found[0], judge[0], strict=True), 1.0), relative(zip(found[1], judge[1], strict=True), 1e-3)


def compare(case: Case) -> tuple[tuple[float, float], tuple[float, float]]:
    """The errors of native code, and those of plain PyTorch in the same float32."""
    call = case.call()
    judge = results(in_float64, call)
    assert native.refuse(call) is None
    return errors(results(native.run, call), judge), errors(results(reference.run, call), judge)
