"""Answers of models that read a sequence whole and write another: an encoder, a decoder, and a search between them."""

import math
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as List
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from whorl.codecs.alphabet import BEGIN, UNKNOWN
from whorl.data.pair_reader import PairReader
from whorl.data.sequences import Sequence, first_of_each, num_sources
from whorl.data.writing_reader import WritingReader
from whorl.errors import ArgumentError, DataError
from whorl.plans.decoding import Beam, Decoding, Greedy, check_decoding
from whorl.plans.heads import Ctc
from whorl.plans.wiring import EncoderDecoder
from whorl.runtime.choosing import log_softmax
from whorl.runtime.decoding import Decoded, TokenSteps, decode, opened
from whorl.runtime.engine import Engine
from whorl.runtime.evaluation import Evaluation
from whorl.runtime.operations import Input
from whorl.runtime.prediction import Index, Prediction
from whorl.runtime.text_metrics import TextScores, Truth
from whorl.runtime.text_readout import SummaryReadout, TextReadout

if TYPE_CHECKING:
    from whorl.runtime.model import Model

LENGTH = "length"
# The rival that is the model itself, shown another source than the one that its text is about.
OTHER = "model, another source"

# Sources that are read together, and whose decoders are open at a time.
_TOGETHER = 32
# Unknown and begin are never written.
_NEVER = (UNKNOWN, BEGIN)
_UNWRITTEN = Decoded(tokens=np.empty(0, np.int64), log_probs=np.empty(0), score=np.nan, ended=True)


def wait_of(model: "Model") -> int | None:
    """How many tokens of the source are read before the first one is written; None where all are."""
    shape = model.wiring.shape
    assert isinstance(shape, EncoderDecoder)
    return shape.wait


def default(model: "Model") -> Decoding:
    """How tokens are chosen where nobody says so."""
    if wait_of(model) is not None:
        return Greedy()
    assert isinstance(model.readout, TextReadout)
    return model.readout.search


def chosen(model: "Model", decoding: Decoding | None) -> Decoding:
    """How tokens are chosen; raises ArgumentError for a way that the model cannot go."""
    found, wait = default(model) if decoding is None else check_decoding(decoding), wait_of(model)
    if wait is not None and isinstance(found, Beam):
        raise ArgumentError(
            f"`decoding` is {found}, which may drop what was written already, but this model writes while it reads "
            f"(wait={wait}). Use whorl.Greedy() (--greedy) or whorl.Sample(...) (--temperature), or fit it with "
            "wait=None (without --wait)."
        )
    return found


def check_streamed(model: "Model", decoding: Decoding) -> None:
    """Raises ArgumentError for a way that a stream of the model cannot go."""
    if isinstance(model.wiring.head, Ctc):
        return  # a stream goes any way that `predict` goes
    if model.encoder is None:
        raise ArgumentError(
            f"`decoding` is for streams that write texts, but those of this {model.task} model do not. Leave it out."
        )
    if chosen(model, decoding) != Greedy() and wait_of(model) is not None:
        raise ArgumentError(
            f"`decoding` is {decoding}, but a stream that writes while it reads takes the most likely token each time. "
            "Leave it out, or ask `predict`."
        )


def token_steps(model: "Model") -> TokenSteps:
    """How tokens go into the side that writes, and out of it."""
    return TokenSteps(
        inputs=lambda tokens, _: {"past": tokens[:, None].astype(np.float32)},
        logits=lambda output: output[:, 0],
        end=writing_reader(model).outputs.end,
        banned=_NEVER,
    )


def contexts(
    encoder: Engine, decoder: Engine, sources: List[np.ndarray], wait: int | None = None
) -> list[dict[str, np.ndarray]]:
    """What a decoder is told of each source, (S, D) each; see `context`."""
    lengths = np.array([len(source) for source in sources], np.int64)
    padded = np.zeros((len(sources), int(lengths.max(initial=1)), sources[0].shape[1]), np.float32)
    for row, source in enumerate(sources):
        padded[row, : len(source)] = source
    said = encoder.run({"source": padded}, lengths)
    return [context(decoder, own[:length], wait) for own, length in zip(said, lengths.tolist(), strict=True)]


def context(decoder: Engine, said: np.ndarray, wait: int | None = None) -> dict[str, np.ndarray]:
    """What a decoder is told of a source: the values of its static inputs, by name.

    At each step the encoder says, side by side, what the decoder's static inputs but `length` hold: of those with two
    axes (longest, D) D numbers of each step, of the others their numbers at the last step that was read before the
    first token is written. Of a picture, which is one step, it says all of the numbers at once.

    Args:
        decoder: writes.
        said: (S, D).
        wait: steps that are read before the first token is written; None reads all.
    """
    length = len(said)
    first = length if wait is None else min(wait, length)
    static = [op for op in decoder.program.inputs if op.static and op.out != LENGTH]
    if said.shape[1] == sum(math.prod(op.shape) for op in static) != sum(op.shape[-1] for op in static):
        return _told_at_once(static, said[-1])
    told: dict[str, np.ndarray] = {LENGTH: np.array([length], np.float32)}
    at = 0
    for op in static:
        part = said[:, at : at + op.shape[-1]]
        at += op.shape[-1]
        if len(op.shape) == 1:
            told[op.out] = np.ascontiguousarray(part[first - 1])
        else:
            told[op.out] = np.zeros(op.shape, np.float32)
            told[op.out][:length] = part
    return told


