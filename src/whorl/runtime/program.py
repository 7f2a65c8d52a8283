"""A program: what a fitted network is once it no longer needs torch. Operations in single-assignment form.

Networks emit it, `.whorl` files hold it, engines run it, exporters translate it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec
import numpy as np

from whorl.errors import ModelFileError
from whorl.runtime import operations as ops
from whorl.runtime.artifact import as_plain
from whorl.runtime.operations import AnyOperation, Name, Shape
from whorl.runtime.rules import MAX_ELEMENTS, elements, expect
from whorl.runtime.shapes import carried_elements, final_shape, result_shape


class Program:
    """Operations, the tensors they name, and the names of the results.

    Every operation is checked when it is added: names are defined once and before use, and shapes fit.

    Example:
        >>> program = Program()
        >>> x = program.add(ops.Input(out="x", shape=(3,)))
        >>> weight = program.tensor("w", np.ones((2, 3)))
        >>> program.output = program.add(ops.Affine(x=x, weight=weight))
        >>> program.shapes[program.output]
        (2,)
    """

    def __init__(self) -> None:
        self.operations: list[AnyOperation] = []
        self.tensors: dict[Name, np.ndarray] = {}
        self.shapes: dict[Name, Shape] = {}
        self.output: Name = ""
        self.streams = True  # False where an operation needs the whole sequence at once
        self.loops = False  # True where a step needs what the step before it said last: one runs after the other
        self._makers: dict[Name, AnyOperation] = {}
        self._kept: set[Name] = set()  # what `Previous` gives and a `Keep` stands for
        self._carried = 0
        self._numbers: dict[Name, int] = {}  # stem -> the number below which all names are taken

    def tensor(self, name: Name, value: np.ndarray) -> Name:
        """Adds a tensor (float32) and returns its name; the same name twice must mean the same numbers."""
        array = np.ascontiguousarray(value, np.float32).reshape(np.shape(value))
        if name in self.tensors and not np.array_equal(self.tensors[name], array):
            raise ModelFileError(f"tensor `{name}` is defined twice with different numbers. The program is damaged.")
        if not np.isfinite(array).all():
            raise ModelFileError(f"tensor `{name}` must be finite, but holds NaN or infinity. Fit the model again.")
        self.tensors[name] = array
        return name

    def add(self, op: AnyOperation) -> Name:
        """Checks and adds an operation; returns the name of its result, a fresh one if the operation has none."""
        if not op.out:
            op = msgspec.structs.replace(op, out=self.fresh(type(op).__name__.lower()))
        for name in ops.operands(op):
            expect(name in self.shapes, op, f"it reads `{name}`, which is not defined before it")
        for name in ops.tensors_of(op):
            expect(name in self.tensors, op, f"it names the tensor `{name}`, which is missing")
        tensor_shapes = {name: self.tensors[name].shape for name in ops.tensors_of(op)}
        if isinstance(op, ops.Recurrent | ops.Scan) and op.over == "stream" and op.initial is not None:
            given = self._makers.get(op.initial)
            once = isinstance(given, ops.Input) and given.static
            expect(once, op, "over the stream its initial state must be a static input")
        self._check_loop(op)
        shape = result_shape(op, self.shapes, tensor_shapes)
        elements(op, shape)
        if ops.is_stateful(op):
            self._carried += carried_elements(op, self.shapes, tensor_shapes, shape)
            expect(self._carried <= MAX_ELEMENTS, op, "the state of a stream would exceed 1 GB")
        self._define(op, op.out, shape)
        if isinstance(op, ops.Recurrent) and op.final is not None:
            final = final_shape(op, self.shapes, tensor_shapes)
            elements(op, final)
            self._define(op, op.final, final)
        self.streams &= not _backwards(op)
        self.loops |= isinstance(op, ops.Previous)
        self._makers[op.out] = op
        if isinstance(op, ops.Keep):
            self._kept.add(op.previous)
        self.operations.append(op)
        return op.out

    def _check_loop(self, op: AnyOperation) -> None:
        """Raises ModelFileError where an operation does not fit the way back that `Previous` and `Keep` make."""
        if isinstance(op, ops.Keep):
            waits = isinstance(self._makers.get(op.previous), ops.Previous)
            expect(waits, op, f"`{op.previous}` does not give what is kept")
            expect(op.previous not in self._kept, op, f"something is kept for `{op.previous}` already")
        rule = "what reads the stream backwards cannot stand beside what goes step by step"
        expect(not (_backwards(op) and self.loops), op, rule)
        expect(self.streams or not isinstance(op, ops.Previous), op, rule)

    def _define(self, op: AnyOperation, name: Name, shape: Shape) -> None:
        expect(bool(name) and name not in self.shapes, op, f"the name `{name}` must be new and not empty")
        self.shapes[name] = shape

    def fresh(self, stem: str) -> Name:
        """Returns a name that no value and no tensor has yet."""
        number = self._numbers.get(stem, 0)
        while (name := f"{stem}.{number}" if number else stem) in self.shapes or name in self.tensors:
            number += 1
        self._numbers[stem] = number
        return name

    @property
    def inputs(self) -> list[ops.Input]:
        """The inputs, in order."""
        return [op for op in self.operations if isinstance(op, ops.Input)]

    @property
    def memory(self) -> int | None:
        """Number of last rows that an answer depends on; None where it depends on all rows so far."""
        reach: dict[Name, int] = {}
        for op in self.operations:
            rows = max((reach[name] for name in ops.operands(op)), default=1)
            if isinstance(op, ops.Window):
                rows += op.length - 1
            elif ops.is_stateful(op):
                return None
            reach[op.out] = rows
            if isinstance(op, ops.Recurrent) and op.final is not None:
                reach[op.final] = rows
        return reach[self.output]

    def to_json(self) -> str:
        """The operations and the output as canonical JSON; tensors travel apart."""
        plain = {"operations": msgspec.to_builtins(self.operations, enc_hook=as_plain), "output": self.output}
        return json.dumps(plain, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, tensors: Mapping[Name, np.ndarray]) -> "Program":
        """Rebuilds and checks a program; raises ModelFileError for anything that does not fit."""
        try:
            plain = msgspec.json.decode(text, type=_Plain)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ModelFileError(
                f"`program` is not a list of known operations ({error}). The file is damaged."
            ) from None
        program = cls()
        for name, value in tensors.items():
            if value.dtype != np.float32:
                raise ModelFileError(f"tensor `{name}` must be float32, but is {value.dtype}. The file is damaged.")
            program.tensor(name, value)
        for op in plain.operations:
            expect(bool(op.out), op, "it needs a name")
            program.add(op)
        unused = set(program.tensors) - {name for op in plain.operations for name in ops.tensors_of(op)}
        if unused:
            raise ModelFileError(f"tensors {sorted(unused)[:5]} belong to no operation. The file is damaged.")
        if plain.output not in program.shapes:
            raise ModelFileError(f"the output `{plain.output}` is not defined. The file is damaged.")
        program.output = plain.output
        return program

    @cached_property
    def hash(self) -> str:
        """sha256 over operations and tensors: states and streams belong to exactly one program."""
        digest = hashlib.sha256(self.to_json().encode())
        for name in sorted(self.tensors):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(self.tensors[name], "<f4").tobytes())
        return digest.hexdigest()

    def num_parameters(self, names: Sequence[Name] | None = None) -> int:
        """Number of numbers in the tensors."""
        return sum(self.tensors[name].size for name in (names or self.tensors))


def _backwards(op: AnyOperation) -> bool:
    return isinstance(op, ops.Recurrent | ops.Scan) and op.over == "stream" and op.reverse


class _Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    operations: list[AnyOperation]
    output: str
