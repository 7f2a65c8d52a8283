"""A causal Transformer that looks back at the last steps, as a core.

Axes: B batch, T time, D features, H width of a step, W rows before the first step.
"""

from collections.abc import Callable
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from whorl.errors import ArgumentError
from whorl.nn.core import State
from whorl.nn.dropout import dropout
from whorl.nn.emission import emit_affine, numpy
from whorl.nn.lookback import LookingBack, Reading
from whorl.nn.looking import Looking, emit_looked, emit_turned
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# Width of the layer behind attention, in widths of a step (Vaswani et al. 2017, section 3.3).
_WIDER = 4

# Queries, keys and values (..., H) to what is found, (..., H).
Find = Callable[[Program, Name, Name, Name], Name]


class Block(nn.Module):
    """x + attention(norm x), and what came of it + W relu(U norm x): layer norm stands before each part.

    That is the order of Xiong et al. (2020), figure 1b, with the layers of Vaswani et al. (2017).

    Args:
        size: H.
        num_heads: heads.
        probability: of dropping a number of what a part adds.
    """

    def __init__(self, size: int, num_heads: int, probability: float) -> None:
        super().__init__()
        self.num_heads, self.probability = num_heads, probability
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(2))
        self.inputs = nn.Linear(size, 3 * size)  # queries, keys and values
        self.found = nn.Linear(size, size)
        self.wide = nn.Linear(size, _WIDER * size)
        self.narrow = nn.Linear(_WIDER * size, size)
        for layer in (self.inputs, self.found, self.wide, self.narrow):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x_BTH: Tensor, state: State, looking: Looking) -> tuple[Tensor, State]:
        """The outputs (B, T, H), and the keys and values of the last W steps."""
        query, key, value = self.inputs(self.norms[0](x_BTH)).chunk(3, dim=-1)
        keys, values = state
        assert isinstance(keys, Tensor)
        assert isinstance(values, Tensor)
        found = looking((query, key, value), (keys, values), self.num_heads)
        x_BTH = x_BTH + dropout(self.found(found), self.probability, self.training)
        inner = self.narrow(torch.relu(self.wide(self.norms[1](x_BTH))))
        after = looking.reading.kept(keys, key), looking.reading.kept(values, value)
        return x_BTH + dropout(inner, self.probability, self.training), after

    def emit(self, program: Program, name: str, x: Name, find: Find) -> Name:
        """Adds the block to a program, in which `find` attends."""
        axis, size = len(program.shapes[x]) - 1, program.shapes[x][-1]
        both = emit_affine(program, f"{name}.inputs", self.inputs, emit_norm(program, f"{name}.0", self.norms[0], x))
        query, key, value = (
            program.add(ops.Slice(x=both, axis=axis, start=n * size, stop=(n + 1) * size)) for n in range(3)
        )
        found = emit_affine(program, f"{name}.found", self.found, find(program, query, key, value))
        x = program.add(ops.Combine(a=x, b=found, function="add"))
        inner = emit_affine(program, f"{name}.wide", self.wide, emit_norm(program, f"{name}.1", self.norms[1], x))
        inner = program.add(ops.Activate(x=inner, function="relu"))
        inner = emit_affine(program, f"{name}.narrow", self.narrow, inner)
        return program.add(ops.Combine(a=x, b=inner, function="add"))


