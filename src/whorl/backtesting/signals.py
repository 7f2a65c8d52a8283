"""From what a model answers to positions."""

from typing import NamedTuple

import numpy as np

from whorl.errors import ArgumentError
from whorl.plans.trading import Signal


class Outlook(NamedTuple):
    """What a model says after each row of the row in which its decision would be held.

    Shape:
        change: (N,), or (N, D) for each of several delays, the change that is forecast, 0.01 for one hundredth; of
            labels how much more probable a rise is than a fall. NaN where nothing was answered.
        low: lower bound of the change; NaN where there is none.
        high: upper bound.
    """

    change: np.ndarray
    low: np.ndarray
    high: np.ndarray


def positions(signal: Signal, outlook: Outlook, *, round_trip: float, labels: bool) -> np.ndarray:
    """What to hold after each row, (N,), as a multiple of the equity; nothing where nothing was answered.

    Each depends on the answer of its own row alone.

    Args:
        signal: the rule, and its limits.
        outlook: what the model says.
        round_trip: what it costs to buy and to sell again, as a share.
        labels: answers are probabilities of a rise and a fall.

    Raises:
        ArgumentError: the rule needs an interval, and the model has none.
    """
    change = np.nan_to_num(outlook.change)
    if signal.rule != "sign" and not labels and not np.isfinite(outlook.low).any():
        raise ArgumentError(
            f"`rule` is '{signal.rule}', which needs the interval of a forecast, but this model has none. Use 'sign', "
            "or give it quantiles such as (0.1, 0.5, 0.9)."
        )
    match signal.rule:
        case "sign":
            held = np.sign(change)
        case "size" if labels:
            held = change
        case "size":
            half = np.maximum((outlook.high - outlook.low) / 2, 1e-12)
            held = np.nan_to_num(np.clip(change / half, -1, 1))
        case "interval":
            if labels:
                raise ArgumentError(
                    "`rule` is 'interval', which is of forecasts, but a Classifier answers probabilities. Use 'sign' "
                    "with a `threshold`, or 'size'."
                )
            held = np.where(outlook.low > round_trip, 1.0, np.where(outlook.high < -round_trip, -1.0, 0.0))
    held = np.where(np.abs(change) > signal.threshold, held, 0.0)
    least = -signal.leverage if signal.shorts else 0.0
    wanted: np.ndarray = np.clip(signal.leverage * held, least, signal.leverage)
    return wanted
