"""Regression: numbers for a sequence, or for each of its steps."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from whorl.errors import ArgumentError
from whorl.plans.networks import Recurrent, from_key
from whorl.plans.table import Table
from whorl.plans.training import Training
from whorl.plans.wiring import ManyToMany, ManyToOne, Point, Sequences, Wiring
from whorl.tasks.columns import Columns, names
from whorl.tasks.estimator import Estimator, estimators


@estimators.add("regress")
@dataclass(kw_only=True, eq=False)
class Regressor(Estimator):
    """Answers a sequence with a number, or several.

    Data are arrays, `(X, y)` with X (N, T, D) or a list of (T_i, D) and y (N,), (N, K) or (N, T, K), or a long table
    whose `series` column names the sequence of a row; the target of a sequence is that of its last row.
    While a sequence is streamed, each push gives the answer so far.

    Args:
        target: column or columns to answer; unused with arrays.
        time: column of timestamps; None looks for one.
        series: column that names the sequence of a row.
        static: columns with one value for each sequence.
        every_step: answer at each step; y is (N, T, K).
        loss: 'mse' or 'mae'.
        table: kinds, scaling and allowed repairs.
        network: recipe of the core, or its name.
        training: how it is trained.

    Example:
        The seed example of the field: `whorl.Regressor(network=whorl.Recurrent("rnn", hidden_size=50)).fit((X, y))`.
    """

    task: ClassVar[str] = "regress"

    target: str | tuple[str, ...] | None = None
    time: str | None = None
    series: str | None = None
    static: tuple[str, ...] = ()
    every_step: bool = False
    loss: Literal["mse", "mae"] = "mse"
    table: Table = field(default_factory=Table)
    network: Recurrent | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        if self.loss not in ("mse", "mae"):
            raise ArgumentError(f"`loss` must be 'mse' or 'mae', but is {self.loss!r}. Choose one.")
        super().__post_init__()

    def wiring(self) -> Wiring:
        return Wiring(
            pairing=Sequences(every_step=self.every_step),
            inputs="table",
            shape=ManyToMany() if self.every_step else ManyToOne(),
            outputs="table",
            head=Point(self.loss),
            readout="point",
        )

    def columns(self) -> Columns:
        return Columns(
            target=None if self.target is None else names(self.target),
            time=self.time,
            series=self.series,
            static=names(self.static),
            table=self.table,
            calendar=self.table.calendar == "on",
        )

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Recurrent, Training]:
        recipe = from_key(self.network)
        batch_size = self.training.batch_size or 32
        num_batches = -(-num_examples // batch_size)
        epochs = self.training.epochs or max(10, min(200, round(2000 / num_batches)))
        patience = self.training.patience
        return (
            replace(recipe, hidden_size=int(recipe.hidden_size or 64)),
            replace(
                self.training,
                batch_size=batch_size,
                learning_rate=self.training.learning_rate or 2e-3,
                epochs=epochs,
                patience=max(5, epochs // 5) if patience == "auto" else patience,
            ),
        )
