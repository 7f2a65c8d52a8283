"""What a network's last layer says about an answer, and how that is learned. Parts of a wiring."""

from typing import Literal

import msgspec


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

    With `quiet`, what is read are bands of sound, and training begins with the knowledge that little is said where
    little is heard: at its first step a symbol is so many nats less probable for each unit by which a step is quieter
    than the loud ones of its recording, then ever less, and after a quarter of all steps no longer.
    """

    order: int = 0
    quiet: float = 0.0


Head = Point | Quantiles | Categorical | Bernoulli | Normal | StudentT | Ctc
