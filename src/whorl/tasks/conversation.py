"""Dialogues: the last turns are read, and an answer to them is written."""

from dataclasses import dataclass, field
from typing import ClassVar

from whorl.data.dialogue_reader import REPLY
from whorl.data.turn_rows import TEXT
from whorl.data.writing_reader import MOST_STEPS
from whorl.errors import ArgumentError
from whorl.plans.networks import Network
from whorl.plans.table import Table
from whorl.plans.text import Text
from whorl.plans.training import Training
from whorl.plans.wiring import Attention, Wiring
from whorl.tasks import pairs
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, check_whole, estimators


@estimators.add("chat")
@dataclass(kw_only=True, eq=False)
class Chatbot(Estimator):
    """Answers a turn of a dialogue, by what was said in the last turns.

    Data are a file or a folder of dialogues: plain text with a turn on each line and a blank line between dialogues,
    or JSON lines, a list of turns on each; or a list of lists of turns in Python. Every turn but the first is learned
    as the answer to those before it, and a dialogue is learned from or held out as a whole. `predict` answers the last
    turn of each dialogue. A stream is a dialogue: `push` takes a turn, and returns the answer, which is kept as the
    next turn. Its memory are the last `context` turns.

    Args:
        context: most turns that are read, those of both sides.
        tokens: how turns are cut; byte pairs need the tokenizers library.
        attention: how a step that is written looks back at what was read: 'dot' (Luong et al. 2015), or 'additive'
            (Bahdanau et al. 2015), which takes longer.
        sampling: probability that a step in training is given what the network would have written itself instead of
            the true token (scheduled sampling, Bengio et al. 2015); it doubles the work of the side that writes.
        embedding_size: numbers that a token is read as; as many weigh it where tokens are written.
        longest: most tokens that are read, the last ones of those turns, and that are written.
        smoothing: share of the truth that is spread over all tokens in training (Szegedy et al. 2016, section 7); it
            costs perplexity.
        dropout: probability of dropping a number: of symbols, of what was read, and on the way to the last layer.
        table: how files are read; of it, the encoding counts.
        network: recipe of the core that reads, or its name. It reads both ways; the two layers that write have its
            cell and its size.
        training: how it is trained.

    Example:
        model = whorl.Chatbot(context=3).fit("dialogues.txt")
        model.predict([["Have you seen it?", "No. Is it good?", "Very."]]).value
    """

    task: ClassVar[str] = "chat"

    context: int = 3
    tokens: Text = field(default_factory=lambda: Text(unit="bpe", most=6000))
    attention: Attention = "dot"
    sampling: float = 0.0
    embedding_size: int = 256
    longest: int = 128
    smoothing: float = 0.0
    dropout: float = 0.2
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        check_whole("context", self.context, 1)
        if self.context > MOST_STEPS:
            raise ArgumentError(f"`context` is at most {MOST_STEPS} turns, but is {self.context}. Lower it.")
        pairs.check_writing(self)
        super().__post_init__()

    def wiring(self) -> Wiring:
        return pairs.wiring(self, "reply", turns=int(self.context))

    def columns(self) -> Columns:
        return Columns(target=REPLY, time=None, series=None, table=self.table, text=TEXT, tokens=self.tokens)

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        return pairs.resolved(self, num_examples)
