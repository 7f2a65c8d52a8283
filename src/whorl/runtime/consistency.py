"""Whether the parts of a model file fit each other, so that a file that loads can also answer."""

import math
from collections.abc import Mapping

import numpy as np

from whorl.codecs.codec import codecs
from whorl.data.array_reader import ArrayReader
from whorl.data.caption_reader import CaptionReader
from whorl.data.corpus_reader import CorpusReader
from whorl.data.dialogue_reader import DialogueReader
from whorl.data.event_reader import EventReader
from whorl.data.indicators import Indicators
from whorl.data.lookahead import LateReader
from whorl.data.media_reader import MediaReader
from whorl.data.music_reader import MusicReader
from whorl.data.reader import Reader
from whorl.data.table_reader import TableReader
from whorl.data.text_reader import TextReader
from whorl.data.transcript_reader import TranscriptReader
from whorl.data.word_reader import WordReader
from whorl.data.writing_reader import WritingReader
from whorl.errors import ModelFileError
from whorl.plans.changes import Transposition
from whorl.plans.heads import Bernoulli, Categorical, Ctc, Normal, Quantiles, StudentT
from whorl.plans.wiring import (
    Autoregressive,
    EachRow,
    EncoderDecoder,
    ManyToMany,
    ManyToOne,
    Pairing,
    Sequences,
    Strips,
    Surprise,
    Windows,
    Wiring,
)
from whorl.runtime.bernoulli_readout import BernoulliReadout
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.item_readout import ItemReadout
from whorl.runtime.music_readout import ChordReadout, EventReadout
from whorl.runtime.operations import Shape
from whorl.runtime.program import Program
from whorl.runtime.readouts import QuantileReadout, Readout
from whorl.runtime.surprise_readout import SurpriseReadout
from whorl.runtime.tag_readout import TagReadout
from whorl.runtime.text_readout import CaptionReadout, SummaryReadout, TextReadout
from whorl.runtime.token_readout import TokenReadout
from whorl.runtime.transcript_readout import TranscriptReadout
from whorl.specs import Picture

_LONGEST = 1_000_000  # rows; a window of a program may be as long
# Numbers that a decoder is told of a source: 4096 steps of 2048 units in both directions, and their keys, are fewer.
_MOST_TOLD = 1 << 25

_PLACES = {True: "at every step", False: "of whole sequences"}


