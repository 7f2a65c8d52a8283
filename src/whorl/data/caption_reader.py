"""Pictures, videos and features to encoded sequences: something is looked at, and a text about it is written."""

from collections.abc import Sequence as List
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Any, ClassVar, Self

import msgspec
import numpy as np

from whorl.codecs.codec import Codec
from whorl.codecs.text import TextCodec
from whorl.data.caption_rows import CaptionRows, check_number
from whorl.data.described import Described, Where, bare, described
from whorl.data.glances import Glances, glance, size_of
from whorl.data.media import medium_for, restored
from whorl.data.media_reader import encoded
from whorl.data.parts import configured, joined, media_of, split, table_of
from whorl.data.piece_rows import refuse_known
from whorl.data.reader import RowReader, readers
from whorl.data.sequences import Sequence, first_of_each, num_sources
from whorl.data.text_outputs import TextOutputs
from whorl.data.usual import Usual
from whorl.data.writing_reader import MOST_STEPS, WritingReader
from whorl.errors import ModelFileError
from whorl.plans.media import Media, to_plain, word_of
from whorl.specs import Picture, Spec


@readers.add("captions")
class CaptionReader(WritingReader):
    """Reads files of a medium, or what stands in memory, and the texts that describe each.

    Each text of a source is a sequence of its own; those of one source share its array.

    Args:
        where: what sources are, and where they and the texts stand.
        plan: how sources are read, complete.
        source: encodes sources.
        outputs: encodes texts, with begin and end, and decodes what is written.
        longest: most steps of a source, and most tokens of a text.
        ordered: whether the steps of a source have an order; a picture without is one step.
        glances: of training, for a naive rival.
        usual: what other naive rivals write.
    """

    describes: ClassVar[bool] = True

    def __init__(
        self,
        *,
        where: Where,
        plan: Media,
        source: Codec[Any],
        outputs: TextOutputs,
        longest: int,
        ordered: bool,
        glances: Glances,
        usual: Usual,
    ) -> None:
        columns = where.column or where.medium.plural, ", ".join(where.targets)
        super().__init__(columns=columns, outputs=outputs, longest=longest, table=where.table)
        self.where, self.word = where, word_of(plan)
        self.plan, self.source, self.glances, self.usual = plan, source, glances, usual
        self.ordered = ordered
        self.streams = source.streams != "never"

    @property
    def source_spec(self) -> Spec:
        return self.source.spec

    @property
    def most_steps(self) -> int:
        """Steps that are read of a source at most."""
        return self.longest if self.ordered or not isinstance(self.source_spec, Picture) else 1

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        refuse_known(known)
        return self.encode(described(source, self.where) if targets else bare(source, self.where))

    def encode(self, sources: List[Described]) -> list[Sequence]:
        """Encodes sources, each once for every text that it has; `past` is a lone begin where it has none."""
        made = []
        for one in sources:
            steps = encoded(self.source, self.where.medium, one.cell, self.plan, one.name)
            check_number(len(steps), self.most_steps, one.name)
            steps = steps[: self.most_steps]
            for text in one.texts or (None,):
                past, written = self.written(text)
                made.append(
                    Sequence(
                        key=one.name,
                        past=past,
                        time=np.arange(len(past), dtype=np.int64),
                        targets=written,
                        source=steps,
                        texts=(one.name, *(one.texts or ("",))),
                    )
                )
        return made

    def remember(self, sequences: List[Sequence]) -> None:
        """Keeps glances at sources of training, with the first text of each."""
        each = first_of_each(sequences, num_sources(sequences))
        self.glances = Glances.of([(glance(one.read_steps, self.source_spec), one.texts[1]) for one in each])

    def rivals(self, sequences: List[Sequence]) -> dict[str, list[str]]:
        """What naive rivals write: the most frequent text of training, and that of the source that looks most alike."""
        numbers = num_sources(sequences)
        each = first_of_each(sequences, numbers)
        nearest = [self.glances.nearest(glance(one.read_steps, self.source_spec)) for one in each]
        return {
            "most frequent": [self.usual.text] * len(sequences),
            "nearest source": [nearest[n] for n in numbers],
        }

    def token_rivals(self) -> dict[str, np.ndarray]:
        return {"unigram": self.usual.log_probabilities}

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return CaptionRows(self.source, self.most_steps, partial(self.where.medium.open, plan=self.plan))

    def config(self) -> dict[str, object]:
        return {
            "column": self.where.column,
            "targets": list(self.where.targets),
            "plan": to_plain(self.plan),
            "longest": self.longest,
            "ordered": self.ordered,
            "source": self.source.config(),
            "target": self.outputs.config(),
            "usual": self.usual.text,
            "table": asdict(self.table),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        parts = joined({"source": self.source, "target": self.outputs, "glances": self.glances})
        return {**parts, "usual/counts": self.usual.counts}

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        plan, parts = media_of(plain.plan), split(arrays, ("source", "target", "glances", "usual"))
        target = TextCodec.restore(plain.target, parts["target"])
        if not (target.begin and target.end):
            raise ModelFileError("the reader of the model file is damaged: its texts have no begin or no end.")
        outputs = TextOutputs(target)
        source = restored(plan, plain.source, parts["source"])
        return cls(
            where=Where(medium_for(plan), plain.column, plain.targets, table_of(plain.table)),
            plan=plan,
            source=source,
            outputs=outputs,
            longest=plain.longest,
            ordered=plain.ordered,
            glances=Glances.restore(parts["glances"], size_of(source.spec)),
            usual=Usual.restore(plain.usual, parts["usual"], outputs),
        )


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    column: str | None
    targets: tuple[str, ...]
    plan: dict[str, object]
    longest: Annotated[int, msgspec.Meta(ge=2, le=MOST_STEPS)]
    ordered: bool
    source: dict[str, object]
    target: dict[str, object]
    usual: str
    table: dict[str, object]


def fit_captions(
    sources: List[Described],
    *,
    where: Where,
    plan: Media,
    text: TextCodec,
    longest: int,
    ordered: bool,
) -> CaptionReader:
    """Fits codecs on the sources of training and their texts, and puts a reader together.

    Args:
        sources: of training, with texts.
        where: what they are, and where they stand.
        plan: how they are read; what it leaves open is completed.
        text: codec of the texts, not fitted yet.
        longest: most steps of a source, and most tokens of a text.
        ordered: whether the steps of a source have an order.
    """
    texts = [text for one in sources for text in one.texts]
    plan = where.medium.completed(plan, [one.cell for one in sources])
    outputs = TextOutputs(text.fit(texts))
    return CaptionReader(
        where=where._replace(table=replace(where.table, kinds={})),
        plan=plan,
        source=where.medium.codec(plan).fit(where.medium.open(one.cell, plan) for one in sources),
        outputs=outputs,
        longest=longest,
        ordered=ordered,
        glances=Glances(np.zeros((1, 1), np.float32), texts[:1]),
        usual=Usual.of(texts, outputs),
    )
