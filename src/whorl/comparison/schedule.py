"""Which fits a comparison needs, in which order, and which of them are done."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np

from whorl.comparison.fits import Course, Job, Record, each
from whorl.comparison.parts import Parts
from whorl.errors import ArgumentError, DataError, TrainingError
from whorl.plans.networks import Network
from whorl.report.metric_table import JUDGES, METRICS
from whorl.report.scores import duration, number
from whorl.tasks.telling import Teller

# Time ends fits that are matched by it, and not their epochs.
_ENDLESS = 1_000_000


@dataclass(frozen=True)
class Schedule:
    """Does what is not done yet, and says how it goes."""

    course: Course
    parts: Parts
    workers: int
    tell: Teller
    metric: str | None = None

    def all(
        self, recipes: Mapping[str, Network], seeds: int, timed: str | None, rates: List[float]
    ) -> dict[str, list[tuple[Job, Record]]]:
        """The fits of each network, seed by seed.

        Args:
            recipes: complete ones.
            seeds: fits of each.
            timed: the network that all others are trained as long as; None trains each as its plan says.
            rates: learning rates to choose from.
        """
        start, plan = self.course.estimator.training.seed, self.course.estimator.training
        each_seed = range(start, start + seeds)
        changes: dict[str, dict[str, object]] = {name: {} for name in recipes}
        done: dict[str, list[tuple[Job, Record]]] = {}
        if rates:
            changes = self._best_rates(recipes, rates, start)
        if timed is not None:
            budget = plan.max_seconds
            if budget is None:
                jobs = [self.course.job(timed, recipes[timed], seed, changes[timed]) for seed in each_seed]
                done[timed] = self._done(jobs)
                first = done[timed][0][1]
                if first.failed is not None:
                    raise TrainingError(
                        f"the {timed}, which the others are trained as long as, could not be fitted: {first.failed}"
                    )
                # That of the first seed, so that it is the same when seeds are added later.
                budget = max(0.1, round(first.seconds, 2))
            longer = {"max_seconds": budget, "epochs": _ENDLESS}
            changes = {name: own | longer for name, own in changes.items()}
        left = [name for name in recipes if name not in done]
        jobs = [self.course.job(name, recipes[name], seed, changes[name]) for seed in each_seed for name in left]
        for job, record in self._done(jobs):
            done.setdefault(job.network, []).append((job, record))
        return {name: sorted(done[name], key=lambda one: one[1].seed) for name in recipes}

    def _best_rates(
        self, recipes: Mapping[str, Network], rates: List[float], seed: int
    ) -> dict[str, dict[str, object]]:
        """For each network the rate whose model is best on the validation part."""
        plans: list[dict[str, object]] = [{"learning_rate": rate} for rate in rates]
        jobs = [self.course.job(name, recipe, seed, plan) for name, recipe in recipes.items() for plan in plans]
        records = [record for _, record in self._done(jobs)]
        chosen = {}
        for n, name in enumerate(recipes):
            own = records[n * len(rates) : (n + 1) * len(rates)]
            scores = [self._validated(record) for record in own]
            chosen[name] = plans[min(range(len(rates)), key=lambda at: scores[at])]
        return chosen

    def _validated(self, record: Record) -> float:
        """How bad a model is on the validation part: less is better."""
        judge = judge_of(record.chosen_by, self.metric)
        if judge is None or not np.isfinite(value := record.chosen_by.get(judge, np.nan)):
            return float("inf")
        return value if METRICS[judge].best == "least" else -value

    def _done(self, jobs: List[Job]) -> list[tuple[Job, Record]]:
        """Fits that were written down, or are done now."""
        found = {job.stem: self.course.record(job) for job in jobs}
        left = [job for job in jobs if found[job.stem] is None]
        known = len(jobs) - len(left)
        if known:
            self.tell.lines([f"{known} of {len(jobs)} fits are done already, in {self.course.folder}"])
        running = each(self.course, left, self.parts, self.workers, watched=self.tell.speaks)
        for n, (job, done) in enumerate(running, known + 1):
            found[job.stem] = done
            if done.test is not None:  # what cannot be judged is said after one fit, and not after all
                check_judge(self.metric, done.test.metrics)
            self.tell.lines([f"fit {n} of {len(jobs)}: {_told(done, self.metric)}"])
        return [(job, record) for job in jobs if (record := found[job.stem]) is not None]


def judge_of(metrics: Mapping[str, float], metric: str | None) -> str | None:
    """The metric that judges: the one that was asked for, or the first that judges; None where there is neither."""
    return next((name for name in JUDGES if name in metrics), None) if metric is None else metric


def check_judge(metric: str | None, metrics: Mapping[str, float]) -> None:
    """Raises where these metrics of a test part have none to judge by."""
    if judge_of(metrics, metric) is None:
        raise DataError(
            "no truth is known in the test part, so networks cannot be compared there. Bring data with truths."
        )
    if metric is not None and metric not in metrics:
        known = [name for name in METRICS if name in metrics and METRICS[name].best is not None]
        raise ArgumentError(
            f"`metric` is {metric!r}, which models of this task do not have: {', '.join(known)}. Choose one."
        )


def _told(record: Record, metric: str | None) -> str:
    """A fit in a line."""
    rate = "" if record.learning_rate is None else f", rate {record.learning_rate:g}"
    if record.test is None:
        return f"{record.network}, seed {record.seed}{rate}: failed: {record.failed}"
    judge = judge_of(record.test.metrics, metric)
    score = "" if judge is None else f"{judge} {number(record.test.metrics[judge])}, "
    return f"{record.network}, seed {record.seed}{rate}: {score}{record.epochs} epochs in {duration(record.seconds)}"
