"""Cores whose weights stay as they were drawn."""

import dataclasses

import numpy as np
import pytest
import torch
from tests.unit.tasks.stopping import StopAfter
from tests.unit.tasks.waves import classifier, waves

import whorl
from whorl.cells import RECIPES
from whorl.tasks.telling import Teller
from whorl.train import Interrupted

ECHOES = whorl.Recurrent("rnn", hidden_size=30, frozen=True)


def drawn(model):
    """The bytes of each weight of the core."""
    return {name: weight.numpy().tobytes() for name, weight in model.network_.core.named_parameters()}


def test_nothing_of_the_core_is_learned_and_all_behind_it_is():
    data = waves()
    short, long = (
        classifier(network=ECHOES, training=whorl.Training(epochs=epochs)).fit(data, verbose=False) for epochs in (1, 4)
    )
    assert drawn(short) == drawn(long)
    assert not torch.equal(short.network_.last.weight, long.network_.last.weight)


def test_other_seeds_draw_other_weights():
    one, other = (
        classifier(network=ECHOES, training=whorl.Training(epochs=1, seed=seed)).fit(waves(), verbose=False)
        for seed in (0, 1)
    )
    assert drawn(one) != drawn(other)


def test_waves_are_told_apart_by_what_echoes_of_them():
    model = classifier(network=ECHOES).fit(waves(80), verbose=False)
    assert model.evaluate(waves(40, seed=1)).metrics["accuracy"] > 0.95


def test_it_has_many_units_and_no_convolutions_where_nobody_says_otherwise():
    once = whorl.Training(epochs=1)
    model = whorl.Classifier(network=whorl.Recurrent("rnn", frozen=True), training=once).fit(waves(), verbose=False)
    assert model.network_.core.output_size == 400
    assert model.network_.convolution is None
    asked = whorl.Recurrent("rnn", hidden_size=9, frozen=True)
    asked_for = whorl.Classifier(network=asked, convolution=3, training=once).fit(waves(), verbose=False)
    assert asked_for.network_.core.output_size == 9
    assert asked_for.network_.convolution is not None


@pytest.mark.parametrize("cell", RECIPES)
@pytest.mark.parametrize("options", [{}, {"convolution": 3}], ids=["alone", "behind convolutions"])
def test_any_cell_can_be_frozen(cell, options):
    frozen = whorl.Recurrent(cell, hidden_size=6, members=2, frozen=True)
    model = classifier(network=frozen, training=whorl.Training(epochs=1), **options).fit(waves(), verbose=False)
    assert all(member.core.is_frozen for member in model.network_.members)
    live = model.stream()
    x = waves(1, seed=2)[0][0]
    *_, (last,) = (live.push(row) for row in x)
    assert np.array_equal(last.probabilities, model.predict([x]).probabilities)


def test_layers_before_a_frozen_core_learn_through_it():
    data = waves()
    first, last = (
        classifier(network=ECHOES, convolution=3, training=whorl.Training(epochs=epochs)).fit(data, verbose=False)
        for epochs in (1, 3)
    )
    pairs = zip(first.network_.convolution.layers, last.network_.convolution.layers, strict=True)
    assert not any(torch.equal(one.weight, other.weight) for one, other in pairs)


def test_a_forecaster_reads_covariates_by_a_frozen_core():
    # Weights of covariates are zero at first where they are learned: here they would stay it.
    rng = np.random.default_rng(0)
    rows = [{"y": float(rng.normal()), "z": float(rng.normal())} for _ in range(120)]
    model = whorl.Forecaster(target="y", horizon=1, context=6, network=ECHOES, training=whorl.Training(epochs=1)).fit(
        rows, verbose=False
    )
    other = [{**row, "z": row["z"] + 1.0} for row in rows[:6]]
    assert model.predict(rows[:6]).value.tobytes() != model.predict(other).value.tobytes()


def test_a_run_that_was_stopped_goes_on_bit_for_bit(tmp_path, monkeypatch):
    plan = whorl.Training(epochs=6, batch_size=8, checkpoint=str(tmp_path))
    model = classifier(network=ECHOES, training=plan)
    stop = StopAfter(9)
    with monkeypatch.context() as patch:
        patch.setattr(Teller, "progress", lambda self: stop)
        with pytest.raises(Interrupted):
            model.fit(waves(), verbose=False)
    model.fit(waves(), resume=True, verbose=False)
    whole = classifier(network=ECHOES, training=dataclasses.replace(plan, checkpoint=None)).fit(waves(), verbose=False)
    assert programs(model) == programs(whole)


def programs(model):
    return {name: tensor.tobytes() for name, tensor in model.model_.engine.program.tensors.items()}
