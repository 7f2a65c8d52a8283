"""Translation: a text is read whole, and another one is written."""

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


@estimators.add("translate")
@dataclass(kw_only=True, eq=False)
class Translator(Estimator):
    """Answers a text with another one: in another language, or in whatever form the pairs of training have.

    Data are two files of which equal lines belong together, `("train.en", "train.de")`; a folder of such files, with
    `source` and `target` for their endings; a table with a column for each; or two lists of texts. `predict` also takes
    a list of sources, or a file with one a line. The network reads both ways, so a stream answers at `flush`, but for
    one that writes while it reads (`wait`).

    Args:
        source: column of the text that is read, or ending of its files.
        target: column of the text that is written, or ending of its files.
        tokens: how both are cut; byte pairs need the tokenizers library.
        attention: how a step that is written looks back at what was read: 'dot' (Luong et al. 2015), or 'additive'
            (Bahdanau et al. 2015), which takes longer.
        input_feeding: whether a step that is written also reads what the network made of the step before it, what it
            looked at included (Luong et al. 2015, section 3.3). Training then goes step by step, which takes longer.
        wait: tokens of the source that are read before the first one is written; from then on one is written for each
            that is read, and a stream answers while the text still comes (wait-k, Ma et al. 2019). The network reads
            one way then, and no beam is used. None reads the whole text first, and writes better.
        sampling: probability that a step in training is given what the network would have written itself instead of
            the true token (scheduled sampling, Bengio et al. 2015); it doubles the work of the side that writes.
        embedding_size: numbers that a token is read as; as many weigh it where tokens are written.
        longest: most tokens that are read, and that are written; what is longer is cut.
        smoothing: share of the truth that is spread over all tokens in training (Szegedy et al. 2016, section 7).
        dropout: probability of dropping a number: of symbols, of what was read, and on the way to the last layer.
        table: how tables are read.
        network: recipe of the core that reads, or its name. It reads both ways, but not with `wait`; the two layers
            that write have its cell and its size.
        training: how it is trained.

    Example:
        model = whorl.Translator().fit((english, german))
        model.predict(["A dog runs."], decoding=whorl.Beam(width=5)).value
    """

    task: ClassVar[str] = "translate"

    source: str = "source"
    target: str = "target"
    tokens: Text = field(default_factory=lambda: Text(unit="bpe", most=6000))
    attention: Attention = "dot"
    input_feeding: bool = False
    wait: int | None = None
    sampling: float = 0.0
    embedding_size: int = 256
    longest: int = 128
    smoothing: float = 0.1
    dropout: float = 0.2
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        pairs.check(self, input_feeding=self.input_feeding, wait=self.wait)
        super().__post_init__()

    def wiring(self) -> Wiring:
        return pairs.wiring(self, "text", input_feeding=self.input_feeding, wait=self.wait)

    def columns(self) -> Columns:
        return pairs.columns(self)

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        return pairs.resolved(self, num_examples, both_ways=self.wait is None)