def _told_at_once(static: List[Input], said: np.ndarray) -> dict[str, np.ndarray]:
    """All static inputs, cut from one row of numbers (n,); every cell counts."""
    ends = np.cumsum([math.prod(op.shape) for op in static])
    parts = np.split(said, ends[:-1])
    told = {op.out: np.ascontiguousarray(part.reshape(op.shape)) for op, part in zip(static, parts, strict=True)}
    cells = max(op.shape[0] for op in static if len(op.shape) == 2)
    return {LENGTH: np.array([cells], np.float32), **told}


def written(model: "Model", sources: List[np.ndarray], decoding: Decoding) -> list[Decoded]:
    """What is written for each source; no answer depends on those beside it, and draws on its place among them."""
    reader, engine, found = writing_reader(model), model.engine, []
    assert model.encoder is not None
    steps = token_steps(model)
    # Sources of like length are read together, so that little is padded.
    order = np.argsort([len(source) for source in sources], kind="stable")
    for first in range(0, len(order), _TOGETHER):
        places = order[first : first + _TOGETHER]
        together = [sources[n] for n in places]
        limits = [reader.most_tokens(len(source)) for source in together]
        with opened(engine, contexts(model.encoder, engine, together, wait_of(model))) as slots:
            begin = [reader.outputs.begin] * len(slots)
            made = decode(engine, slots, begin, decoding, steps, max_lengths=limits, numbers=places)
            found += [best[0] for best in made]
    return [found[place] for place in np.argsort(order, kind="stable")]


def answered(model: "Model", sequences: List[Sequence], decoding: Decoding | None) -> Prediction:
    """The text that is written for each sequence, or recalled; `score` is what a search ranked it by."""
    readout, how = model.readout, chosen(model, decoding)
    there: dict[int, str] = {}
    if isinstance(readout, SummaryReadout) and readout.recall is not None:
        found_there = (_existing(pair_reader(model), readout, one.read_steps) for one in sequences)
        there = {n: text for n, text in enumerate(found_there) if text is not None}
    if len(there) == len(sequences):
        found = [_UNWRITTEN] * len(sequences)
    else:  # all are written, since draws go by the place among them
        found = written(model, [one.read_steps for one in sequences], how)
    made = prediction(model, sequences, found)
    for n, text in there.items():
        assert made.score is not None
        made.value[n], made.score[n] = text, np.nan
    return made


def _existing(reader: PairReader, readout: SummaryReadout, source: np.ndarray) -> str | None:
    """The answer to a source (S, 1) that need not be written: that of a similar one, or the start of its own text."""
    assert readout.recall is not None
    text = reader.source.decode(source)
    target, alike = reader.memory.nearest(text)
    if alike >= readout.recall:
        return target
    return start_of(text, readout.start) if readout.start else None


def start_of(text: str, words: int) -> str:
    """So many words of the first line of a text."""
    lines = text.strip().splitlines()
    return " ".join(lines[0].split()[:words]) if lines else ""


def prediction(model: "Model", sequences: List[Sequence], found: List[Decoded], *, final: bool = True) -> Prediction:
    """What was written for each sequence, as a user gets it."""
    reader = writing_reader(model)
    value = [reader.text_of(made.tokens) for made in found]
    index = Index(
        np.array([one.key for one in sequences], object),
        np.array([len(one.read_steps) - 1 if one.origin is None else one.origin for one in sequences], np.int64),
    )
    score = np.array([made.score for made in found], np.float64)
    return Prediction(value=value, index=index, names=reader.names, score=score, final=final)


def log_probabilities(model: "Model", sequences: List[Sequence]) -> Iterator[np.ndarray]:
    """Log-probability of each token of the targets of each sequence, (T,), given the tokens before it."""
    assert model.encoder is not None
    wait = wait_of(model)
    for first in range(0, len(sequences), _TOGETHER):
        together = sequences[first : first + _TOGETHER]
        lengths = np.array([len(one) for one in together], np.int64)
        past = np.zeros((len(together), int(lengths.max()), 1), np.float32)
        for row, one in enumerate(together):
            past[row, : len(one)] = one.past
        numbers = num_sources(together)
        each = [one.read_steps for one in first_of_each(together, numbers)]
        known = contexts(model.encoder, model.engine, each, wait)
        static = {name: np.stack([known[n][name] for n in numbers]) for name in known[0]}
        logits = model.engine.run({"past": past, **static}, lengths)[:, :, 0]
        for row, one in enumerate(together):
            own = log_softmax(logits[row, : len(one)])
            yield own[np.arange(len(one)), one.row_targets[:, 0].astype(np.int64)]


