"""What a word looks like: its characters through a convolution, and of each feature the largest.

Axes: ... any leading axes, L characters, E numbers of a character, C features.
"""

import torch
from torch import Tensor, nn

from whorl.nn.emission import numpy
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

_CHARACTER, _KERNEL, _FEATURES = 24, 5, 96


class Spelling(nn.Module):
    """Reads a word as codes of its characters (Ma & Hovy 2016, section 2.1): max_l relu(W [e_l, ..., e_l+4] + b).

    Args:
        num_symbols: characters that have a code; 0 stands where there is none.

    Shape:
        (..., L) codes -> (..., size).
    """

    size = _FEATURES

    def __init__(self, num_symbols: int) -> None:
        super().__init__()
        self.table = nn.Embedding(num_symbols, _CHARACTER)
        self.convolution = nn.Linear(_KERNEL * _CHARACTER, _FEATURES)

    def forward(self, codes: Tensor) -> Tensor:
        """Features of words."""
        e = self.table(codes.long())
        count = codes.shape[-1] - _KERNEL + 1
        windows = torch.cat([e[..., k : k + count, :] for k in range(_KERNEL)], dim=-1)
        made: Tensor = torch.relu(self.convolution(windows)).amax(dim=-2)
        return made

    def emit(self, program: Program, codes: Name) -> Name:
        """Adds the same to a program."""
        *lead, length = program.shapes[codes]
        axis = len(lead)
        x = program.add(ops.Reshape(x=codes, shape=(*lead, length, 1)))
        table = program.tensor(program.fresh("characters"), numpy(self.table.weight))
        e = program.add(ops.Embed(x=x, table=table))
        count = length - _KERNEL + 1
        shifted = tuple(program.add(ops.Slice(x=e, axis=axis, start=k, stop=k + count)) for k in range(_KERNEL))
        windows = program.add(ops.Concat(parts=shifted, axis=axis + 1))
        weight = program.tensor(program.fresh("spelling.weight"), numpy(self.convolution.weight))
        bias = program.tensor(program.fresh("spelling.bias"), numpy(self.convolution.bias))
        made = program.add(ops.Affine(x=windows, weight=weight, bias=bias))
        made = program.add(ops.Activate(x=made, function="relu"))
        made = program.add(ops.Reduce(x=made, axis=axis, function="max"))
        return program.add(ops.Reshape(x=made, shape=(*lead, _FEATURES)))
