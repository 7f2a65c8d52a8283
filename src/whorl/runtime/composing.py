"""Music that goes on: pieces are read, and chords or events follow as a decoding chooses them."""

from collections.abc import Sequence as List
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.music import BEGIN, END, MusicCodec
from whorl.data.music_reader import MusicReader
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError
from whorl.plans.decoding import Beam, Decoding, Greedy, Sample
from whorl.runtime.choosing import generator_of
from whorl.runtime.prediction import PIECE, Prediction
from whorl.runtime.primers import index_of, primed, tokens_after

if TYPE_CHECKING:
    from whorl.runtime.model import Model

# Chords of a piece and events of one where nothing says how many.
MAX_LENGTH = {"roll": 64, "events": 400}


def composed(model: "Model", sequences: List[Sequence], decoding: Decoding) -> Prediction:
    """Continues pieces.

    Args:
        model: of music.
        sequences: encoded primers.
        decoding: how notes are chosen. Of a roll `Sample` draws each note by itself, at most `top_k` of them where it
            is given, the likeliest; `Greedy` takes those that are more probable than not.

    Returns:
        One piece for each primer, which begins with it; `index.origin` is the last step of the primer. `score` is the
        log-probability of what follows.
    """
    reader = model.reader
    assert isinstance(reader, MusicReader)
    made, scores = (
        _chords(model, reader, sequences, decoding)
        if reader.music.is_roll
        else _events(model, reader, sequences, decoding)
    )
    pieces = [reader.piece(np.concatenate([one.past, rows])) for one, rows in zip(sequences, made, strict=True)]
    return Prediction(value=pieces, index=index_of(sequences), names=(PIECE,), score=np.array(scores))


def _chords(
    model: "Model", reader: MusicReader, sequences: List[Sequence], decoding: Decoding
) -> tuple[list[np.ndarray], list[float]]:
    """The rows that follow each primer, and their log-probabilities."""
    if isinstance(decoding, Beam) or (isinstance(decoding, Sample) and decoding.top_p is not None):
        what = "a beam" if isinstance(decoding, Beam) else "`top_p`"
        raise ArgumentError(
            f"{what} chooses among tokens, but the notes of a chord are chosen each by itself. Use whorl.Sample with "
            "`temperature` and `top_k`, the most notes of a chord, or whorl.Greedy()."
        )
    num_notes, length = len(reader.names), decoding.max_length or MAX_LENGTH["roll"]
    generators = [generator_of(decoding.seed, n) for n in range(len(sequences))] if isinstance(decoding, Sample) else []
    rows = np.empty((len(sequences), length, reader.past.spec.width), np.float32)
    scores = np.zeros(len(sequences))
    with primed(model.engine, sequences) as slots:
        last = np.concatenate([one.past[-1:] for one in sequences])
        rows[:] = last[:, None]  # the label stays
        for step in range(length):
            out = model.engine.step(slots, {"past": last})
            logits = np.asarray(out, np.float64).reshape(len(sequences), num_notes)
            for n in range(len(sequences)):
                chord = chosen(logits[n], decoding, generators[n] if generators else None)
                rows[n, step, :num_notes] = chord
                scores[n] -= float(np.logaddexp(0.0, np.where(chord, -logits[n], logits[n])).sum())
            last = rows[:, step]
    return list(rows), scores.tolist()


def chosen(logits: np.ndarray, decoding: Greedy | Sample, generator: np.random.Generator | None) -> np.ndarray:
    """Which notes sound, (K,) bool.

    Args:
        logits: (K,) of the notes.
        decoding: how.
        generator: of the draws; None where nothing is drawn.
    """
    if not isinstance(decoding, Sample) or generator is None:
        found: np.ndarray = logits > 0
        return found
    drawn = generator.random(len(logits))
    # Below the probability of the heated note; logits make no overflow of it.
    found = np.log(drawn) - np.log1p(-drawn) < logits / float(decoding.temperature)
    if decoding.top_k is not None and found.sum() > int(decoding.top_k):
        likeliest = np.argsort(np.where(found, -logits, np.inf), kind="stable")[: int(decoding.top_k)]
        found = np.isin(np.arange(len(logits)), likeliest)
    return found


def _events(
    model: "Model", reader: MusicReader, sequences: List[Sequence], decoding: Decoding
) -> tuple[list[np.ndarray], list[float]]:
    """The same of events, among those that may come."""
    found = tokens_after(
        model.engine,
        sequences,
        decoding,
        end=END,
        banned=(BEGIN,),
        limit=MAX_LENGTH["events"],
        rules=Sounding(reader.music, [one.past[:, 0] for one in sequences]),
    )
    rows = [
        np.concatenate([made.tokens[:, None], np.repeat(one.past[-1:, 1:], len(made.tokens), axis=0)], axis=1)
        for made, one in zip(found, sequences, strict=True)
    ]
    return rows, [float(made.log_probs.sum()) for made in found]


class Sounding:
    """Which events may come: a note ends where it sounds, begins where it does not, and no piece ends while one does.

    Loudness is not said twice without a note between.

    Args:
        codec: of the events.
        primers: codes (n,) of what each piece begins with.
    """

    def __init__(self, codec: MusicCodec, primers: List[np.ndarray]) -> None:
        self._words = codec.vocabulary
        self._notes = np.array([_note(word) for word in codec.vocabulary])
        self._is_on, self._is_off, self._is_loud = (
            np.array([word.startswith(f"{kind} ") for word in codec.vocabulary]) for kind in ("on", "off", "velocity")
        )
        self._first = []
        for codes in primers:
            state: tuple[frozenset[int], bool] = (frozenset(), False)
            for code in codes.tolist():
                state = self.after(state, int(code))
            self._first.append(state)

    def first(self, number: int) -> tuple[frozenset[int], bool]:
        """The notes that sound after a primer, and whether loudness was said last."""
        return self._first[number]

    def after(self, state: tuple[frozenset[int], bool], code: int) -> tuple[frozenset[int], bool]:
        """The same after one more event."""
        held, _ = state
        if self._is_on[code]:
            return held | {int(self._notes[code])}, False
        if self._is_off[code]:
            return held - {int(self._notes[code])}, False
        return held, bool(self._is_loud[code])

    def barred(self, state: tuple[frozenset[int], bool]) -> np.ndarray:
        """Which codes may not come, (V,)."""
        held, is_loud = state
        sounds = np.isin(self._notes, list(held))
        barred: np.ndarray = (self._is_on & sounds) | (self._is_off & ~sounds)
        if is_loud:  # a note begins now
            np.logical_or(barred, ~self._is_on, out=barred)
            return barred
        if (self._is_on <= sounds).all():  # no note could begin
            barred |= self._is_loud
        barred[END] = len(held) > 0
        return barred


def _note(word: str) -> int:
    kind, _, number = word.partition(" ")
    return int(number) if kind in ("on", "off") else -1