def check_parts(
    wiring: Wiring,
    reader: Reader,
    readout: Readout,
    program: Program,
    baselines: Mapping[str, Program],
    naive_mae: np.ndarray | None,
    encoder: Program | None = None,
) -> None:
    """Raises ModelFileError unless wiring, reader, programs, readout and baselines are those of one model."""
    writes = isinstance(wiring.shape, EncoderDecoder)
    _expect(writes == (encoder is not None), "a side that reads is missing, or odd")
    _expect(writes == isinstance(reader, WritingReader), "its reader is of others")
    if isinstance(wiring.head, Ctc) or isinstance(reader, TranscriptReader) or isinstance(readout, TranscriptReadout):
        _check_transcripts(wiring, reader, readout, program, baselines)
        return
    _expect(writes == isinstance(readout, TextReadout), "its readout is of others")
    promised = wiring.head.coverage if isinstance(wiring.head, Categorical) else None
    of_classes = readout.classes if isinstance(readout, TagReadout) else readout
    kept = of_classes.coverage if isinstance(of_classes, CategoricalReadout) else None
    _expect(promised == kept, f"its sets promise {promised}, those of its readout {kept}")
    if encoder is not None:
        assert isinstance(reader, WritingReader)
        _check_two_sides(wiring, reader, readout, program, encoder, baselines)
        recalls = isinstance(readout, SummaryReadout) and readout.recall is not None
        _expect(getattr(wiring.shape, "recall", False) == recalls, "its readout recalls answers, or its wiring does")
        return
    _expect(getattr(wiring.pairing, "turns", None) is None, "turns of a dialogue are read, but nothing is written")
    num_targets, horizon = len(reader.names), _horizon(wiring.pairing)
    _expect(0 < num_targets == len(reader.scale), "its reader answers nothing, or has other scales")
    answer = (num_targets,) if isinstance(wiring.pairing, Sequences | EachRow) else (horizon, num_targets)
    levels = wiring.head.levels if isinstance(wiring.head, Quantiles) else ()
    _expect(reader.horizon == horizon, f"the reader's horizon is {reader.horizon}, the pairing's {horizon}")
    families = f"its codec families are {wiring.inputs} and {wiring.outputs}"
    _expect(wiring.inputs in codecs and wiring.outputs in codecs, families)
    _check_levels(levels, readout, (*answer[:-1], len(levels)), (num_targets, len(levels)))
    if naive_mae is not None:
        _expect(naive_mae.shape == (num_targets,), f"`naive_mae` has the shape {naive_mae.shape}")
        _expect(naive_mae.dtype == np.float64 and bool((naive_mae > 0).all()), "`naive_mae` is not positive float64")
    _check_several(wiring, reader, readout)
    _check_music(wiring, reader, readout)
    # Of several labels at once each is an output of its own.
    num_classes = 0 if isinstance(wiring.head, Bernoulli) else len(reader.classes)
    _expect(isinstance(wiring.head, Categorical) == bool(num_classes), f"it has {num_classes} classes")
    beside = _check_next(wiring, reader, readout)
    labels = isinstance(readout, CategoricalReadout | TagReadout | ItemReadout)
    _expect(isinstance(wiring.head, Categorical) == labels, "its readout is of others")
    steps = isinstance(wiring.pairing, Sequences) and wiring.pairing.every_step
    _expect(steps or not readout.by_sequence, "its readout answers steps, which its pairing does not")
    lookahead = wiring.pairing.lookahead if isinstance(wiring.pairing, Sequences) else 0
    own = reader.lookahead if isinstance(reader, LateReader) else 0
    _expect(lookahead == own, f"its answers are {lookahead} steps late, those of its reader {own}")
    _expect(steps or not own, f"its answers are {own} steps late, but its pairing has one for a whole sequence")
    _check_truths(wiring.pairing, reader)
    if isinstance(readout, TagReadout):
        shape = None if readout.chain is None else readout.chain.shape
        chained = isinstance(wiring.head, Categorical) and wiring.head.chain
        _expect(shape == ((num_classes + 1, num_classes + 1) if chained else None), "its chain is of other classes")
    judges = isinstance(wiring.pairing, EachRow)
    of_surprise = isinstance(wiring.shape, Surprise) and isinstance(wiring.head, Normal | StudentT)
    _expect(of_surprise == judges == isinstance(readout, SurpriseReadout), f"it answers {wiring.shape} by others")
    if isinstance(wiring.pairing, EachRow) and isinstance(readout, SurpriseReadout):
        _expect(readout.whole == wiring.pairing.whole, "its readout and its pairing differ in what is judged")
    inputs = _inputs(reader)
    given = num_classes + beside
    _check_program("the network", program, inputs, (*answer, 2 if judges else given or 1 + len(levels)))
    for name, rival in baselines.items():
        _check_program(f"the baseline '{name}'", rival, inputs, (*answer, 2 if judges else given or 1))


