"""Hidden sizes that make networks alike."""

import pytest

import whorl
from whorl.comparison import matching
from whorl.comparison.matching import completed, matched, num_parameters
from whorl.comparison.parts import divide
from whorl.plans.networks import KEYS, from_key


@pytest.fixture(scope="module")
def prepared(waves):
    model = whorl.Forecaster(
        target="load", time="time", horizon=6, context=24, network=whorl.Recurrent("gru", hidden_size=24)
    )
    return model, divide(model, waves).fitted


@pytest.mark.parametrize("key", [key for key in KEYS if key != "gru"])
def test_every_network_comes_as_near_to_as_many_parameters_as_its_units_allow(prepared, key):
    model, data = prepared
    reference = completed(model, data)
    wanted = num_parameters(model, reference, data)
    recipe = matched(model, reference, from_key(key), data, "parameters")
    unit = 2 * recipe.num_heads if key == "transformer" else 1
    sizes = [recipe.hidden_size + by for by in (-unit, 0, unit) if recipe.hidden_size + by > 0]
    off = [
        abs(num_parameters(model, type(recipe)(**{**vars(recipe), "hidden_size": size}), data) / wanted - 1)
        for size in sizes
    ]
    assert off[sizes.index(recipe.hidden_size)] <= min(off) + 1e-2


def test_a_recipe_with_a_size_of_its_own_keeps_it(prepared):
    model, data = prepared
    recipe = matched(model, completed(model, data), whorl.Recurrent("lstm", hidden_size=5), data, "parameters")
    assert recipe.hidden_size == 5


def test_steps_are_made_as_long_by_what_they_take(prepared, monkeypatch):
    model, data = prepared
    monkeypatch.setattr(matching, "median_step", lambda engine, *_: 1e-9 * engine.program.num_parameters())
    reference = completed(model, data)
    recipe = matched(model, reference, from_key("rnn"), data, "latency")
    assert recipe.hidden_size > 24  # a unit of an RNN has a third of the weights


def test_steps_that_wait_for_the_end_cannot_be_made_as_long(labelled):
    both = whorl.Recurrent("gru", bidirectional=True)
    model = whorl.Classifier(network=both)
    data = divide(model, labelled).fitted
    with pytest.raises(whorl.ArgumentError, match="`match` is 'latency', but a Recurrent of this task has no steps"):
        matched(model, completed(model, data), from_key("rnn"), data, "latency")


def test_a_perceptron_reads_no_more_steps_than_there_are(prepared, labelled):
    model, data = prepared
    assert (
        completed(whorl.Forecaster(**{**model.get_params(), "network": "mlp"}), data).window == 4
    )  # segments of 6 rows
    classifier = whorl.Classifier(network="mlp")
    assert completed(classifier, divide(classifier, labelled).fitted).window == 16


def test_what_stands_around_a_core_is_counted_as_it_goes_with_the_core(labelled):
    model, frozen = whorl.Classifier(network="gru"), whorl.Recurrent("rnn", frozen=True)
    data = divide(model, labelled).fitted
    recipe = matched(model, completed(model, data), frozen, data, "parameters")
    assert num_parameters(model, recipe, data) == num_parameters(whorl.Classifier(network=frozen), recipe, data)
    assert abs(num_parameters(model, recipe, data) / num_parameters(model, completed(model, data), data) - 1) < 0.02
