"""Native kernels of whorl: the inference engine, and recurrences for training."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

class PackedWeight:
    """A weight matrix laid out for `affine`. Made by `pack`; immutable."""

    @property
    def in_features(self) -> int: ...
    @property
    def out_features(self) -> int: ...
    @property
    def format(self) -> Literal["fp32", "bf16", "int8"]: ...
    @property
    def nbytes(self) -> int:
        """Bytes held, the padding of the last panel and the scales included."""

def pack(weight: NDArray[np.float32], *, format: Literal["fp32", "bf16", "int8"] = "fp32") -> PackedWeight:
    """Lays a weight matrix out for `affine`.

    Args:
        weight: C-contiguous. It is copied; later changes to it are not seen.
        format: how its numbers are kept. bf16: the upper half of float32, rounded to nearest. int8: whole numbers from
            -127 to 127 times one scale for each output feature; a weight that is NaN or infinite makes its whole
            output feature NaN.

    Shape:
        weight: (out_features, in_features), as in `torch.nn.Linear`.

    Raises:
        TypeError: `weight` is not a float32 array.
        ValueError: it does not have two axes, is not C-contiguous, is too large, or `format` is another word.
    """

def affine(
    x: NDArray[np.float32],
    packed: PackedWeight,
    bias: NDArray[np.float32] | None = None,
    num_threads: int = 1,
    *,
    out: NDArray[np.float32] | None = None,
    resume: bool = False,
) -> NDArray[np.float32]:
    """The affine product x * weight^T + bias, each row as if it were alone.

    Every output element starts from the bias (0 without one) and takes one fused multiply-add per input feature, in
    order, in float32. So the bits of a row depend on that row, the weight and the bias only: not on how many rows come
    with it, its position, what the others hold, `num_threads`, or the instruction set (`isa`). NaN and infinity stay
    in their row; only which of the many bit patterns of NaN comes out is open.

    With a weight in bf16 the chain is the same, over rounded weights. With one in int8, each row of x is brought to
    whole numbers from -127 to 127 by a scale of its own, max|x| / 127; their products add up exactly, and one
    multiply-add per element applies both scales and adds the bias. A row that holds NaN or infinity gives NaN.

    Args:
        x: C-contiguous.
        packed: the weight.
        bias: None means no bias.
        num_threads: upper limit; small products run on the caller's thread.
        out: where to write. It is returned, and must not share memory with `x` or `bias`.
        resume: start from what stands in `out` instead of the bias.

    Shape:
        x: (N, in_features); bias: (out_features,); out: (N, out_features). Any of the sizes may be 0.

    Raises:
        TypeError: an argument is not a float32 array.
        ValueError: a shape or a layout does not fit, or `num_threads` is below 1.
    """

class QuantileReadout:
    """Quantiles of a head to answers in the user's units; the bits of `readouts.QuantileReadout` in numpy."""

    def __init__(
        self,
        levels: int,
        scale: NDArray[np.float64],
        center: NDArray[np.float64],
        shifts: NDArray[np.float32],
        floors: NDArray[np.float32],
    ) -> None:
        """Copies what it is given.

        Shape:
            scale, center: (numbers,), of each number of a row.
            shifts, floors: (levels, numbers); empty where nothing was calibrated.

        Raises:
            ValueError: the shapes do not fit each other.
        """

    def answer(self, outputs: NDArray[np.float32], answers: NDArray[np.float64], first: int = 0) -> None:
        """Writes the value and the quantiles of each row.

        Args:
            first: the row of the answers that the first row of the outputs goes to.

        Shape:
            outputs: (rows, ..., 1 + levels), C-contiguous, with `numbers` numbers in a row.
            answers: (1 + levels, as many rows or more, ...), C-contiguous.

        Raises:
            ValueError: the sizes do not fit.
        """

def isa() -> str:
    """The instruction set in use: `portable`, `avx2` or `avx512`.

    The best one that the processor has; the environment variable WHORL_ISA overrides it before the first import.
    """

class Program:
    """A program on its way into an engine; described by `whorl.runtime.lowering`, as csrc/program.h tells."""

    def tensor(self, values: NDArray[np.float32]) -> int:
        """Copies a tensor and returns its number."""

    def weight(self, weight: NDArray[np.float32], format: Literal["fp32", "bf16", "int8"]) -> int:
        """Packs a matrix (out_features, in_features) as 'fp32', 'bf16' or 'int8' and returns its number."""

    def add(
        self,
        kind: str,
        operands: Sequence[int],
        shape: Sequence[int],
        *,
        word: str = "",
        numbers: Sequence[int] = (),
        reals: Sequence[float] = (),
        weights: Sequence[int] = (),
        tensors: Sequence[int] = (),
        final: Sequence[int] | None = None,
    ) -> int:
        """Adds an operation and returns the number of its value; a final state has the next number."""

    def finish(self, output: int) -> None:
        """Says that no more operations come."""

