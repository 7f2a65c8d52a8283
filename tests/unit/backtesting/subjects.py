"""Prices, models and markets of the tests."""

import numpy as np

import whorl
from whorl.backtesting.market import read_market


def prices(count, echo, seed=0):
    """Months whose change is `echo` times that of two months before, and noise."""
    random = np.random.default_rng(seed)
    change = random.normal(0, 0.03, count)
    for n in range(2, count):
        change[n] = echo * change[n - 2] + (1 - abs(echo)) * change[n]
    return {
        "month": np.datetime64("1990-01") + np.arange(count).astype("timedelta64[M]"),
        "price": 100 * np.cumprod(1 + change),
        "other": random.normal(0, 1, count),
        "change": change,
    }


def forecaster(**settings):
    given = {
        "target": "change",
        "time": "month",
        "horizon": 2,
        "context": 6,
        "table": whorl.Table(kinds={"price": "ignore"}),
        "network": whorl.Recurrent("gru", hidden_size=8),
        "training": whorl.Training(epochs=12, batch_size=16, learning_rate=0.02),
        **settings,
    }
    return whorl.Forecaster(**given)


def quick(**settings):
    """One that learns next to nothing, in no time."""
    network = whorl.Recurrent("rnn", hidden_size=2)
    return forecaster(network=network, training=whorl.Training(epochs=1, batch_size=64), **settings)


def quick_classifier():
    """So does this one."""
    return whorl.Classifier(
        network=whorl.Recurrent("rnn", hidden_size=2), training=whorl.Training(epochs=1, batch_size=64), convolution=0
    )


def market(price, change=None, **trading):
    """A market of months at these prices."""
    price = np.asarray(price, np.float64)
    months = np.datetime64("2000-01") + np.arange(len(price)).astype("timedelta64[M]")
    data = {"month": months, "price": price, **(change or {})}
    return read_market(data, whorl.Table(), None, "price", whorl.Trading(**trading))
