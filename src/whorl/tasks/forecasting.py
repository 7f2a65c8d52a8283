"""Forecasting: the next `horizon` values of one or several targets of many series."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from whorl.errors import ArgumentError
from whorl.plans.heads import Head, Point, Quantiles
from whorl.plans.names import names
from whorl.plans.networks import Network, from_key
from whorl.plans.sizes import check_levels
from whorl.plans.table import Table
from whorl.plans.training import Training
from whorl.plans.wiring import ManyToMany, ManyToOne, Strips, Windows, Wiring
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, check_whole, estimators

# Rows before a row that a carried memory reads beside it.
MOST_LAGS = 96


@estimators.add("forecast")
@dataclass(kw_only=True, eq=False)
class Forecaster(Estimator):
    """Forecasts the next values of one or several targets.

    With `memory="window"` an answer depends on the last `context` rows: they are cut into segments, taken relative to
    their last value, and the whole horizon is decoded at once. With `memory="carried"` rows are read singly, the
    hidden state runs through the whole series, and a pushed row costs the same however long the stream has run.
    Both stream exactly what they predict. The window is the default: it measured better (docs/explanation/memory.md).
    Where targets come again after a season that the context holds, what stood a season before has a way of its own
    around a recurrent core, and windows are given more time to learn (docs/decisions/0029).

    Args:
        target: column or columns to forecast; None takes every numeric column.
        time: column of timestamps; None looks for one.
        series: column that names the series of a row; None is one series.
        known: columns that are known ahead, such as holidays or prices.
        static: columns with one value for each series.
        horizon: rows ahead.
        context: rows before; with carried memory the warm-up that is read but not scored.
        stride: rows between two training windows.
        quantiles: levels to answer beside the value; () answers the value alone. Pairs such as 0.1 and 0.9 are
            calibrated on the validation part.
        memory: 'window' or 'carried'.
        segment_length: rows that a window reads at once; 'auto' is a quarter of the context, at most 24.
        table: kinds, scaling and allowed repairs.
        network: recipe of the core, or its name.
        training: how it is trained.

    Example:
        model = whorl.Forecaster(target="load", time="timestamp", horizon=24, context=168)
        model.fit("load.csv").predict("new.csv").value
    """

    task: ClassVar[str] = "forecast"

    target: str | tuple[str, ...] | None = None
    time: str | None = None
    series: str | None = None
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    horizon: int = 24
    context: int = 168
    stride: int = 1
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)
    memory: Literal["window", "carried"] = "window"
    segment_length: int | Literal["auto"] = "auto"
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        for name in ("horizon", "context", "stride"):
            check_whole(name, getattr(self, name), 1)
        if self.segment_length != "auto":
            check_whole("segment_length", self.segment_length, 1)
        if self.memory not in ("window", "carried"):
            raise ArgumentError(f"`memory` must be 'window' or 'carried', but is {self.memory!r}. Choose one.")
        self._check_combinations()
        check_levels(self.quantiles)
        if from_key(self.network).bidirectional and self.memory == "carried":
            raise ArgumentError("`bidirectional` cores cannot carry a state along a stream. Use memory='window'.")
        if from_key(self.network).bidirectional:
            raise ArgumentError("`bidirectional` is True, but a forecast is decoded from one state. Use False.")
        super().__post_init__()

    def _check_combinations(self) -> None:
        """Settings that one memory has and the other has not are refused where they would do nothing."""
        carried = self.memory == "carried"
        for name, default in (("stride", 1), ("segment_length", "auto")):
            if carried and getattr(self, name) != default:
                raise ArgumentError(f"`{name}` is of windows, but memory is 'carried'. Leave it out.")
        if self.segment_length != "auto" and self.segment_length > self.context:
            raise ArgumentError(
                f"`segment_length` is {self.segment_length}, but the context has {self.context} rows. Lower it."
            )

    def wiring(self) -> Wiring:
        levels = tuple(map(float, self.quantiles))
        head: Head = Quantiles(levels) if levels else Point("mae")
        readout = "quantile" if levels else "point"
        context, horizon = int(self.context), int(self.horizon)  # they may be numbers of numpy
        if self.memory == "carried":
            return Wiring(
                pairing=Strips(context, horizon, num_lags=min(context, MOST_LAGS)),
                inputs="table",
                shape=ManyToMany(rescale=self.series is not None),
                outputs="table",
                head=head,
                readout=readout,
            )
        segment = None if self.segment_length == "auto" else int(self.segment_length)
        return Wiring(
            pairing=Windows(context, horizon, int(self.stride)),
            inputs="table",
            shape=ManyToOne(segment_length=segment, rescale=self.series is not None),
            outputs="table",
            head=head,
            readout=readout,
        )

    def columns(self) -> Columns:
        return Columns(
            target=None if self.target is None else names(self.target),
            time=self.time,
            series=self.series,
            known=names(self.known, "known"),
            static=names(self.static, "static"),
            table=self.table,
            calendar=self.table.calendar == "on",
        )

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        recipe, plan = from_key(self.network), self.training.completed(tbptt_steps=24, learning_rate=2e-3)
        num_steps = plan.tbptt_steps
        assert num_steps is not None
        # Every target of a window or strip is a row of a batch: so many rows keep two cores busy.
        if self.memory == "carried":
            # Strips are long beside their warm-up, whose rows are read for nothing.
            plan = plan.completed(batch_size=max(2, min(56 // num_targets, num_examples // (8 * self.context))))
            num_batches = -(-(plan.num_batches(num_examples) + self.context) // num_steps)
            least, most = 800, 1600
        else:
            plan = plan.completed(batch_size=max(8, round(448 / num_targets)))
            num_batches = plan.num_batches(num_examples)
            least, most = 400, 1000
        plan = plan.completed(epochs=-(-max(least, min(most, 5 * num_batches)) // num_batches))
        assert plan.epochs is not None
        patience = max(3, plan.epochs // 3)
        return recipe.completed(hidden_size=128), plan.completed(patience=patience)
