"""The native recurrence without torch, so that it runs under sanitizers: right, and inside its memory.

The judge is plain numpy in float64; gradients are held against its difference quotients. Every array lies between
guards of NaN, and starts as NaN where it is to be written.

Axes: B batch, T time, D features, W width of h, H hidden, G stacked gates.
"""

import itertools
import os
from dataclasses import dataclass, field

import numpy as np
import pytest

from whorl import _native

GATES = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}
WEIGHTS = ("ih", "hh", "bias_ih", "bias_hh", "hr", "norm_ih", "norm_hh", "norm_c", "norm_bias_c")
# The address sanitizer watches the borders of an array itself, and reads too; guards would be in its way.
GUARD = 0 if "libasan" in os.environ.get("LD_PRELOAD", "") else 16


@dataclass(frozen=True, kw_only=True)
class Case:
    """One layer and its sequences."""

    cell: str
    sizes: tuple[int, int, int, int] = (5, 3, 2, 4)  # T, B, D, H
    width: int = 0  # of the projection; 0: none
    norm: bool = False
    bias: bool = True
    reverse: bool = False
    lengths: bool = False
    resets: bool = False
    mask: bool = False
    hold: float | None = None  # None: drawn for each step
    holds: bool = False
    num_threads: int = 1


@dataclass
class Problem:
    """The arrays of a case, by name; float64 of float32 values."""

    case: Case
    learning: dict[str, np.ndarray] = field(default_factory=dict)  # x, h, c and the weights
    fixed: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        case, random = self.case, np.random.default_rng(7)
        steps, rows, features, hidden = case.sizes
        width, gates = case.width or hidden, GATES[case.cell] * hidden

        def draw(*shape):
            return (0.6 * random.standard_normal(shape)).astype(np.float32).astype(np.float64)

        shapes = {"x": (steps, rows, features), "h": (rows, width), "ih": (gates, features), "hh": (gates, width)}
        if case.cell == "lstm":
            shapes["c"] = (rows, hidden)
        if case.bias:
            shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
        if case.width:
            shapes["hr"] = (width, hidden)
        if case.norm:
            shapes |= {"norm_ih": (gates,), "norm_hh": (gates,)}
            if case.cell == "lstm":
                shapes |= {"norm_c": (hidden,)} | ({"norm_bias_c": (hidden,)} if case.bias else {})
        self.learning = {name: draw(*shape) for name, shape in shapes.items()}
        if case.lengths:
            self.fixed["lengths"] = random.integers(0, steps + 1, rows)
        if case.resets:
            self.fixed["resets"] = random.random((steps, rows)) < 0.3
        if case.mask:
            self.fixed["mask"] = 2.0 * (random.random((rows, width)) < 0.5)
        if case.holds and case.hold is None:
            self.fixed["hold_h"] = 1.0 * (random.random((steps, rows, width)) < 0.3)
            if case.cell == "lstm":
                self.fixed["hold_c"] = 1.0 * (random.random((steps, rows, hidden)) < 0.3)
        self.ways = {"out": draw(steps, rows, width), "h": draw(rows, width), "c": draw(rows, hidden)}


def normal(vector):
    return (vector - vector.mean(-1, keepdims=True)) / np.sqrt(vector.var(-1, keepdims=True) + 1e-5)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def cell_step(case, own, a, u, h, c):
    """The equations of whorl.nn.cells; returns the new h before the projection, and c."""
    if case.cell == "rnn_tanh":
        return np.tanh(a + u), c
    if case.cell == "rnn_relu":
        return np.maximum(a + u, 0.0), c
    parts_a, parts_u = np.split(a, GATES[case.cell], -1), np.split(u, GATES[case.cell], -1)
    if case.cell == "gru":
        r, z = (sigmoid(one + other) for one, other in zip(parts_a[:2], parts_u[:2], strict=True))
        return (1 - z) * np.tanh(parts_a[2] + r * parts_u[2]) + z * h, c
    i, f, g, o = (one + other for one, other in zip(parts_a, parts_u, strict=True))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    shown = normal(c) * own["norm_c"] + own.get("norm_bias_c", 0.0) if case.norm else c
    return sigmoid(o) * np.tanh(shown), c


def product(own, x, weight, norm, bias):
    result = x @ own[weight].T
    if norm in own:
        result = normal(result) * own[norm]
    return result + own.get(bias, 0.0)


