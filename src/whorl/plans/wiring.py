"""A task as data: what goes in, how it is cut, what comes out, and how an answer is read.

Few shapes cover every application (`ManyToOne`, `ManyToMany`, `Autoregressive`, `Surprise` and `EncoderDecoder`). A
wiring names its parts; the layers that build them look the names up. Wirings are structs and not dataclasses because
model files hold them: msgspec reads them back strictly, and tells the members of a union apart by their tags.
"""

from typing import Literal

import msgspec

from whorl.plans.changes import Change
from whorl.plans.heads import Head


class Windows(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="windows"):
    """Every origin is one example: `context` rows before it, `horizon` rows after it, one origin every `stride`."""

    context: int
    horizon: int
    stride: int = 1


class Strips(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="strips"):
    """A series is read from its start to its end with its state carried; the first `warm_up` rows are not scored.

    Beside a row its targets in the `num_lags` rows before it are read.
    """

    warm_up: int
    horizon: int
    num_lags: int = 0


class Sequences(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="sequences"):
    """A whole sequence is one example and has one target, or one for each step.

    With `last`, a sequence with a target for each step is answered by its last step alone, and steps whose truth is
    unknown are not scored. The answer for a step is given `lookahead` steps after it, so that it knows what comes next.
    With `turns`, a turn of a dialogue is the target, and up to so many turns before it are the sequence.
    """

    every_step: bool = False
    last: bool = False
    lookahead: int = 0
    turns: int | None = None


class EachRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="each_row"):
    """Every row is answered itself, by what came before it; nothing is known but the rows.

    Training reads pieces of `length` rows from anywhere in the training part, and as many before them that are not
    scored; a stream reads from the start. `whole` has one answer for a sequence, from all of its rows.
    """

    length: int
    whole: bool = False


Pairing = Windows | Strips | Sequences | EachRow


def is_whole(pairing: Pairing) -> bool:
    """Whether a whole sequence is one example, so that whole ones are held out, and not the last rows of each."""
    return isinstance(pairing, Sequences) or (isinstance(pairing, EachRow) and pairing.whole)


Pooling = Literal["last", "mean", "max", "attention"]


class Convolution(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="convolution"):
    """Layers of causal convolutions before the core: each reads `kernel_size` steps, is normalised over the batch
    (Ioffe & Szegedy 2015) and cut off at zero. The steps that layer n from 0 reads lie `growth` ** n apart, or less
    where the last layer would reach back further than the longest training sequence is long. A `kernel_size` of None is
    an eighth of that one, from 3 to 7.
    """

    channels: int
    kernel_size: int | None
    num_layers: int = 1
    growth: int = 1


class ManyToOne(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="many_to_one"):
    """A sequence leads to one answer (of `horizon` steps where there is one).

    `segment_length` rows are read at once where it is not None, and as many steps of the horizon are answered at once.
    A window's targets are taken relative to their last value; `rescale` also divides them by their spread in the
    window, for series of different sizes. The answer of a whole sequence comes from its core's outputs, pooled over
    time in one or several ways side by side, behind a `convolution` where there is one. With `beside`, what the core
    reads is pooled too, but for its last step, beside what it answers. What it reads is dropped with the probability
    `input_dropout`, but for numbers of rows. A symbol is read as `embedding_size` numbers; None goes by how many
    symbols there are.
    """

    segment_length: int | None = None
    rescale: bool = False
    pooling: tuple[Pooling, ...] = ("last",)
    convolution: Convolution | None = None
    beside: bool = False
    input_dropout: float = 0.0
    embedding_size: int | None = None


class ManyToMany(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="many_to_many"):
    """Every step of a sequence leads to an answer (of `horizon` steps where there is one).

    Of numbers, targets are taken relative to their last value; `rescale` also divides them by their running spread.
    Whole sequences have neither, but may have a `convolution` before the core, and what they read is dropped with the
    probability `input_dropout` on its way in, but for numbers of rows. So many frames as `stride` says are one step.
    What the core says may be read by convolutions `behind` it, so that answers that are late look at all that was said
    since (Wang et al. 2016, ICLR workshop, whose lookahead convolution weighs each unit alone).
    """

    rescale: bool = False
    convolution: Convolution | None = None
    input_dropout: float = 0.0
    stride: int = 1
    behind: Convolution | None = None