class Engine:
    """Runs a program over slots of state; `whorl.runtime.native.NativeEngine` checks what users give it."""

    def __init__(
        self, program: Program, names: Sequence[str], prefix: bytes, num_threads: int, block_floats: int
    ) -> None:
        """Takes the program over.

        Args:
            program: finished; it is empty afterwards.
            names: of the inputs that come at every step, in order.
            prefix: what stored states begin with.
            num_threads: most threads of one call.
            block_floats: about as many numbers as a block of steps may make.
        """

    @property
    def state_size(self) -> int:
        """Bytes of a slot's state."""

    def open(self, static: Sequence[NDArray[np.float32]]) -> int: ...
    def is_open(self, slot: int) -> bool: ...
    def fork(self, slot: int) -> int: ...
    def close(self, slot: int) -> None: ...
    def read(self, slot: int) -> bytes: ...
    def write(self, slot: int, state: bytes) -> bool:
        """False, and nothing done, if the state has another prefix or size."""
    def run(
        self,
        inputs: Sequence[NDArray[np.float32]],
        statics: Sequence[NDArray[np.float32]],
        output: NDArray[np.float32],
        num_sequences: int,
        num_steps: int,
        start: int,
        slots: Sequence[int] | None,
        lengths: Sequence[int] | None,
    ) -> None:
        """Writes the answers from step `start` on to `output`.

        Shape:
            inputs: (B, T, ...) each; statics: (B, ...) each, read where `slots` is None; output: (B, T - start, ...).
        """

    def step(self, slots: Sequence[int], inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32] | None:
        """One step of each slot: inputs (n, ...) each, output (n, ...). None, and nothing done, where the arguments
        are not a list or tuple of different open slots and a dict of C-contiguous float32 arrays that fit.
        """

    def bind(self, slots: Sequence[int]) -> Bound: ...

class Bound:
    """Slots that step again and again, from arrays that stay where they are; made by `Engine.bind`."""

    @property
    def inputs(self) -> Mapping[str, NDArray[np.float32]]:
        """Name -> (n, ...), to be filled in place."""

    @property
    def output(self) -> NDArray[np.float32]:
        """What the last step said, (n, ...)."""

    def step(self) -> None:
        """Moves each slot by one step; raises ArgumentError once one of them is closed."""

CELLS: dict[str, tuple[int, bool]]
"""Gates of each cell that native code knows, and whether it keeps a c beside h."""

def saved_floats(cell: str, hidden: int, width: int, normed: bool, normed_c: bool, projected: bool, /) -> int:
    """Numbers that a forward pass saves for its backward pass, of each row at each step.

    Raises:
        ValueError: the cell is unknown.
    """

def recycled_array(steps: int, rows: int, floats: int, /) -> NDArray[np.float32]:
    """An array of these three axes with anything in it, in memory that earlier ones have used if there is some."""

def recycled_bytes() -> int:
    """Memory that waits for the next `recycled_array`."""

class LinearScan:
    """A recurrence that is linear in its state, over whole sequences, forward or backward.

    Tensors come as addresses of float32 numbers, 0 for none, with `step` and `row` floats between the numbers of two
    steps or rows; nothing is checked, so `whorl.ops.native_linear` is the only caller.
    """

    def __init__(
        self, cell: str, reverse: bool, num_steps: int, num_rows: int, hidden: int, num_threads: int, /
    ) -> None:
        """Raises ValueError if the cell is unknown."""

    def reads(self, gates: int, step: int, row: int, decay: int, lengths: int, resets: int, /) -> None:
        """The gates before they are opened, lambda, lengths (int64) and resets (bool, a row after the other)."""

    def forward(self, state: int, out: int, step: int, row: int, /) -> None:
        """Writes the state after each step to `out` and the final one over `state`."""

    def remembers(self, first: int, out: int, step: int, row: int, /) -> None:
        """The initial state and what `forward` wrote, for `backward`."""

    def backward(
        self,
        d_out: int,
        d_out_step: int,
        d_out_row: int,
        d_state: int,
        d_gates: int,
        d_gates_step: int,
        d_gates_row: int,
        d_decay: int,
        /,
    ) -> None:
        """Writes gradients of the gates, of lambda by row, and of the initial state over that of the final one."""

class Scan:
    """One layer of a recurrent network in one direction, over whole sequences, forward or backward.

    Tensors come as addresses of float32 numbers, 0 for none; nothing is checked, so `whorl.ops.native_scan` is the only
    caller. Everything is C-contiguous but `x` and `d_out`, which lie in rows of their features, `step` and `row` floats
    apart.
    """

    def __init__(
        self,
        cell: str,
        features: int,
        hidden: int,
        width: int,
        num_steps: int,
        num_rows: int,
        reverse: bool,
        num_threads: int,
        /,
    ) -> None:
        """Raises ValueError if the cell is unknown."""

    def weights(self, *addresses: int) -> None:
        """Nine addresses in the order of `whorl.ops.call.Weights`."""

    def options(self, hold: float, /, *addresses: int) -> None:
        """What follows `reverse` in `whorl.ops.native_scan.Sequences`."""

    def saved(self, address: int, /) -> None:
        """Room for `saved_floats` of each row at each step, which `forward` fills and `backward` reads."""

    def gradients(self, *addresses: int) -> None:
        """Where the gradients of the weights go, in their order; 0 for one that is not wanted."""

    def forward(self, x: int, step: int, row: int, gates: int, h: int, c: int, out: int, /) -> None:
        """Writes h of each step to `out` and the final state over `h` and `c`.

        `gates` has room for the input products; it may be what `saved` was given.
        """

    def backward(
        self,
        x: int,
        step: int,
        row: int,
        d_out: int,
        d_out_step: int,
        d_out_row: int,
        d_h: int,
        d_c: int,
        d_x: int,
        /,
    ) -> None:
        """Writes the gradients of the weights, of x to `d_x`, and of the initial state over that of the final one."""
