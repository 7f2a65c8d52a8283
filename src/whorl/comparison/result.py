"""What a comparison found: a row for each network and naive rival, how they differ, and which one to use."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from whorl.comparison.fits import Record
from whorl.comparison.latency import Latency
from whorl.comparison.matching import Match
from whorl.comparison.statistics import Estimate
from whorl.data.problems import plural
from whorl.report.metric_table import METRICS
from whorl.report.scores import aligned, duration, number, probability, size_of
from whorl.report.template import write_found


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A network of a comparison, or a naive rival.

    Args:
        name: of the network in this comparison, or of the rival.
        recipe: its complete recipe as JSON values; empty for a rival.
        records: its fits, one for each seed; none for a rival.
        scores: means of all metrics over the seeds, on the test part, each with its interval.
        behind: how far it is behind the best network, in the metric that judges, with the interval of the difference;
            positive where it is worse. None for the best network itself.
        p: how probable a difference as large is by chance, adjusted for the number of networks; None where that cannot
            be said.
        latency: of its steps; None where it has none, or does not stream.
        model: file of the model of the first seed; None where no folder was given.
    """

    name: str
    recipe: Mapping[str, object]
    records: tuple[Record, ...] = ()
    scores: Mapping[str, Estimate]
    behind: Estimate | None = None
    p: float | None = None
    latency: Latency | None = None
    model: str | None = None

    @property
    def is_rival(self) -> bool:
        """Whether it is a naive rival, which has nothing to train."""
        return not self.recipe

    @property
    def failed(self) -> str | None:
        """Why there are no scores; None where there are."""
        return next((one.failed for one in self.records if one.failed is not None), None)

    @property
    def parameters(self) -> int:
        """Weights and biases, those of a frozen core among them."""
        return max((one.parameters for one in self.records), default=0)

    @property
    def seconds(self) -> float:
        """Seconds of training, the mean over seeds."""
        return sum(one.seconds for one in self.records) / max(1, len(self.records))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several networks on the same task, data and split.

    Args:
        task: registered name of the task.
        metric: the one that judges.
        match: what the networks have in common.
        seeds: fits of each network.
        answers: scored answers of the test part.
        part: which part that is, in words.
        networks: best first; those that failed last.
        rivals: naive ones, best first.
        advice: which one to use, and why, in a sentence.
        notes: what else should be known, in sentences.
    """

    task: str
    metric: str
    match: Match
    seeds: int
    answers: int
    part: str
    networks: tuple[Contestant, ...]
    rivals: tuple[Contestant, ...]
    advice: str
    notes: tuple[str, ...] = ()

    @property
    def lower_is_better(self) -> bool:
        """Of the metric that judges."""
        return METRICS[self.metric].best == "least"

    def to_dict(self) -> dict[str, object]:
        """Everything, as JSON values."""
        found = msgspec.to_builtins(self, str_keys=True)
        assert isinstance(found, dict)
        return found

    def lines(self) -> list[str]:
        """A table for a terminal, and the advice below it."""
        scored = f"scored: {self.part}, {self.answers:,} answers; {plural(self.seeds, 'seed')}"
        return [scored, *table(self), *(f"  {note}" for note in self.notes), self.advice]

    def write(self, path: str | Path) -> None:
        """Writes a page (.html) that needs nothing but itself, or everything as JSON (.json).

        Raises:
            ArgumentError: the path ends otherwise.
            MissingExtraError: a library that draws pages is not installed.
            ResourceError: the file cannot be written.
        """

        def made() -> str:
            from whorl.comparison.page import page

            return page(self)

        write_found(path, "comparison", made, self.to_dict)


def table(found: Comparison) -> list[str]:
    """The networks and the naive rivals, one a line, best first."""
    return aligned([columns(found), *(cells(found, one) for one in (*found.networks, *found.rivals))])


def columns(found: Comparison) -> list[str]:
    """Names of the columns of the table."""
    return ["", "units", "parameters", found.metric, "95 % interval", "p", "trained", "step p50", "p99", "state"]


def cells(found: Comparison, one: Contestant) -> list[str]:
    """A row of the table, in words."""
    if one.failed is not None:
        return [one.name, units(one), "", "failed", "", "", "", "", "", ""]
    own = one.scores[found.metric]
    interval = "" if own.low is None or own.high is None else f"{number(own.low)} to {number(own.high)}"
    p = "best" if one.behind is None and not one.is_rival else "" if one.p is None else probability(one.p)
    if one.is_rival:
        return [one.name, "", "", number(own.mean), interval, p, "", "", "", ""]
    speed = ["", "", ""]
    if one.latency is not None:
        speed = [duration(one.latency.p50_s), duration(one.latency.p99_s), size_of(one.latency.state_bytes)]
    return [
        one.name,
        units(one),
        f"{one.parameters:,}",
        number(own.mean),
        interval,
        p,
        duration(one.seconds),
        *speed,
    ]


def units(one: Contestant) -> str:
    """How large a network is: units, and layers where there are several."""
    layers = one.recipe.get("num_layers")
    return f"{one.recipe.get('hidden_size', '')}" + (f" x {layers}" if isinstance(layers, int) and layers > 1 else "")