def judge(problem, own):
    """Output, final h and final c of one layer, row by row and step by step."""
    case, fixed = problem.case, problem.fixed
    steps, rows, _, hidden = case.sizes
    width = case.width or hidden
    out, final_h, final_c = (
        np.zeros((steps, rows, width)),
        own["h"].copy(),
        own.get("c", np.zeros((rows, hidden))).copy(),
    )
    for row in range(rows):
        length = fixed["lengths"][row] if "lengths" in fixed else steps
        h, c = final_h[row], final_c[row]
        for t in range(length)[:: -1 if case.reverse else 1]:
            boundary = t + 1 if case.reverse else t
            if "resets" in fixed and boundary < length and fixed["resets"][boundary, row]:
                h, c = np.zeros(width), np.zeros(hidden)
            a = product(own, own["x"][t, row], "ih", "norm_ih", "bias_ih")
            u = product(own, h * fixed["mask"][row] if "mask" in fixed else h, "hh", "norm_hh", "bias_hh")
            new_h, new_c = cell_step(case, own, a, u, h, c)
            if case.width:
                new_h = new_h @ own["hr"].T
            if case.holds:
                hold_h, hold_c = case.hold, case.hold
                if case.hold is None:
                    hold_h = fixed["hold_h"][t, row]
                    hold_c = fixed["hold_c"][t, row] if "hold_c" in fixed else 0.0
                new_h, new_c = hold_h * h + (1 - hold_h) * new_h, hold_c * c + (1 - hold_c) * new_c
            h, c = new_h, new_c
            out[t, row] = h
        final_h[row], final_c[row] = h, c
    return out, final_h, final_c


def loss(problem, own):
    return sum(
        (one * problem.ways[name]).sum() for name, one in zip(("out", "h", "c"), judge(problem, own), strict=True)
    )


class Arrays:
    """Arrays of float32 between guards, and their addresses."""

    def __init__(self):
        self.blocks = {}

    def put(self, name, value=None, shape=None, dtype=np.float32):
        """Copies a value, or makes room for a shape; returns the address, 0 for neither."""
        if value is None and shape is None:
            return 0
        shape = value.shape if value is not None else shape
        size = int(np.prod(shape))
        block = np.full(size + 2 * GUARD, 99 if dtype != np.float32 else np.nan, dtype)
        if value is not None:
            block[GUARD : GUARD + size] = value.ravel()
        self.blocks[name] = (block, shape, size)
        return block.ctypes.data + GUARD * block.itemsize

    def __getitem__(self, name):
        block, shape, size = self.blocks[name]
        return block[GUARD : GUARD + size].reshape(shape)

    def check_guards(self):
        for name, (block, _, size) in self.blocks.items():
            for guard in (block[:GUARD], block[GUARD + size :]):
                assert np.isnan(guard).all() if block.dtype == np.float32 else (guard == 99).all(), name


def native(problem, save=True):
    """Runs forward and, if all is saved for it, backward; returns the arrays and the gradients by name."""
    case, own, fixed, arrays = problem.case, problem.learning, problem.fixed, Arrays()
    steps, rows, features, hidden = case.sizes
    width, gates = case.width or hidden, GATES[case.cell] * hidden
    scan = _native.Scan(case.cell, features, hidden, width, steps, rows, case.reverse, case.num_threads)
    scan.weights(*(arrays.put(name, own.get(name)) for name in WEIGHTS))
    scan.options(
        case.hold if case.holds and case.hold is not None else 0.0,
        arrays.put("lengths", fixed.get("lengths"), dtype=np.int64),
        arrays.put("resets", fixed.get("resets"), dtype=np.uint8),
        *(arrays.put(name, fixed.get(name)) for name in ("mask", "hold_h", "hold_c")),
    )
    norm, lstm = case.norm, case.cell == "lstm"
    size = _native.saved_floats(case.cell, hidden, width, norm, norm and lstm, bool(case.width))
    gates_at = arrays.put("gates", shape=(steps, rows, size if save else gates))
    if save:
        scan.saved(gates_at)
    x = arrays.put("x", own["x"])
    h, c = arrays.put("h", own["h"]), arrays.put("c", own.get("c"))
    scan.forward(x, rows * features, features, gates_at, h, c, arrays.put("out", shape=(steps, rows, width)))
    if not save:
        arrays.check_guards()
        return arrays, {}
    scan.gradients(*(arrays.put(f"d {name}", shape=own[name].shape if name in own else None) for name in WEIGHTS))
    d_x = arrays.put("d x", shape=own["x"].shape)
    d_h, d_c = arrays.put("d h", problem.ways["h"]), arrays.put("d c", problem.ways["c"] if lstm else None)
    d_out = arrays.put("d out", problem.ways["out"])
    scan.backward(x, rows * features, features, d_out, rows * width, width, d_h, d_c, d_x)
    arrays.check_guards()
    return arrays, {name: arrays[f"d {name}"] for name in own}


