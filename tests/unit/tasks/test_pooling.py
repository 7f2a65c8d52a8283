"""How much each of several networks counts where their answers are summed."""

import numpy as np
import pytest

from whorl.runtime.class_readout import temperature_of
from whorl.tasks.pooling import shares_of, weights_of


def told(size, sure, count=200, classes=3, seed=0):
    """Logits of a network that is right so often, and is so sure."""
    rng = np.random.default_rng([seed, int(100 * size)])
    truths = np.random.default_rng(seed).integers(0, classes, count)
    answers = np.where(rng.random(count) < size, truths, rng.integers(0, classes, count))
    return sure * np.eye(classes)[answers] + 0.1 * rng.standard_normal((count, classes)), truths.astype(float)


def nats(logits, truths):
    top = logits - logits.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(top).sum(axis=1)) - top[np.arange(len(truths)), truths.astype(int)])


def test_who_tells_more_counts_more_however_sure_it_is():
    (good, truths), (poor, _), (none, _) = told(0.9, 1.0), told(0.5, 1.0), told(0.0, 1.0)
    weights = weights_of([good, poor, none], truths)
    assert weights[0] > 2 * weights[1] > 4 * weights[2] > 0
    louder = weights_of([good, 10 * poor, none], truths)
    np.testing.assert_allclose(louder, weights / [1, 10, 1], rtol=0.03)  # temperatures are drawn a little towards one


def test_shares_are_of_the_sum_whatever_the_size_of_logits():
    networks, weights = [told(0.9, 1.0)[0], told(0.5, 4.0)[0]], np.array([2.0, 0.5])
    shares = shares_of(networks, weights)
    sizes = [weight * np.mean(np.std(one, axis=1)) for weight, one in zip(weights, networks, strict=True)]
    np.testing.assert_allclose(shares, np.array(sizes) / sum(sizes))
    np.testing.assert_allclose(shares_of([networks[0], 7 * networks[1]], weights / [1, 7]), shares)


def test_the_sum_tells_more_than_the_best_and_than_equal_weights():
    networks = [told(size, 2.0, seed=0)[0] for size in (0.8, 0.78, 0.4)]
    truths = told(0.8, 2.0)[1]
    scaled = [one / temperature_of(one, truths.astype(int)) for one in networks]
    weights = weights_of(networks, truths)
    pooled = nats(sum(weight * one for weight, one in zip(weights, networks, strict=True)), truths)
    assert pooled < min(nats(one, truths) for one in scaled)
    assert pooled < nats(sum(scaled) / 3, truths)


def test_it_is_the_bottom_of_the_cost():
    """Around the weights that are found the penalised likelihood is lower, whichever of them is changed."""
    networks = [told(size, 2.0)[0] for size in (0.8, 0.7, 0.6)]
    truths = told(0.8, 2.0)[1]
    temperatures = np.array([temperature_of(one, truths.astype(int)) for one in networks])
    weights = weights_of(networks, truths) * temperatures

    def cost(weights):
        logits = sum(weight / heat * one for weight, heat, one in zip(weights, temperatures, networks, strict=True))
        prior = -np.log(weights / weights.sum()).sum() + 0.5 * (np.log(weights.sum()) / 0.5) ** 2
        return len(truths) * nats(logits, truths) + prior

    for n in range(3):
        for factor in (0.97, 1.03):
            moved = weights.copy()
            moved[n] *= factor
            assert cost(moved) > cost(weights)


def test_few_examples_do_not_choose_one_alone():
    lucky, truths = told(1.0, 3.0, count=4)
    other = told(0.6, 3.0, count=4)[0]
    shares = shares_of([lucky, other], weights_of([lucky, other], truths))
    assert 0.1 < shares[1] < shares[0]


def test_unknown_truths_say_nothing_and_outputs_may_have_an_axis_for_the_target():
    networks, truths = [told(0.8, 2.0)[0], told(0.5, 2.0)[0]], told(0.8, 2.0)[1]
    expected = weights_of([one[:150] for one in networks], truths[:150])
    truths[150:] = np.nan
    np.testing.assert_allclose(weights_of([one[:, None, :] for one in networks], truths[:, None]), expected)


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_logits_of_any_size_have_weights(size):
    networks, truths = [size * told(0.8, 2.0)[0], told(0.5, 2.0)[0]], told(0.8, 2.0)[1]
    found = weights_of(networks, truths)
    assert np.isfinite(found).all()
    assert (found > 0).all()
