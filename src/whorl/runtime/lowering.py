"""A program as the native engine takes it: operations on numbered values; see csrc/program.h."""

from typing import assert_never

import numpy as np

from whorl import _native
from whorl.errors import ArgumentError
from whorl.runtime import operations as ops
from whorl.runtime.convolutions import kernel_rows
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.runtime.quantised import Weights, weight_formats


def refusal(program: Program) -> str | None:
    """Why the native engine does not run a program; None if it does."""
    for op in program.operations:
        if isinstance(op, ops.Recurrent) and op.layer_norm and op.bias_hh is not None:
            return f"`{op.out}` adds a bias to the recurrent product and normalises it then"
    return None


def lowered(program: Program, weights: Weights) -> _native.Program:
    """Describes a checked program.

    Args:
        program: what is run.
        weights: format of the weight matrices that `weight_formats` lets be rounded: 'fp32', 'bf16' or 'int8'.

    Raises:
        ArgumentError: a matrix is too large for the format.
    """
    lowering = _Lowering(program, weights)
    for op in program.operations:
        lowering.add(op)
    lowering.native.finish(lowering.values[program.output])
    return lowering.native


class _Lowering:
    """Numbers of the values, tensors and weights that were added so far."""

    def __init__(self, program: Program, weights: Weights) -> None:
        self.program, self._formats = program, weight_formats(program, weights)
        self.native = _native.Program()
        self.values: dict[Name, int] = {}
        self._tensors: dict[Name, int] = {}
        self._weights: dict[Name, int] = {}
        self._zero: int | None = None

    def tensor(self, name: Name | None) -> int:
        if name is None:
            return -1
        if name not in self._tensors:
            self._tensors[name] = self.native.tensor(np.ascontiguousarray(self.program.tensors[name]))
        return self._tensors[name]

    def weight(self, name: Name | None) -> int:
        """A matrix of a product, packed once however often it is used."""
        if name is None:
            return -1
        if name not in self._weights:
            matrix = np.ascontiguousarray(self.program.tensors[name])
            try:
                self._weights[name] = self.native.weight(matrix, self._formats[name])
            except ValueError as error:  # too many input features for the format
                raise ArgumentError(f"the matrix `{name}` cannot be kept as {self._formats[name]}: {error}") from None
        return self._weights[name]

    def kernels(self, name: Name) -> int:
        """Kernels of a convolution as a matrix; kept in float32, since there are few numbers in them."""
        if name not in self._weights:
            self._weights[name] = self.native.weight(kernel_rows(self.program.tensors[name]), "fp32")
        return self._weights[name]

    def zero(self) -> int:
        """One zero, which is what stands around a picture."""
        if self._zero is None:
            self._zero = self.native.tensor(np.zeros(1, np.float32))
        return self._zero

    def add(self, op: ops.AnyOperation) -> None:
        """Adds one operation; what stands in which list is told in csrc/program.h."""
        match op:
            case ops.Input(static=static):
                self._define(op, "input", numbers=[int(static)])
            case ops.Constant(tensor=tensor):
                self._define(op, "constant", tensors=[self.tensor(tensor)])
            case ops.Affine(weight=weight, bias=bias):
                self._define(op, "affine", weights=[self.weight(weight)], tensors=[self.tensor(bias)])
            case ops.Convolve():
                self._convolve(op)
            case ops.Embed(table=table):
                self._define(op, "embed", tensors=[self.tensor(table)])
            case ops.Activate(function=function):
                self._define(op, "activate", word=function)
            case ops.Combine(function=function):
                self._define(op, "combine", word=function)
            case ops.Normalise(gain=gain, bias=bias, eps=eps):
                self._define(op, "normalise", tensors=[self.tensor(gain), self.tensor(bias)], reals=[eps])
            case ops.Recurrent():
                self._recurrent(op)
            case ops.Step(cell=cell, weight_hh=weight, bias_hh=bias, layer_norm=norms):
                tensors = [self.tensor(bias), *map(self.tensor, norms)]
                self._define(op, "step", word=cell, weights=[self.weight(weight)], tensors=tensors)
            case ops.Scan(over=over, numbers=numbers, reverse=reverse):
                self._define(op, "scan", word=numbers, numbers=[int(over == "stream"), int(reverse)])
            case ops.Window(length=length):
                self._define(op, "window", numbers=[length])
            case ops.Running(decay=decay, floor=floor):
                self._define(op, "running", reals=[decay, floor])
            case ops.Pool(function=function):
                self._define(op, "pool", word=function)
            case ops.Previous():
                self._define(op, "previous")
            case ops.Keep():
                self._define(op, "keep")
            case ops.Attend(function=function, vector=vector):
                self._define(op, "attend", word=function, tensors=[self.tensor(vector)])
            case ops.First():
                self._define(op, "first")
            case _:
                self._rearranged(op)

    def _convolve(self, op: ops.Convolve) -> None:
        kernel = self.program.tensors[op.weight].shape[2:]
        self._define(
            op,
            "convolve",
            numbers=[op.stride, op.padding, *kernel],
            weights=[self.kernels(op.weight)],
            tensors=[self.tensor(op.bias), self.zero()],
        )

    def _recurrent(self, op: ops.Recurrent) -> None:
        self._define(
            op,
            "recurrent",
            word=op.cell,
            numbers=[int(op.over == "stream"), int(op.reverse)],
            reals=[op.zoneout],
            weights=[self.weight(op.weight_ih), self.weight(op.weight_hh), self.weight(op.weight_hr)],
            tensors=[self.tensor(op.bias_ih), self.tensor(op.bias_hh), *map(self.tensor, op.layer_norm)],
            final=op.final,
        )

    def _rearranged(
        self, op: ops.Slice | ops.Take | ops.Reshape | ops.Transpose | ops.Concat | ops.Repeat | ops.Reduce
    ) -> None:
        match op:
            case ops.Slice(axis=axis, start=start):
                self._define(op, "slice", numbers=[axis, start])
            case ops.Take(axis=axis, indices=indices):
                self._define(op, "take", numbers=[axis, *indices])
            case ops.Reshape():
                self._define(op, "reshape")
            case ops.Transpose(axes=axes):
                self._define(op, "transpose", numbers=list(axes))
            case ops.Concat(axis=axis):
                self._define(op, "concat", numbers=[axis])
            case ops.Repeat(axis=axis):
                self._define(op, "repeat", numbers=[axis])
            case ops.Reduce(axis=axis, function=function):
                self._define(op, "reduce", word=function, numbers=[axis])
            case _:
                assert_never(op)

    def _define(
        self,
        op: ops.AnyOperation,
        kind: str,
        *,
        word: str = "",
        numbers: list[int] | None = None,
        reals: list[float] | None = None,
        weights: list[int] | None = None,
        tensors: list[int] | None = None,
        final: Name | None = None,
    ) -> None:
        shapes = self.program.shapes
        number = self.native.add(
            kind,
            [self.values[name] for name in ops.operands(op)],
            list(shapes[op.out]),
            word=word,
            numbers=numbers or [],
            reals=reals or [],
            weights=weights or [],
            tensors=tensors or [],
            final=None if final is None else list(shapes[final]),
        )
        self.values[op.out] = number
        if final is not None:
            self.values[final] = number + 1
