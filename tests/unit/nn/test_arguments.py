"""Wrong arguments are refused with the rule, what came, and what to do."""

import copy
import pickle

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

import whorl.nn
from whorl.errors import ArgumentError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 0}, "`input_size` is a whole number >= 1, but is 0"),
        ({"hidden_size": 2.5}, "`hidden_size` is a whole number >= 1, but is 2.5"),
        ({"num_layers": 0}, "`num_layers`"),
        ({"bias": 1}, "`bias` is True or False, but is 1"),
        ({"dropout": 1.5}, r"`dropout` is a probability in \[0, 1\], but is 1.5"),
        ({"zoneout": 1.0}, r"`zoneout` is a probability in \[0, 1\), but is 1.0"),
        ({"recurrent_dropout": -0.1}, "`recurrent_dropout` is a probability"),
        ({"proj_size": 5}, "`proj_size` must be within 0 and hidden_size - 1 = 4, but is 5"),
    ],
)
def test_constructor_arguments_are_checked(options, message):
    with pytest.raises(ArgumentError, match=message):
        whorl.nn.LSTM(**{"input_size": 3, "hidden_size": 5, **options})


def test_an_unknown_nonlinearity_is_refused():
    with pytest.raises(ArgumentError, match="`nonlinearity` must be 'tanh' or 'relu', but is 'sigmoid'"):
        whorl.nn.RNN(3, 5, nonlinearity="sigmoid")


def test_dropout_without_a_second_layer_warns_as_in_torch():
    with pytest.warns(UserWarning, match="does nothing with num_layers=1"):
        whorl.nn.GRU(3, 5, dropout=0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input": torch.zeros(4, 2, 4)}, "`input` must have input_size=3 features in its last axis, but has 4"),
        ({"input": torch.zeros(4)}, "`input` must have 3 axes"),
        ({"input": torch.zeros(4, 2, 3, dtype=torch.float64)}, "`input` must be of the module's torch.float32"),
        ({"hx": torch.zeros(1, 4, 5)}, r"`hx`: h must have shape \(1, 2, 5\), but has shape \(1, 4, 5\)"),
        ({"lengths": [5, 1]}, "`lengths` must lie within 0 and the 4 steps of the input, but goes from 1 to 5"),
        ({"lengths": [-1, 4]}, "goes from -1 to 4"),
        ({"lengths": [4, 4, 4]}, "one number for each of the 2 sequences"),
        ({"lengths": torch.tensor([1.0, 2.0])}, "`lengths` must be whole numbers"),
        ({"input": torch.zeros(4, 3), "lengths": [4]}, "`lengths` needs a batch"),
        ({"input": pack_sequence([torch.zeros(4, 3)]), "lengths": [4]}, "`lengths` describes a padded tensor"),
        ({"resets": torch.zeros(4, 2)}, "`resets` must be of torch.bool"),
        (
            {"resets": torch.zeros(2, 4, dtype=torch.bool)},
            r"`resets` must have the leading axes of the input, \(4, 2\), but has shape \(2, 4\)",
        ),
    ],
)
def test_forward_arguments_are_checked(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        whorl.nn.GRU(3, 5)(**{"input": torch.zeros(4, 2, 3), **arguments})


def test_an_lstm_wants_both_parts_of_its_state():
    with pytest.raises(ArgumentError, match=r"`hx` must be 2 tensors \(h, then c\), but is 1"):
        whorl.nn.LSTM(3, 5)(torch.zeros(4, 2, 3), (torch.zeros(1, 2, 5),))


def test_modules_can_be_copied_and_pickled():
    layer, x = whorl.nn.LSTM(3, 5, num_layers=2, layer_norm=True), torch.randn(4, 2, 3)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin(x)[0], layer(x)[0])


def test_the_representation_names_what_differs_from_the_default():
    assert repr(whorl.nn.GRU(3, 5, num_layers=2, zoneout=0.1)) == "GRU(3, 5, num_layers=2, zoneout=0.1)"


def test_a_parametrised_weight_is_used():
    layer, x = whorl.nn.GRU(3, 5), torch.randn(4, 2, 3)
    plain = layer(x)[0]

    class Doubled(torch.nn.Module):
        def forward(self, weight):
            return 2 * weight

    torch.nn.utils.parametrize.register_parametrization(layer, "weight_hh_l0", Doubled())
    assert not torch.equal(layer(x)[0], plain)
