"""The judge of native layers sees what it is there to see."""

import pytest
import torch
from tests.unit.nn.judging import Case, errors


def numbers():
    """Two values and three gradients."""
    torch.manual_seed(0)
    return [torch.randn(3, 2), torch.randn(4)], [torch.randn(2), torch.randn(3), torch.randn(2, 2)]


@pytest.mark.parametrize(("part", "place"), [(0, 0), (0, 1), (1, 0), (1, 2)])
def test_a_number_that_is_none_is_an_error_wherever_it_stands(part, place):
    found, right = numbers(), numbers()
    assert errors(found, right) == (0.0, 0.0)
    found[part][place].view(-1)[1] = torch.nan
    assert not errors(found, right)[part] <= 1.0
    assert errors(found, right)[1 - part] == 0.0


def test_another_shape_is_an_error_where_it_could_be_broadcast():
    found, right = numbers(), numbers()
    found[1][0] = right[1][0][None]
    with pytest.raises(AssertionError):
        errors(found, right)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_sequences_with_lengths_hold_something_to_read(rows):
    call = Case(cell="gru", sizes=(9, rows, 3, 4), lengths=True).call()
    assert 0 < call.lengths_B.max() <= 9
    assert call.lengths_B.min() == (6 if rows == 1 else 0)
