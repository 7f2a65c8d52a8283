"""Recurrences that are linear in their state: the same bits whatever instruction set runs them, few units or many.

Axes: B batch, T time, G gates, S numbers of a state.
"""

import pytest
import torch
from tests.threads import one_thread as one_thread
from tests.unit.processes import check_one_digest

from whorl import _native
from whorl.cells import LINEAR_CELLS
from whorl.ops import native_linear
from whorl.ops.linear import LinearPass

FINGERPRINT = """
import hashlib
import torch
from whorl import _native
from whorl.ops import native_linear
from whorl.ops.linear import LinearPass
torch.manual_seed(0)
digest = hashlib.sha256()
# The last gradients are so many that they are written past the caches.
for cell, gates, parts, steps, units in (
    ("mingru", 2, 1, 19, 37), ("minlstm", 3, 1, 19, 37), ("lru", 2, 2, 19, 37), ("minlstm", 3, 1, 8192, 256)
):
    lengths, resets = torch.tensor([steps, 7]), torch.rand(2, steps) < 0.2
    given = [3 * torch.randn(2, steps, gates * units), torch.randn(2, parts * units)]
    # One is divided by the largest number below 2, or below 4, whose inverse is easily rounded to the wrong side.
    given[0].view(2, steps, gates, units)[:, :, :2, 0] = 2.0**-23
    if cell == "lru":
        given.append(0.5 * torch.randn(2 * units))
    products, state, *decay = [one.requires_grad_() for one in given]
    layer = LinearPass(cell, products, decay[0] if decay else None, state, lengths, resets, True)
    found = native_linear.run(layer)
    found += torch.autograd.grad(found, given, [torch.randn(one.shape) for one in found])
    for one in found:
        digest.update(one.detach().contiguous().numpy().tobytes())
print(_native.isa(), digest.hexdigest())
"""


def test_every_instruction_set_gives_the_same_bits_of_states_and_gradients():
    check_one_digest(FINGERPRINT)


# Rows of so many steps and units that their gradients go past the caches, where each fills lines of a cache; one row
# has too few for that.
MANY = [(8192, 256), (8400, 250)]
ROWS = 2


def drawn(cell, steps, hidden, *, time_first, reverse):
    torch.manual_seed(0)
    parts = LINEAR_CELLS[cell].state_parts
    width = (2 if cell == "lru" else LINEAR_CELLS[cell].num_gates) * hidden
    gates = torch.randn(steps, ROWS, width).transpose(0, 1) if time_first else torch.randn(ROWS, steps, width)
    gates[1, steps // 2, 3] = torch.nan
    decay = 0.5 * torch.randn(2 * hidden) if cell == "lru" else None
    resets = torch.rand(ROWS, steps) < 0.01
    return LinearPass(
        cell, gates, decay, torch.randn(ROWS, parts * hidden), torch.tensor([steps, steps - 700]), resets, reverse
    )


def results(call, d_states):
    """States, the final one, and the gradients of gates, the initial state and lambda."""
    memory = [_native.recycled_array(*call.gates_BTG.shape) for _ in range(3)]
    for used in memory:  # again by what follows: numbers that it does not write are NaN then
        used.fill(float("nan"))
    del memory, used
    given = [one.detach().requires_grad_() for one in (call.gates_BTG, call.state_BS, call.decay_S) if one is not None]
    gates, state, *decay = given
    found = native_linear.run(call._replace(gates_BTG=gates, state_BS=state, decay_S=decay[0] if decay else None))
    found += torch.autograd.grad(found, given, (d_states, torch.ones_like(found[1])))
    return [one.detach() for one in found]


def row_of(call, row):
    only = slice(row, row + 1)
    return call._replace(
        gates_BTG=call.gates_BTG[only],
        state_BS=call.state_BS[only],
        lengths_B=call.lengths_B[only],
        resets_BT=call.resets_BT[only],
    )


@pytest.mark.parametrize("sizes", MANY, ids=str)
@pytest.mark.parametrize("cell", list(LINEAR_CELLS))
@pytest.mark.parametrize(("time_first", "reverse"), [(False, True), (True, False)])
def test_many_units_have_the_bits_of_each_row_by_itself_on_any_number_of_threads(cell, sizes, time_first, reverse):
    call = drawn(cell, *sizes, time_first=time_first, reverse=reverse)
    d_states = torch.randn(ROWS, sizes[0], call.state_BS.shape[1])
    alone = [results(row_of(call, row), d_states[row : row + 1]) for row in range(ROWS)]
    by_row = list(zip(*alone, strict=True))
    wanted = [torch.cat(rows) for rows in by_row[:4]] + [torch.stack(rows).sum(0) for rows in by_row[4:]]
    for count in (1, 2, 3):  # of three threads two share the units of a row
        torch.set_num_threads(count)
        for mine, theirs in zip(results(call, d_states), wanted, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=0, atol=0, equal_nan=True)
