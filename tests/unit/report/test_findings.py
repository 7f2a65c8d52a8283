"""Each rule speaks of its fault, built in two ways, and is silent otherwise."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.unit.report.test_probes import remembering

import whorl
from whorl.report import card, memory
from whorl.report.card import Card, CardScores, Epoch, History, Recipe
from whorl.report.findings import Measured, findings, measure
from whorl.report.gates import LayerProbe
from whorl.report.gradients import LagGradient
from whorl.report.probes import Probes
from whorl.report.reach import Reach

LAYER = LayerProbe(
    name="gru_l0", cell="GRU", units=8, closed={"reset": 0.1, "update": 0.2}, opened={"reset": 0.1, "update": 0.3},
    saturated=0.1, dead_units=(), rank=5.0, norms=(1.0, 1.0, 1.0, 1.0), drift=0.05,
)  # fmt: skip


def rules(of):
    """Names of the rules that speak, of a fitted estimator or of what was measured."""
    if not isinstance(of, Measured):
        model, held_out = of.model_, of.held_out_
        of = measure(model, card.read(model.card), memory.measured(model, held_out), held_out)
    return [one.rule for one in findings(of)]


def trained(valid, train=None, **history):
    train = valid if train is None else train
    epochs = [Epoch(train_loss=t, valid_loss=v) for t, v in zip(train, valid, strict=True)]
    return Measured(card=Card(history=History(epochs=epochs, **history)))


def probed(*, period=0, context=None, direct=0, cell="GRU", gradient=None, shares=None, **layer):
    reach = None if shares is None else Reach(lags=np.arange(len(shares)), shares=np.array(shares), half=1, answers=9)
    found = Probes(gradient=gradient, reach=reach, layers=(replace(LAYER, **layer),), encoded=(), followed=())
    return Measured(card=Card(), probes=found, cell=cell, context=context, period=period, direct=direct)


def falling(length, count=100):
    norms = np.where(np.arange(count) < length, 1.0, 1e-4)
    return LagGradient(lags=np.arange(count), norms=norms, memory_length=length, answers=16)


def series(count=40, steps=20, seed=0):
    random = np.random.default_rng(seed)
    x = [random.standard_normal((steps, 2)) for _ in range(count)]
    return x, np.array([one[-3:, 0].sum() for one in x])


def regressor(data, **settings):
    training = whorl.Training(**{"epochs": 12, "batch_size": 8, "device": "cpu", "seed": 0, **settings.pop("plan", {})})
    network = settings.pop("network", whorl.Recurrent("gru", hidden_size=8))
    return whorl.Regressor(network=network, training=training, **settings).fit(data, verbose=False)


def test_a_healthy_fit_has_no_findings():
    assert rules(regressor(series(200), plan={"epochs": 40})) == []
    assert rules(trained([1.0, 0.6, 0.5, 0.48, 0.478, 0.479])) == []
    assert rules(probed(period=24, context=48, gradient=falling(30), shares=[1.0, 0.5, 0.1])) == []


def test_a_loss_that_still_falls_is_said():
    slow = regressor(series(), plan={"learning_rate": 2e-3, "epochs": 6, "schedule": "constant"})
    assert "not converged" in rules(slow)
    assert rules(trained([1.0, 0.9, 0.8, 0.7, 0.6, 0.5])) == ["not converged"]
    assert rules(trained([1.0, 0.9, 0.8, 0.7, 0.6, 0.5], stopped="patience")) == []


def test_a_fit_that_knows_its_examples_by_heart_is_said():
    random = np.random.default_rng(0)
    noise = [random.standard_normal((10, 3)) for _ in range(60)], random.standard_normal(60)
    long = {"epochs": 40, "learning_rate": 1e-2, "patience": None}
    heart = regressor(noise, network=whorl.Recurrent("gru", hidden_size=64), plan=long)
    assert "overfitting" in rules(heart)
    kept = trained([1.0, 0.8, 0.9, 1.0, 1.1, 1.2], [1.0, 0.7, 0.5, 0.4, 0.3, 0.2], kept_epoch=2)
    (one,) = findings(kept)
    assert (one.rule, one.severity) == ("overfitting", "note")
    assert "the model has the weights of epoch 2" in one.evidence
    (one,) = findings(trained([1.0, 0.8, 0.9, 1.0, 1.1, 1.2], [1.0, 0.7, 0.5, 0.4, 0.3, 0.2], kept_epoch=6))
    assert one.severity == "warning"


def test_a_loss_that_hardly_falls_is_said():
    assert "underfitting" in rules(regressor(series(), plan={"learning_rate": 1e-7}))
    random = np.random.default_rng(0)
    blind = [random.standard_normal((20, 2)) for _ in range(200)], random.standard_normal(200)
    tiny = whorl.Recurrent("gru", hidden_size=1)
    assert "underfitting" in rules(regressor(blind, network=tiny, plan={"epochs": 6, "learning_rate": 1e-4}))


def test_gradients_that_grow_or_are_always_clipped_are_said():
    assert "exploding gradient" in rules(regressor(series(), plan={"clip_norm": 1e-3}))
    assert "exploding gradient" not in rules(regressor(series(), plan={"clip_norm": 0.5}))
    model, held_out = remembering(1.2)
    found = findings(measure(model, Card(), memory.measured(model, held_out), held_out))
    (one,) = [one for one in found if one.rule == "exploding gradient"]
    assert "is felt" in one.evidence


def test_a_frozen_core_is_not_judged_by_gradients_that_teach_it_nothing():
    drawn = Card(network=Recipe(frozen=True))
    short = probed(period=48, gradient=falling(14))
    assert rules(short) == ["vanishing gradient"]
    assert rules(replace(short, card=drawn)) == []
    model, held_out = remembering(1.2)
    grows = measure(model, Card(), memory.measured(model, held_out), held_out)
    assert "exploding gradient" in rules(grows)
    assert "exploding gradient" not in rules(replace(grows, card=drawn))


def test_a_memory_shorter_than_the_season_is_said():
    t = np.arange(2000)
    noise = np.random.default_rng(0).standard_normal(2000)
    frame = pl.DataFrame({"t": t, "load": np.sin(2 * np.pi * t / 40) + 0.01 * noise})
    model, held_out = remembering(0.5)
    found = findings(replace(measure(model, Card(), memory.measured(model, held_out), held_out), period=24))
    (one,) = [one for one in found if one.rule == "vanishing gradient"]
    assert "after 7 rows" in one.evidence
    assert "repeats every 24" in one.evidence
    assert "an LSTM with chrono=24" in one.advice
    assert rules(probed(period=48, gradient=falling(14))) == ["vanishing gradient"]
    # What is read beside the state needs no memory.
    assert rules(probed(period=48, gradient=falling(14), direct=96)) == []
    carried = whorl.Forecaster(
        target="load", time="t", horizon=2, context=60, memory="carried", network=whorl.Recurrent("rnn", hidden_size=4),
        training=whorl.Training(epochs=4, device="cpu", seed=0),
    ).fit(frame, verbose=False)  # fmt: skip
    assert carried.model_.card["data"]["period"] == 40
    assert "vanishing gradient" not in rules(carried)


def test_an_answer_from_the_edge_of_the_context_is_said():
    assert rules(probed(context=24, shares=[1.0] * 20 + [0.9, 0.8])) == ["context too short"]
    assert rules(probed(context=24, period=48, shares=[1.0, 0.1])) == ["context too short"]
    assert rules(probed(context=24, period=24, shares=[1.0, 0.9])) == []
    # A season that is read beside the state from there counts by design.
    assert rules(probed(context=24, period=24, shares=[1.0] * 20 + [0.9, 0.8], direct=24)) == []
    assert rules(probed(context=24, period=8, shares=[1.0] * 20 + [0.9, 0.8], direct=8)) == ["context too short"]


def test_stuck_gates_and_dead_units_are_said():
    assert rules(probed(closed={"reset": 0.1, "update": 0.97})) == ["saturated layer"]
    assert rules(probed(dead_units=(1, 2, 3))) == ["saturated layer"]
    random = np.random.default_rng(0)
    x = [1e4 * random.standard_normal((20, 2)) for _ in range(40)]
    y = np.array([one[-1, 0] for one in x])
    huge = regressor((x, y), network=whorl.Recurrent("rnn", hidden_size=8), table=whorl.Table(scaling="none"))
    assert "saturated layer" in rules(huge)


def test_a_state_that_grows_is_said():
    assert rules(probed(drift=0.8, norms=(1.0, 1.0, 1.5, 1.8))) == ["drifting state"]
    assert rules(probed(drift=0.8, norms=(2.0, 1.0, 0.9, 1.8))) == []  # it was excited at the end alone
    counting, held_out = remembering(1.0, steps=120, bias=0.1, nonlinearity="relu")
    found = findings(measure(counting, Card(), memory.measured(counting, held_out), held_out))
    assert "drifting state" in [one.rule for one in found]


def test_labels_that_are_hardly_ever_found_are_said():
    scores = CardScores(
        answers=100,
        metrics={"accuracy": 0.95, "balanced_accuracy": 0.5},
        baselines={"prior": {"accuracy": 0.95, "balanced_accuracy": 0.5}},
    )
    assert rules(Measured(card=Card(scores=scores))) == ["class imbalance"]
    random = np.random.default_rng(0)
    x = [random.standard_normal((10, 2)) for _ in range(200)]
    y = ["rare" if n % 12 == 0 else "usual" for n in range(200)]
    short = whorl.Training(epochs=3, device="cpu", seed=0, validation=0.3)
    network = whorl.Recurrent("gru", hidden_size=4)
    model = whorl.Classifier(network=network, training=short).fit((x, y), verbose=False)
    assert "class imbalance" in rules(model)


@pytest.mark.parametrize("factor", [1e3, 1e-4])
def test_inputs_of_odd_size_are_said(factor):
    x, y = series()
    odd = regressor(([factor * one for one in x], y), table=whorl.Table(scaling="none"), plan={"epochs": 2})
    assert "unscaled inputs" in rules(odd)
    assert "unscaled inputs" not in rules(regressor(([factor * one for one in x], y), plan={"epochs": 2}))


def test_a_report_begins_with_the_findings(tmp_path):
    odd = regressor(series(), plan={"learning_rate": 1e-7})
    odd.report(tmp_path / "it.html")
    page = (tmp_path / "it.html").read_text()
    assert "<strong>underfitting</strong>: the training loss hardly fell" in page
    assert page.index('id="findings"') < page.index('id="split"')
