"""Training symbols read as unknown at times: which, how often, and what stays."""

import numpy as np
import pytest

from whorl.data.forgetting import ForgettingBatches
from whorl.data.padded import SequenceBatches
from whorl.data.sequences import Sequence
from whorl.plans.changes import Forgetting
from whorl.specs import Fields, Reals, Tokens

SPEC = Fields({"size": Reals(1), "word": Tokens(5)})
RARE, USUAL = 3, 1


def batches(plan: Forgetting) -> ForgettingBatches:
    """One sequence in which symbol 3 stands twice, and symbol 1 in all other of 2,000 steps."""
    codes = np.full(2_000, float(USUAL), np.float32)
    codes[[7, 1_999]] = RARE
    past = np.stack([np.arange(2_000, dtype=np.float32), codes], axis=1)
    one = Sequence(key="a", past=past, time=np.arange(2_000), targets=np.zeros(1, np.float32), weight=1.0)
    return ForgettingBatches(SequenceBatches([one], 1, shuffle=False), plan, SPEC, [one])


def shares(plan: Forgetting, code: int) -> float:
    """How often a symbol was forgotten in 300 epochs; other symbols and numbers stay as they are."""
    made = batches(plan)
    plain = made._batches.batch(0, seed=0, epoch=0).inputs["past"][0]
    mask, forgotten = plain[:, 1] == code, []
    for epoch in range(300):
        past = made.batch(0, seed=0, epoch=epoch).inputs["past"][0]
        assert np.array_equal(past[:, 0], plain[:, 0])
        assert ((past[:, 1] == plain[:, 1]) | (past[:, 1] == 0)).all()
        forgotten.append((past[mask, 1] == 0).mean())
    return float(np.mean(forgotten))


def test_rare_symbols_are_forgotten_more_often_than_usual_ones():
    plan = Forgetting(rate=2.0)
    # 600 draws of probability 1/2: four standard errors.
    assert shares(plan, RARE) == pytest.approx(0.5, abs=4 * (0.25 / 600) ** 0.5)
    assert shares(plan, USUAL) == pytest.approx(2 / 2_000, rel=0.2)


def test_every_symbol_is_forgotten_with_the_least_probability():
    assert shares(Forgetting(rate=0.001, least=0.25), USUAL) == pytest.approx(0.25, rel=0.02)


def test_what_is_forgotten_is_a_function_of_seed_and_epoch():
    one, other = batches(Forgetting(least=0.3)), batches(Forgetting(least=0.3))
    other.batch(0, seed=9, epoch=9)
    first = one.batch(0, seed=3, epoch=1).inputs["past"]
    assert np.array_equal(first, other.batch(0, seed=3, epoch=1).inputs["past"])
    assert not np.array_equal(first, one.batch(0, seed=3, epoch=2).inputs["past"])
    assert not np.array_equal(first, one.batch(0, seed=4, epoch=1).inputs["past"])
