"""How improbable a number is under a distribution that a head describes, in nats; in torch, and as a program.

Axes: ... any leading axes, K outputs, O numbers for each output.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from whorl.plans.heads import Normal, StudentT
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

Density = Normal | StudentT

# Degrees of freedom are above this, so that a variance exists.
LEAST_FREEDOM = 2.0
# What lies further out counts as that far, so that its square is finite.
_FURTHEST = 1e6
_ROOTS, _TERMS = 5, 3


def nats(head: Density, outputs: Tensor, truth: Tensor) -> Tensor:
    """Negative log-likelihood of each truth (..., K) under raw outputs (..., K, O), O = 2 or, of Student's t, 3."""
    scale = softplus(outputs[..., 1]) + head.floor
    distance = ((truth - outputs[..., 0]) / scale).abs().clamp(max=_FURTHEST)
    match head:
        case Normal():
            return 0.5 * distance.square() + scale.log() + 0.5 * math.log(2.0 * math.pi)
        case StudentT():
            freedom = LEAST_FREEDOM + softplus(outputs[..., 2])
            constant = torch.lgamma(freedom / 2) - torch.lgamma((freedom + 1) / 2) + 0.5 * (math.pi * freedom).log()
            return constant + scale.log() + (freedom + 1) / 2 * torch.log1p(distance.square() / freedom)


def freedom_of(raw: Tensor | None, count: int) -> np.ndarray:
    """Degrees of freedom (K,) of raw outputs; ones for a head that has none."""
    if raw is None:
        return np.ones(count)
    return LEAST_FREEDOM + softplus(raw.detach().double()).float().cpu().numpy().astype(np.float64)


def emit_nats(program: Program, head: Density, raw: tuple[Name, Name], truth: Name, freedom: np.ndarray) -> Name:
    """Adds the same to a program.

    Args:
        program: what is added to.
        head: the distribution.
        raw: the first two numbers of each output, (..., K) each.
        truth: (..., K).
        freedom: (K,) degrees of freedom; of Student's t.
    """
    location, raw_scale = raw
    scale = _with(program, "add", program.add(ops.Activate(x=raw_scale, function="softplus")), head.floor)
    over = program.add(ops.Combine(a=truth, b=location, function="subtract"))
    under = program.add(ops.Combine(a=location, b=truth, function="subtract"))
    distance = program.add(ops.Combine(a=over, b=under, function="maximum"))
    distance = program.add(ops.Combine(a=distance, b=scale, function="divide"))
    # The smaller of two numbers is the larger of their negatives, negated.
    bounded = _with(program, "maximum", _with(program, "multiply", distance, -1.0), -_FURTHEST)
    square = program.add(ops.Activate(x=bounded, function="square"))
    if isinstance(head, Normal):
        spread = emit_log(program, scale)
        far = _with(program, "multiply", square, 0.5)
        constant = np.full(1, 0.5 * math.log(2.0 * math.pi))
    else:
        tail = _with(program, "add", _with(program, "divide", square, freedom), 1.0)
        logs = emit_log(program, program.add(ops.Concat(parts=(scale, tail), axis=0)))
        count = program.shapes[scale][0]
        spread = program.add(ops.Slice(x=logs, axis=0, start=0, stop=count))
        far = program.add(ops.Slice(x=logs, axis=0, start=count, stop=2 * count))
        far = _with(program, "multiply", far, (freedom + 1.0) / 2.0)
        gammas = [math.lgamma(nu / 2) - math.lgamma((nu + 1) / 2) for nu in freedom.tolist()]
        constant = np.array(gammas) + 0.5 * np.log(math.pi * freedom)
    return _with(program, "add", program.add(ops.Combine(a=far, b=spread, function="add")), constant)


def emit_log(program: Program, x: Name) -> Name:
    """Adds the natural logarithm of positive numbers, made of the operations that there are.

    log x = 2^n log r with r the n-th of successive square roots, and log r = 2 artanh w with w = (r - 1) / (r + 1),
    whose series in w converges fast. What is left, mostly the rounding of r, one step of Newton's method takes away:
    y + x exp(-y) - 1 is within 1e-6 max(1, |log x|) of log x for x in [1e-5, 1e12].
    """
    root = x
    for _ in range(_ROOTS):
        root = program.add(ops.Activate(x=root, function="sqrt"))
    below, above = _with(program, "add", root, -1.0), _with(program, "add", root, 1.0)
    w = program.add(ops.Combine(a=below, b=above, function="divide"))
    square = program.add(ops.Activate(x=w, function="square"))
    # 1 + w^2 (1/3 + w^2 (1/5 + ...)), from the inside.
    series = _with(program, "multiply", square, 1.0 / (2 * _TERMS + 1))
    for n in range(_TERMS - 1, 0, -1):
        series = _with(program, "add", series, 1.0 / (2 * n + 1))
        series = program.add(ops.Combine(a=series, b=square, function="multiply"))
    series = _with(program, "add", series, 1.0)
    series = program.add(ops.Combine(a=series, b=w, function="multiply"))
    y = _with(program, "multiply", series, 2.0 ** (_ROOTS + 1))
    share = program.add(ops.Activate(x=_with(program, "multiply", y, -1.0), function="exp"))
    share = program.add(ops.Combine(a=share, b=x, function="multiply"))
    return program.add(ops.Combine(a=y, b=_with(program, "add", share, -1.0), function="add"))


def _with(program: Program, function: str, x: Name, value: float | np.ndarray) -> Name:
    """An operation of a value and a constant, a number or one for each place of the last axis."""
    array = np.atleast_1d(np.asarray(value, np.float64))
    array = array.reshape(*(1 for _ in program.shapes[x][1:]), len(array))
    name = program.tensor(program.fresh("constant"), array)
    constant = program.add(ops.Constant(tensor=name))
    return program.add(ops.Combine(a=x, b=constant, function=function))  # type: ignore[arg-type]
