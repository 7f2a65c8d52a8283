"""Regression: numbers for a sequence, or for each of its steps, and how much of a life remains."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self

from whorl.errors import ArgumentError
from whorl.plans.changes import Augmentation
from whorl.plans.heads import Head, Point, Quantiles
from whorl.plans.media import Media, word_of
from whorl.plans.names import names
from whorl.plans.networks import Network, from_key
from whorl.plans.sizes import check_levels
from whorl.plans.table import Table
from whorl.plans.training import Training
from whorl.plans.wiring import ManyToMany, ManyToOne, Sequences, Wiring
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, estimators
from whorl.tasks.media import check_columns, plan_for, shape_of, targets_of_pair

# The column of what is left, where none is named.
REMAINING = "remaining"


@estimators.add("regress")
@dataclass(kw_only=True, eq=False)
class Regressor(Estimator):
    """Answers a sequence with a number, or several.

    Data are arrays, `(X, y)` with X (N, T, D) or a list of (T_i, D) and y (N,), (N, K) or (N, T, K), or a long table
    whose `series` column names the sequence of a row; the target of a sequence is that of its last row, or with
    `every_step` each row has its own. A table may also have a sequence in each row: its columns but the targets are
    numbered then (t0, t1, ...). While a sequence is streamed, each push gives the answer so far.

    With `remaining` the answer is how many rows are left until a sequence ends in failure. Nothing but the rows is
    needed: each sequence ends in failure, and the truth of a row is counted from its end. Where sequences end before,
    the target column (`y` of arrays, (N,)) says how many rows are left after the last one. Every row is learned;
    `predict` answers the last row of each sequence, and `evaluate` scores that one where there is a target column, and
    every row where sequences end in failure.

    An example may also be a recording, a picture or a video: a table with a column of paths and the targets beside it,
    a folder in which that table lies beside the files, or `(paths, y)`. Where nobody names the targets of such a pair
    they are called y, or y0, y1, ...

    Args:
        target: column or columns to answer; unused with arrays. With `remaining` the column of what is left after the
            last row, which need not be there; None is 'remaining'.
        time: column of timestamps; None looks for one.
        series: column that names the sequence of a row.
        static: columns with one value for each sequence.
        tokens: how a recording, a picture or a video is cut into steps: `whorl.Audio(...)`, `whorl.Image(...)`,
            `whorl.Video(...)` or `whorl.Features(...)`; None sees in the data whether they are files, and which.
        group: column that says which sequences belong together, so that no group is both learned from and held out; it
            is not read. Of files it may be a pattern, as of `whorl.Audio`.
        every_step: answer at each step; a target for each row of a table, and of arrays y (N, T, K).
        remaining: answer how many rows are left until a sequence ends in failure.
        cap: with `remaining`, what larger truths count as, in training and in scores; None has no cap.
        quantiles: ascending levels of the quantiles that are learned and calibrated beside the answer.
        loss: 'mse' or 'mae'; with quantiles always 'mae'.
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
    tokens: Media | None = None
    group: str | None = None
    every_step: bool = False
    remaining: bool = False
    cap: float | None = None
    quantiles: tuple[float, ...] = ()
    loss: Literal["mse", "mae"] = "mse"
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        if self.loss not in ("mse", "mae"):
            raise ArgumentError(f"`loss` must be 'mse' or 'mae', but is {self.loss!r}. Choose one.")
        check_levels(self.quantiles)
        if self.cap is not None and not self.remaining:
            raise ArgumentError("`cap` is of remaining life, but `remaining` is False. Set remaining=True.")
        if self.cap is not None and not 0 < self.cap < float("inf"):
            raise ArgumentError(f"`cap` is a number of rows above zero, but is {self.cap!r}. Change it.")
        if self.tokens is not None:
            check_columns(self, self.tokens)
        if self.remaining and self.target is not None and len(names(self.target)) != 1:
            raise ArgumentError(f"`target` names the one column of what is left, but is {self.target!r}. Name one.")
        super().__post_init__()

    def for_data(self, data: object) -> Self:
        """Sees whether data are files, and what targets of a pair of these and numbers are called."""
        plan = self.tokens
        if plan is None and self.series is None and not self.every_step and not self.remaining:
            plan = plan_for(data, self.table)
        if plan is None:
            return self
        target = self.target
        if target is None and isinstance(data, tuple) and len(data) == 2:
            target = targets_of_pair(data) or "y"
        if target is None:
            raise ArgumentError(
                "`target` is None, but nothing says which numbers are answered of files; subfolders name labels. Give "
                "a table with a column of paths, and name the column of numbers as `target`."
            )
        return replace(self, tokens=plan, target=target)

    def wiring(self) -> Wiring:
        stepwise = self.every_step or self.remaining
        head: Head = Quantiles(tuple(self.quantiles)) if self.quantiles else Point(self.loss)
        if self.tokens is not None:
            return Wiring(
                pairing=Sequences(),
                inputs=word_of(self.tokens),
                shape=shape_of(self.tokens),
                outputs="table",
                head=head,
                readout="quantile" if self.quantiles else "point",
            )
        return Wiring(
            pairing=Sequences(every_step=stepwise, last=self.remaining and not self.every_step),
            inputs="table",
            shape=ManyToMany() if stepwise else ManyToOne(),
            outputs="table",
            head=head,
            readout="quantile" if self.quantiles else "point",
            dropout=0.5 if self.remaining else 0.1,
            # Lives are few and long, and learned by heart unless their sensors are noisier than they are.
            augmentation=Augmentation(warp=0.0, scale=0.0, noise=0.15) if self.remaining else None,
        )

    def columns(self) -> Columns:
        target = REMAINING if self.remaining and self.target is None else self.target
        return Columns(
            target=None if target is None else names(target),
            time=self.time,
            series=self.series,
            static=names(self.static),
            group=self.group,
            table=self.table,
            calendar=self.table.calendar == "on",
            media=self._media(),
        )

    def _media(self) -> Media | None:
        """How files are read, with what they belong to."""
        if self.tokens is None or self.group is None:
            return self.tokens
        return replace(self.tokens, group=self.group)

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        recipe = from_key(self.network)
        plan = self.training.completed(
            # A life has a truth at each of its steps, so that few of them make a batch.
            batch_size=8 if self.remaining else 32,
            learning_rate=2e-3,
            weight_decay=1.0 if self.remaining else 0.0,
        )
        updates, most = (2800, 400) if self.remaining else (2000, 200)
        plan = plan.completed(epochs=max(10, min(most, round(updates / plan.num_batches(num_examples)))))
        assert plan.epochs is not None
        # A few lives that are held out say little about which epoch is best.
        patience = None if self.remaining else max(5, plan.epochs // 5)
        recipe = recipe.completed(hidden_size=96 if self.remaining else 64, num_layers=2 if self.remaining else 1)
        return recipe, plan.completed(patience=patience)