def _check_next(wiring: Wiring, reader: Reader, readout: Readout) -> int:
    """The next step of a text or of music, or the next item; returns how many numbers stand behind its scores."""
    follows = isinstance(wiring.shape, Autoregressive)
    items = wiring.shape.items if isinstance(wiring.shape, Autoregressive) else None
    goes_on = follows and items is None
    wanted: Pairing = Strips(warm_up=1, horizon=1) if goes_on else Sequences(every_step=True, last=True)
    _expect(not follows or wiring.pairing == wanted, "its pairing is of another shape")
    _expect(goes_on == isinstance(reader, CorpusReader | MusicReader), "its reader is of another shape")
    _expect(goes_on == isinstance(readout, TokenReadout | ChordReadout), "its readout is of another shape")
    _expect((items is not None) == isinstance(reader, EventReader), "its reader is of another shape")
    _expect((items is not None) == isinstance(readout, ItemReadout), "its readout is of another shape")
    if items is None or not isinstance(readout, ItemReadout):
        return 0
    _expect((items.listed, items.seen) == (readout.count, readout.seen), f"its readout lists {readout.count} items")
    _expect(items.seen <= _LONGEST, f"it leaves out the last {items.seen} items")
    assert isinstance(reader, EventReader)
    bins = 0 if reader.lapses is None else len(reader.lapses)
    fits = items.until == (bins > 0) and readout.bins == bins
    _expect(fits, f"its reader has {bins} bins of time, its readout {readout.bins}")
    return bins + items.seen


def _check_music(wiring: Wiring, reader: Reader, readout: Readout) -> None:
    """Of music all parts know whether it is chords or events."""
    rolls = isinstance(reader, MusicReader) and reader.music.is_roll
    _expect(isinstance(readout, ChordReadout) == rolls, "its readout is of other steps")
    events = isinstance(reader, MusicReader) and not reader.music.is_roll
    _expect(isinstance(readout, EventReadout) == events, "its readout is of other steps")
    _expect((wiring.head == Bernoulli(joint=True)) == rolls, f"its head is {wiring.head}")
    if isinstance(wiring.augmentation, Transposition):
        _expect(isinstance(reader, MusicReader), "what is no music is moved to other keys")
        _expect(wiring.augmentation.least <= 0 <= wiring.augmentation.most, f"it has {wiring.augmentation}")


def _check_levels(levels: tuple[float, ...], readout: Readout, shifts: Shape, floors: Shape) -> None:
    """The readout has the levels of the head, and what was calibrated of them is of these shapes."""
    _expect(_ascend(levels), f"the head's levels are {levels}")
    _expect(tuple(readout.levels) == tuple(levels), f"the readout's levels are {readout.levels}, the head's {levels}")
    if isinstance(readout, QuantileReadout) and readout.shifts is not None and readout.floors is not None:
        found = readout.shifts.shape, readout.floors.shape
        _expect(found == (shifts, floors), f"the readout's arrays have the shapes {found}")


def _check_several(wiring: Wiring, reader: Reader, readout: Readout) -> None:
    """Several labels at once are of whole sequences, and all parts know that they are."""
    several = isinstance(wiring.head, Bernoulli) and not wiring.head.joint
    _expect(several == isinstance(reader.outputs, Indicators), f"its head is {wiring.head}, its labels are of others")
    own = isinstance(readout, BernoulliReadout) and not isinstance(readout, ChordReadout)
    _expect(several == own, "its readout is of others")
    if several and isinstance(readout, BernoulliReadout):
        whole = wiring.pairing == Sequences() and isinstance(wiring.shape, ManyToOne)
        _expect(whole, f"its pairing is {wiring.pairing}, but several labels are of whole sequences")
        found = None if readout.thresholds is None else readout.thresholds.shape
        _expect(found in (None, (len(reader.names),)), f"its readout has the thresholds of {found} labels")


def _check_transcripts(
    wiring: Wiring, reader: Reader, readout: Readout, program: Program, baselines: Mapping[str, Program]
) -> None:
    """Each step says a symbol of the reader's texts, and the n-grams are of these symbols."""
    head = wiring.head
    if not (isinstance(reader, TranscriptReader) and isinstance(readout, TranscriptReadout) and isinstance(head, Ctc)):
        raise ModelFileError(
            "the parts of the model file do not fit each other: some are of transcripts. Save it again."
        )
    _expect(not baselines, "its rivals are of others")
    families = f"its codec families are {wiring.inputs} and {wiring.outputs}"
    _expect(wiring.inputs in codecs and wiring.outputs in codecs, families)
    wanted = Sequences(every_step=True, lookahead=reader.past.lookahead)
    steps = wiring.pairing == wanted and isinstance(wiring.shape, ManyToMany)
    steps = steps and getattr(wiring.shape, "stride", 0) == reader.past.stride
    _expect(steps, f"its pairing is {wiring.pairing}, but symbols are said at steps")
    _expect(head.order == readout.order, f"its n-grams are of {readout.order} symbols, and not of {head.order}")
    known = readout.advice is None or readout.advice.ngrams.num_tokens == len(reader.classes)
    _expect(known, "its n-grams are of other symbols")
    inputs: dict[str, Shape] = {"past": (reader.past.spec.width,)}
    _check_program("the network", program, inputs, (1, len(reader.classes)))


