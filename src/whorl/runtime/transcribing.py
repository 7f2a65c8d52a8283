"""Answers of models whose steps say symbols, or none: transcripts, when words were said, and how good that is."""

import itertools
from collections.abc import Callable, Iterator
from collections.abc import Sequence as List
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.alphabet import BEGIN, END
from whorl.data.pairing import answered_steps
from whorl.data.sequences import Sequence
from whorl.data.transcript_reader import TranscriptReader, symbols_of, words_of
from whorl.errors import ArgumentError, DataError
from whorl.plans.decoding import Beam, Decoding, Greedy, check_decoding
from whorl.plans.heads import Ctc
from whorl.runtime.answering import outputs
from whorl.runtime.choosing import log_softmax
from whorl.runtime.evaluation import Evaluation
from whorl.runtime.grammar import Symbols, grammar_of
from whorl.runtime.ngrams import KneserNey
from whorl.runtime.prediction import Index, Prediction
from whorl.runtime.spelling import GreedySearch, Search, Spelled, nats
from whorl.runtime.spelling_beam import Advice, BeamSearch
from whorl.runtime.text_metrics import transcript
from whorl.runtime.transcript_readout import TranscriptReadout
from whorl.runtime.writing import Written

if TYPE_CHECKING:
    from whorl.runtime.model import Model

# Weights of n-grams and bonuses of a symbol that are tried on the validation part.
_WEIGHTS, _BONUSES = (0.25, 0.5, 1.0), (0.0, 0.5, 1.0)
# Most sequences of the validation part that the choice is made by; others are left out evenly.
_JUDGED = 100


def transcribes(model: "Model") -> bool:
    """Whether the answers of a model are transcripts."""
    return isinstance(model.wiring.head, Ctc)


def transcript_reader(model: "Model") -> TranscriptReader:
    """What reads the sequences of a model."""
    assert isinstance(model.reader, TranscriptReader)
    return model.reader


def transcript_readout(model: "Model") -> TranscriptReadout:
    """What makes probabilities of what a model says."""
    assert isinstance(model.readout, TranscriptReadout)
    return model.readout


def search_for(model: "Model", decoding: Decoding | None) -> Callable[[], Search]:
    """Makes searches before their first step; raises ArgumentError for a `decoding` that finds no transcript."""
    return searching(decoding, transcript_readout(model).advice, partial(symbols_of, transcript_reader(model)))


def searching(
    decoding: Decoding | None, advice: Advice | None, symbols_of: Callable[[str], Symbols]
) -> Callable[[], Search]:
    """The searches that a user asks for.

    Args:
        decoding: how; None searches with a beam where there is advice, and takes the likeliest symbols else.
        advice: what n-grams say; a search that takes the likeliest symbol of each step asks nobody.
        symbols_of: the symbols of some words; raises ArgumentError where there are none.
    """
    chosen = (
        (Greedy() if advice is None else Beam(width=10)) if decoding is None else check_decoding(decoding, said=True)
    )
    if not isinstance(chosen, Greedy | Beam) or chosen.max_length is not None:
        raise ArgumentError(
            f"`decoding` is {chosen!r:.80}, but a transcript is as long as what is said, and nothing of it is drawn. "
            "Use whorl.Greedy() or whorl.Beam(width=...)."
        )
    if isinstance(chosen, Beam) and chosen.length_penalty != Beam.length_penalty:
        raise ArgumentError(
            f"`length_penalty` is {chosen.length_penalty}, but a transcript is as long as what is said: transcripts "
            "rank by their probability. Leave it out."
        )
    if isinstance(chosen, Greedy):
        return GreedySearch
    grammar = None if chosen.grammar is None else grammar_of(chosen.grammar, symbols_of)
    return partial(BeamSearch, int(chosen.width), advice, grammar)


def log_probs(model: "Model", sequences: List[Sequence]) -> Iterator[np.ndarray]:
    """The log-probabilities of the symbols that are said of each step of each sequence, (T, V)."""
    num_symbols = len(model.reader.classes)
    found: list[list[np.ndarray]] = [[] for _ in sequences]
    at = 0
    steps = [answered_steps(model.wiring.pairing, len(one)) for one in sequences]
    for n, _, out in outputs(model.engine, sequences, steps, 0):
        while at < n:
            yield _joined(found[at], num_symbols)
            found[at] = []
            at += 1
        found[n].append(log_softmax(out[:, 0]))
    for rest in found[at:]:
        yield _joined(rest, num_symbols)


def _joined(parts: list[np.ndarray], num_symbols: int) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty((0, num_symbols))


def answered(model: "Model", sequences: List[Sequence], decoding: Decoding | None) -> Prediction:
    """The transcript of each sequence."""
    return _of_sequences(model, sequences, spelled(model, sequences, decoding))


