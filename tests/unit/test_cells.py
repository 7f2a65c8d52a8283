"""The table of cells: that types, native code and torch agree with it, and what its gates do."""

from typing import get_args

import numpy as np
import pytest

from whorl import _native
from whorl.cells import CELLS, RECIPES, CellName, RecipeName, cell_name
from whorl.nn import cells
from whorl.nn.cells.cell import Cell

GATED = [name for name, cell in CELLS.items() if cell.keep_gate is not None]


def test_the_types_of_names_are_the_names_of_the_table():
    assert get_args(CellName) == tuple(CELLS)
    assert get_args(RecipeName) == RECIPES


def test_native_code_knows_the_same_cells():
    assert {name: (cell.num_gates, cell.has_c) for name, cell in CELLS.items()} == _native.CELLS


@pytest.mark.parametrize("name", CELLS)
def test_torch_has_the_equation_of_each_cell(name):
    made = cells.make(name)
    assert isinstance(made, Cell)
    assert made.name == name
    assert made.state_type._fields == (("h", "c") if CELLS[name].has_c else ("h",))


@pytest.mark.parametrize("name", CELLS)
def test_a_recipe_and_a_nonlinearity_choose_one_cell(name):
    cell = CELLS[name]
    found = {cell_name(cell.recipe, nonlinearity) for nonlinearity in ("tanh", "relu")}
    assert name in found
    assert len(found) == (1 if cell.nonlinearity is None else 2)
    assert cell_name(cell.recipe, cell.nonlinearity or "tanh") == name


def test_an_unknown_recipe_has_no_cell():
    with pytest.raises(KeyError):
        cell_name("elman", "tanh")


def step(name, state, **biases):
    """The memory (c, else h) after a step of three units whose gates are far open (50), closed (-50), or at 0.7."""
    cell = CELLS[name]
    gates = np.full((cell.num_gates, 3), 0.7, np.float32)
    for gate, bias in biases.items():
        number = getattr(cell, f"{gate}_gate")
        if number is not None:
            gates[number] = bias
    both = np.tile(np.float32(state), 2 if cell.has_c else 1)[None]
    return cell.step(gates.reshape(1, -1), np.zeros((1, gates.size), np.float32), both, None)[0, -3:]


@pytest.mark.parametrize("name", GATED)
def test_an_open_keep_gate_and_a_closed_write_gate_keep_the_state(name):
    state = [0.5, -0.25, 0.125]
    np.testing.assert_allclose(step(name, state, keep=50.0, write=-50.0), state, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", GATED)
def test_a_closed_keep_gate_forgets_the_state_and_writes_a_new_one(name):
    written = step(name, [0.5, -0.25, 0.125], keep=-50.0, write=50.0)
    np.testing.assert_array_equal(written, step(name, [0.0, 0.0, 0.0], keep=-50.0, write=50.0))
    assert (written > 0.5).all()


@pytest.mark.parametrize("name", GATED)
def test_without_a_write_gate_what_is_not_kept_is_written(name):
    # An open keep gate shuts new values out if and only if no other gate lets them in.
    grown = step(name, [0.0, 0.0, 0.0], keep=50.0, write=50.0)
    assert (grown > 0.5).all() == (CELLS[name].write_gate is not None)
