"""Generation: text that goes on a token at a time, and music a chord or an event at a time."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from whorl.data.scores import is_music
from whorl.errors import ArgumentError
from whorl.plans.changes import Transposition
from whorl.plans.heads import Bernoulli, Categorical
from whorl.plans.music import Music
from whorl.plans.networks import Network, from_key
from whorl.plans.sizes import MOST_WIDTH, check_probability
from whorl.plans.table import Table
from whorl.plans.text import Text
from whorl.plans.training import Training
from whorl.plans.wiring import Autoregressive, Strips, Wiring
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, check_one_way, check_whole, estimators

# Tokens that a run without a limit of time or epochs reads, and steps of music.
_TOKENS, _MOMENTS = 6_000_000, 2_000_000
# How a text is cut where nothing says so, and music is not in sight.
_TEXT = Text(unit="character", normalize=None)


@estimators.add("generate")
@dataclass(kw_only=True, eq=False)
class Generator(Estimator):
    """Learns what comes next in a text or a piece of music, and continues one.

    Data are a file of text, a folder of such files, a list of texts, or a table with a column of text. A file is one
    long stream; the files of a folder, the texts of a list and the rows of a table are documents, whose end is learned
    too. Text may be larger than memory. The state is carried through the whole of a text, in training from batch to
    batch, and the last part is held out.

    `predict` continues prompts, as `decoding` says. `evaluate` tells how much a text surprises the model, by the token
    and by the character. A stream takes text as it is typed and answers with the probability of each next token.

    With `tokens=whorl.Music()` data are pieces: files of MIDI, `.json` files with lists of chords, a folder or a table
    of them, or lists of chords. `predict` answers pieces, which begin with what they continue; `write` makes `.mid` or
    `.wav` of them. `evaluate` tells the surprise of a step, or of an event.

    Args:
        text: column of the text, in tables.
        condition: column of a label that is read beside every token, such as an author, a composer or a genre. Of a
            folder of music it is the name of the folder that a file lies in.
        tokens: how the text, or the music, is cut; where nothing is said, files of MIDI are rolls. A normal form holds
            the last character back while text is typed.
        embedding_size: numbers that a token is read as; None takes 64 for characters, bytes and events, else 128.
        tied: answer by the vectors that tokens are read as, which chords cannot; None does so for words and byte pairs.
        dropout: probability of dropping an output of the core on its way to the last layer. A text that is read a few
            times is known by heart without it; one that is read once wants less.
        table: how tables and files are read.
        network: recipe of the core, or its name.
        training: how it is trained.

    Example:
        model = whorl.Generator(training=whorl.Training(max_seconds=180)).fit("plays.txt")
        model.predict(["To be"], decoding=whorl.Sample(temperature=0.7, max_length=300)).value

        model = whorl.Generator(tokens=whorl.Music()).fit("chorales/")
        model.predict([[[60, 64, 67, 72]]], decoding=whorl.Sample(max_length=64)).write("chorale.mid")
    """

    task: ClassVar[str] = "generate"

    text: str = "text"
    condition: str | None = None
    tokens: Text | Music = _TEXT
    embedding_size: int | None = None
    tied: bool | None = None
    dropout: float = 0.2
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        if not isinstance(self.tokens, Text | Music):
            raise ArgumentError(
                f"`tokens` is a whorl.Text(...) or a whorl.Music(...), but is a {type(self.tokens).__name__}. Make it "
                "one."
            )
        if self.text == self.condition:
            raise ArgumentError(
                f"`text` and `condition` are both {self.text!r}. Name the column of the label as `condition`."
            )
        if self.tied and isinstance(self.tokens, Music) and self.tokens.steps == "roll":
            raise ArgumentError(
                "`tied` answers by the vectors that tokens are read as, but the notes of a chord are answered each by "
                "itself. Leave it out."
            )
        if self.embedding_size is not None:
            check_whole("embedding_size", self.embedding_size, 1, MOST_WIDTH)
        check_probability("dropout", self.dropout)
        super().__post_init__()
        check_one_way(self.network)

    def for_data(self, data: object) -> Self:
        if self.tokens == _TEXT and is_music(data):
            return replace(self, tokens=Music())
        return self

    def wiring(self) -> Wiring:
        if isinstance(self.tokens, Music):
            return self._music(self.tokens)
        long = self.tokens.unit in ("word", "bpe")
        return Wiring(
            pairing=Strips(warm_up=1, horizon=1),
            inputs="text",
            shape=Autoregressive(
                embedding_size=int(self.embedding_size or (128 if long else 64)),
                tied=long if self.tied is None else bool(self.tied),
            ),
            outputs="text",
            head=Categorical(),
            readout="next_token",
            dropout=float(self.dropout),
        )

    def _music(self, plan: Music) -> Wiring:
        roll, (least, most) = plan.steps == "roll", plan.transpose
        return Wiring(
            pairing=Strips(warm_up=1, horizon=1),
            inputs="music",
            shape=Autoregressive(embedding_size=int(self.embedding_size or 64), tied=bool(self.tied)),
            outputs="music",
            head=Bernoulli(joint=True) if roll else Categorical(),
            readout="next_chord" if roll else "next_event",
            dropout=float(self.dropout),
            augmentation=Transposition(least=least, most=most) if (least, most) != (0, 0) else None,
        )

    def columns(self) -> Columns:
        return Columns(
            target=None,
            time=None,
            series=None,
            static=() if self.condition is None else (self.condition,),
            table=self.table,
            text=self.text,
            tokens=self.tokens if isinstance(self.tokens, Text) else Text(),
            music=self.tokens if isinstance(self.tokens, Music) else None,
        )

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        recipe, chosen = from_key(self.network), self.training
        if isinstance(self.tokens, Music):
            passes = 1_000_000 if chosen.max_seconds is not None else max(4, min(200, round(_MOMENTS / num_examples)))
            return (
                recipe.completed(hidden_size=256),
                chosen.completed(batch_size=16, tbptt_steps=32, learning_rate=1e-2, weight_decay=1e-2, epochs=passes),
            )
        # Time or epochs end a run, or a number of tokens; text of any length is worth a few passes.
        passes = 1_000_000 if chosen.max_seconds is not None else max(2, min(40, round(_TOKENS / max(1, num_examples))))
        return (
            recipe.completed(hidden_size=512),
            chosen.completed(
                batch_size=32, tbptt_steps=48, learning_rate=3e-3, weight_decay=1e-2, epochs=passes, patience=None
            ),
        )
