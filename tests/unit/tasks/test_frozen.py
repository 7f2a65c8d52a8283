"""Cores whose weights stay as they were drawn."""

import dataclasses

import numpy as np
import pytest
import torch
from tests.unit.tasks.stopping import StopAfter
from tests.unit.tasks.waves import classifier, waves

import whorl
from whorl.cells import RECIPES
from whorl.report import card
from whorl.report.findings import findings, measure
from whorl.report.probes import probe
from whorl.tasks.telling import Teller
from whorl.train import Interrupted

ONCE = whorl.Training(epochs=1)
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
    model = whorl.Classifier(network=whorl.Recurrent("rnn", frozen=True), training=ONCE).fit(waves(), verbose=False)
    assert model.network_.core.output_size == 400
    assert model.network_.convolution is None
    asked = whorl.Recurrent("rnn", hidden_size=9, frozen=True)
    asked_for = whorl.Classifier(network=asked, convolution=3, training=ONCE).fit(waves(), verbose=False)
    assert asked_for.network_.core.output_size == 9
    assert asked_for.network_.convolution is not None


@pytest.mark.parametrize("cell", RECIPES)
@pytest.mark.parametrize("options", [{}, {"convolution": 3}], ids=["alone", "behind convolutions"])
def test_any_cell_can_be_frozen(cell, options):
    frozen = whorl.Recurrent(cell, hidden_size=6, members=2, frozen=True)
    model = classifier(network=frozen, training=ONCE, **options).fit(waves(), verbose=False)
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


def test_an_answer_so_far_is_not_sure_of_what_it_cannot_know():
    plan, long = whorl.Training(epochs=25, batch_size=16, validation=0.2), (150, 160)
    model = whorl.Classifier(network=whorl.Recurrent("rnn", frozen=True), training=plan, augmentation="none")
    model.fit(waves(60, lengths=long), verbose=False)
    fresh, labels = waves(60, seed=5, lengths=long)
    soon, late = (model.evaluate(([one[:n] for one in fresh], labels)).metrics["nll"] for n in (2, 150))
    assert late < 0.1
    assert soon < 1.2  # 2.3 where what was never seen is not bounded; a coin has 0.69


def test_what_writes_is_learned_behind_a_frozen_core_that_reads():
    pairs = [{"a": word, "b": word[::-1]} for word in ("ab", "cd", "ef", "gh", "abc", "efg") * 3]
    model = whorl.Translator(
        source="a", target="b", network=whorl.Recurrent("gru", hidden_size=8, frozen=True), training=ONCE
    ).fit(pairs, verbose=False)
    learned = {name.split(".")[0] for name, weight in model.network_.named_parameters() if weight.requires_grad}
    still = {name.split(".")[0] for name, weight in model.network_.named_parameters() if not weight.requires_grad}
    assert still == {"encoder"}
    assert {"lower", "upper"} <= learned


def test_a_report_says_that_the_core_is_frozen(tmp_path):
    model = classifier(network=ECHOES, training=ONCE).fit(waves(), verbose=False)
    model.report(tmp_path / "report.html")
    assert "30 units, frozen as they were drawn" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_no_finding_asks_to_learn_a_core_otherwise_that_does_not_learn():
    shut = whorl.Recurrent("lstm", hidden_size=40, chrono=2000, frozen=True)
    model = classifier(network=shut, training=ONCE).fit(waves(), verbose=False)
    measured = measure(model.model_, card.read(model.model_.card), probe(model.model_, model.held_out_), None)
    (stuck,) = [one for one in findings(measured) if one.rule == "saturated layer"]
    assert "learning_rate" not in stuck.advice
    assert "another seed" in stuck.advice


def test_a_forecaster_reads_covariates_by_a_frozen_core():
    # Weights of covariates are zero at first where they are learned: here they would stay it.
    rng = np.random.default_rng(0)
    rows = [{"y": float(rng.normal()), "z": float(rng.normal())} for _ in range(120)]
    model = whorl.Forecaster(target="y", horizon=1, context=6, network=ECHOES, training=ONCE).fit(rows, verbose=False)
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