def _check_two_sides(
    wiring: Wiring,
    reader: WritingReader,
    readout: Readout,
    program: Program,
    encoder: Program,
    baselines: Mapping[str, Program],
) -> None:
    """The decoder is told what the encoder says, and writes the reader's tokens."""
    shape = wiring.shape
    assert isinstance(shape, EncoderDecoder)
    families = f"its codec families are {wiring.inputs} and {wiring.outputs}"
    _expect(wiring.inputs in codecs and wiring.outputs in codecs, families)
    _expect(isinstance(wiring.pairing, Sequences), f"its pairing is {wiring.pairing}")
    turns, own = getattr(wiring.pairing, "turns", None), reader.context if isinstance(reader, DialogueReader) else None
    _expect(turns == own, f"{turns} turns of a dialogue are read, but the reader gives {own}")
    _expect(isinstance(wiring.head, Categorical) and not baselines, "its head or its baselines are of others")
    _expect(shape.longest == reader.longest, f"{shape.longest} steps are read, but the reader gives {reader.longest}")
    read = [("source", (reader.source_spec.width,))]
    _expect([(op.out, op.shape) for op in encoder.inputs] == read, "the encoder reads no source")
    describes = isinstance(reader, CaptionReader)
    _expect(describes == isinstance(readout, CaptionReadout), "its readout is of others")
    ordered = not isinstance(reader, CaptionReader) or reader.ordered
    _expect(shape.ordered == ordered, "its steps have an order in its reader or in its wiring alone")
    _expect(not isinstance(reader, CaptionReader) or reader.word == wiring.inputs, f"its reader reads {wiring.inputs}")
    _expect(not any(op.static for op in encoder.inputs), "the encoder has static inputs, which nothing gives")
    stepwise = {op.out: op.shape for op in program.inputs if not op.static}
    told = {op.out: op.shape for op in program.inputs if op.static}
    _expect(stepwise == {"past": (1,)}, f"the decoder reads {stepwise} at each step, but its reader gives `past`")
    _expect(program.streams, "the decoder reads backwards")
    goes_back = shape.input_feeding or shape.wait is not None
    _expect(program.loops == goes_back, "the decoder reads its last step, or not, other than its wiring says")
    _expect(shape.wait is None or 0 < shape.wait <= shape.longest, f"it waits for {shape.wait} steps")
    waits = program.tensors.get("wait")
    counts = waits is None if shape.wait is None else waits is not None and waits.tolist() == [shape.wait]
    _expect(counts, f"the decoder waits for {waits} steps, its wiring for {shape.wait}")
    _expect(shape.wait is None or encoder.streams, "the encoder reads backwards, but the decoder does not wait for it")
    _expect(told.pop("length", None) == (1,), "the decoder is not told how long the source is")
    said, whole = encoder.shapes[encoder.output], (sum(math.prod(own) for own in told.values()),)
    # A picture without an order is one step, of which the cells of its grid are told at once.
    at_once = not shape.ordered and isinstance(reader.source_spec, Picture)
    rows = {own[0] for own in told.values() if len(own) == 2}
    fits = all(0 < len(own) < 3 for own in told.values()) and (at_once or rows <= {reader.longest}) and len(rows) < 2
    _expect(bool(told) and fits, f"the decoder is told {told}, but {reader.longest} steps are read at most")
    fits = said == (whole if at_once else (sum(own[-1] for own in told.values()),))
    _expect(fits, f"the encoder says {said}, but the decoder is told {told}")
    size = sum(math.prod(own) for own in told.values())
    too_much = f"the decoder is told {size} numbers, more than {_MOST_TOLD}; lower `longest` or `hidden_size`"
    _expect(size <= _MOST_TOLD, too_much)
    found, wanted = program.shapes[program.output], (1, len(reader.classes))
    _expect(found == wanted, f"the decoder gives {found}, but {wanted} tokens may be written")


