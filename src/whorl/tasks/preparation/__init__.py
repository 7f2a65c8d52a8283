"""From a user's data to encoded sequences with a training and a validation part, for whatever wiring."""

from typing import TYPE_CHECKING

from whorl.data.arrays import LABEL, read_arrays, series_frame
from whorl.data.media import mediums
from whorl.plans.heads import Ctc
from whorl.plans.wiring import Autoregressive, EachRow, EncoderDecoder, Sequences
from whorl.runtime.readouts import readouts
from whorl.runtime.text_readout import TextReadout
from whorl.tasks.preparation.arrays import judged_arrays, of_arrays, of_wide_table
from whorl.tasks.preparation.captions import of_captions
from whorl.tasks.preparation.corpora import of_corpus
from whorl.tasks.preparation.dialogues import of_dialogues
from whorl.tasks.preparation.events import of_events
from whorl.tasks.preparation.media import of_media
from whorl.tasks.preparation.music import of_music
from whorl.tasks.preparation.pairs import of_pairs
from whorl.tasks.preparation.prepared import Prepared, answers_labels
from whorl.tasks.preparation.tables import of_table
from whorl.tasks.preparation.tagged import of_tagged
from whorl.tasks.preparation.texts import of_texts
from whorl.tasks.preparation.transcripts import of_transcripts

__all__ = ["Prepared", "prepare"]

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def prepare(estimator: "Estimator", data: object) -> Prepared:
    """Reads, splits and encodes; statistics come from training rows alone."""
    wiring = estimator.wiring()
    scored = readouts.get(wiring.readout)
    if issubclass(scored, TextReadout):
        scored.measure(["a"], ["a"])  # a package that scores texts is missed before the training, not after it
    if isinstance(wiring.shape, Autoregressive) and wiring.shape.items is not None:
        return of_events(estimator, data)
    if isinstance(wiring.shape, Autoregressive):
        return (of_music if wiring.inputs == "music" else of_corpus)(estimator, data)
    if isinstance(wiring.pairing, Sequences) and wiring.pairing.turns is not None:
        return of_dialogues(estimator, wiring, data)
    if isinstance(wiring.head, Ctc):
        return of_transcripts(estimator, wiring, data)
    if isinstance(wiring.shape, EncoderDecoder) and wiring.inputs in mediums:
        return of_captions(estimator, wiring, data)
    if isinstance(wiring.shape, EncoderDecoder):
        return of_pairs(estimator, wiring, data)
    if wiring.inputs in mediums:
        return of_media(estimator, wiring, data)
    if wiring.inputs == "text":
        return of_texts(estimator, wiring, data)
    if isinstance(wiring.pairing, Sequences) and wiring.pairing.every_step and answers_labels(wiring):
        return of_tagged(estimator, wiring, data)
    if isinstance(wiring.pairing, Sequences):
        arrays = read_arrays(data, labelled=answers_labels(wiring) and estimator.columns().target is None)
        if arrays is not None:
            return of_arrays(estimator, arrays)
        return of_wide_table(estimator, data) or of_table(estimator, wiring, data)
    label = estimator.columns().label
    if isinstance(wiring.pairing, EachRow) and wiring.pairing.whole:
        arrays = read_arrays(data, labelled=label is None)
        if arrays is not None:
            return judged_arrays(estimator, arrays)
        return of_wide_table(estimator, data) or of_table(estimator, wiring, data)
    frame = series_frame(data, (label or LABEL) if isinstance(wiring.pairing, EachRow) else None)
    return of_table(estimator, wiring, data if frame is None else frame)
