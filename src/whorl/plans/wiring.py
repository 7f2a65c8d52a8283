"""A task as data: what goes in, how it is cut, what comes out, and how an answer is read.

Four shapes cover every application (`ManyToOne`, `ManyToMany` here; more with the tasks that need them). A wiring
names its parts; the layers that build them look the names up. Wirings are structs and not dataclasses because model
files hold them: msgspec reads them back strictly, and tells the members of a union apart by their tags.
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
    """A whole sequence is one example and has one target, or one for each step."""

    every_step: bool = False


Pairing = Windows | Strips | Sequences


Pooling = Literal["last", "mean", "max", "attention"]


class Convolution(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="convolution"):
    """Layers of causal convolutions before the core: each reads `kernel_size` steps, is normalised over the batch
    (Ioffe & Szegedy 2015) and cut off at zero.
    """

    channels: int
    kernel_size: int
    num_layers: int = 1


class ManyToOne(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="many_to_one"):
    """A sequence leads to one answer (of `horizon` steps where there is one).

    `segment_length` rows are read at once where it is not None, and as many steps of the horizon are answered at once.
    A window's targets are taken relative to their last value; `rescale` also divides them by their spread in the
    window, for series of different sizes. The answer of a whole sequence comes from its core's outputs, pooled over
    time in one or several ways side by side, behind a `convolution` where there is one.
    """

    segment_length: int | None = None
    rescale: bool = False
    pooling: tuple[Pooling, ...] = ("last",)
    convolution: Convolution | None = None


class ManyToMany(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="many_to_many"):
    """Every step of a sequence leads to an answer (of `horizon` steps where there is one).

    Targets are taken relative to their last value; `rescale` also divides them by their running spread.
    """

    rescale: bool = False


Shape = ManyToOne | ManyToMany


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="point"):
    """One number an output, learned by `loss`."""

    loss: Literal["mse", "mae"] = "mse"


class Quantiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="quantiles"):
    """A point and these quantiles for each output, learned together; levels ascend within (0, 1)."""

    levels: tuple[float, ...]


class Categorical(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="categorical"):
    """The probability of each class, learned by its cross entropy.

    `smoothing` is the share of the truth that is spread over all classes (Szegedy et al. 2016, section 7).
    """

    smoothing: float = 0.0


Head = Point | Quantiles | Categorical


class Augmentation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Random changes that leave the label of a series as it is.

    Args:
        warp: spread of the logarithm of the speed at which a series is read, which changes smoothly over time.
        scale: spread of a factor of each column around 1.
        noise: spread of what is added to each number, in units of the training scale.
    """

    warp: float = 0.2
    scale: float = 0.1
    noise: float = 0.03


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
    """

    pairing: Pairing
    inputs: str
    shape: Shape
    outputs: str
    head: Head
    readout: str
    dropout: float = 0.1
    augmentation: Augmentation | None = None
