"""Programs of one operation, run alone."""

import math

import numpy as np

from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.program import Program


def array(*values):
    return np.array(values, np.float32)


def program_of(op, inputs, tensors=None, output=None):
    """A program of one operation on inputs of these shapes."""
    program = Program()
    for name, shape in inputs.items():
        program.add(ops.Input(out=name, shape=shape))
    for name, value in (tensors or {}).items():
        program.tensor(name, np.asarray(value))
    program.add(op)
    program.output = output or op.out
    return program


def run(op, inputs, tensors=None, output=None):
    """Inputs (B, T, ...) through one operation; the shape that was promised is the one that comes."""
    values = {name: np.asarray(value, np.float32) for name, value in inputs.items()}
    program = program_of(op, {name: value.shape[2:] for name, value in values.items()}, tensors, output)
    result = Interpreter(program).run(values)
    assert result.shape == (*next(iter(values.values())).shape[:2], *program.shapes[program.output])
    assert result.dtype == np.float32
    return result


def sigmoid(x):
    return 1 / (1 + math.exp(-x))
