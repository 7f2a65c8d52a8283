"""The equation of one step of each recurrent cell, in plain PyTorch."""

import importlib
from typing import TYPE_CHECKING

from whorl.cells import CELLS, CellName

if TYPE_CHECKING:
    from whorl.nn.cells.cell import Cell


def make(name: CellName) -> "Cell":
    """The equation of a cell, from the file that `whorl.cells.CELLS` names."""
    file, kind = CELLS[name].torch
    cell: Cell = getattr(importlib.import_module(f"{__name__}.{file}"), kind).of(name)
    return cell