@final
class TransformerCore(LookingBack):
    """Blocks in which each step looks back at the last `window` steps, itself included.

    The state is which of the last W = `window` - 1 steps there were, ones and zeros (B, W, 1), and then for each block
    the keys and values of these, ((B, W, H), (B, W, H)), not yet turned; all zeros before the first step.

    Args:
        input_size: D.
        hidden_size: H, a multiple of twice `num_heads`.
        num_layers: blocks.
        num_heads: heads.
        window: steps that a block looks back at.
        dropout: probability of dropping a number of what is read, and of what a part of a block adds.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        num_layers: int = 2,
        num_heads: int = 4,
        window: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if hidden_size % (2 * num_heads):
            raise ArgumentError(
                f"`hidden_size` is a multiple of twice `num_heads`, here of {2 * num_heads}, but is {hidden_size}. "
                "Use another width, or other heads."
            )
        self.hidden_size, self.num_heads, self.reach, self.dropout = hidden_size, num_heads, window - 1, dropout
        self.read = nn.Linear(input_size, hidden_size)
        self.blocks = nn.ModuleList(Block(hidden_size, num_heads, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(hidden_size)
        nn.init.xavier_uniform_(self.read.weight)
        nn.init.zeros_(self.read.bias)

    def initial_state(self, batch_size: int) -> State:
        """Zeros."""
        new, size = self.read.weight.new_zeros, (batch_size, self.reach, self.hidden_size)
        return (new(batch_size, self.reach, 1), *((new(size), new(size)) for _ in self.blocks))

    def ignore_inputs(self, start: int) -> None:
        """See `Core.ignore_inputs`."""
        with torch.no_grad():
            self.read.weight[:, start:] = 0.0

    def forward(
        self,
        x_BTD: Tensor,
        state: State | None = None,
        *,
        lengths_B: Tensor | None = None,
        resets_BT: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Reads sequences; see `Core.forward`."""
        reading = Reading.of(x_BTD, lengths_B, resets_BT)
        real, *before = given = self.initial_state(len(x_BTD)) if state is None else state
        assert isinstance(real, Tensor)
        if not reading.num_steps:
            return x_BTD.new_zeros(len(x_BTD), 0, self.hidden_size), given
        looking = Looking(reading, self.reach, real[..., 0] > 0.5, begins=state is None)
        y = self.read(reading.without_padding(x_BTD))
        after: list[Tensor | State] = [reading.kept(real, real.new_ones(*y.shape[:2], 1))]
        y = dropout(y, self.dropout, self.training)
        for block, own in zip(self.blocks, before, strict=True):
            y, kept = block(y, own, looking)
            after.append(kept)
        return reading.without_padding(self.norm(y)), tuple(after)

    def emit(self, program: Program, x: Name) -> Name:
        """Adds a window of keys and one of values for each block, and one that counts steps."""
        lead = program.shapes[x][:-1]
        one = program.add(ops.Constant(tensor=program.tensor("one", np.ones((*(1 for _ in lead), 1)))))
        may = program.add(ops.Window(x=one, length=self.reach + 1))

        def find(program: Program, query: Name, key: Name, value: Name) -> Name:
            """Behind a query that stays, a key is turned by how far back it lies, for that is all that counts."""
            shape = program.shapes[query]
            keys, values = (program.add(ops.Window(x=part, length=self.reach + 1)) for part in (key, value))
            keys = emit_turned(program, keys, 0, self.num_heads, back=True)
            query = program.add(ops.Reshape(x=query, shape=(1, *shape)))
            found = emit_looked(program, (query, keys, values), may, 0, self.num_heads)
            return program.add(ops.Reshape(x=found, shape=shape))

        return self._emit(program, x, find)

    def emit_value(self, program: Program, x: Name) -> Name:
        """Adds the blocks over axis 1 of a value (K, S, D)."""
        lead, steps = program.shapes[x][:2]
        apart = np.arange(steps)[:, None] - np.arange(steps)
        seen = np.where((apart >= 0) & (apart <= self.reach), 1.0, 0.0)
        may = program.add(ops.Constant(tensor=program.tensor("seen", seen.reshape(1, steps, steps, 1))))

        def find(program: Program, query: Name, key: Name, value: Name) -> Name:
            size = self.hidden_size
            query, key = (emit_turned(program, part, 1, self.num_heads, back=False) for part in (query, key))
            query = program.add(ops.Reshape(x=query, shape=(lead, steps, 1, size)))
            key, value = (program.add(ops.Reshape(x=part, shape=(lead, 1, steps, size))) for part in (key, value))
            found = emit_looked(program, (query, key, value), may, 2, self.num_heads)
            return program.add(ops.Reshape(x=found, shape=(lead, steps, size)))

        return self._emit(program, x, find)

    def _emit(self, program: Program, x: Name, find: Find) -> Name:
        x = emit_affine(program, "transformer.read", self.read, x)
        for number, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            x = block.emit(program, f"transformer_l{number}", x, find)
        return emit_norm(program, "transformer.norm", self.norm, x)


def emit_norm(program: Program, name: str, norm: nn.Module, x: Name) -> Name:
    """Adds layer norm over the last axis."""
    assert isinstance(norm, nn.LayerNorm)
    gain, bias = (program.tensor(f"{name}.{part}", numpy(getattr(norm, part))) for part in ("weight", "bias"))
    return program.add(ops.Normalise(x=x, gain=gain, bias=bias, eps=norm.eps))
