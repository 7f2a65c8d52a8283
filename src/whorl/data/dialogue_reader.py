"""Dialogues to encoded sequences: the last turns are read, and an answer to them is written."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from typing import Self

import numpy as np

from whorl.codecs.text import TextCodec
from whorl.data.dialogues import Dialogue, Turn, dialogues_of, said_by_answerer
from whorl.data.pair_memory import PairMemory
from whorl.data.pair_reader import PairReader
from whorl.data.piece_rows import refuse_known
from whorl.data.reader import RowReader, readers
from whorl.data.sequences import Sequence
from whorl.data.text_outputs import TextOutputs
from whorl.data.turn_rows import TEXT, TurnRows, ended
from whorl.data.usual import Usual
from whorl.data.writing_reader import MOST_STEPS
from whorl.errors import DataError, ModelFileError
from whorl.plans.table import Table

REPLY = "reply"


@readers.add("dialogues")
class DialogueReader(PairReader):
    """Reads dialogues: of each turn, or of the one to come, up to `context` turns before it.

    What is read are their tokens, one turn after the other. Behind a turn stands its end, or, where it was said by who
    answers now, the token of a begin, which stands nowhere else. If there are more than `longest` tokens, the last ones
    are read.

    Args:
        source: encodes a turn that is read, with its end.
        outputs: encodes a turn that is written, with begin and end.
        longest: most tokens that are read, and that are written.
        context: most turns that are read.
        memory: turns of training with those before them, for a naive rival.
        usual: what another naive rival replies.
        table: how files are read.
    """

    def __init__(
        self,
        *,
        source: TextCodec,
        outputs: TextOutputs,
        longest: int,
        context: int,
        memory: PairMemory,
        usual: Usual,
        table: Table,
    ) -> None:
        super().__init__(
            columns=(TEXT, REPLY), source=source, outputs=outputs, longest=longest, memory=memory, table=table
        )
        self.context, self.usual = context, usual

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        refuse_known(known)
        dialogues = dialogues_of(source, encoding=self.table.encoding or "utf-8", silence=not targets)
        if targets:
            found = self.exchanges(dialogues)
            if not found:
                raise DataError("no dialogue has a second turn, which answers the first. Bring dialogues that have.")
            return found
        found = []
        for n, one in enumerate(dialogues):
            last = {place: self.source.encode(one.turns[place].text) for place in self._before(len(one))}
            found.append(self._exchange(str(n), one.turns, len(one), last))
        return found

    def exchanges(self, dialogues: List[Dialogue]) -> list[Sequence]:
        """Every turn but the first of each dialogue, with the turns before it; the key is the dialogue's number."""
        found = []
        for n, dialogue in enumerate(dialogues):
            codes = {place: self.source.encode(turn.text) for place, turn in enumerate(dialogue.turns)}
            found += [self._exchange(str(n), dialogue.turns, at, codes) for at in range(1, len(dialogue))]
        return found

    def _before(self, at: int) -> range:
        """Places of the turns that are read to answer with the turn at this place."""
        return range(max(0, at - self.context), at)

    def _exchange(self, key: str, turns: tuple[Turn, ...], at: int, codes_of: Mapping[int, np.ndarray]) -> Sequence:
        """The turn at this place, or the one that is still to come, with those before it, whose codes are given."""
        places = self._before(at)
        own = said_by_answerer(turns, at, places)
        before = [turns[place].text for place in places]
        parts = [ended(codes_of[place], own=mine) for place, mine in zip(places, own, strict=True)]
        reply = turns[at].text if at < len(turns) else None
        past, written = self.written(reply)
        return Sequence(
            key=key,
            past=past,
            time=np.arange(len(past), dtype=np.int64),
            targets=written,
            source=np.concatenate(parts)[-self.longest :],
            texts=("\n".join(before), reply or ""),
            origin=at - 1,
        )

    def rivals(self, sequences: List[Sequence]) -> dict[str, list[str]]:
        """What naive rivals reply: the most frequent reply of training, and that to the most similar turns."""
        return {
            "most frequent": [self.usual.text] * len(sequences),
            "nearest turns": [self.memory.nearest(one.texts[0])[0] for one in sequences],
        }

    def token_rivals(self) -> dict[str, np.ndarray]:
        return {"unigram": self.usual.log_probabilities}

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return TurnRows(self.source, self.context, self.longest)

    def config(self) -> dict[str, object]:
        return {**super().config(), "context": self.context, "usual": self.usual.text}

    def arrays(self) -> dict[str, np.ndarray]:
        return {**super().arrays(), "counts": self.usual.counts}

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        config, arrays = dict(config), dict(arrays)
        context, usual = config.pop("context", None), config.pop("usual", None)
        counts = {name: arrays.pop(name) for name in ("counts",) if name in arrays}
        pairs = PairReader.restore(config, arrays)
        if not isinstance(context, int) or isinstance(context, bool) or not 1 <= context <= MOST_STEPS:
            raise ModelFileError(f"the reader of the model file is damaged: {context!r} turns are no context.")
        if pairs.columns != (TEXT, REPLY):
            raise ModelFileError(f"the reader of the model file is damaged: its columns are {pairs.columns}.")
        return cls(
            source=pairs.source,
            outputs=pairs.outputs,
            longest=pairs.longest,
            context=context,
            memory=pairs.memory,
            usual=Usual.restore(usual, counts, pairs.outputs),
            table=pairs.table,
        )


def fit_dialogues(
    dialogues: List[Dialogue], *, context: int, codecs: tuple[TextCodec, TextCodec], longest: int, table: Table
) -> DialogueReader:
    """Fits codecs on the turns of training and puts a reader together.

    Args:
        dialogues: of training; some have a second turn.
        context: most turns that are read.
        codecs: of turns that are read and that are written, not fitted yet; both learn from every turn.
        longest: most tokens that are read.
        table: how files are read.
    """
    said = [turn.text for dialogue in dialogues for turn in dialogue.turns]
    pairs = [
        ("\n".join(turn.text for turn in one.turns[max(0, at - context) : at]), one.turns[at].text)
        for one in dialogues
        for at in range(1, len(one))
    ]
    sources, replies = [source for source, _ in pairs], [reply for _, reply in pairs]
    source, outputs = codecs[0].fit(said), TextOutputs(codecs[1].fit(said))
    return DialogueReader(
        source=source,
        outputs=outputs,
        longest=longest,
        context=context,
        memory=PairMemory.of(sources, replies),
        usual=Usual.of(replies, outputs),
        table=table,
    )