class Items(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="items"):
    """The best items of a catalogue are answered, `listed` of them; an item that training does not have is none.

    The items of the `seen` last steps are left out: their codes stand behind what the network says of the catalogue.
    With `until` it is answered, too, when the next item comes: which bin the time until then is in, where bins are the
    symbols of the last column that is read.
    """

    listed: int = 10
    seen: int = 0
    until: bool = False


class Autoregressive(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="autoregressive"):
    """The answer of a step is what is read at the next one: a symbol, the first column of a row, or the flags that are
    its first columns.

    A symbol is read as `embedding_size` numbers. `tied` answers by the same vectors (Press & Wolf 2017, section 3),
    which is what makes a large vocabulary affordable. What is answered are tokens, or `items` of a catalogue.
    """

    embedding_size: int
    tied: bool = False
    items: Items | None = None


class Surprise(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="surprise"):
    """Every step of a sequence leads to how improbable each of its numbers is, in nats.

    What a row could be is told from the rows up to `lag` rows before it; without a lag from a `code` of so many numbers
    for the `context` last rows, too few to copy them; None takes the length of the longest training sequence. The nats
    are averaged over about `smooth` last rows: a row counts (smooth - 1) / (smooth + 1) times as much as the one after
    it, or as much where `smooth` is None.

    A row is flagged where its surprise is above what a share of `false_alarm_rate` of normal rows exceeds. `buffer`
    rows around an anomaly count partly in the volume metrics; None takes the period of the data.
    """

    lag: int | None = 1
    context: int | None = None
    code: int = 16
    smooth: int | None = 1
    false_alarm_rate: float = 0.01
    buffer: int | None = None

    @property
    def decay(self) -> float:
        """Weight of a row beside that of the row after it."""
        return 1.0 if self.smooth is None else (self.smooth - 1) / (self.smooth + 1)


Attention = Literal["dot", "additive"]


class EncoderDecoder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="encoder_decoder"):
    """A sequence is read whole, and another one is written step by step, each step looking back at what was read.

    The decoder has a layer, attention to the encoder's outputs by what that layer says, and a layer above both; the
    encoder's final state begins the two. In training each step is given the true one before it (teacher forcing).

    Args:
        attention: 'dot' (Luong et al. 2015, eq. 8, 'general'), or 'additive' (Bahdanau et al. 2015, appendix A.1.2).
        longest: most steps that are read of a source, or written.
        embedding_size: width of the learned vector of a symbol.
        sampling: probability that a step in training is given what the network itself would have written instead
            (scheduled sampling, Bengio et al. 2015, at one rate, in two passes as in Mihaylova & Martins 2019).
        input_feeding: whether a step also reads the attentional vector of the step before (Luong et al. 2015, section
            3.3).
        wait: steps of the source that are read before the first one is written; each one more that is written knows one
            more (wait-k, Ma et al. 2019, section 3.1). None reads all of them first.
        recall: whether the target of the most similar source of training is the answer where a source is similar
            enough.
        ordered: whether what is read has an order, so that a core reads it. Without one it is a picture or cells of a
            grid, each read by itself, and their mean begins the two layers (Xu et al. 2015, section 3.1.2).
    """

    attention: Attention = "dot"
    longest: int = 128
    embedding_size: int = 256
    sampling: float = 0.0
    input_feeding: bool = False
    wait: int | None = None
    recall: bool = False
    ordered: bool = True


Shape = ManyToOne | ManyToMany | Autoregressive | Surprise | EncoderDecoder


class Wiring(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a task is: a function from its fields to this.

    Args:
        pairing: which records are input and which are target.
        inputs: registered name of the codec family that encodes rows.
        outputs: registered name of the codec family that decodes answers.
        shape: where answers stand in time.
        head: what the network's last layer says about an answer.
        readout: registered name of what turns the head's numbers into an answer.
        dropout: probability of dropping a number on its way to the last layer.
        augmentation: how training examples are changed, each time anew; None leaves them as they are.
        prefixes: share of the training sequences that end early, each time elsewhere, so that the answer so far is
            learned as well.
    """

    pairing: Pairing
    inputs: str
    shape: Shape
    outputs: str
    head: Head
    readout: str
    dropout: float = 0.1
    augmentation: Change | None = None
    prefixes: float = 0.0
