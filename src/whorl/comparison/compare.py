"""`whorl.compare`: the same task, data and split with several networks."""

import tempfile
from collections.abc import Iterator, Mapping
from collections.abc import Sequence as List
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from whorl.comparison import entrants
from whorl.comparison import order as whether_order
from whorl.comparison.advice import advice
from whorl.comparison.fits import Course, Job, Record, identity
from whorl.comparison.latency import Latency, latency
from whorl.comparison.matching import Match, check_match
from whorl.comparison.notes import of_fits, of_parts, sizes
from whorl.comparison.parts import check_marks, divide
from whorl.comparison.result import Comparison, Contestant
from whorl.comparison.schedule import Schedule, check_judge, judge_of
from whorl.comparison.scoring import Scored
from whorl.comparison.statistics import Estimate, Field, adjusted
from whorl.errors import ArgumentError, DataError, did_you_mean
from whorl.plans.networks import Network, from_key, key_of, to_plain
from whorl.report.metric_table import JUDGES, METRICS
from whorl.runtime import files
from whorl.runtime.artifact import as_plain, made_folder
from whorl.tasks.estimator import check_whole
from whorl.tasks.telling import Teller

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

_CEILINGS = {"bleu": 100.0, "chrf": 100.0, "rouge_1": 100.0, "rouge_2": 100.0, "rouge_l": 100.0}


def compare(
    model: "Estimator",
    data: object,
    *,
    networks: List[Network | str] | Mapping[str, Network | str] | None = None,
    seeds: int = 3,
    match: Match = "parameters",
    test: object = None,
    metric: str | None = None,
    learning_rates: List[float] = (),
    order: bool = False,
    folder: str | Path | None = None,
    workers: int = 1,
    verbose: bool | None = None,
) -> Comparison:
    """Fits several networks to the same task, data and split, and says which one to use.

    A test part as large as the validation part is taken away from the data first, the last rows or some of the
    sequences, unless `test` has one; no fit sees it. Each network is fitted with each seed. Means have intervals, and
    networks are compared with the best one in pairs, seed by seed on the same answers.

    Args:
        model: the task with its settings; whether it is fitted does not matter. Its own network is what others are made
            as large or as slow as.
        data: what `fit` takes.
        networks: recipes or their keys, or names with such; None takes rnn, lstm, gru, transformer, cnn and mlp, as far
            as the task takes them. A recipe with a hidden size of its own keeps it.
        seeds: fits of each network, from the seed of the training plan on.
        match: 'parameters' and 'latency' choose hidden sizes so that all have as many parameters, or as long a step, as
            the model's network; 'time' trains all as long: for `max_seconds`, or as long as the model's network takes,
            or the first one, where that is not among them; 'none' leaves each as the task would have it.
        test: other data with truths, that are scored in place of a part.
        metric: the one that judges; None takes the one that the task's models are judged by.
        learning_rates: those that each network is fitted with, from one seed; its other seeds have the one that is best
            on the validation part. None are tried where it is empty.
        order: also find out whether the order of steps is of any use, by three fits more a seed of the model's network;
            see `whorl.comparison.order.order`. These are not written down.
        folder: where fits are written down, their models too, so that a comparison that was interrupted goes on where
            it stopped. None keeps nothing.
        workers: fits at a time, each in a process of its own, which share the threads of torch. Seconds of training are
            those beside the others.
        verbose: print each fit when it is done. None does so where the output is a terminal.

    Raises:
        ArgumentError: a setting breaks a rule, or a network is none of the task's.
        DataError: the data break a rule, or are too few for three parts.
        ResourceError: nothing can be written to the folder.
        Interrupted: Ctrl-C or SIGTERM; what was fitted is in the folder.
    """
    check_match(match)
    learning_rates = _checked_rates(learning_rates)
    check_whole("seeds", seeds, 1)
    check_whole("workers", workers, 1)
    if metric is not None and (metric not in METRICS or METRICS[metric].best is None):
        ranked = [name for name, known in METRICS.items() if known.best is not None]
        raise ArgumentError(
            f"`metric` must be one of {', '.join(ranked)}, but is {metric!r}.{did_you_mean(metric, ranked)}"
        )
    if order:
        whether_order.check(model)
    estimator = model.for_data(data)
    chosen, notes = entrants.chosen(estimator, networks)
    parts = divide(estimator, data, test)
    check_marks(parts, estimator)
    own = key_of(from_key(estimator.network))
    first = own if own in chosen else next(iter(chosen))
    with _folder(folder) as home:
        course = Course(folder=home, estimator=estimator, data=data, test=test, identity=identity(parts))
        recipes = course.sized(chosen, match) or entrants.made_alike(estimator, chosen, parts.fitted, match)
        course.keep_sizes(chosen, match, recipes)
        tell = Teller(verbose)
        tell.lines([*parts.fitted.notes, sizes(parts)])
        fits = Schedule(course, parts, workers, tell, metric)
        done = fits.all(recipes, seeds, first if match == "time" else None, learning_rates)
        found = _result(fits, done, seeds=seeds, match=match, metric=metric, notes=notes, kept=folder is not None)
    return _with_order(found, model, data, verbose) if order else found


