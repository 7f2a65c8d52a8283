"""Attention of a step to the last ones: rotary positions, heads, and the same as operations of a program.

Axes: B batch, T time, N blocks of steps, C steps of a block, S rows that the steps of a block look back at, A width of
a query and of a key, W rows before a step.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from whorl.nn.lookback import Reading
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# Angles fall from 1 to this share of a radian a step over the pairs of numbers of a head (Su et al. 2021, eq. 15).
_BASE = 10_000.0
# What is added to the fit of a row that must not be looked at: its weight is then exactly zero.
_NOT = -1e9


def angles(num_steps: int, size: int, num_heads: int) -> np.ndarray:
    """How far the numbers of a row are turned at each position, (num_steps, size); halves of a head are pairs."""
    half = size // num_heads // 2
    of_pair = _BASE ** (-np.arange(half) / half)
    return np.arange(num_steps)[:, None] * np.tile(of_pair, 2 * num_heads)


def partners(size: int, num_heads: int) -> tuple[tuple[int, ...], np.ndarray]:
    """The other number of each pair, and its sign where a row is turned: (x, y) by 90 degrees is (-y, x)."""
    half = size // num_heads // 2
    order = np.arange(size).reshape(num_heads, 2, half)[:, ::-1].reshape(-1)
    sign = np.tile(np.repeat([-1.0, 1.0], half), num_heads)
    return tuple(order.tolist()), sign


def turned(x: Tensor, first: int, num_heads: int) -> Tensor:
    """Rows (..., S, A) turned by their positions, which count from `first`; see Su et al. 2021, eq. 34."""
    steps, size = x.shape[-2:]
    half = size // num_heads // 2
    angle = torch.from_numpy(angles(first + steps, size, num_heads)[first:, :half]).unsqueeze(1)
    cos, sin = (table.to(x) for table in (angle.cos(), angle.sin()))
    heads = x.reshape(*x.shape[:-1], num_heads, 2, half)
    left, right = heads[..., 0, :], heads[..., 1, :]
    return torch.stack([left * cos - right * sin, left * sin + right * cos], dim=-2).reshape(x.shape)


class Looking:
    """Which rows each step may look at: itself and the last ones before it, of which there may be fewer.

    Steps are taken in blocks of at most reach + 1, each of which looks at no more than twice as many rows: what is
    computed grows with the length of a sequence and not with its square.

    Args:
        reading: the steps; there is at least one.
        reach: steps before a step that it looks at.
        real_BW: which of the W = reach steps before the first one there were.
        begins: whether there was none of them.
    """

    def __init__(self, reading: Reading, reach: int, real_BW: Tensor, *, begins: bool) -> None:
        steps = reading.num_steps
        self.reading, self.block = reading, min(reach + 1, steps)
        self.missing = -steps % self.block
        # One block alone needs no rows of zeros before it.
        self.width = 0 if begins and self.block == steps else reach
        self.may_BNCS = self._visible(reach, real_BW)

    def __call__(self, parts: Sequence[Tensor], before: Sequence[Tensor], num_heads: int) -> Tensor:
        """What each step finds, (B, T, A).

        Args:
            parts: queries, keys and values, (B, T, A).
            before: keys and values of the steps before the first one, (B, W, A).
            num_heads: heads.
        """
        query, key, value = parts
        batch, steps, size = query.shape
        keys, values = (
            torch.cat([earlier[:, earlier.shape[1] - self.width :].to(own.dtype), own], dim=1)
            for own, earlier in zip((key, value), before, strict=True)
        )
        query, keys = turned(query, self.width, num_heads), turned(keys, 0, num_heads)
        q = functional.pad(query, (0, 0, 0, self.missing)).reshape(batch, -1, self.block, size)
        k, v = self._blocks(keys), self._blocks(values)
        # (B, N, C, A) -> (B * N, heads, C, A / heads)
        q, k, v = (part.reshape(-1, part.shape[2], num_heads, size // num_heads).transpose(1, 2) for part in (q, k, v))
        may = self.may_BNCS.expand(batch, q.shape[0] // batch, -1, -1).flatten(0, 1)[:, None]
        found: Tensor = functional.scaled_dot_product_attention(q, k, v, attn_mask=may)
        return found.transpose(1, 2).reshape(batch, -1, size)[:, :steps]

    def _blocks(self, rows: Tensor) -> Tensor:
        """The rows that each block looks at, (B, N, S, A)."""
        whole = functional.pad(rows, (0, 0, 0, self.missing))
        return whole.unfold(1, self.width + self.block, self.block).transpose(2, 3)

    def _visible(self, reach: int, real_BW: Tensor) -> Tensor:
        """Which rows each step of a block may look at, (B, N, C, S), of size 1 where all are alike."""
        reading, block, width, device = self.reading, self.block, self.width, real_BW.device
        steps_C, rows_S = torch.arange(block, device=device), torch.arange(width + block, device=device)
        apart_CS = steps_C[:, None] + width - rows_S  # how many steps back a row lies
        may_BNCS = ((apart_CS >= 0) & (apart_CS <= reach))[None, None]
        if width:
            rows_BS = functional.pad(real_BW, (0, reading.num_steps + self.missing), value=True)
            may_BNCS = may_BNCS & rows_BS.unfold(1, width + block, block)[:, :, None]
        if reading.begins_BT is None:
            return may_BNCS
        begins_BNC = functional.pad(reading.begins_BT, (0, self.missing)).reshape(len(reading.begins_BT), -1, block)
        first_N = torch.arange(begins_BNC.shape[1], device=device) * block - width
        return may_BNCS & (first_N[:, None, None] + rows_S >= begins_BNC[..., None])


def emit_turned(program: Program, x: Name, axis: int, num_heads: int, *, back: bool) -> Name:
    """Adds rows turned by where they stand on an axis.

    Args:
        program: what is added to.
        x: rows, their numbers on the last axis.
        axis: of the rows.
        num_heads: heads.
        back: whether the last row is where the query stands, that is not turned; else the first row is at position 0.
    """
    shape = program.shapes[x]
    steps, size = shape[axis], shape[-1]
    angle = angles(steps, size, num_heads) - (angles(steps, size, num_heads)[-1] if back else 0.0)
    order, sign = partners(size, num_heads)
    stretched = [1] * len(shape)
    stretched[axis], stretched[-1] = steps, size
    tables = {"cos": np.cos(angle), "sin": np.sin(angle) * sign}
    cos, sin = (
        program.add(
            ops.Constant(tensor=program.tensor(f"{name}.{steps}.{len(shape)}.{axis}", table.reshape(stretched)))
        )
        for name, table in tables.items()
    )
    other = program.add(ops.Take(x=x, axis=len(shape) - 1, indices=order))
    parts = [program.add(ops.Combine(a=a, b=b, function="multiply")) for a, b in ((x, cos), (other, sin))]
    return program.add(ops.Combine(a=parts[0], b=parts[1], function="add"))


def emit_looked(program: Program, parts: tuple[Name, Name, Name], may: Name, axis: int, num_heads: int) -> Name:
    """Adds the mean of values, each weighted by how well its key fits the query; the axis of the rows becomes 1.

    Args:
        program: what is added to.
        parts: queries, of size 1 on the axis, keys and values.
        may: 1 where a row may be looked at, else 0; its last axis is 1.
        axis: of the rows.
        num_heads: heads.
    """
    query, key, value = parts
    size = program.shapes[key][-1]
    of_head = np.repeat(np.eye(num_heads), size // num_heads, axis=1)
    to_heads = program.tensor("heads", of_head * (size // num_heads) ** -0.5)
    to_numbers = program.tensor("of_heads", of_head.T)

    def both(a: Name, b: Name, function: str) -> Name:
        return program.add(ops.Combine(a=a, b=b, function=function))  # type: ignore[arg-type]

    fit = program.add(ops.Affine(x=both(query, key, "multiply"), weight=to_heads))
    forbidden = program.tensor("forbidden", np.array([[-_NOT]]))
    bias = program.tensor("forbidden.bias", np.array([_NOT]))
    fit = both(fit, program.add(ops.Affine(x=may, weight=forbidden, bias=bias)), "add")
    top = program.add(ops.Reduce(x=fit, axis=axis, function="max"))
    weight = program.add(ops.Activate(x=both(fit, top, "subtract"), function="exp"))
    mean = program.add(ops.Reduce(x=weight, axis=axis, function="mean"))
    share = program.add(ops.Affine(x=both(weight, mean, "divide"), weight=to_numbers))
    return program.add(ops.Reduce(x=both(share, value, "multiply"), axis=axis, function="mean"))
