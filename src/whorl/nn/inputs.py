"""Columns of a codec's array to features: numbers as they are, symbols and pictures as learned vectors.

Axes: ... any leading axes, D columns of the array, C features.
"""

import math
from typing import assert_never

import torch
from torch import Tensor, nn

from whorl.errors import ArgumentError
from whorl.nn.emission import numpy
from whorl.nn.pictures import PictureEncoder
from whorl.nn.spelling import Spelling
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.specs import Fields, Flags, Picture, Reals, Spec, Tokens


class InputColumns(nn.Module):
    """Reads an array that a spec describes; columns of numbers first, then one learned vector for each symbol column,
    then what is spelled out, then one vector for each picture.

    Args:
        spec: what the columns are.
        skip: number of leading columns that someone else reads.
        embedding_size: numbers of the vector of a symbol; None goes by how many symbols there are.

    Shape:
        (..., D) -> (..., size).
    """

    def __init__(self, spec: Spec, skip: int = 0, embedding_size: int | None = None) -> None:
        super().__init__()
        fields = spec if isinstance(spec, Fields) else Fields({"all": spec})
        self.numbers: list[int] = []
        self.symbols: list[int] = []
        self.tables = nn.ModuleList()
        self.spelled: list[tuple[int, int]] = []
        self.spellings = nn.ModuleList()
        self.shown: list[tuple[int, int]] = []
        self.pictures = nn.ModuleList()
        for name, start in fields.offsets().items():
            part = fields.fields[name]
            match part:
                case Reals() | Flags():
                    self.numbers.extend(column for column in range(start, start + part.width) if column >= skip)
                case Tokens(n, length) if length > 1:
                    self.spelled.append((start, start + length))
                    self.spellings.append(Spelling(n))
                case Tokens(n):
                    self.symbols.append(start)
                    self.tables.append(nn.Embedding(n, vector_size(n, embedding_size)))
                case Picture():
                    self.shown.append((start, start + part.width))
                    self.pictures.append(PictureEncoder(part))
                case Fields():
                    raise ArgumentError(
                        f"`{name}` of the inputs is a {part}; columns are numbers, symbols or pictures. Leave it out."
                    )
                case _:
                    assert_never(part)
        self.num_columns = fields.width
        self.has_reals = any(isinstance(part, Reals) for part in fields.fields.values())
        self.size = len(self.numbers) + sum(table.embedding_dim for table in self.tables)  # type: ignore[misc]
        self.size += sum(spelling.size for spelling in self.spellings)  # type: ignore[misc]
        self.size += sum(picture.output_size for picture in self.pictures)  # type: ignore[misc]

    def forward(self, x: Tensor) -> Tensor:
        """Features of an array (..., D)."""
        if not self.symbols and not self.spelled and not self.shown:
            first = self.numbers[0] if self.numbers else 0
            if self.numbers == list(range(first, first + len(self.numbers))):
                return x[..., first : first + len(self.numbers)]
        parts = [x[..., self.numbers]]
        parts += [table(x[..., column].long()) for column, table in zip(self.symbols, self.tables, strict=True)]
        parts += [spell(x[..., a:b]) for (a, b), spell in zip(self.spelled, self.spellings, strict=True)]
        parts += [encode(x[..., a:b]) for (a, b), encode in zip(self.shown, self.pictures, strict=True)]
        return torch.cat(parts, dim=-1)

    def emit(self, program: Program, x: Name) -> Name:
        """Adds the same to a program that reads `x`, a value whose last axis holds the columns."""
        axis = len(program.shapes[x]) - 1
        parts = []
        if self.numbers or not self.shown:
            parts.append(program.add(ops.Take(x=x, axis=axis, indices=tuple(self.numbers))))
        for column, table in zip(self.symbols, self.tables, strict=True):
            code = program.add(ops.Slice(x=x, axis=axis, start=column, stop=column + 1))
            rows = program.tensor(program.fresh("symbols"), numpy(table.weight))
            parts.append(program.add(ops.Embed(x=code, table=rows)))
        for (first, last), spelling in zip(self.spelled, self.spellings, strict=True):
            codes = program.add(ops.Slice(x=x, axis=axis, start=first, stop=last))
            parts.append(spelling.emit(program, codes))  # type: ignore[operator]
        for (first, last), encoder in zip(self.shown, self.pictures, strict=True):
            pixels = program.add(ops.Slice(x=x, axis=axis, start=first, stop=last))
            parts.append(encoder.emit(program, pixels))  # type: ignore[operator]
        return parts[0] if len(parts) == 1 else program.add(ops.Concat(parts=tuple(parts), axis=axis))


def vector_size(num_symbols: int, wanted: int | None = None) -> int:
    """Width of the learned vector of a symbol, at most one number for each symbol where so many are wanted.

    Where nothing is, it grows with the root of the alphabet to at most 64.
    """
    return min(64, 1 + math.ceil(math.sqrt(num_symbols))) if wanted is None else min(wanted, num_symbols)
