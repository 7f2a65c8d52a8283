"""Music: files, folders, tables and lists of pieces."""

from typing import TYPE_CHECKING

from whorl.codecs.music import MusicCodec
from whorl.codecs.table import TableCodec
from whorl.data.music_reader import MusicReader, label_frame
from whorl.data.scores import scores
from whorl.errors import DataError
from whorl.tasks.preparation.corpora import cuts_of
from whorl.tasks.preparation.prepared import Prepared, held_out

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def of_music(estimator: "Estimator", data: object) -> Prepared:
    """Prepares pieces of music."""
    columns = estimator.columns()
    assert columns.music is not None
    condition = columns.static[0] if columns.static else None
    music, training = MusicCodec(columns.music), estimator.training
    found = scores(data, music, condition, columns.table)
    cuts = cuts_of(found, training.validation, "moments")
    beside = None
    if condition is not None:
        labels = [one.label for one in found]
        if any(label is None for label in labels):
            raise DataError(
                f"`condition` is '{condition}', but piece {found[labels.index(None)].name} has no label. Give pairs of "
                "pieces and labels, a table with that column, or a folder with a folder for each label."
            )
        # Pieces of one label may stand together: the last ones would be of one label alone.
        if any(cut == 0 for cut in cuts):
            apart = held_out(len(found), training.validation, training.seed, labels)
            cuts = [0 if n in apart else None for n in range(len(found))]
        known = [label for label, cut in zip(labels, cuts, strict=True) if cut != 0]
        beside = TableCodec(numeric=(), categories=(condition,)).fit([label_frame(condition, known)])
    reader = MusicReader(music=music, condition=condition, beside=beside, table=columns.table)
    sequences = [reader.encode(one) for one in found]
    begin = 0 if music.is_roll else 1  # the code before the first event
    marks = [len(one) if cut is None else cut and cut + begin for one, cut in zip(sequences, cuts, strict=True)]
    total, learned, left_out = sum(map(len, sequences)), sum(marks), sum(one.left_out for one in found)
    kind, plan = "steps" if music.is_roll else "events", columns.music
    notes = [
        f"music: {len(found)} pieces as {'chords' if music.is_roll else 'events'}, notes {plan.lowest} to "
        f"{plan.highest}, {plan.steps_of_quarter:g} steps a quarter note",
        *([f"beside it: {condition}"] if condition is not None else []),
        *([f"{left_out:,} notes are out of the range and left out"] if left_out else []),
        f"{kind}: {learned:,} to learn from, {total - learned:,} held out",
    ]
    facts: dict[str, object] = {
        "origin": str(data) if isinstance(data, str) else "music",
        "documents": len(found),
        "tokens": total,
        "training_tokens": learned,
        "unit": kind[:-1],
        "vocabulary": len(reader.classes),
    }
    return Prepared(reader=reader, sequences=sequences, cuts=marks, notes=notes, facts=facts)
