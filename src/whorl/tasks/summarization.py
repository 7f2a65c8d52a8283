"""Summaries: a text is read whole, and a short one is written."""

from dataclasses import dataclass, field
from typing import ClassVar

from whorl.plans.networks import Network
from whorl.plans.table import Table
from whorl.plans.text import Text
from whorl.plans.training import Training
from whorl.plans.wiring import Attention, Wiring
from whorl.tasks import pairs
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, estimators


@estimators.add("summarize")
@dataclass(kw_only=True, eq=False)
class Summarizer(Estimator):
    """Answers a long text with a short one: its summary, its title, its subject.

    Data are a table with a column for the texts and one for what is to be written, two lists of texts, or two files of
    which equal lines belong together. The network reads both ways, so a stream answers at `flush`. Scores are ROUGE,
    beside the start of the text and the answer to the most similar text in training.

    Args:
        source: column of the long text, or ending of its files.
        target: column of the short text, or ending of its files.
        tokens: how both are cut; byte pairs need the tokenizers library.
        attention: how a step that is written looks back at what was read: 'dot' (Luong et al. 2015), or 'additive'
            (Bahdanau et al. 2015), which takes longer.
        input_feeding: whether a step that is written also reads what the network made of the step before it, what it
            looked at included (Luong et al. 2015, section 3.3). Training then goes step by step, which takes longer.
        sampling: probability that a step in training is given what the network would have written itself instead of
            the true token (scheduled sampling, Bengio et al. 2015); it doubles the work of the side that writes.
        embedding_size: numbers that a token is read as; as many weigh it where tokens are written.
        longest: most tokens that are read, and that are written; what is longer is cut.
        recall: answers with what is there already where that is better: with the short text of the most similar long
            one in training, where the two are similar enough, else with what is written or with the first words of the
            long text. Which, how similar and how many words is chosen by ROUGE-L on the validation part. The model
            file then holds all pairs of training.
        smoothing: share of the truth that is spread over all tokens in training (Szegedy et al. 2016, section 7).
        dropout: probability of dropping a number: of symbols, of what was read, and on the way to the last layer.
        table: how tables are read.
        network: recipe of the core that reads, or its name. It reads both ways; the two layers that write have its
            cell and its size.
        training: how it is trained.

    Example:
        model = whorl.Summarizer(source="body", target="subject").fit("mails.jsonl")
        model.predict(["The meeting of tomorrow ..."]).value
    """

    task: ClassVar[str] = "summarize"

    source: str = "text"
    target: str = "summary"
    tokens: Text = field(default_factory=lambda: Text(unit="bpe", most=6000))
    attention: Attention = "dot"
    input_feeding: bool = False
    sampling: float = 0.0
    embedding_size: int = 256
    longest: int = 400
    recall: bool = False
    smoothing: float = 0.1
    dropout: float = 0.2
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        pairs.check(self, input_feeding=self.input_feeding, recall=self.recall)
        super().__post_init__()

    def wiring(self) -> Wiring:
        return pairs.wiring(self, "summary", input_feeding=self.input_feeding, recall=self.recall)

    def columns(self) -> Columns:
        return pairs.columns(self)

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        return pairs.resolved(self, num_examples)
