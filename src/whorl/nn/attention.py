"""Attention: what a step looks back at among the rows that were read.

Axes: B sequences, T steps, S rows, H width of a step, D width of a row, A width of a key.
"""

import torch
from torch import Tensor, nn

from whorl.nn.emission import numpy
from whorl.plans.wiring import Attention as AttentionName
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program


class Attention(nn.Module):
    """The mean of rows, each weighted by the softmax of how well it fits a step.

    'dot': h^T W m (Luong et al. 2015, eq. 8, 'general'); 'additive': v . tanh(W h + U m + b) (Bahdanau et al. 2015,
    appendix A.1.2).

    Args:
        step_size: H.
        row_size: D.
        function: 'dot' or 'additive'.
    """

    def __init__(self, step_size: int, row_size: int, function: AttentionName) -> None:
        super().__init__()
        self.function: AttentionName = function
        additive = function == "additive"
        self.key_size = step_size if additive else row_size
        self.query = nn.Linear(step_size, self.key_size, bias=additive)
        self.key = nn.Linear(row_size, self.key_size, bias=False) if additive else None
        self.vector = nn.Parameter(torch.empty(self.key_size)) if additive else None
        for weight in (self.query.weight, None if self.key is None else self.key.weight):
            if weight is not None:
                nn.init.xavier_uniform_(weight)
        if self.vector is not None:
            nn.init.uniform_(self.vector, -(self.key_size**-0.5), self.key_size**-0.5)

    def forward(self, steps_BTH: Tensor, rows_BSD: Tensor, real_BTS: Tensor, keys_BSA: Tensor | None = None) -> Tensor:
        """What each step looks back at, (B, T, D); rows that are not `real`, (B, T or 1, S), count for nothing.

        `keys_BSA` is what `keys` says of the rows, where it is known already.
        """
        scores_BTS = self.scores(steps_BTH, rows_BSD, keys_BSA)
        scores_BTS = scores_BTS.masked_fill(~real_BTS, -torch.inf)
        return torch.softmax(scores_BTS.float(), dim=-1).to(rows_BSD.dtype) @ rows_BSD

    def keys(self, rows_BSD: Tensor) -> Tensor:
        """What a step is compared with: a row itself, or what is learned of it, (B, S, A)."""
        return rows_BSD if self.key is None else self.key(rows_BSD)

    def scores(self, steps_BTH: Tensor, rows_BSD: Tensor, keys_BSA: Tensor | None = None) -> Tensor:
        """How well each row fits each step, (B, T, S)."""
        query_BTA, keys_BSA = self.query(steps_BTH), self.keys(rows_BSD) if keys_BSA is None else keys_BSA
        if self.vector is None:
            return query_BTA @ keys_BSA.transpose(1, 2)  # type: ignore[no-any-return]
        return torch.tanh(query_BTA[:, :, None] + keys_BSA[:, None]) @ self.vector

    def emit_keys(self, program: Program, rows: Name) -> Name | None:
        """Adds the keys of rows to the program that makes rows; None where a row is its own key."""
        if self.key is None:
            return None
        return program.add(ops.Affine(x=rows, weight=program.tensor("attention.key", numpy(self.key.weight))))

    def emit(self, program: Program, step: Name, rows: Name, keys: Name | None, length: Name) -> Name:
        """Adds what a step (H,) looks back at among the first `length` of rows (S, D) with keys (S, A)."""
        bias = None if self.key is None else program.tensor("attention.bias", numpy(self.query.bias))
        weight = program.tensor("attention.query", numpy(self.query.weight))
        return program.add(
            ops.Attend(
                query=program.add(ops.Affine(x=step, weight=weight, bias=bias)),
                keys=keys or rows,
                values=rows,
                length=length,
                function=self.function,
                vector=None if self.vector is None else program.tensor("attention.vector", numpy(self.vector)),
            )
        )