def _of_sequences(model: "Model", sequences: List[Sequence], found: List[Spelled]) -> Prediction:
    """What was found in whole sequences, as a user gets it."""
    past = transcript_reader(model).past
    return prediction(model, [one.key for one in sequences], [past.num_steps(one) for one in sequences], found)


def spelled(model: "Model", sequences: List[Sequence], decoding: Decoding | None = None) -> list[Spelled]:
    """The symbols of each sequence, and where they are said."""
    search = search_for(model, decoding)  # refuses before anything is run
    return [_spelled(search(), said) for said in log_probs(model, sequences)]


def _spelled(search: Search, said: np.ndarray) -> Spelled:
    search.read(said)
    return search.best(final=True)


def prediction(
    model: "Model", keys: List[str], lengths: List[int], found: List[Spelled], *, final: bool = True
) -> Prediction:
    """What was found in sequences of so many steps, as a user gets it: texts, and their words with their times."""
    reader = transcript_reader(model)
    series = np.empty(len(keys), object)
    series[:] = list(keys)
    words = [words_of(reader, one.symbols, one.steps) for one in found]
    origin = np.array(lengths, np.int64) - 1
    index = Index(series, origin, [times for _, times in words], [names for names, _ in words])
    return Prediction(
        value=[reader.text_of(one.symbols) for one in found],
        index=index,
        names=reader.names,
        score=np.array([one.score for one in found], np.float64),
        final=final,
    )


def evaluated(
    model: "Model", sequences: List[Sequence], keep: bool | None = None, decoding: Decoding | None = None
) -> Evaluation:
    """Scores transcripts against the texts, beside naive rivals, and how probable the texts were."""
    if not sequences:
        raise DataError("`evaluate` needs sequences with their texts, but there are none. Bring some.")
    every = range(len(sequences))
    answers, own = said_by_model(model, sequences, decoding)
    return Evaluation(
        metrics=own.scores(model, every).result(),
        baseline={name: said.scores(model, every).result() for name, said in said_by_rivals(model, sequences).items()},
        num_answers=len(sequences),
        scale=model.reader.scale,
        kept=None if keep is False else (answers, own.targets),
    )


def said_by_model(
    model: "Model", sequences: List[Sequence], decoding: Decoding | None = None
) -> tuple[Prediction, Written]:
    """Transcripts of sequences with texts, and the same beside the truths, with the surprise of their symbols."""
    found, known = [], []
    search = search_for(model, decoding)
    for said, one in zip(log_probs(model, sequences), sequences, strict=True):
        found.append(_spelled(search(), said))
        known.append(_surprise(transcript_reader(model), said, one.texts[1]))
    answers = _of_sequences(model, sequences, found)
    texts = [one.texts[1] for one in sequences]
    sizes = [len(text) if len(own) else 0 for text, own in zip(texts, known, strict=True)]
    return answers, Written(answers.value, texts, known, sizes)


def said_by_rivals(model: "Model", sequences: List[Sequence]) -> dict[str, Written]:
    """What naive rivals answer, whatever they read."""
    texts = [one.texts[1] for one in sequences]
    rivals = transcript_reader(model).rivals(len(sequences))
    return {name: Written(own, texts, (), ()) for name, own in rivals.items()}


def _surprise(reader: TranscriptReader, said: np.ndarray, text: str) -> np.ndarray:
    """Log-probability of a text, spread evenly over its symbols, (L,).

    Of one that cannot be said in so few steps nothing, (0,): it has no probability, and is scored by its errors alone.
    """
    codes = reader.codes_of(text)
    own = nats(said, codes)
    return np.full(len(codes), -own / max(1, len(codes))) if np.isfinite(own) else np.empty(0)


def calibrate(model: "Model", training: List[Sequence], sequences: List[Sequence]) -> None:
    """Counts n-grams of the training texts, where they are wanted, and weighs them by the word errors of others."""
    reader, readout = transcript_reader(model), transcript_readout(model)
    if not readout.order:
        return
    counted = [[BEGIN, *reader.codes_of(one.texts[1]).tolist(), END] for one in training]
    ngrams = KneserNey(readout.order, num_tokens=len(reader.classes)).fit(counted)
    chosen = sequences[:: max(1, -(-len(sequences) // _JUDGED))]
    texts, said = [one.texts[1] for one in chosen], list(log_probs(model, chosen))

    def errors(advice: Advice) -> float:
        readout.advice = advice
        search = search_for(model, None)
        answers = [reader.text_of(_spelled(search(), one).symbols) for one in said]
        return transcript(answers, texts)["wer"]

    # The least weight of those that are equally good.
    readout.advice = min((Advice(ngrams, *pair) for pair in itertools.product(_WEIGHTS, _BONUSES)), key=errors)
