"""Networks side by side that learn the same from different weights, and answer together."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from whorl.nn.encoder_decoder import LENGTH
from whorl.nn.network import Network
from whorl.runtime import operations as ops
from whorl.runtime.members import add_member, add_sum
from whorl.runtime.operations import Name
from whorl.runtime.program import Program


class Ensemble(Network):
    """Answers with the mean of what its members answer: of logits, of points, of the numbers of a distribution.

    Members learn from the same batches, each by its own loss, and differ by what they began with and by what was
    dropped (Lakshminarayanan et al. 2017, whose members average probabilities). Members that were fitted apart may be
    of several forms, and count as much as their weights say.

    Args:
        members: networks that answer the same.
        weights: what each answer is multiplied by before they are summed; None makes that the mean.
    """

    def __init__(self, members: Sequence[Network], weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.weights = None if weights is None else tuple(map(float, weights))

    def forward(self, inputs: dict[str, Tensor], *given: object) -> Tensor | tuple[Tensor, tuple[object, ...]]:
        """The mean answer; of networks that carry a state also the states of all.

        Args:
            inputs: as of one network.
            given: what else networks are given, such as lengths (B,): all are given the same, but of states, as they
                were answered before, each its own.
        """
        each = [
            tuple(one[number] if isinstance(one, tuple) else one for one in given)
            for number in range(len(self.members))
        ]
        answers = [member(inputs, *own) for member, own in zip(self.members, each, strict=True)]
        if isinstance(answers[0], tuple):
            return self._joined([out for out, _ in answers]), tuple(state for _, state in answers)
        return self._joined(answers)

    def _joined(self, answers: list[Tensor]) -> Tensor:
        if self.weights is None:
            return torch.stack(answers).mean(dim=0)
        return torch.stack([weight * own for weight, own in zip(self.weights, answers, strict=True)]).sum(dim=0)

    def learned(self) -> dict[str, np.ndarray]:
        each = [member.learned() for member in self.networks]
        return {name: np.stack([own[name] for own in each]).mean(axis=0) for name in each[0]}

    def emit(self, program: Program) -> Name:
        """Adds all members to a program, and the mean of what they answer."""
        outputs = []
        for number, member in enumerate(self.networks):
            own = Program() if number else program
            member.emit(own)
            outputs.append(add_member(program, own, number, told=(LENGTH,)) if number else own.output)
        program.output = add_sum(program, outputs, self.weights or (1.0 / len(outputs),) * len(outputs))
        return program.output

    def emit_encoder(self, program: Program) -> Name | None:
        """Adds the sides that read; what each decoder is told stands side by side."""
        outputs = []
        for number, member in enumerate(self.networks):
            own = Program() if number else program
            if member.emit_encoder(own) is None:
                return None
            outputs.append(add_member(program, own, number) if number else own.output)
        program.output = program.add(ops.Concat(parts=tuple(outputs), axis=0))
        return program.output

    @property
    def networks(self) -> list[Network]:
        """The members."""
        return [member for member in self.members if isinstance(member, Network)]