class Written(NamedTuple):
    """Texts that were written and those that should have been, the log-probability of each token of the latter, and
    how many characters these have; either pair may be empty. `sources` numbers what each was written for: of several
    that were written for one the first counts, and the log-probabilities of all; empty where each has its own.
    `unknown` counts the tokens of each truth that are unknown; empty where none can be.
    """

    texts: List[str]
    targets: List[Truth]
    log_probs: List[np.ndarray]
    sizes: List[int]
    sources: List[int] = ()
    unknown: List[int] = ()

    def scores(self, model: "Model", which: Iterable[int]) -> TextScores:
        """The scores of some of them."""
        chosen, sums = list(which), model.readout.scores(model.reader)
        assert isinstance(sums, TextScores)
        if self.texts:
            own = dict(enumerate(self.sources))
            once = list({own.get(n, n): n for n in reversed(chosen)}.values())[::-1]
            sums.update([self.texts[n] for n in once], [self.targets[n] for n in once])
        if self.log_probs:
            for n in chosen:
                sums.add_tokens(self.log_probs[n], self.sizes[n], self.unknown[n] if self.unknown else 0)
        return sums


def evaluated(
    model: "Model", sequences: List[Sequence], keep: bool | None = None, decoding: Decoding | None = None
) -> Evaluation:
    """Scores what is written against the targets, beside naive rivals, and how likely the targets were."""
    if not sequences:
        raise DataError("`evaluate` needs pairs, but there are none. Bring some.")
    numbers, every = num_sources(sequences), range(len(sequences))
    once = first_of_each(sequences, numbers)
    answers = answered(model, once, decoding)
    own = written_by_model(model, sequences, answers)
    rivals = written_by_rivals(model, sequences)
    return Evaluation(
        metrics=own.scores(model, every).result(),
        baseline={name: rival.scores(model, every).result() for name, rival in rivals.items()},
        num_answers=len(once),
        scale=model.reader.scale,
        kept=None if keep is False else (answers, [_truth(one) for one in once]),
    )


def written_by_model(model: "Model", sequences: List[Sequence], answers: Prediction | None = None) -> Written:
    """What a model writes for sequences, beside the truths; `answers` to each source where they are known already."""
    numbers = num_sources(sequences)
    if answers is None:
        answers = answered(model, first_of_each(sequences, numbers), None)
    known, texts = list(log_probabilities(model, sequences)), [answers.value[n] for n in numbers]
    return Written(
        texts, list(map(_truth, sequences)), known, _sizes(model, sequences), numbers, _num_unknown(sequences)
    )


def written_by_rivals(model: "Model", sequences: List[Sequence]) -> dict[str, Written]:
    """What naive rivals write, and how probable others take the tokens of the truths to be.

    One of a model that describes what it reads is the model itself, which is shown another source: only what it sees
    tells the two apart.
    """
    reader, sizes, numbers = writing_reader(model), _sizes(model, sequences), num_sources(sequences)
    targets, unknown = list(map(_truth, sequences)), _num_unknown(sequences)
    found = {name: Written(texts, targets, (), (), numbers) for name, texts in reader.rivals(sequences).items()}
    for name, of_tokens in reader.token_rivals().items():
        found[name] = Written((), (), [of_tokens[_codes(one)] for one in sequences], sizes, numbers, unknown)
    each = first_of_each(sequences, numbers)
    if reader.describes and len(each) > 1:
        # Each is shown the next one of a random order, so that no order of the data brings alike ones together.
        order = np.random.default_rng(0).permutation(len(each))
        shown_to = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
        shown = [replace(one, source=each[shown_to[n]].source) for one, n in zip(sequences, numbers, strict=True)]
        found[OTHER] = Written((), (), list(log_probabilities(model, shown)), sizes, numbers, unknown)
    return found


def _truth(one: Sequence) -> Truth:
    """What should be written, or all that would be as good."""
    return one.texts[1] if len(one.texts) == 2 else one.texts[1:]


def _codes(sequence: Sequence) -> np.ndarray:
    """The true tokens."""
    return sequence.row_targets[:, 0].astype(np.int64)


def _sizes(model: "Model", sequences: List[Sequence]) -> list[int]:
    """How many characters each truth has."""
    return [len(writing_reader(model).text_of(_codes(one))) for one in sequences]


def _num_unknown(sequences: List[Sequence]) -> list[int]:
    """How many tokens of each truth are unknown."""
    return [int((_codes(one) == UNKNOWN).sum()) for one in sequences]


def writing_reader(model: "Model") -> WritingReader:
    """What reads the sources and the texts of a model."""
    assert isinstance(model.reader, WritingReader)
    return model.reader


def pair_reader(model: "Model") -> PairReader:
    """The same of a model that reads texts."""
    assert isinstance(model.reader, PairReader)
    return model.reader
