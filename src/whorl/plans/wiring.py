"""A task as data: what goes in, how it is cut, what comes out, and how an answer is read.

Few shapes cover every application (`ManyToOne`, `ManyToMany`, `Autoregressive`, `Surprise` and `EncoderDecoder`). A
wiring names its parts; the layers that build them look the names up. Wirings are structs and not dataclasses because
model files hold them: msgspec reads them back strictly, and tells the members of a union apart by their tags.
"""

from typing import Literal

import msgspec


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
    """

    rescale: bool = False
    convolution: Convolution | None = None
    input_dropout: float = 0.0
    stride: int = 1


class Items(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="items"):
    """The best items of a catalogue are answered, `listed` of them; an item that training does not have is none.

    The items of the `seen` last steps are left out: their codes stand behind what the network says of the catalogue.
    """

    listed: int = 10
    seen: int = 0


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


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="point"):
    """One number an output, learned by `loss`."""

    loss: Literal["mse", "mae"] = "mse"


class Quantiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="quantiles"):
    """A point and these quantiles for each output, learned together; levels ascend within (0, 1)."""

    levels: tuple[float, ...]


class Categorical(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="categorical"):
    """The probability of each class, learned by its cross entropy.

    `smoothing` is the share of the truth that is spread over all classes (Szegedy et al. 2016, section 7). With `chain`
    it is learned, too, how classes follow each other, and a sequence's classes are answered together. With `coverage`
    an answer has a set of classes, too, which holds the true one so often. Where `negatives` is not 0, a step of
    training sets the truths against so many classes alone, and corrects for that.
    """

    smoothing: float = 0.0
    chain: bool = False
    coverage: float | None = None
    negatives: int = 0


class Bernoulli(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="bernoulli"):
    """The probability that each output is 1 and not 0, whatever the others are, learned by its cross entropy.

    With `joint` what is wrong at all outputs of a step is added up, as of one answer, and not averaged.
    """

    joint: bool = False


class Normal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="normal"):
    """A normal distribution of each output, learned by its negative log-likelihood; its deviation is above `floor`."""

    floor: float = 0.05


class StudentT(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="student_t"):
    """Student's t of each output, learned by its negative log-likelihood: location, scale above `floor`, and degrees of
    freedom above 2, so that it has a variance. Its tails are heavy where those of the data are.
    """

    floor: float = 0.05


class Ctc(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ctc"):
    """At each step the probability of each symbol, and of none, which is class 0.

    It is learned by the probability of a text, summed over all ways in which its symbols can be spread over the steps
    (connectionist temporal classification, Graves et al. 2006, eq. 3). A search may also ask n-grams of the training
    texts, of `order` symbols, how likely a text is; 0 asks none.
    """

    order: int = 0


Head = Point | Quantiles | Categorical | Bernoulli | Normal | StudentT | Ctc


class Augmentation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="augmentation"):
    """Random changes that leave the label of a series as it is.

    Args:
        warp: spread of the logarithm of the speed at which a series is read, which changes smoothly over time.
        scale: spread of a factor of each column around 1.
        noise: spread of what is added to each number, in units of the training scale.
    """

    warp: float = 0.2
    scale: float = 0.1
    noise: float = 0.03


class SoundChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="sound_change"):
    """Random changes that leave what is said in a recording as it is; made of its features.

    Args:
        speed: spread of the logarithm of a factor by which a recording is faster.
        warp: spread of the logarithm of a factor by which its frequencies are higher, as of a voice of another size
            (Jaitly & Hinton 2013, of bands and not of the spectrum).
        gain: spread of what is added to all bands at once, as of a louder voice.
        tilt: spread of what is added to the highest band and taken from the lowest, and evenly to those between, as of
            another microphone; of a cepstrum, to each coefficient of the recording.
        noise: spread of what is added to each number, in units of the training scale.
        masks: spans of time, and as many of bands, that are set to their mean (Park et al. 2019, section 2).
        time_share: of the steps that such a span has at most.
        band_share: of the bands that such a span has at most.
        bands: whether the numbers of a step are bands in their order; of a cepstrum only time is masked and changed.
    """

    speed: float = 0.15
    warp: float = 0.1
    gain: float = 0.3
    tilt: float = 0.6
    noise: float = 0.25
    masks: int = 2
    time_share: float = 0.2
    band_share: float = 0.2
    bands: bool = True


class Forgetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="forgetting"):
    """Symbols of training are read as unknown at times, so that what an unknown one means is learned.

    Args:
        rate: a symbol that training has n times is forgotten with the probability rate / (rate + n) (Kiperwasser &
            Goldberg 2016, section 4).
        least: the probability is at least this, so that no symbol is relied on alone.
    """

    rate: float = 0.25
    least: float = 0.0


class Transposition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="transposition"):
    """Pieces of music are moved up or down as a whole, each time anew, as far as the range of notes allows.

    Args:
        least: semitones at least, at most 0.
        most: semitones at most, at least 0.
    """

    least: int
    most: int


class Views(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="views"):
    """Pictures of training are seen as from elsewhere; the frames of a video are all changed alike.

    Args:
        mirror: whether left and right change places half of the time.
        shift: a picture is moved up to this share of its height and of its width; its border is repeated.
    """

    mirror: bool = True
    shift: float = 0.06


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
    augmentation: Augmentation | SoundChange | Forgetting | Transposition | Views | None = None
    prefixes: float = 0.0