def _with_order(found: Comparison, model: "Estimator", data: object, verbose: bool | None) -> Comparison:
    """A comparison that also says whether order is of use; where it is not, its advice does."""
    try:
        whether = whether_order.order(model, data, seeds=found.seeds, verbose=verbose)
    except DataError as error:  # of parts that are smaller than those above; what was compared stays
        return replace(found, notes=(*found.notes, f"whether order matters cannot be told: {error}".rstrip(".")))
    if whether.is_useless:
        return replace(found, advice=f"{found.advice} {whether.verdict}")
    return replace(found, notes=(*found.notes, whether.verdict.rstrip(".")))


def _checked_rates(rates: object) -> list[float]:
    """Learning rates, each once; raises ArgumentError for what is none."""
    given: list[object] = list(rates) if isinstance(rates, list | tuple | np.ndarray) else [rates]
    found = []
    for rate in given:
        if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 < rate < float("inf"):
            raise ArgumentError(f"`learning_rates` are positive numbers, but one is {rate!r}. Change it.")
        found.append(float(rate))
    return list(dict.fromkeys(found))


@contextmanager
def _folder(folder: str | Path | None) -> Iterator[Path]:
    """Where fits are written down."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="whorl-compare-") as made:
            yield Path(made)
        return
    yield made_folder(folder)


def _result(
    found: Schedule,
    fits: Mapping[str, List[tuple[Job, Record]]],
    *,
    seeds: int,
    match: Match,
    metric: str | None,
    notes: list[str],
    kept: bool,
) -> Comparison:
    """Everything that is said of the fits."""
    whole = {name: own for name, own in fits.items() if all(record.test is not None for _, record in own)}
    scored = {name: [record.test for _, record in own if record.test is not None] for name, own in whole.items()}
    first = next((own[0].metrics for own in scored.values()), None)
    if first is not None:
        check_judge(metric, first)
    judge = judge_of(first or {}, metric) or JUDGES[-1]
    lower = METRICS[judge].best == "least"
    order = sorted(
        scored, key=lambda name: np.mean([one.metrics[judge] for one in scored[name]]) * (1 if lower else -1)
    )
    rivals: dict[str, Scored] = next((own[0][1].rivals for own in whole.values()), {})
    rivals = {name: own for name, own in rivals.items() if judge in own.metrics}
    ranked = sorted(rivals, key=lambda name: rivals[name].metrics[judge] * (1 if lower else -1))
    every = {**scored, **{_rival(name): [own] for name, own in rivals.items()}}
    field = Field(judge, every)
    # How far each is behind the best network; positive where it is worse.
    behind = {
        name: field.difference(*((name, order[0]) if lower else (order[0], name)))
        for name in every
        if order and name != order[0]
    }
    chance = adjusted({name: one.p for name, one in behind.items() if one.p is not None})
    networks = []
    for name in [*order, *(name for name in fits if name not in scored)]:
        job = fits[name][0][0]
        networks.append(
            Contestant(
                name=name,
                recipe=to_plain(from_key(job.estimator.network), as_plain),
                records=tuple(_without_blocks(record) for _, record in fits[name]),
                scores=_estimates(every, name),
                behind=behind.get(name),
                p=chance.get(name),
                latency=_latency(found, job) if name in scored else None,
                model=str(found.course.model(job)) if kept and name in scored else None,
            )
        )
    naive = [
        Contestant(name=name, recipe={}, scores=_estimates(every, one), behind=behind.get(one), p=chance.get(one))
        for name, one in ((name, _rival(name)) for name in ranked)
    ]
    apart = found.course.test is not None
    return Comparison(
        task=found.course.estimator.task,
        metric=judge,
        match=match,
        seeds=seeds,
        answers=max((record.answers for own in fits.values() for _, record in own), default=0),
        part="the data given for it" if apart else "a part that no fit has seen",
        networks=tuple(networks),
        rivals=tuple(naive),
        advice=advice(networks[: len(order)], naive, judge, lower=lower),
        notes=(
            *notes,
            *of_fits(fits, seeds, match),
            *of_parts(found.parts, scored, found.course.estimator.wiring(), apart=found.course.test is not None),
        ),
    )


def _rival(name: str) -> str:
    """What a rival is called beside networks, one of which may have its name."""
    return f"rival {name}"


def _estimates(every: Mapping[str, List[Scored]], name: str) -> dict[str, Estimate]:
    """Means of all metrics of a network or a rival, with their intervals."""
    found = {}
    for metric in METRICS:
        having = {one: scored for one, scored in every.items() if all(metric in seed.metrics for seed in scored)}
        if name in having:
            found[metric] = _within(Field(metric, having).estimate(name), metric)
    return found


def _within(found: Estimate, metric: str) -> Estimate:
    """An interval without what no value can be: below 0, and of shares and of scores of texts above all of it."""
    if found.low is None or found.high is None or METRICS[metric].best is None:
        return found
    most = 1.0 if METRICS[metric].is_share else _CEILINGS.get(metric, np.inf)
    return found._replace(low=max(0.0, found.low), high=min(most, found.high))


def _without_blocks(record: Record) -> Record:
    """A fit with its scores of all answers alone: those without a block each have said what they can."""
    own = None if record.test is None else Scored(record.test.metrics)
    return msgspec.structs.replace(record, test=own, rivals={})


def _latency(found: Schedule, job: Job) -> Latency | None:
    """Steps of the model of the first seed, timed when nothing else runs."""
    model = files.load(found.course.model(job))
    return latency(model, max(found.parts.test.sequences, key=len))
