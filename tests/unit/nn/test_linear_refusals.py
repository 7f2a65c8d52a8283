"""What minGRU, minLSTM and LRU refuse, as cores and in recipes, and what they take."""

import pytest
import torch

import whorl.nn
from whorl.cells import LINEAR_CELLS
from whorl.errors import ArgumentError

CELLS = list(LINEAR_CELLS)


def test_an_unknown_cell_is_refused_and_a_close_one_suggested():
    with pytest.raises(ArgumentError, match=r"`cell` must be one of .*, but is 'mingur'\. Did you mean 'mingru'"):
        whorl.nn.LinearCore("mingur", 3, 5)


def test_cells_of_the_other_core_are_refused_by_both():
    with pytest.raises(ArgumentError, match="Others are a RecurrentCore's"):
        whorl.nn.LinearCore("gru", 3, 5)
    with pytest.raises(ArgumentError, match="Others are a LinearCore's"):
        whorl.nn.RecurrentCore("mingru", 3, 5)


@pytest.mark.parametrize("changes", [{"input_size": 0}, {"hidden_size": 0}, {"num_layers": 0}, {"dropout": 1.5}])
def test_sizes_and_probabilities_out_of_range_are_refused(changes):
    (name,) = changes
    with pytest.raises(ArgumentError, match=f"`{name}`"):
        whorl.nn.LinearCore("mingru", **{"input_size": 3, "hidden_size": 5, **changes})


def test_inputs_that_do_not_fit_are_refused():
    core = whorl.nn.LinearCore("lru", 3, 5)
    with pytest.raises(ArgumentError, match="`input` must have input_size=3 features"):
        core(torch.zeros(2, 4, 2))
    with pytest.raises(ArgumentError, match="`lengths` must lie within"):
        core(torch.zeros(2, 4, 3), lengths_B=torch.tensor([5, 1]))
    with pytest.raises(ArgumentError, match="`resets` must be of torch"):
        core(torch.zeros(2, 4, 3), resets_BT=torch.zeros(2, 4))


OPTIONS = {
    "recurrent_dropout": 0.1,
    "zoneout": 0.1,
    "layer_norm": True,
    "nonlinearity": "relu",
    "forget_bias": 2.0,
    "chrono": 10,
}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("option", OPTIONS)
def test_a_recipe_refuses_options_that_a_linear_cell_has_not(cell, option):
    with pytest.raises(ArgumentError, match=f"`{option}` is no option of the cell '{cell}'.*Leave it at"):
        whorl.Recurrent(cell, **{option: OPTIONS[option]})


@pytest.mark.parametrize("cell", CELLS)
def test_a_recipe_takes_the_options_that_it_has(cell):
    made = whorl.Recurrent(cell, hidden_size=5, num_layers=2, bidirectional=True, dropout=0.1, members=2)
    assert made.cell == cell


@pytest.mark.parametrize("cell", CELLS)
def test_torch_has_no_such_cell_to_be_forced_to(cell):
    core = whorl.nn.LinearCore(cell, 3, 5)
    with whorl.nn.backend("torch"), pytest.raises(ArgumentError, match="torch has no cell"):
        core(torch.zeros(2, 4, 3))
