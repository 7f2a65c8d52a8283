"""Tables of one text a row, with columns beside it."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from whorl.codecs.text import TextCodec
from whorl.data.indicators import Indicators
from whorl.data.label_columns import with_labels
from whorl.data.schema import infer_schema
from whorl.data.text_reader import LABEL, fit_texts, text_frame
from whorl.plans.wiring import Wiring
from whorl.tasks.preparation.prepared import Prepared, answers_labels, answers_several, classified, held_out

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def of_texts(estimator: "Estimator", wiring: Wiring, data: object) -> Prepared:
    """Prepares a table of texts, or lists of them."""
    columns = estimator.columns()
    assert columns.text is not None
    targets = (columns.target or LABEL,) if isinstance(columns.target, str | None) else columns.target
    table, text, several = columns.table, columns.text, answers_several(wiring)
    frame = text_frame(data, text, targets, table)
    frame[text]
    if answers_labels(wiring) and not several:
        frame, table = with_labels(frame, targets[0], table, data, lambda other: text_frame(data, text, targets, other))
    frame = Indicators(targets).checked(frame) if several else frame
    schema = infer_schema(
        frame,
        target=targets,
        table=replace(table, kinds={text: "category", **table.kinds}),
        labels=answers_labels(wiring) and not several,
    )
    beside = [name for name in schema.past if name != columns.text]
    labels = frame[targets[0]].tolist() if answers_labels(wiring) and not several else None
    held = held_out(len(frame), estimator.training.validation, estimator.training.seed, labels)
    training = [n for n in range(len(frame)) if n not in held]
    reader = fit_texts(
        frame,
        training,
        column=columns.text,
        targets=targets,
        beside=(schema.of_kind("numeric", beside), schema.of_kind("category", beside)),
        codec=TextCodec(**asdict(columns.tokens), end=True),
        table=table,
        labels=answers_labels(wiring),
    )
    sequences = reader.encode(frame)
    cuts = [0 if n in held else len(sequence) for n, sequence in enumerate(sequences)]
    notes = [f"text: {columns.text}, cut into {columns.tokens.unit}s, {len(reader.past.text.vocabulary)} are known"]
    notes += [f"beside it: {', '.join(beside)}"] if beside else []
    notes += [f"ignored: {name}, {reason}" for name, reason in schema.ignored.items() if name != columns.text]
    facts: dict[str, object] = {
        "origin": frame.origin,
        "sequences": len(frame),
        "past": [columns.text, *beside],
        "training_sequences": len(training),
        "validation_sequences": len(held),
    }
    prepared = Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts)
    return classified(estimator, prepared) if answers_labels(wiring) else prepared
