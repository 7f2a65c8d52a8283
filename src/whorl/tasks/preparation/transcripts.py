"""Frames with a text for each sequence: recordings, videos, or arrays."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from whorl.codecs.array import ArrayCodec
from whorl.codecs.codec import Codec
from whorl.codecs.framed import FramedCodec
from whorl.codecs.text import TextCodec
from whorl.data.media import medium_for, told_by_table
from whorl.data.sequences import Sequence
from whorl.data.text_outputs import TextOutputs
from whorl.data.transcript_reader import Transcribed, TranscriptReader, constant_answers, examples_of
from whorl.errors import DataError
from whorl.plans.wiring import ManyToMany, Sequences, Wiring
from whorl.tasks.preparation.media import groups_of, with_groups
from whorl.tasks.preparation.missing import told_of_missing
from whorl.tasks.preparation.prepared import Prepared, held_out

if TYPE_CHECKING:
    from whorl.tasks.columns import Columns
    from whorl.tasks.estimator import Estimator


def of_transcripts(estimator: "Estimator", wiring: Wiring, data: object) -> Prepared:
    """Prepares frames with texts."""
    columns = estimator.columns()
    target, plan = str(columns.target), columns.media
    group = None if plan is None else plan.group
    told = data if plan is None else told_by_table(data, medium_for(plan), columns.table)
    found = examples_of(told, plan, target, with_groups(columns.table, group))
    if found.texts is None:
        raise DataError(
            f"{found.origin} has no texts to learn from. Give a table with the column '{target}', a file of text "
            "beside each recording, or (recordings, texts); another column is named with `target`."
        )
    kind = "sequences" if plan is None else medium_for(plan).plural
    if len(found.cells) < 2:
        raise DataError(f"of {kind} with texts there is one, and none is left for validation. Bring more.")
    groups = None if found.files is None or group is None else groups_of(found.files, group)
    held = held_out(len(found.cells), estimator.training.validation, estimator.training.seed, groups=groups)
    training = [n for n in range(len(found.cells)) if n not in held]
    assert isinstance(wiring.shape, ManyToMany)
    assert isinstance(wiring.pairing, Sequences)
    reader = _reader(columns, wiring.shape.stride, wiring.pairing.lookahead, found, training)
    sequences = reader.encode(found)
    unfit = {n for n in training if not _fits(reader, sequences[n])}
    if len(unfit) == len(training):
        num_steps = reader.past.num_steps(sequences[training[0]])
        raise DataError(
            f"no text of training fits its frames: '{found.texts[training[0]]:.40}' has more symbols than its "
            f"{num_steps} steps. Lower `stride`, or check which text belongs to which recording."
        )
    notes = [
        f"{len(found.cells)} {kind} with texts; cut into "
        f"{columns.tokens.unit}s, {len(reader.classes)} are known; {reader.past.stride} frames a step"
    ]
    if plan is None:
        notes += told_of_missing([np.asarray(found.cells[n]) for n in training], found.origin)
    if unfit:
        first = min(unfit)
        notes.append(
            f"left out of training: {len(unfit)} whose text has more symbols than there are steps, the first of them "
            f"'{found.names[first]}'"
        )
        kept = [n for n in range(len(sequences)) if n not in unfit]
        groups = None if groups is None else [groups[n] for n in kept]
        sequences, held = [sequences[n] for n in kept], {place for place, n in enumerate(kept) if n in held}
    cuts = [0 if n in held else len(sequence) for n, sequence in enumerate(sequences)]
    facts: dict[str, object] = {
        "origin": found.origin,
        "sequences": len(sequences),
        "past": ["frames"],
        "targets": [target],
        "training_sequences": len(sequences) - len(held),
        "validation_sequences": len(held),
    }
    return Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts, groups=groups)


def _reader(
    columns: "Columns", stride: int, lookahead: int, found: Transcribed, training: list[int]
) -> TranscriptReader:
    """Codecs fitted on the training part."""
    assert found.texts is not None
    texts, plan = [found.texts[n] for n in training], columns.media
    if not any(texts):
        raise DataError(f"all {len(texts)} texts of training are empty, so there is nothing to learn. Bring others.")
    codec: Codec[Any]
    cells = [found.cells[n] for n in training]
    if plan is None:
        codec = ArrayCodec(scaling=columns.table.scaling, clip=columns.table.clip)
        values = iter(cells)
    else:
        medium = medium_for(plan)
        plan = medium.completed(plan, cells)
        codec = medium.codec(plan)
        values = (medium.open(cell, plan) for cell in cells)
    return TranscriptReader(
        past=FramedCodec(codec, stride, lookahead).fit(values),
        outputs=TextOutputs(TextCodec(**asdict(columns.tokens)).fit(texts)),
        target=str(columns.target),
        plan=plan,
        rivals=constant_answers(texts),
        table=replace(columns.table, kinds={}),
    )


def _fits(reader: TranscriptReader, one: Sequence) -> bool:
    """Whether the text of a sequence can be spread over its steps: equal neighbours need one more between them."""
    codes = reader.codes_of(one.texts[1])
    num_steps = reader.past.num_steps(one)
    return len(codes) + int((np.diff(codes) == 0).sum()) <= num_steps and num_steps > 0
