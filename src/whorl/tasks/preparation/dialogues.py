"""Dialogues: each turn but the first answers those before it."""

from typing import TYPE_CHECKING

from whorl.data.dialogue_reader import fit_dialogues
from whorl.data.dialogues import dialogues_of
from whorl.errors import DataError
from whorl.plans.wiring import EncoderDecoder, Sequences, Wiring
from whorl.tasks.preparation.pairs import codecs_of, num_filled
from whorl.tasks.preparation.prepared import Prepared, held_out

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def of_dialogues(estimator: "Estimator", wiring: Wiring, data: object) -> Prepared:
    """Prepares dialogues; those that are held out are so whole."""
    columns, shape, pairing = estimator.columns(), wiring.shape, wiring.pairing
    assert isinstance(shape, EncoderDecoder)
    assert isinstance(pairing, Sequences)
    assert pairing.turns is not None
    every = dialogues_of(data, encoding=columns.table.encoding or "utf-8")
    dialogues = [one for one in every if len(one) > 1]
    if len(dialogues) < 2:
        raise DataError(
            f"of {len(every)} dialogues {len(dialogues)} have a second turn, which answers the first, but one is "
            "needed for training and another one for validation. Bring more dialogues."
        )
    held = held_out(len(dialogues), estimator.training.validation, estimator.training.seed)
    reader = fit_dialogues(
        [one for n, one in enumerate(dialogues) if n not in held],
        context=pairing.turns,
        codecs=codecs_of(columns.tokens),
        longest=shape.longest,
        table=columns.table,
    )
    sequences = reader.exchanges(dialogues)
    cuts = [0 if int(one.key) in held else len(one) for one in sequences]
    notes = [
        f"{len(dialogues)} dialogues with {sum(map(len, dialogues))} turns, each answered from up to {pairing.turns} "
        f"before it; {len(reader.classes)} {columns.tokens.unit}s are known",
    ]
    if len(every) > len(dialogues):
        notes.append(f"{len(every) - len(dialogues)} dialogues have a single turn, and nothing is learned from them")
    cut = num_filled(sequences, shape.longest)
    if cut:
        notes.append(f"{cut} turns are read or written as far as {shape.longest} tokens go; what is more is left out")
    facts: dict[str, object] = {
        "origin": str(data) if isinstance(data, str) else "dialogues",
        "sequences": len(sequences),
        "past": list(reader.columns[:1]),
        "targets": list(reader.names),
        "training_sequences": sum(cut > 0 for cut in cuts),
        "validation_sequences": sum(cut == 0 for cut in cuts),
    }
    groups = [one.key for one in sequences]
    return Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts, groups=groups)
