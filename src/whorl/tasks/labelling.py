"""Labelling: one of several labels for each step of a sequence."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from whorl.errors import ArgumentError
from whorl.plans.changes import Forgetting
from whorl.plans.heads import Categorical
from whorl.plans.names import names
from whorl.plans.networks import Network, from_key
from whorl.plans.table import Table
from whorl.plans.training import Training
from whorl.plans.wiring import ManyToMany, Sequences, Wiring
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, check_lookahead, estimators

# Steps that a network which reads forwards waits with its answer.
_LOOKAHEAD = 2
_MOST_LOOKAHEAD = 1000


@estimators.add("tag")
@dataclass(kw_only=True, eq=False)
class Tagger(Estimator):
    """Answers each step of a sequence with one of several labels: each word of a sentence, each row of a series.

    Data are sentences: a CoNLL-U file, a file of a word and a tag on each line (.conll, .iob, .bio, .tsv) or a folder
    of them, a pair of lists, `(sentences, tags)`, or a table with a word a row and a `text` and a `series` column. To
    predict, a text file with a sentence a line does, or a list; texts are split where white space stands. Or data are
    numbers: arrays, `(X, y)` with X (N, T, D) or a list of (T_i, D) and y (N, T) or a list of (T_i,) labels, or a long
    table whose `series` column names the sequence of a row and whose `target` column has the row's label.

    Args:
        target: column of the label in a table; of CoNLL-U the field that is the tag, 'upos' where it is None.
        time: column of timestamps of a table of numbers; None looks for one.
        series: column that names the sequence of a row.
        static: columns with one value for each sequence.
        text: column of the word in a table of words; None reads a table as numbers.
        lookahead: steps after a row that are read before it is answered. 'auto' is 2, and 0 for a network that reads
            both ways, which knows all of them.
        crf: learn how labels follow each other, too, and answer those of a sequence together (a conditional random
            field, Lafferty et al. 2001). Where there are labels B-X, an I-X then only follows a B-X or an I-X.
            Nothing is answered before the end of a sequence, so that it cannot stream.
        table: kinds, scaling and allowed repairs.
        network: recipe of the core, or its name.
        training: how it is trained.

    Example:
        model = whorl.Tagger().fit("train.conllu")
        model.predict(["Time flies like an arrow ."]).value
    """

    task: ClassVar[str] = "tag"

    target: str | None = None
    time: str | None = None
    series: str | None = None
    static: tuple[str, ...] = ()
    text: str | None = None
    lookahead: int | Literal["auto"] = "auto"
    crf: bool = False
    table: Table = field(default_factory=Table)
    network: Network | str = "lstm"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_lookahead(self.lookahead, self.network, _MOST_LOOKAHEAD)
        if self.text is not None:
            if self.text == self.target:
                raise ArgumentError(
                    f"`text` and `target` are both {self.text!r}. Name the column of the tag as `target`."
                )
            if self.time is not None or names(self.static):
                raise ArgumentError("`time` and `static` are of rows of numbers, but with `text` a row is a word.")

    def wiring(self) -> Wiring:
        both = from_key(self.network).bidirectional
        lookahead = (0 if both else _LOOKAHEAD) if self.lookahead == "auto" else int(self.lookahead)
        return Wiring(
            pairing=Sequences(every_step=True, lookahead=lookahead),
            inputs="symbols",
            shape=ManyToMany(input_dropout=0.5),
            outputs="symbols",
            head=Categorical(chain=self.crf),
            readout="tags",
            # Words of training are soon known by heart, and new ones told by their characters alone.
            dropout=0.5,
            augmentation=Forgetting(rate=1.0),
        )

    def columns(self) -> Columns:
        return Columns(
            target=self.target,
            time=self.time,
            series=self.series,
            static=names(self.static),
            table=self.table,
            calendar=self.table.calendar == "on",
            text=self.text,
        )

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        recipe = from_key(self.network)
        plan = self.training.completed(batch_size=16, learning_rate=3e-3, patience=None)
        epochs = max(20, min(100, round(3500 / plan.num_batches(num_examples))))
        return recipe.completed(hidden_size=128), plan.completed(epochs=epochs)
