"""Of dialogues: what was said, what the model replies, and what was really replied."""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np

from whorl.data.dialogue_reader import DialogueReader
from whorl.data.sequences import Sequence
from whorl.plans.decoding import Sample
from whorl.report.evidence import HeldOut
from whorl.runtime import writing
from whorl.runtime.model import Model

_EXAMPLES = 6
_DRAWN = Sample(temperature=0.8, top_p=0.9)


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One turn with those before it.

    Args:
        turns: what was read.
        written: the reply that a beam finds.
        drawn: one that is drawn.
        true: what was replied.
    """

    turns: List[str]
    written: str
    drawn: str
    true: str


def exchanges(model: Model, held_out: HeldOut | List[Sequence] | None) -> list[Exchange]:
    """Some turns, spread over those that were held out; none for models that answer no turns."""
    if not isinstance(model.reader, DialogueReader) or held_out is None:
        return []
    given = held_out if isinstance(held_out, List) else held_out.sequences
    known = [one for one in given if one.targets is not None]
    if not known:
        return []
    chosen = [known[n] for n in np.unique(np.linspace(0, len(known) - 1, _EXAMPLES).astype(np.int64))]
    written, drawn = (writing.answered(model, chosen, how).value for how in (writing.default(model), _DRAWN))
    return [
        Exchange(turns=one.texts[0].split("\n"), written=reply, drawn=other, true=one.texts[1])
        for one, reply, other in zip(chosen, written, drawn, strict=True)
    ]
