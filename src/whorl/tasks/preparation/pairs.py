"""Pairs of texts: one is read whole, the other is written."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from whorl.codecs.text import TextCodec
from whorl.data.pair_reader import fit_pairs, pairs_of
from whorl.data.sequences import Sequence
from whorl.errors import DataError
from whorl.plans.text import Text
from whorl.plans.wiring import EncoderDecoder, Wiring
from whorl.tasks.preparation.prepared import Prepared, held_out

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def of_pairs(estimator: "Estimator", wiring: Wiring, data: object) -> Prepared:
    """Prepares pairs of texts."""
    columns, shape = estimator.columns(), wiring.shape
    assert isinstance(shape, EncoderDecoder)
    assert columns.text is not None
    assert isinstance(columns.target, str)
    sources, targets = pairs_of(data, (columns.text, columns.target), columns.table)
    if len(sources) < 2:
        raise DataError("one pair is left for training and none for validation. Bring more pairs.")
    held = held_out(len(sources), estimator.training.validation, estimator.training.seed)
    training = [n for n in range(len(sources)) if n not in held]
    reader = fit_pairs(
        [sources[n] for n in training],
        [targets[n] for n in training],
        columns=(columns.text, columns.target),
        codecs=codecs_of(columns.tokens),
        longest=shape.longest,
        table=columns.table,
        recall=shape.recall,
    )
    sequences = reader.encode(sources, targets)
    cuts = [0 if n in held else len(sequence) for n, sequence in enumerate(sequences)]
    unit = columns.tokens.unit
    notes = [
        f"{len(sources)} pairs; {columns.text}, cut into {unit}s, {len(reader.source.vocabulary)} are known; "
        f"{columns.target}, {len(reader.classes)}"
    ]
    cut = num_filled(sequences, shape.longest)
    if cut:
        notes.append(f"{cut} pairs are as long as may be read, {shape.longest} tokens, or were cut there")
    facts: dict[str, object] = {
        "origin": str(data) if isinstance(data, str) else "pairs of texts",
        "sequences": len(sources),
        "past": [columns.text],
        "targets": [columns.target],
        "training_sequences": len(training),
        "validation_sequences": len(held),
    }
    return Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts)


def codecs_of(tokens: Text) -> tuple[TextCodec, TextCodec]:
    """Codecs of what is read and of what is written."""
    how = asdict(tokens)
    return TextCodec(**how, end=True), TextCodec(**how, begin=True, end=True)


def num_filled(sequences: Iterable[Sequence], longest: int) -> int:
    """How many are read or written as far as tokens may go, so that more of them may have been left out."""
    return sum(longest in (len(one.read_steps), len(one)) for one in sequences)
