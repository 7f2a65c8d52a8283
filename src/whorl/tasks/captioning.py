"""Captioning: something is looked at, and a text about it is written."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self

import msgspec
import numpy as np

from whorl.data.described import SOURCE, first_source
from whorl.data.features import is_arrays_file
from whorl.data.media import mediums
from whorl.data.media_guess import medium_of
from whorl.errors import ArgumentError
from whorl.plans.changes import Views
from whorl.plans.media import Features, Media, is_ordered, word_of
from whorl.plans.names import names
from whorl.plans.networks import WRITES, Network, recurrent
from whorl.plans.table import Table
from whorl.plans.text import Text
from whorl.plans.training import Training
from whorl.plans.wiring import Attention, Wiring
from whorl.tasks import pairs
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, estimators
from whorl.tasks.media import check_media


@estimators.add("caption")
@dataclass(kw_only=True, eq=False)
class Captioner(Estimator):
    """Writes a text about a picture, a video, a recording, or features that another encoder found of one.

    Each step that is written looks back at the cells of a picture or at the frames of a video (Xu et al. 2015). Data
    are a table with a column of paths and one or several of texts, where rows of one path belong together; a file of
    lines `picture.jpg#0<TAB>text`; a folder of files that has such a table or file in it; or `(sources, texts)`, where
    a source is a path or an array, and its texts are one or a list of them. All texts of a source are learned, and
    what is written is scored against all of them. `predict` also takes sources alone. A stream answers at `flush`.

    Args:
        source: column of the paths; None finds it.
        target: column of the texts, or several.
        media: how sources are read, `whorl.Image(...)`, `whorl.Video(...)`, `whorl.Audio(...)` or
            `whorl.Features(...)`; None sees in the data what they are.
        tokens: how texts are cut; byte pairs need the tokenizers library.
        attention: how a step that is written looks back at what was read: 'dot' (Luong et al. 2015), or 'additive'
            (Bahdanau et al. 2015), which takes longer.
        sampling: probability that a step in training is given what the network would have written itself instead of
            the true token (scheduled sampling, Bengio et al. 2015); it doubles the work of the side that writes.
        embedding_size: numbers that a token, a cell or a frame is read as; as many weigh a token where it is written.
        longest: most steps that are read, and most tokens that are written; what is longer is cut.
        smoothing: share of the truth that is spread over all tokens in training (Szegedy et al. 2016, section 7); it
            costs perplexity.
        dropout: probability of dropping a number: of symbols, of what was read, and on the way to the last layer.
        augmentation: 'views' changes pictures and videos of training each time anew, mirrored and shifted a little;
            'none' leaves them, as is right where left and right mean something.
        table: how tables are read.
        network: recipe of the layers that write, and of the core that reads frames, both ways; or its name. Cells of a
            picture have no order, and no core reads them.
        training: how it is trained. A batch has `batch_size` sources, each with up to two of its texts.

    Example:
        model = whorl.Captioner(source="image", target="caption").fit("captions.csv")
        model.predict(["dog.jpg"], decoding=whorl.Beam(width=5)).value
    """

    task: ClassVar[str] = "caption"

    source: str | None = None
    target: str | tuple[str, ...] = "caption"
    media: Media | None = None
    tokens: Text = field(default_factory=lambda: Text(least_count=3))
    attention: Attention = "dot"
    sampling: float = 0.0
    embedding_size: int = 256
    longest: int = 256
    smoothing: float = 0.0
    dropout: float = 0.4
    augmentation: Literal["views", "none"] = "views"
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        pairs.check_writing(self)
        check_media(self.media)
        if self.augmentation not in ("views", "none"):
            raise ArgumentError(f"`augmentation` is 'views' or 'none', but is {self.augmentation!r}. Choose one.")
        targets = names(self.target)
        if not targets or self.source in targets:
            raise ArgumentError(f"`source` is {self.source!r} and `target` {self.target!r}. Name different columns.")
        super().__post_init__()

    def for_data(self, data: object) -> Self:
        """Says how sources are read where nobody did."""
        if self.media is not None:
            return self
        first = first_source(data, self.source, self.table)
        if is_arrays_file(first) or (isinstance(first, np.ndarray) and first.ndim >= 2):
            return replace(self, media=Features())
        word = medium_of(first, self.table, SOURCE)
        if word is None:
            raise ArgumentError(
                "`media` is not given, and the data do not say what is to be read: no column names files that are "
                "known. Name the column with `source`, or give whorl.Image(...), say."
            )
        return replace(self, media=mediums.get(word).plan())

    def wiring(self) -> Wiring:
        plan = Features() if self.media is None else self.media
        made = pairs.wiring(self, "caption", inputs=word_of(plan), ordered=is_ordered(plan))
        changed = Views() if self.augmentation == "views" else None
        return msgspec.structs.replace(made, augmentation=changed)

    def columns(self) -> Columns:
        return Columns(
            target=names(self.target),
            time=None,
            series=None,
            table=self.table,
            text=self.source,
            tokens=self.tokens,
            media=Features() if self.media is None else self.media,
        )

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        ordered = self.media is not None and is_ordered(self.media)
        recipe = recurrent(self.network, WRITES).completed(hidden_size=256, bidirectional=ordered)
        plan = self.training.completed(batch_size=32, learning_rate=1e-3, weight_decay=1e-4)
        # Two texts of each source are in a batch.
        epochs = max(12, round(1650 / plan.num_batches(-(-num_examples // 2))))
        return recipe, plan.completed(epochs=epochs)
