"""Anomaly detection: how surprising each row is, and whether that is more than normal."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from whorl.errors import ArgumentError, did_you_mean
from whorl.plans.alarm import Alarm
from whorl.plans.heads import StudentT
from whorl.plans.names import names
from whorl.plans.networks import REBUILDS, Network, Recurrent, from_key, recurrent
from whorl.plans.sizes import MOST_WIDTH, MOST_WINDOW
from whorl.plans.table import Table
from whorl.plans.training import Training
from whorl.plans.wiring import EachRow, Surprise, Wiring
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, check_whole, estimators

# Rows of a training piece, and steps of the optimizer in all.
LENGTH, STEPS = 64, 400


@estimators.add("detect")
@dataclass(kw_only=True, eq=False)
class Detector(Estimator):
    """Answers each row with an anomaly score and whether it is above what normal rows reach; learns from normal data.

    The score is the mean surprise of the channels: the negative logarithm, in nats, of the probability density that a
    recurrent network gives what came, from the rows before it (or, with 'reconstruction', through a bottleneck). Which
    channel surprises most is told beside it. The threshold is calibrated on the last part of the training rows, or on
    sequences that are held out.

    Data are tables with numeric columns; arrays (T, D) or (N, T, D), lists of (T_i, D), also `(X, y)` with labels that
    say which rows are anomalies; with `per` 'sequence' also files of the UCR and UEA archives. Nothing is learned from
    rows that are labelled as anomalies.

    Args:
        target: columns that are judged; none are all numeric ones.
        time: column of timestamps; None looks for one.
        series: column that names the series of a row.
        label: column that says which rows are anomalies, 1 or 0; it is read to score answers, and may be missing.
        normal: label of rows that are no anomalies, where labels are others than 0 and 1.
        per: what is answered: each 'row', or a whole 'sequence' by the mean surprise of its rows.
        method: 'surprise' predicts a row from those up to `lag` rows before it; 'reconstruction' passes the last
            `context` rows through a bottleneck of `code` numbers, and judges these too. 'auto' predicts rows and
            reconstructs sequences.
        lag: rows between what is read and what is judged.
        context: rows that are reconstructed together. A whole sequence is as long as the longest one of training.
        code: numbers of the bottleneck.
        alarm: how scores are smoothed, and which of them are alarms.
        table: kinds, scaling and allowed repairs.
        network: recipe of the core, or its name.
        training: how it is trained.

    Example:
        model = whorl.Detector().fit("pump.csv")
        model.predict("new.csv").score
    """

    task: ClassVar[str] = "detect"

    target: str | tuple[str, ...] | None = None
    time: str | None = None
    series: str | None = None
    label: str | None = None
    normal: str | None = None
    per: Literal["row", "sequence"] = "row"
    method: Literal["auto", "surprise", "reconstruction"] = "auto"
    lag: int = 32
    context: int = 32
    code: int = 16
    alarm: Alarm = field(default_factory=Alarm)
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        for name, known in (("per", ("row", "sequence")), ("method", ("auto", "surprise", "reconstruction"))):
            value = getattr(self, name)
            if value not in known:
                raise ArgumentError(
                    f"`{name}` must be one of {', '.join(known)}, but is {value!r}.{did_you_mean(str(value), known)}"
                )
        for name, most in (("lag", MOST_WINDOW), ("context", MOST_WINDOW), ("code", MOST_WIDTH)):
            check_whole(name, getattr(self, name), 1, most)
        if not isinstance(self.alarm, Alarm):
            raise ArgumentError(f"`alarm` is a whorl.Alarm(...), but is a {type(self.alarm).__name__}. Make it one.")
        if self.normal is not None:
            self.normal = str(self.normal)  # whole numbers name classes too
        if isinstance(self.network, Recurrent) and self.network.bidirectional:
            raise ArgumentError(
                "`network` reads both ways, so it knows what it should be surprised by. Use bidirectional=False."
            )
        if not self._predicts:
            recurrent(self.network, REBUILDS)
        super().__post_init__()

    @property
    def _predicts(self) -> bool:
        return self.per == "row" if self.method == "auto" else self.method == "surprise"

    def wiring(self) -> Wiring:
        whole = self.per == "sequence"
        predicts = self._predicts
        return Wiring(
            pairing=EachRow(length=LENGTH, whole=whole),
            inputs="table",
            shape=Surprise(
                lag=int(self.lag) if predicts else None,
                context=None if predicts or whole else int(self.context),
                code=int(self.code),
                smooth=None if whole else self.alarm.smooth,
                false_alarm_rate=self.alarm.false_alarm_rate,
                buffer=self.alarm.buffer,
            ),
            outputs="table",
            head=StudentT(),
            readout="surprise",
            dropout=0.0,
        )

    def columns(self) -> Columns:
        target = self.target if self.target is None or isinstance(self.target, str) else names(self.target)
        return Columns(
            target=target or None,
            time=self.time,
            series=self.series,
            table=self.table,
            calendar=self.table.calendar == "on",
            label=self.label,
            normal=self.normal,
        )

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        recipe = from_key(self.network)
        plan = self.training.completed(batch_size=16, learning_rate=5e-3 if self._predicts else 3e-2, weight_decay=1e-2)
        whole = self.per == "sequence"
        num_batches = plan.num_batches(-(-num_examples // (1 if whole else LENGTH)))
        return (
            recipe.completed(hidden_size=64 if self._predicts else 24),
            plan.completed(epochs=max(3, round((2 * STEPS if whole else STEPS) / num_batches))),
        )
