"""Transcription: what is said in a recording, symbol by symbol, while it comes."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self

import msgspec

from whorl.codecs.framed import MOST_LOOKAHEAD, MOST_STRIDE
from whorl.errors import ArgumentError, did_you_mean
from whorl.plans.changes import Change, SoundChange, Views
from whorl.plans.heads import Ctc
from whorl.plans.media import Audio, Media, Video, word_of
from whorl.plans.networks import Network, from_key
from whorl.plans.sizes import MOST_KERNEL, check_probability
from whorl.plans.table import Table
from whorl.plans.text import Text
from whorl.plans.training import Training
from whorl.plans.wiring import Convolution, ManyToMany, Sequences, Wiring
from whorl.runtime.transcript_readout import MOST_ORDER
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, check_lookahead, check_whole, estimators
from whorl.tasks.media import check_media, plan_for

# Channels of the convolutions before the core, their steps, and how many there are of them.
_CHANNELS, _KERNEL, _LAYERS = 128, 5, 2
# Frames of sound that are one step: of 10 ms they make a step of 30 ms, which is shorter than a sound that is said.
_STRIDE = 3
# Steps that answers are late where a network reads one way.
_LOOKAHEAD = 10
# Nats for a unit of loudness; bands are scaled so that their spread over all training recordings is one.
_QUIET = 5.0
_AUGMENTATIONS = ("frames", "none")
# Less than tells a label: what is left out of a sentence may be a whole letter of it.
_CHANGE = SoundChange(speed=0.1, warp=0.0, gain=0.0, tilt=0.0, noise=0.1, masks=2, time_share=0.066, band_share=0.2)
# Heads move and speak at another pace, and faces are much the same in a mirror.
_SEEN = Views(shift=0.1, speed=0.1, masks=2, time_share=0.066)


@estimators.add("transcribe")
@dataclass(kw_only=True, eq=False)
class Transcriber(Estimator):
    """Answers a recording with the text that is said in it, and with when each of its words was said.

    Each step says a symbol of the text, or none; training sums over all ways in which the symbols can be spread over
    the steps, so that nobody has to say when something was said (connectionist temporal classification, Graves et al.
    2006).

    Data are a table with a column that names the files, relative to the table's folder, and a column with their texts;
    a folder of recordings with the text of each beside it under the same name, `a.wav` and `a.txt`; a pair of lists,
    `(paths, texts)`; or frames that were made elsewhere, `(X, texts)` with X a list of (T_i, D). A hundred short
    recordings teach sentences of a few words that are always the same; speech that is not limited needs many hours.
    Where a network reads bands of sound one way, training begins with the knowledge that little is said where little is
    heard, which fades until a quarter of its steps is done; where `max_seconds` ends it, it goes without.

    The default network reads one way, so that a stream answers while somebody speaks: `push` takes samples, or a frame,
    and answers what was said so far, with `final=False`; `flush` answers what `predict` does.

    Args:
        media: how files are read, `whorl.Audio(...)`; None looks what the data are, and reads arrays where they name no
            files.
        target: column of the text in a table.
        tokens: what a symbol is. Characters spell words that training never had; 'word' needs every word many times.
        stride: frames that are one step. More of them make training and answers faster, and 'auto' is 3 of sound and 1
            of all else. A text never has more symbols than there are steps.
        lookahead: steps that are heard after a step before it is answered, so that a word is known before it is
            spelled; a stream is as late. 'auto' is 10 of sound, 0.3 s where a step is three frames of 10 ms, and 0 of
            all else, and for a network that reads both ways, which knows all that follows.
        convolution: steps that each of two layers of convolutions before the core reads; 0 has none.
        language_model: n of the n-grams of symbols that are counted in the texts of training and asked while a
            transcript is searched for, which is then done by a beam; how much they count is chosen on the validation
            part. 0 asks none.
        augmentation: how training recordings are changed, each time anew: 'frames' reads them faster or slower, leaves
            out some bands and some frames, and adds noise; videos are moved a little in place of noise. 'none' leaves
            them as they are.
        dropout: probability of dropping a number on its way to the core and to the last layer.
        table: how tables are read.
        network: recipe of the core, or its name.
        training: how it is trained.

    Example:
        model = whorl.Transcriber().fit("recordings.csv")
        model.predict(["a.wav"]).value
    """

    task: ClassVar[str] = "transcribe"
    # All bands of sound, not their cepstrum.
    own_media: ClassVar[tuple[Media, ...]] = (Audio(features="log_mel", num_bands=40),)

    media: Media | None = None
    target: str = "text"
    tokens: Text = field(default_factory=lambda: Text(unit="character"))
    stride: int | Literal["auto"] = "auto"
    lookahead: int | Literal["auto"] = "auto"
    convolution: int = _KERNEL
    language_model: int = 0
    augmentation: str = "frames"
    dropout: float = 0.15
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        check_media(self.media)
        if not isinstance(self.tokens, Text):
            raise ArgumentError(f"`tokens` is a whorl.Text(...), but is a {type(self.tokens).__name__}. Make it one.")
        if self.stride != "auto":
            check_whole("stride", self.stride, 1)
            if int(self.stride) > MOST_STRIDE:
                raise ArgumentError(f"`stride` is at most {MOST_STRIDE} frames, but is {self.stride}. Lower it.")
        check_lookahead(self.lookahead, self.network, MOST_LOOKAHEAD)
        check_whole("convolution", self.convolution, 0, MOST_KERNEL)
        check_whole("language_model", self.language_model, 0, MOST_ORDER)
        if self.augmentation not in _AUGMENTATIONS:
            raise ArgumentError(
                f"`augmentation` must be one of {', '.join(_AUGMENTATIONS)}, but is {self.augmentation!r}."
                f"{did_you_mean(str(self.augmentation), _AUGMENTATIONS)}"
            )
        check_probability("dropout", self.dropout)
        super().__post_init__()

    def for_data(self, data: object) -> Self:
        """Sees which medium files are of, where nobody says; of sound all bands are read, not their cepstrum."""
        plan = plan_for(data, self.table, self.own_media) if self.media is None else None
        return self if plan is None else replace(self, media=plan)

    def wiring(self) -> Wiring:
        sound, size, late = isinstance(self.media, Audio), int(self.convolution), self._late()
        layers = Convolution(channels=_CHANNELS, kernel_size=size, num_layers=_LAYERS) if size else None
        # Neighbouring numbers of a frame are alike where they are bands; those of a table, or of a picture, are not.
        bands = isinstance(self.media, Audio) and self.media.features == "log_mel"
        shown, both_ways = isinstance(self.media, Video), from_key(self.network).bidirectional
        change: Change = _SEEN if shown else msgspec.structs.replace(_CHANGE, bands=bands)
        return Wiring(
            pairing=Sequences(every_step=True, lookahead=late),
            inputs="array" if self.media is None else word_of(self.media),
            shape=ManyToMany(
                convolution=layers,
                input_dropout=float(self.dropout),
                stride=(_STRIDE if sound else 1) if self.stride == "auto" else int(self.stride),
                # As many steps before the one that is answered as after it.
                behind=Convolution(channels=_CHANNELS, kernel_size=2 * late + 1) if late else None,
            ),
            outputs="text",
            # A network that reads both ways finds where something is said without being told.
            head=Ctc(order=int(self.language_model), quiet=_QUIET if bands and not both_ways else 0.0),
            readout="transcript",
            dropout=float(self.dropout),
            augmentation=change if self.augmentation == "frames" else None,
        )

    def _late(self) -> int:
        """Steps that answers are late."""
        if self.lookahead != "auto":
            return int(self.lookahead)
        return _LOOKAHEAD if isinstance(self.media, Audio) and not from_key(self.network).bidirectional else 0

    def columns(self) -> Columns:
        return Columns(
            target=self.target,
            time=None,
            series=None,
            table=self.table,
            tokens=self.tokens,
            media=self.media,
        )

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        recipe = from_key(self.network)
        plan = self.training.completed(batch_size=16, learning_rate=3e-3, weight_decay=1e-3, patience=None)
        epochs = max(20, round(1200 / plan.num_batches(num_examples)))
        return recipe.completed(hidden_size=128), plan.completed(epochs=epochs)
