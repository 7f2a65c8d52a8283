"""Cells of text tables: which of them are numbers."""

import pytest

from whorl.data.cells import are_numbers


@pytest.mark.parametrize("cells", [["1", "2", None], ["1.0", "-2.5"], ["0", "0.5"], [], [str(2**53 - 1)]])
def test_cells_that_come_back_from_numbers_are_numbers(cells):
    assert are_numbers(cells)


@pytest.mark.parametrize(
    "cells",
    [["01", "9"], ["-007"], ["1", "1.0"], ["1.10", "1.1"], ["+1"], ["1e3"], ["2E5"], ["inf"], [str(2**53)], ["1", "a"]],
)
def test_cells_that_would_not_come_back_are_no_numbers(cells):
    assert not are_numbers(cells)