def check(case):
    problem = Problem(case)
    arrays, grads = native(problem)
    for found, expected in zip(("out", "h", "c"), judge(problem, problem.learning), strict=True):
        if found != "c" or case.cell == "lstm":
            np.testing.assert_allclose(
                arrays[found], expected, rtol=0, atol=1e-6 * max(1.0, np.abs(expected).max(initial=0))
            )
    random = np.random.default_rng(3)
    for name, value in problem.learning.items():
        way = random.standard_normal(value.shape)
        ahead, behind = (loss(problem, problem.learning | {name: value + step * way}) for step in (1e-6, -1e-6))
        slope, scale = (grads[name] * way).sum(), 1.0 + np.abs(grads[name] * way).sum()
        # Rounding in float32; the quotient is good to 1e-9. Measured: 7e-7.
        assert abs(slope - (ahead - behind) / 2e-6) <= 5e-6 * scale, name
    plain, _ = native(problem, save=False)
    for name in ("out", "h", *(["c"] if case.cell == "lstm" else [])):
        np.testing.assert_array_equal(plain[name], arrays[name])


OPTIONS = {
    "plain": {},
    "no bias": {"bias": False},
    "backwards": {"reverse": True},
    "lengths and resets": {"lengths": True, "resets": True},
    "backwards, lengths and resets": {"reverse": True, "lengths": True, "resets": True},
    "recurrent dropout": {"mask": True},
    "zoneout": {"holds": True},
    "zoneout in evaluation": {"holds": True, "hold": 0.25, "lengths": True},
    "layer norm": {"norm": True},
    "layer norm, no bias": {"norm": True, "bias": False},
    "everything": {"norm": True, "mask": True, "holds": True, "lengths": True, "resets": True, "reverse": True},
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("cell", GATES)
def test_values_and_gradients_are_those_of_plain_numpy(cell, options):
    check(Case(cell=cell, **OPTIONS[options]))


@pytest.mark.parametrize("options", OPTIONS)
def test_a_projection_gives_them_too(options):
    check(Case(cell="lstm", width=3, **OPTIONS[options]))


# Around the 16 lanes of a vector, the 32 rows of a block and the 8 rows from which steps are taken one by one.
SIZES = [(2, 1, 1, 17), (3, 7, 17, 16), (2, 9, 5, 15), (2, 33, 3, 5), (1, 65, 2, 6), (40, 2, 3, 5)]


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize(("sizes", "cut"), list(itertools.product(SIZES, [False, True])))
def test_odd_sizes_give_them_too(cell, sizes, cut):
    check(Case(cell=cell, sizes=sizes, lengths=cut, resets=cut))


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("sizes", [(0, 3, 2, 4), (3, 0, 2, 4)])
def test_nothing_to_read_leaves_the_state_and_learns_nothing(cell, sizes):
    problem = Problem(Case(cell=cell, sizes=sizes))
    arrays, grads = native(problem)
    np.testing.assert_array_equal(arrays["h"], problem.learning["h"].astype(np.float32))
    for name in ("ih", "hh", "bias_ih", "bias_hh"):
        assert (grads[name] == 0).all()


@pytest.mark.parametrize(("cell", "width"), [*((cell, 0) for cell in GATES), ("lstm", 20)])
def test_threads_share_the_rows_and_change_no_bit_of_them(cell, width):
    found = []
    for num_threads in (1, 2, 3):
        # A part is at least 40 us of work; this is 260 us for the smallest cell.
        sizes = (60, 64, 9, 33)
        case = Case(cell=cell, sizes=sizes, lengths=True, norm=True, width=width, num_threads=num_threads)
        arrays, grads = native(Problem(case))
        found.append((arrays["out"], arrays["h"], grads["x"], grads["h"], grads["hh"], grads["norm_hh"]))
    # The proof that rows were shared: sums over them were made in another order.
    assert len({one[4].tobytes() for one in found}) == 3
    for several in found[1:]:
        for one, other in zip(several[:4], found[0][:4], strict=True):
            assert one.tobytes() == other.tobytes()
        for one, other in zip(several[4:], found[0][4:], strict=True):
            # Rounding of a sum over all rows and steps.
            np.testing.assert_allclose(one, other, rtol=0, atol=2 * (60 * 64) ** 0.5 * 2**-24 * np.abs(other).max())


def test_an_unknown_cell_is_refused():
    with pytest.raises(ValueError, match="`cell` must be one of rnn_tanh, rnn_relu, gru, lstm, but is 'elman'"):
        _native.Scan("elman", 1, 1, 1, 1, 1, False, 1)
