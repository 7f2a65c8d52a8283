"""Parts of networks as operations of a program, shared by the networks that emit them."""

import numpy as np
from torch import Tensor, nn

from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program


def numpy(tensor: object) -> np.ndarray:
    """A parameter as an array for a program."""
    assert isinstance(tensor, Tensor)
    array: np.ndarray = tensor.detach().float().cpu().numpy()
    return array


def emit_affine(program: Program, name: str, layer: nn.Linear, x: Name) -> Name:
    """Adds a layer y = x W^T + b, whose tensors are `name`.weight and `name`.bias."""
    weight, bias = (program.tensor(f"{name}.{part}", numpy(getattr(layer, part))) for part in ("weight", "bias"))
    return program.add(ops.Affine(x=x, weight=weight, bias=bias))


def emit_ends(program: Program, outputs: Name) -> Name:
    """Adds the last output of each direction of a core that reads both ways: backwards, that of the first step."""
    half = program.shapes[outputs][0] // 2
    forward = program.add(ops.Slice(x=outputs, axis=0, start=0, stop=half))
    backward = program.add(ops.First(x=program.add(ops.Slice(x=outputs, axis=0, start=half, stop=2 * half))))
    return program.add(ops.Concat(parts=(forward, backward), axis=0))


def emit_last(program: Program, x: Name) -> Name:
    """Adds the last row of a value along axis -2, without that axis."""
    *lead, length, size = program.shapes[x]
    row = program.add(ops.Slice(x=x, axis=len(lead), start=length - 1, stop=length))
    return program.add(ops.Reshape(x=row, shape=(*lead, size)))


def shared(program: Program, stem: str, value: np.ndarray) -> Name:
    """Puts a tensor into a program, once; another core's tensor of that name gets out of the way by a number."""
    number, name = 0, stem
    while name in program.tensors and not np.array_equal(program.tensors[name], value):
        number += 1
        name = f"{stem}.{number}"
    return program.tensor(name, value)
