"""How much each of several networks counts where their answers are summed."""

from collections.abc import Sequence

import numpy as np

from whorl.runtime.class_readout import temperature_of

# How many examples are taken to have been told best by each network before any was seen: few examples would else be
# best told by whichever network was lucky.
_PRIOR = 1.0
# Spread of the logarithm of the sum of all weights that is expected beforehand, around one.
_SPREAD = 0.5


def weights_of(answers: Sequence[np.ndarray], truths: np.ndarray) -> np.ndarray:
    """What the logits of each network are multiplied by, so that their sum makes truths as probable as it can.

    The logits of each are divided by its own temperature first. Weights w >= 0 then maximise the likelihood of the
    truths by softmax(sum_k w_k z_k), with as many more examples for each network as `_PRIOR` says.

    Args:
        answers: logits of each network, (N, ..., C), on examples that it had not learned from.
        truths: numbers of classes, (N, ...); NaN is unknown.

    Returns:
        (K,), positive: a weight over a temperature.
    """
    from scipy.optimize import minimize

    known = np.isfinite(truths).ravel()
    classes = truths.ravel()[known].astype(np.int64)
    logits = [one.reshape(-1, one.shape[-1])[known].astype(np.float64) for one in answers]
    temperatures = np.array([temperature_of(one, classes) for one in logits])
    scaled = np.stack([one / heat for one, heat in zip(logits, temperatures, strict=True)])
    told = scaled[:, np.arange(len(classes)), classes]

    def cost(at: np.ndarray) -> tuple[float, np.ndarray]:
        weights = np.exp(at)
        total, size = weights.sum(), len(weights)
        mixed = np.tensordot(weights, scaled, 1)
        mixed -= mixed.max(axis=1, keepdims=True)
        probable = np.exp(mixed)
        sums = probable.sum(axis=1, keepdims=True)
        probable /= sums
        nats = np.log(sums).sum() - mixed[np.arange(len(classes)), classes].sum()
        nats += _PRIOR * (size * np.log(total) - at.sum()) + 0.5 * (np.log(total) / _SPREAD) ** 2
        slope = weights * ((scaled * probable).sum(axis=(1, 2)) - told.sum(axis=1))
        slope += _PRIOR * (size * weights / total - 1.0) + np.log(total) / _SPREAD**2 * weights / total
        return float(nats), slope

    found = minimize(cost, np.full(len(logits), -np.log(len(logits))), jac=True, method="L-BFGS-B")
    weights: np.ndarray = np.exp(found.x) / temperatures
    return weights


def shares_of(answers: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """How much of a weighted sum of logits comes from each network, (K,): by how far its classes lie apart."""
    sizes = weights * [float(one.std(axis=-1).mean()) for one in answers]
    shares: np.ndarray = sizes / sizes.sum()
    return shares
