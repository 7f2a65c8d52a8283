"""Of a language model: texts that it makes, and how much each token of a held-out piece surprises it."""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np

from whorl.codecs.text import TextCodec
from whorl.data.corpus_reader import CorpusReader
from whorl.data.sequences import Sequence
from whorl.plans.decoding import Sample
from whorl.report.evidence import Evidence, HeldOut, longest
from whorl.runtime.choosing import log_softmax
from whorl.runtime.generation import go_on
from whorl.runtime.model import Model

_TEMPERATURES = (0.5, 0.8, 1.1)
_LENGTH = 300  # tokens of a sample
_SHOWN = 500  # tokens of the piece, and so many before it that are read first
_BEFORE = 2_000
_MOST_NATS = 6.0  # coloured like all above


@dataclass(frozen=True, kw_only=True)
class Span:
    """A token of the piece: its text, its surprise in nats, and the share of full colour."""

    text: str
    nats: float
    share: float


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What a report shows of a language model.

    Args:
        samples: what is said of each sample -> the sample.
        piece: tokens of a held-out text; none where nothing was held out.
        mean: their mean surprise in nats.
    """

    samples: dict[str, str]
    piece: List[Span]
    mean: float


def texts(model: Model, evidence: Evidence | None, held_out: HeldOut | List[Sequence] | None) -> Texts | None:
    """Samples and a piece; None for models that make no texts."""
    reader = model.reader
    if not isinstance(reader, CorpusReader):
        return None
    width = reader.past.spec.width
    first = np.zeros((1, width), np.float32) if evidence is None else evidence.sequences[0].past[:1]
    begin = np.concatenate([reader.past.text.chunks().push(""), first[:, 1:]], axis=1)
    opening = Sequence(key="", past=begin, time=np.zeros(1, np.int64))
    samples = {}
    for temperature in _TEMPERATURES:
        made = go_on(model, [opening], Sample(temperature=temperature, max_length=_LENGTH))
        samples[f"temperature {temperature:g}"] = str(made.value[0])
    spans = _piece(model, reader, held_out)
    return Texts(samples=samples, piece=spans, mean=float(np.mean([one.nats for one in spans])) if spans else 0.0)


def _piece(model: Model, reader: CorpusReader, held_out: HeldOut | List[Sequence] | None) -> list[Span]:
    """The beginning of the longest part that was held out."""
    part = longest(held_out)
    if part is None:
        return []
    sequence, first = part
    start, stop = max(0, first - _BEFORE), min(len(sequence), first + _SHOWN + 1)
    codes = np.asarray(sequence.past[start:stop, 0], np.int64)
    outputs = model.engine.run({"past": sequence.past[None, start : stop - 1]}, start=first - start)[0, :, 0, 0]
    truths = codes[first - start + 1 :]
    nats = -log_softmax(outputs.astype(np.float64))[np.arange(len(truths)), truths]
    added = text_of_each(reader.past.text, codes, first - start + 1)
    return [
        Span(text=text, nats=nat, share=min(1.0, nat / _MOST_NATS))
        for text, nat in zip(added, nats.tolist(), strict=True)
    ]


def text_of_each(codec: TextCodec, codes: np.ndarray, first: int = 0) -> list[str]:
    """What each token of codes (n,) adds to the text of those before it, from the token `first` on.

    Words know from those before them whether a space stands between.
    """
    before, found = codec.decode(codes[:first]), []
    for n in range(first, len(codes)):
        whole = codec.decode(codes[: n + 1])
        found.append(whole[len(before) :] if whole.startswith(before) else codec.decode(codes[n : n + 1]))
        before = whole
    return found
