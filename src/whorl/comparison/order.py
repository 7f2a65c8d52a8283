"""Whether the order of steps is of any use: the same network on steps that have changed places, beside one that does
not recur.
"""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, assert_never

import msgspec
import numpy as np

from whorl.comparison.losses import Losses, interval, losses, measure_of
from whorl.comparison.order_parts import Parts, parts_of
from whorl.data.shuffling import ShuffledBatches, Shuffling
from whorl.errors import ArgumentError
from whorl.nn.segments import segment_length
from whorl.plans.heads import Ctc
from whorl.plans.networks import LOOKING_BACK, Perceptron, from_key, key_of
from whorl.plans.wiring import Autoregressive, EachRow, EncoderDecoder, ManyToOne, Sequences, Strips, Windows, Wiring
from whorl.report import card
from whorl.report.findings import Finding, Measured, findings
from whorl.runtime.model import Model
from whorl.tasks.classification import Classifier
from whorl.tasks.detection import Detector
from whorl.tasks.estimator import Estimator, check_whole
from whorl.tasks.learning import learn
from whorl.tasks.telling import Teller

# Order matters where shuffling loses so much of what was gained over the best naive rival; it does not where even the
# upper end of what it may lose is below twice as much. In between it cannot be told.
SHARE = 0.1
# Blocks of answers below which an interval says nothing.
_FEWEST = 8
AS_IT_IS, SHUFFLED, FEED_FORWARD, NAIVE = "as it is", "shuffled", "feed-forward", "naive"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What fits with and without the order of steps scored, on a part that they did not see.

    Args:
        network: key of the network, such as 'gru'.
        measure: what a loss is; less is better.
        losses: mean loss of the network 'as it is', on 'shuffled' steps, of the 'feed-forward' network, and of the best
            'naive' rival.
        metrics: of the same four the usual metrics, means over seeds.
        interval: of what shuffling costs, its loss less that of the network as it is: from, to, with 95 %.
        feed_forward_interval: the same of the feed-forward network.
        instead: what the feed-forward network is, as it would be chosen.
        rival: name of the best naive rival.
        answers: sequences or windows that were scored.
        blocks: of them that count as independent.
        seeds: fits of each network.
        unfinished: fits, of three a seed, whose validation loss still fell at the end; one that learns more slowly
            then looks worse than it is.
    """

    network: str
    measure: str
    losses: Mapping[str, float]
    metrics: Mapping[str, Mapping[str, float]]
    interval: tuple[float, float]
    feed_forward_interval: tuple[float, float]
    instead: str
    rival: str
    answers: int
    blocks: int
    seeds: int
    unfinished: int = 0

    @property
    def cost(self) -> float:
        """What shuffling costs: the mean loss on shuffled steps less that of the network as it is."""
        return self.losses[SHUFFLED] - self.losses[AS_IT_IS]

    @property
    def gain(self) -> float:
        """What the network gains over the best naive rival; not above zero where it has learned nothing."""
        return self.losses[NAIVE] - self.losses[AS_IT_IS]

    @property
    def matters(self) -> bool:
        """Whether order is of use: shuffling surely costs something, and a tenth of the gain or more.

        Of a network that is behind the naive rival it must cost more than that: one that has learned nothing answers
        shuffled steps otherwise, too, and now and then worse.
        """
        sure = self.blocks >= _FEWEST and self.interval[0] > 0
        return sure and self.cost >= max(SHARE * self.gain, -self.gain)

    @property
    def is_useless(self) -> bool:
        """Whether order is of no use: what shuffling costs is surely small. Where it cannot be told, neither holds."""
        sure = self.blocks >= _FEWEST and self.gain > 0 and self.interval[1] <= 2 * SHARE * self.gain
        return sure and not self.matters

    @property
    def feed_forward_does(self) -> bool:
        """Whether the feed-forward network is not surely worse than the network as it is by a tenth of the gain."""
        worse = self.losses[FEED_FORWARD] - self.losses[AS_IT_IS]
        return self.feed_forward_interval[0] <= 0 or worse < SHARE * self.gain

    @property
    def verdict(self) -> str:
        """One sentence."""
        told = f"{self._change}, {self._gained}"
        if self.unfinished:
            told += f"; {self.unfinished} of {3 * self.seeds} fits had not converged, so train longer"
        if self.matters:
            better = (
                ", but a feed-forward network does better than this one" if self.feed_forward_interval[1] < 0 else ""
            )
            return f"Order matters{better}: {told}."
        if not self.is_useless:
            return f"Whether order matters cannot be told from {self.blocks} independent answers: {told}."
        if not self.feed_forward_does:
            return f"Order does not matter, but a feed-forward network does worse: {told}."
        wrong = "a network that looks back" if self.network in LOOKING_BACK else "a recurrent network"
        return f"Order does not matter, and {wrong} is the wrong choice here: {told}."

    @property
    def _change(self) -> str:
        low, high = self.interval
        return f"shuffled steps change the loss by {self.cost:+.4f} ({low:+.4f} to {high:+.4f}, {self.measure})"

    @property
    def _gained(self) -> str:
        if self.gain <= 0:
            return f"and the network as it is gains nothing over the rival {self.rival}"
        return f"{self.cost / self.gain:.0%} of what the network gains over the rival {self.rival}"

    def finding(self) -> Finding | None:
        """The finding 'order does not matter'; None where it matters, or where it cannot be told."""
        if not self.is_useless:
            return None
        own, other = self.losses[AS_IT_IS], self.losses[FEED_FORWARD]
        return Finding(
            rule="order does not matter",
            severity="warning" if self.feed_forward_does else "note",
            evidence=f"{self._change}, {self._gained}; a feed-forward network has {other:.4f}, this one {own:.4f} "
            f"({self.answers} answers, {self.seeds} seeds each)",
            advice=f"a network for order is the wrong choice here: use {self.instead}"
            if self.feed_forward_does
            else "nothing is used of a memory for order: try a wider feed-forward network, or summaries of the steps",
        )


class _Fit(NamedTuple):
    """One of the networks that are fitted: its task, its wiring, whether steps change places, and how it is chosen."""

    estimator: Estimator
    wiring: Wiring
    shuffles: bool
    said: str = ""


class _Answers(NamedTuple):
    """What a fit answered on the part that is scored: the loss of each sequence, (N,), the usual metrics, and whether
    its validation loss still fell at the end.
    """

    values: np.ndarray
    metrics: Mapping[str, float]
    unfinished: bool = False


def order(estimator: Estimator, data: object, *, seeds: int = 3, verbose: bool | None = None) -> Order:
    """Fits a task's network with and without the order of steps, and a feed-forward one, and compares their answers.

    A quarter of the sequences, or of the rows of each series its last ones, is held out beside the validation part, and
    scored. In the shuffled fits the steps of each sequence change places: in training, anew in each epoch, in
    validation and in scoring; of a window all rows before the last one do. The feed-forward network is a
    `whorl.Perceptron` with the same training: of a window it reads all rows side by side; of a sequence it reads each
    step by itself, and what it says is pooled (Zaheer et al. 2017, eq. 4). No forecast reads what stood a season before
    beside the network. Where each step has an answer, or anomalies are told, the feed-forward network reads shuffled
    steps. Rows move whole, so that a column of time still tells when a row was.

    Args:
        estimator: a `Forecaster` with windows, a `Classifier`, a `Regressor`, a `Tagger`, or a `Detector` of whole
            sequences, fitted or not. Its training plan is kept; `max_seconds` are those of one fit, and no checkpoints
            are written.
        data: as of `fit`.
        seeds: fits of each network, with the seed of `training` and those after it. The split is the same for all.
        verbose: print a line for each fit. None does so where the output is a terminal.

    Raises:
        ArgumentError: the task writes texts, carries a state through a whole series, or answers each row from those
            before it.
        DataError: data break a rule of the task, or are too few to be split.
    """
    check_whole("seeds", seeds, 1)
    check(estimator)
    estimator = replace(estimator.for_data(data), training=replace(estimator.training, checkpoint=None))
    fits, tell = _fits(estimator), Teller(verbose)
    parts = parts_of(estimator, data)
    # What stood a season before would be known in place and out of place for another reason than a memory.
    parts = replace(parts, prepared=replace(parts.prepared, seasonal=False))
    answers: dict[str, list[_Answers]] = {name: [] for name in fits}
    rivals: dict[str, _Answers] = {}
    for number in range(int(seeds)):
        seed = estimator.training.seed + number
        for name, fit in fits.items():
            model, own = _fitted(fit, parts, seed)
            answers[name].append(_Answers(*losses(model, own.scored, own.steps), unfinished=_unfinished(model)))
            if name == AS_IT_IS and not number:
                rivals = {rival: _Answers(*losses(model, own.scored, own.steps, rival)) for rival in model.baselines}
            tell.lines([f"seed {seed}, {name}: {_together(answers[name][-1:], parts).total:.4f}"])
    made = {name: _together(each, parts) for name, each in answers.items()}
    plain = {name: _together([one], parts).total for name, one in rivals.items()}
    best = min(plain, key=lambda name: plain[name])
    costs = [
        interval(made[name], made[AS_IT_IS], parts.blocks, estimator.training.seed) for name in (SHUFFLED, FEED_FORWARD)
    ]
    return Order(
        network=key_of(from_key(estimator.network)),
        measure=measure_of(fits[AS_IT_IS].wiring),
        losses={**{name: one.total for name, one in made.items()}, NAIVE: plain[best]},
        metrics={**{name: _means(each) for name, each in answers.items()}, NAIVE: rivals[best].metrics},
        interval=costs[0],
        feed_forward_interval=costs[1],
        instead=fits[FEED_FORWARD].said,
        rival=best,
        answers=len(parts.scored),
        blocks=len(np.unique(parts.blocks)),
        seeds=int(seeds),
        unfinished=sum(one.unfinished for each in answers.values() for one in each),
    )


def _unfinished(model: Model) -> bool:
    """Whether the rule 'not converged' speaks."""
    return any(one.rule == "not converged" for one in findings(Measured(card=card.read(model.card))))


def _together(answers: List[_Answers], parts: Parts) -> Losses:
    """The losses of several seeds."""
    return Losses(values=np.stack([one.values for one in answers]), marks=parts.marks)


def _means(answers: List[_Answers]) -> dict[str, float]:
    """The mean of each metric over seeds."""
    return {name: float(np.mean([one.metrics[name] for one in answers])) for name in answers[0].metrics}


def _fitted(fit: _Fit, parts: Parts, seed: int) -> tuple[Model, Parts]:
    """Fits a network to its parts."""
    estimator = replace(fit.estimator, training=replace(fit.estimator.training, seed=seed))
    changed = None
    if fit.shuffles:
        shuffling = Shuffling(parts.pairing)
        parts, changed = parts.shuffled(shuffling, seed), partial(ShuffledBatches, shuffling=shuffling)
    return learn(estimator, fit.wiring, parts.prepared, Teller(False), changed=changed).model, parts


def _fits(estimator: Estimator) -> dict[str, _Fit]:
    """The network as it is, on shuffled steps, and the feed-forward one."""
    wiring = estimator.wiring()
    return {
        AS_IT_IS: _Fit(estimator, wiring, shuffles=False),
        SHUFFLED: _Fit(estimator, wiring, shuffles=True),
        FEED_FORWARD: _feed_forward(estimator, wiring),
    }


def check(estimator: Estimator) -> None:
    """Raises ArgumentError where steps that change places would lose their meaning."""
    wiring = estimator.wiring()
    match wiring.pairing:
        case _ if isinstance(wiring.shape, Autoregressive) and wiring.shape.items is not None:
            why, instead = "learns what comes next, which is what order means", "rivals that know no order (item_knn)"
        case _ if isinstance(wiring.shape, Autoregressive | EncoderDecoder) or isinstance(wiring.head, Ctc):
            why, instead = "writes texts, whose order is what it learns", "a task that answers numbers or labels"
        case Strips():
            why, instead = "carries a state through whole series", "memory='window'"
        case Sequences(last=True) | Sequences(every_step=True) if getattr(estimator, "remaining", False):
            why, instead = "tells what remains, which the place of a row decides", "another task"
        case EachRow(whole=False):
            why, instead = "judges each row by those before it", "per='sequence'"
        case _:
            return
    raise ArgumentError(
        f"`order` shuffles the rows of windows or of whole sequences, but this {type(estimator).__name__} {why}. "
        f"Use {instead}."
    )


def _feed_forward(estimator: Estimator, wiring: Wiring) -> _Fit:
    """A network without a memory that reads the same."""
    recipe, shape = from_key(estimator.network), wiring.shape
    pairing, perceptron = wiring.pairing, Perceptron(recipe.hidden_size, window=1, members=recipe.members)
    assert not isinstance(pairing, Strips)  # they are refused
    match pairing:
        case Windows(context=context, horizon=horizon):
            assert isinstance(shape, ManyToOne)
            every = -(-context // segment_length(context, horizon, shape.segment_length))
            other = replace(estimator, network=replace(perceptron, window=every))
            return _Fit(other, wiring, shuffles=False, said=f"network=whorl.Perceptron(window={every})")
        case Sequences(every_step=True, lookahead=late):
            other = replace(estimator, network=replace(perceptron, window=1 + late))
            return _Fit(
                other, wiring, shuffles=True, said="network=whorl.Perceptron(window=1)" + ", lookahead=0" * bool(late)
            )
        case Sequences():
            assert isinstance(shape, ManyToOne)
            # The last step alone would be no summary of all of them, and convolutions read neighbours.
            pooled = msgspec.structs.replace(shape, pooling=("mean", "max"), convolution=None)
            pools = msgspec.structs.replace(wiring, shape=pooled)
            said = "boosted trees, or another regression, on the mean and the maximum of each column"
            if isinstance(estimator, Classifier):
                said = "network=whorl.Perceptron(window=1), pooling=('mean', 'max'), convolution=0"
            return _Fit(replace(estimator, network=perceptron), pools, shuffles=False, said=said)
        case EachRow():
            assert isinstance(estimator, Detector)
            # A code of a whole sequence is made and unfolded by cores that recur alone.
            told = replace(estimator, method="surprise", lag=1, network=perceptron)
            said = "method='surprise', network=whorl.Perceptron(window=1)"
            return _Fit(told, told.wiring(), shuffles=True, said=said)
        case _:
            assert_never(pairing)
