"""Recommendation: the items that a user may come to next."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from whorl.errors import ArgumentError, did_you_mean
from whorl.plans.changes import Forgetting
from whorl.plans.heads import Categorical
from whorl.plans.networks import Network, from_key
from whorl.plans.sizes import MOST_WIDTH, check_probability
from whorl.plans.table import Table
from whorl.plans.training import Training
from whorl.plans.wiring import Autoregressive, Items, Sequences, Wiring
from whorl.runtime.item_readout import MOST_LISTED
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, check_one_way, check_whole, estimators

# Last events of a session whose items are left out: what a stream remembers has one size.
REMEMBERED = 1_000
# Items that the truths of a batch are set against: many more than a catalogue of millions needs.
_MOST_DRAWN = 1 << 20
# Steps that a run without a limit of time or epochs takes, and those of an epoch, of which batches are as large as they
# must be.
_STEPS, _STEPS_OF_EPOCH = 2_400, 120


@estimators.add("recommend")
@dataclass(kw_only=True, eq=False)
class Recommender(Estimator):
    """Learns which item a user comes to next, and answers with the best ones (Hidasi et al. 2016, section 3.1).

    Data are a log of events: a table with a row for each, or a list of sessions, each a list of items, oldest first. A
    session is the events of a user in order of time; those of one time stay as they stand, but training reads them in
    another order in each epoch. Nothing is learned of a user: new users and sessions are answered as those of training
    are, from their events alone. Items that training does not have are read as unknown, and never recommended. Other
    columns, such as a rating, are not read.

    `fit` holds the last event of many sessions out. `predict` answers each session with the `k` best next items.
    `evaluate` scores the item of the last event of each session, from those before it, in a ranking of the whole
    catalogue. A stream answers after each event.

    With times='answer' the `until` of an answer says when the next event comes, given that one does: a distribution
    over bins of time, learned together with the items (the probability mass function of Kvamme & Borgan 2021), its
    median and its interval. It is told apart from which item comes.

    Args:
        user: column that names whose event a row is.
        item: column of the item.
        time: column of when an event happened; None takes events in the order of the table.
        gap: a session ends where the next event comes more than so many seconds later, or units of a time that is
            counted. None makes all events of a user one session.
        times: 'read' also reads how long after the one before it an event came; 'answer' reads it, and answers when the
            next one comes as well; 'ignore' does neither.
        seen: 'exclude' leaves the items of the last 1,000 events of a session out of its answers, and those that came
            before an event out of what training tells it from; 'keep' leaves them in, for things that one comes back
            to.
        k: items of an answer.
        embedding_size: numbers that an item is read as; None takes 128.
        tied: answer by the vectors that items are read as; None does so.
        dropout: probability of dropping an output of the core on its way to the last layer.
        negatives: items that the truths of a batch are set against in training, for catalogues of many thousands;
            None takes all of them.
        table: how tables and files are read.
        network: recipe of the core, or its name.
        training: how it is trained; `validation` counts events of which each is the last of its session.

    Example:
        model = whorl.Recommender(user="user", item="item", time="time").fit("ratings.csv")
        model.predict([["bread", "butter"]]).value
    """

    task: ClassVar[str] = "recommend"

    user: str = "user"
    item: str = "item"
    time: str | None = None
    gap: float | None = None
    times: Literal["ignore", "read", "answer"] = "ignore"
    seen: Literal["exclude", "keep"] = "exclude"
    k: int = 10
    embedding_size: int | None = None
    tied: bool | None = None
    dropout: float = 0.4
    negatives: int | None = None
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        named = [name for name in (self.user, self.item, self.time) if name is not None]
        if len(set(named)) < len(named):
            raise ArgumentError(
                f"`user`, `item` and `time` are different columns, but are {', '.join(map(repr, named))}. Name each."
            )
        for name, able in (("seen", ("exclude", "keep")), ("times", ("ignore", "read", "answer"))):
            given = getattr(self, name)
            if given not in able:
                raise ArgumentError(
                    f"`{name}` must be one of {', '.join(able)}, but is {given!r}.{did_you_mean(str(given), able)}"
                )
        for name, nothing in (("gap", None), ("times", "ignore")):
            if getattr(self, name) != nothing and self.time is None:
                raise ArgumentError(
                    f"`{name}` is {getattr(self, name)!r}, but `time` is None, so that nobody knows when an event "
                    "happened. Name the column."
                )
        if self.gap is not None and not 0 < self.gap < float("inf"):
            raise ArgumentError(f"`gap` is a positive number or None, but is {self.gap!r}. Change it.")
        for name, most in (("k", MOST_LISTED), ("embedding_size", MOST_WIDTH), ("negatives", _MOST_DRAWN)):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1, most)
        check_probability("dropout", self.dropout)
        super().__post_init__()
        check_one_way(self.network)

    def wiring(self) -> Wiring:
        seen = REMEMBERED if self.seen == "exclude" else 0
        return Wiring(
            pairing=Sequences(every_step=True, last=True),
            inputs="symbols",
            shape=Autoregressive(
                embedding_size=int(self.embedding_size or 128),
                tied=self.tied is None or bool(self.tied),
                items=Items(listed=int(self.k), seen=seen, until=self.times == "answer"),
            ),
            outputs="symbols",
            head=Categorical(smoothing=0.0 if self.negatives else 0.1, negatives=int(self.negatives or 0)),
            readout="next_item",
            dropout=float(self.dropout),
            # The unknown item is learned this way, and no item is relied on alone.
            augmentation=Forgetting(least=0.2),
        )

    def columns(self) -> Columns:
        return Columns(target=self.item, time=self.time, series=self.user, table=self.table)

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        recipe = from_key(self.network)
        sessions = max(8, min(128, num_examples // _STEPS_OF_EPOCH))
        plan = self.training.completed(batch_size=sessions, learning_rate=3e-3, weight_decay=1e-3)
        passes = max(5, min(100, round(_STEPS / plan.num_batches(num_examples))))
        return recipe.completed(hidden_size=128), plan.completed(
            epochs=1_000_000 if plan.max_seconds is not None else passes
        )
