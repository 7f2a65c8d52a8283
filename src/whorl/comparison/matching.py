"""Recipes that are made comparable: as many parameters as another network, or as long a step."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from whorl.comparison.latency import median_step
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError, did_you_mean
from whorl.nn.network import Network as Built
from whorl.plans.networks import Network, Transformer, from_key
from whorl.runtime.engines import engine_for
from whorl.runtime.program import Program
from whorl.tasks.examples import training_part
from whorl.tasks.network import untrained
from whorl.tasks.preparation import Prepared

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

Match = Literal["parameters", "time", "latency", "none"]
MATCHES: tuple[Match, ...] = ("parameters", "time", "latency", "none")

# No network is made wider than this to be like another one.
_WIDEST = 4096


def check_match(match: str) -> Match:
    """A way to make networks comparable; raises ArgumentError for any other word."""
    for known in MATCHES:
        if match == known:
            return known
    raise ArgumentError(
        f"`match` must be one of {', '.join(MATCHES)}, but is {match!r}.{did_you_mean(str(match), MATCHES)}"
    )


def completed(estimator: "Estimator", prepared: Prepared) -> Network:
    """The recipe of an estimator with what it leaves open filled in, for these data."""
    return training_part(estimator, estimator.wiring(), prepared)[1]


def matched(
    estimator: "Estimator",
    reference: Network,
    recipe: Network,
    prepared: Prepared,
    by: Literal["parameters", "latency"],
) -> Network:
    """A recipe whose hidden size makes it as large, or as slow a step, as the reference is.

    Args:
        estimator: the task.
        reference: a complete recipe.
        recipe: one whose hidden size may be open; one that has a hidden size keeps it.
        prepared: the data.
        by: what is made equal.
    """
    complete = completed(replace(estimator, network=recipe), prepared)
    if from_key(recipe).hidden_size is not None or complete == reference:
        return complete
    measure = _parameters if by == "parameters" else _step
    wanted = measure(estimator, reference, prepared)
    unit = 2 * complete.num_heads if isinstance(complete, Transformer) else 1

    def size(units: int) -> float:
        return measure(estimator, replace(complete, hidden_size=units * unit), prepared)

    return replace(complete, hidden_size=_nearest(size, wanted, _WIDEST // unit) * unit)


def num_parameters(estimator: "Estimator", recipe: Network, prepared: Prepared) -> int:
    """Weights and biases of the whole network of a complete recipe."""
    network = _untrained(estimator, recipe, prepared)
    return sum(weight.numel() for weight in network.parameters())


def _parameters(estimator: "Estimator", recipe: Network, prepared: Prepared) -> float:
    return float(num_parameters(estimator, recipe, prepared))


def _step(estimator: "Estimator", recipe: Network, prepared: Prepared) -> float:
    """Seconds of a step of an untrained network: weights do not change it."""
    network, program = _untrained(estimator, recipe, prepared), Program()
    network.eval()
    network.emit(program)
    if not program.streams or any(one.static for one in program.inputs):
        raise ArgumentError(
            f"`match` is 'latency', but a {type(recipe).__name__} of this task has no steps that are answered alone: "
            "it reads both ways, or a text whole. Use match='parameters' or match='time'."
        )
    longest: Sequence = max(prepared.sequences, key=len)
    return median_step(engine_for(program), longest, prepared.reader.horizon)


def _untrained(estimator: "Estimator", recipe: Network, prepared: Prepared) -> Built:
    """The network that the task would train: what stands around a core may go by the core."""
    return untrained(replace(estimator, network=recipe).wiring(), recipe, prepared, estimator.training.seed)


def _nearest(size: Callable[[int], float], wanted: float, most: int) -> int:
    """The number of units whose size is nearest to what is wanted, by bisection; sizes rise with units."""
    low, high = 1, 2
    while high < most and size(high) < wanted:
        low, high = high, min(most, 2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) < wanted else (low, middle)
    return min((low, high), key=lambda units: abs(float(np.log(size(units) / wanted))))
