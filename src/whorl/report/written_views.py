"""Views of models that read a text whole and write another one: of both sides, each over its own steps."""

from collections.abc import Sequence as List

import numpy as np

from whorl.codecs.text import TextCodec
from whorl.data.pair_reader import PairReader
from whorl.data.sequences import Sequence
from whorl.report import traces
from whorl.report.alignments import shown_pairs
from whorl.report.evidence import HeldOut
from whorl.report.looks import written_inputs
from whorl.report.views import MOST_STEPS, View, tokens_of
from whorl.runtime import writing
from whorl.runtime.engine import Inputs
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.model import Model
from whorl.runtime.program import Program

_PAIRS = 2


def views(model: Model, held_out: HeldOut | List[Sequence] | None) -> list[View]:
    """Of some pairs the source as it is read, and the true target as it is written; none without pairs."""
    return [
        view
        for number, one in enumerate(shown_pairs(held_out, _PAIRS))
        for view in (*_read(model, one, number + 1), _written(model, one, number + 1))
    ]


def _read(model: Model, one: Sequence, number: int) -> list[View]:
    """Of a text; what else is read has no tokens that name its steps."""
    assert model.encoder is not None
    if not isinstance(model.reader, PairReader):
        return []
    source = one.read_steps
    title, inputs = f"text {number}, as it is read", {"source": source[None]}
    return [_view(title, model.encoder.program, inputs, model.reader.source, source)]


def _written(model: Model, one: Sequence, number: int) -> View:
    title, inputs = f"text {number}, the true one as it is written", written_inputs(model, one.read_steps, one.past)
    return _view(title, model.engine.program, inputs, writing.writing_reader(model).outputs.text, one.past)


def _view(title: str, program: Program, inputs: Inputs, codec: TextCodec, codes: np.ndarray) -> View:
    count = len(codes)
    layers = traces.traced(Interpreter(program), inputs, 0, np.arange(count), np.empty(0, np.int64))
    shown = min(MOST_STEPS, count)
    return View(
        title=title,
        step="token",
        program=program,
        layers=[layer.first(slice(0, shown)) for layer in traces.with_insides(layers)],
        names=[f"{n + 1:,}" for n in range(shown)],
        tokens=tokens_of(codec, codes[:shown, 0].astype(np.int64)),
        read=[],
        left_out=f"Of {count:,} steps the first {shown:,} are shown." if shown < count else "",
    )
