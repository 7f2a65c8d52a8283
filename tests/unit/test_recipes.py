"""Recipes of networks: what they refuse, how they are completed, and how files name them."""

import dataclasses
import json

import msgspec
import numpy as np
import pytest

import whorl
from whorl.errors import ArgumentError
from whorl.plans.networks import KEYS, LOOKING_BACK, from_key, from_plain, key_of, recurrent, to_plain
from whorl.runtime.artifact import as_plain

RECIPES = [
    whorl.Recurrent("lstm", hidden_size=3, chrono=9),
    whorl.Recurrent("rnn", frozen=True),
    whorl.Transformer(16, num_heads=2, window=9),
    whorl.Convolution(num_layers=2, dropout=0.0),
    whorl.Perceptron(members=3),
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_names_a_recipe_and_the_recipe_names_its_key(key):
    assert key_of(from_key(key)) == key


def test_a_close_key_is_suggested():
    with pytest.raises(ArgumentError, match=r"'transfromer'.* Did you mean .transformer.\?"):
        from_key("transfromer")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda one: type(one).__name__)
def test_a_recipe_comes_back_from_json(recipe):
    assert from_plain(msgspec.json.decode(msgspec.json.encode(to_plain(recipe)))) == recipe


def test_a_recurrent_recipe_is_described_as_before_there_were_others():
    assert "recipe" not in to_plain(whorl.Recurrent())


@pytest.mark.parametrize(
    "plain", [{"recipe": "rnn"}, {"recipe": 3}, {"recipe": "mlp", "window": "wide"}, {"recipe": ["mlp"]}]
)
def test_what_describes_no_recipe_is_refused(plain):
    with pytest.raises(msgspec.ValidationError):
        from_plain(plain)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (whorl.Transformer, {"hidden_size": 12}, "`hidden_size` is a multiple of twice `num_heads`, here of 8, but is"),
        (whorl.Transformer, {"window": 0}, "`window` is a whole number >= 1, but is 0"),
        (whorl.Transformer, {"num_heads": 2.0}, "`num_heads` is a whole number >= 1, but is 2.0"),
        (whorl.Convolution, {"kernel_size": 0}, "`kernel_size` is a whole number >= 1, but is 0"),
        (whorl.Convolution, {"num_layers": 40}, "`num_layers` is at most 18"),
        (whorl.Convolution, {"kernel_size": 10**9}, "`kernel_size` is at most 1024, but is 1000000000. Lower it"),
        (whorl.Recurrent, {"hidden_size": 10**9}, "`hidden_size` is at most 65536, but is 1000000000. Lower it"),
        (whorl.Recurrent, {"num_layers": 10**9}, "`num_layers` is at most 1024"),
        (whorl.Recurrent, {"members": 10**9}, "`members` is at most 1024"),
        (whorl.Transformer, {"num_heads": 10**9}, "`num_heads` is at most 1024"),
        (whorl.Transformer, {"window": 10**9}, "`window` is at most 1048576"),
        (whorl.Perceptron, {"window": np.int64(10**9)}, "`window` is at most 1048576, but is 1000000000"),
        (whorl.ConvLSTM, {"side": 10**9}, "`side` is at most 4096"),
        (whorl.Perceptron, {"window": True}, "`window` is a whole number >= 1, but is True"),
        (whorl.Perceptron, {"dropout": 1.0}, "`dropout` is a probability in"),
        (whorl.Perceptron, {"dropout": "half"}, "`dropout` is a probability in"),
        (whorl.Recurrent, {"frozen": 1}, "`frozen` is True or False, but is 1"),
        (whorl.Recurrent, {"zoneout": True}, "`zoneout` is a probability in"),
        (whorl.Perceptron, {"members": 0}, "`members` is a whole number >= 1, but is 0"),
    ],
)
def test_a_value_that_cannot_be_is_refused(kind, options, message):
    with pytest.raises(ArgumentError, match=message):
        kind(**options)


def test_what_a_recipe_leaves_open_is_filled_in_and_fits():
    assert whorl.Transformer(num_heads=3).completed(hidden_size=64) == whorl.Transformer(66, 2, 3)
    assert whorl.Convolution().completed(hidden_size=64, bidirectional=True) == whorl.Convolution(64, 4)
    assert whorl.Perceptron(num_layers=1).completed(hidden_size=64, num_layers=3) == whorl.Perceptron(64, 1)
    assert whorl.Convolution().completed(hidden_size=64, num_layers=6).num_layers == 6


def test_a_recipe_is_not_a_plan_of_convolutions_before_a_core():
    from whorl.plans.wiring import Convolution

    assert not issubclass(whorl.Convolution, Convolution)
    assert {field.name for field in dataclasses.fields(whorl.Convolution)} >= {"hidden_size", "kernel_size"}


@pytest.mark.parametrize("key", LOOKING_BACK)
def test_a_network_that_must_recur_names_those_that_do(key):
    with pytest.raises(ArgumentError, match=f"`network` is a {LOOKING_BACK[key].__name__}, but so it is. Use rnn, "):
        recurrent(key, "so it is")


@pytest.mark.parametrize("task", [whorl.Translator, whorl.Summarizer, whorl.Chatbot])
def test_texts_are_written_by_recurrent_networks_alone(task):
    names = {} if task is whorl.Chatbot else {"source": "a", "target": "b"}
    with pytest.raises(ArgumentError, match="`network` is a Transformer, but texts are written"):
        task(**names, network="transformer")


def test_what_is_rebuilt_is_rebuilt_by_recurrent_networks_alone():
    with pytest.raises(ArgumentError, match="`network` is a Perceptron, but what is rebuilt"):
        whorl.Detector(per="sequence", network="mlp")
    whorl.Detector(per="row", network="mlp")


def test_a_reach_that_goes_by_layers_needs_their_number():
    for recipe in (whorl.Convolution(), whorl.Transformer()):
        with pytest.raises(ArgumentError, match="`reach` goes by the number of layers"):
            _ = recipe.reach


def test_numbers_of_numpy_are_numbers():
    recipe = whorl.Transformer(hidden_size=8, num_heads=np.int64(2), window=np.int64(4), members=np.int64(1))
    assert from_plain(json.loads(json.dumps(to_plain(recipe, as_plain)))) == recipe