def _check_truths(pairing: Pairing, reader: Reader) -> None:
    """Truths stand where answers do: at every step, or one for a whole sequence."""
    rows = reader.reader if isinstance(reader, LateReader) else reader
    if isinstance(rows, TableReader):
        whole = isinstance(pairing, Sequences)
        _expect(rows.per_sequence == whole, "its table is of another pairing")
    wanted = pairing.every_step if isinstance(pairing, Sequences) else True
    of_steps = _of_steps(rows)
    told = f"its pairing has targets {_PLACES[wanted]}, its reader {_PLACES[bool(of_steps)]}"
    _expect(of_steps is None or of_steps == wanted, told)


def _of_steps(reader: Reader) -> bool | None:
    """Whether truths are of steps and not of whole sequences; None where only the data say so."""
    match reader:
        case WordReader() | EventReader():
            return True
        case TextReader() | MediaReader():
            return False
        case TableReader():
            return reader.every_step or not reader.per_sequence
        case ArrayReader() if len(reader.classes):
            return reader.every_step
        case _:
            return None


def _ascend(levels: tuple[float, ...]) -> bool:
    return all(0.0 < level < 1.0 for level in levels) and list(levels) == sorted(set(levels))


def _horizon(pairing: Pairing) -> int:
    """Steps ahead, 0 where answers have no time; sizes must be sensible."""
    match pairing:
        case Windows(context=context, horizon=horizon, stride=stride):
            sizes = (context, horizon, stride)
            _expect(all(0 < size <= _LONGEST for size in sizes), f"its windows are {pairing}")
            return horizon
        case Strips(warm_up=warm_up, horizon=horizon, num_lags=num_lags):
            sizes = (warm_up, horizon, num_lags + 1)
            _expect(all(0 < size <= _LONGEST for size in sizes), f"its strips are {pairing}")
            return horizon
        case EachRow(length=length):
            _expect(0 < length <= _LONGEST, f"its pieces are {pairing}")
            return 0
        case Sequences():
            return 0


def _inputs(reader: Reader) -> dict[str, Shape] | None:
    """Name and shape of what an engine reads at each step; None where only a user's own reader knows."""
    if isinstance(reader, LateReader):
        return _inputs(reader.reader)
    kinds = ArrayReader | CorpusReader | EventReader | MediaReader | MusicReader | TextReader | WordReader
    if isinstance(reader, kinds):
        return {"past": (reader.past.spec.width,)}
    if not isinstance(reader, TableReader):
        return None
    ahead = {} if reader.ahead is None else {"future": (reader.horizon, reader.ahead.spec.width)}
    return {"past": (reader.past.spec.width,), **ahead}


def _check_program(what: str, program: Program, inputs: Mapping[str, Shape] | None, output: Shape) -> None:
    found = {op.out: op.shape for op in program.inputs if not op.static}
    _expect(len(found) == len(program.inputs), f"{what} has static inputs, which nothing gives")
    _expect("past" in found, f"{what} reads no rows")
    if inputs is not None:
        _expect(found.items() <= inputs.items(), f"{what} reads {found}, but its reader gives {dict(inputs)}")
    shape = program.shapes[program.output]
    _expect(shape == output, f"{what} gives {shape}, but its readout takes {output}")


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise ModelFileError(f"the parts of the model file do not fit each other: {what}. Save the model again.")
