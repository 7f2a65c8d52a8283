"""Recurrent cores, and a backend, that break the laws."""

from dataclasses import replace

import torch
from tests.laws.backend_laws import BackendSubject
from tests.laws.broken.twins import twin
from tests.laws.core_laws import CoreSubject
from torch import nn

from whorl.nn.recurrent import RecurrentCore
from whorl.ops import native
from whorl.ops.dispatch import Backend


class ResetsLate(RecurrentCore):
    """Off by one: the state is zeroed after the step that should have started afresh."""

    def forward(self, x_BTD, state=None, *, lengths_B=None, resets_BT=None):
        if resets_BT is not None:
            resets_BT = torch.cat([torch.zeros_like(resets_BT[:, :1]), resets_BT[:, :-1]], 1)
        return super().forward(x_BTD, state, lengths_B=lengths_B, resets_BT=resets_BT)


class StateIsStale(RecurrentCore):
    """Hands over the state that it was given."""

    def forward(self, x_BTD, state=None, **options):
        y, final = super().forward(x_BTD, state, **options)
        return y, final if state is None else state


class ReadsPadding(RecurrentCore):
    """Leaks: the padding is read like real steps."""

    def forward(self, x_BTD, state=None, *, lengths_B=None, resets_BT=None):
        return super().forward(x_BTD, state, resets_BT=resets_BT)


class NormalisesTheBatch(RecurrentCore):
    """A row depends on its neighbours."""

    def forward(self, x_BTD, state=None, **options):
        return super().forward(x_BTD - x_BTD.mean(0, keepdim=True), state, **options)


class LooksAhead(RecurrentCore):
    """Every step sees a little of the mean of the whole sequence."""

    def forward(self, x_BTD, state=None, **options):
        return super().forward(x_BTD - 1e-3 * x_BTD.mean(1, keepdim=True), state, **options)


class OtherEquation(RecurrentCore):
    """Its h is not the one of torch."""

    def forward(self, x_BTD, state=None, **options):
        y, final = super().forward(x_BTD, state, **options)
        return 1.001 * y, final


class StateDictInHalf(RecurrentCore):
    """Rounds to float16 on the way to the file."""

    def state_dict(self, *args, **options):
        return {name: tensor.half().double() for name, tensor in super().state_dict(*args, **options).items()}


def unseeded(x: torch.Tensor) -> torch.Tensor:
    """Noise that no seed rules."""
    generator = torch.Generator()
    generator.seed()
    return x * torch.rand(x.shape, generator=generator, dtype=x.dtype)


class SeedlessDropout(RecurrentCore):
    """Draws its masks from a generator of its own."""

    def forward(self, x_BTD, state=None, **options):
        return super().forward(unseeded(x_BTD), state, **options)


class WritesIntoItsInput(RecurrentCore):
    """Saves memory at the caller's expense."""

    def forward(self, x_BTD, state=None, **options):
        return super().forward(x_BTD.mul_(0.5), state, **options)


def core(kind: type[RecurrentCore]) -> CoreSubject:
    return CoreSubject(new=lambda: kind("gru", 3, 5), theirs=lambda: nn.GRU(3, 5, batch_first=True))


twin("03 step", "core", core, ResetsLate)
twin("04 split", "core", core, StateIsStale)
twin("05 padding", "core", core, ReadsPadding)
twin("06 batch", "core", core, NormalisesTheBatch)
twin("07 causality", "core", core, LooksAhead)
twin("09 parity", "core", core, OtherEquation)
twin("10 save", "core", core, StateDictInHalf)
twin("11 seed", "core", core, SeedlessDropout)
twin("12 purity", "core", core, WritesIntoItsInput)


def no_gradient_of_the_initial_state() -> BackendSubject:
    """Native code whose backward forgets where the state came from."""

    def run(call):
        return native.run(replace(call, state=tuple(part.detach() for part in call.state)))

    return BackendSubject(
        backend=Backend(name="broken", refuse=native.refuse, run=run),
        subject=replace(core(RecurrentCore), dtype=torch.float32),
    )


twin("08 backend", "backend", no_gradient_of_the_initial_state)
