"""Texts that go on, on the command line: options of decoding, prompts, and what is printed."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from whorl.cli.options import was_given
from whorl.cli.output import option, show
from whorl.errors import ArgumentError, DataError
from whorl.plans.decoding import DRAWN, Beam, Greedy

if TYPE_CHECKING:
    from whorl.data.corpus_reader import CorpusReader
    from whorl.plans.decoding import Decoding, Grammar
    from whorl.runtime.model import Model
    from whorl.runtime.prediction import Prediction

_SECTION = "Text that goes on"
_DRAWN = ("temperature", "top_k", "top_p", "seed")
# Most characters of a file with a grammar: a word for each of a large dictionary, many times over.
_LONGEST = 1 << 24


def prompt() -> click.Parameter:
    """The option of texts that stand on the command line."""
    told = "A text to continue, in place of DATA. Repeatable."
    return option(_SECTION, "--prompt", "prompt", multiple=True, help=told)


def options() -> list[click.Parameter]:
    """Options of decoding."""
    penalty = f"Of a beam; larger favours longer texts. [default: {Beam().length_penalty}]"
    grammar = "Of a transcript: a file with a line for each place of a sentence, its words between |."
    temperature = f"Below 1 likely tokens become likelier. [default: {DRAWN.temperature}]"
    return [
        option(_SECTION, "--greedy", is_flag=True, help="Take the most likely token at every step."),
        option(_SECTION, "--beam", type=int, metavar="WIDTH", help="Search with so many beginnings at every step."),
        option(_SECTION, "--length-penalty", type=float, help=penalty),
        option(_SECTION, "--grammar", metavar="FILE", help=grammar),
        option(_SECTION, "--temperature", type=float, help=temperature),
        option(_SECTION, "--top-k", type=int, help="Draw from so many of the most likely tokens only."),
        option(_SECTION, "--top-p", type=float, help="Draw from the most likely tokens of this probability together."),
        option(_SECTION, "--max-length", type=int, help="Most tokens of an answer. [default: the task's]"),
        option(_SECTION, "--seed", type=int, help="Of the draws. [default: 0]"),
    ]


def default_of(model: "Model") -> "Decoding":
    """How tokens are chosen where nothing says so; a beam where the model has none to choose."""
    from whorl.plans.wiring import EncoderDecoder
    from whorl.runtime.text_readout import TextReadout
    from whorl.runtime.writing import default

    if continues(model):
        return DRAWN
    writes = isinstance(model.wiring.shape, EncoderDecoder) and isinstance(model.readout, TextReadout)
    return default(model) if writes else Beam()


def decoding_of(params: dict[str, object], default: "Decoding") -> "Decoding | None":
    """What the options describe; None where none was given.

    Args:
        params: of the command line.
        default: how tokens are chosen where nothing says so, of which --max-length alone changes the length.

    Raises:
        ArgumentError: options of different ways stand together.
    """
    length = {"max_length": params["max_length"]} if was_given("max_length") else {}
    drawn = {name: params[name] for name in _DRAWN if was_given(name)}
    beam = {
        field: params[name]
        for name, field in (("beam", "width"), ("length_penalty", "length_penalty"))
        if was_given(name)
    }
    if was_given("grammar"):
        beam["grammar"] = _grammar_in(str(params["grammar"]))
    known = {"--greedy": params["greedy"], "--beam": beam, "--temperature": drawn}
    ways = [name for name, given in known.items() if given]
    if len(ways) > 1:
        raise ArgumentError(f"{' and '.join(ways)} (or what belongs to them) exclude each other. Leave one out.")
    if params["greedy"]:
        return Greedy(**length)  # type: ignore[arg-type]
    if beam:
        return Beam(**beam, **length)  # type: ignore[arg-type]
    if drawn:
        return replace(DRAWN, **drawn, **length)  # type: ignore[arg-type]
    return replace(default, **length) if length else None  # type: ignore[arg-type]


def _grammar_in(path: str) -> "Grammar":
    """The words of each place of a sentence, a line for each, with | between words; an empty word leaves its place
    out.
    """
    from whorl.data.text_files import pieces

    text = ""
    for piece in pieces(Path(path), "utf-8"):
        text += piece
        if len(text) > _LONGEST:
            raise DataError(
                f"`{path}` has more than {_LONGEST} characters, but a grammar has a line of words for each place of a "
                "sentence. Give another file to --grammar."
            )
    return tuple(tuple(word.strip() for word in line.split("|")) for line in text.split("\n") if line.strip())


def source_of(data: str | None, prompts: tuple[str, ...]) -> object:
    """DATA, or the prompts that stand on the command line in its place."""
    if (data is None) == (not prompts):
        raise ArgumentError("`DATA` or --prompt says what is answered, one of them. Give a file, or a text.")
    return list(prompts) if prompts else data


def continues(model: "Model") -> bool:
    """Whether answers are texts that go on."""
    from whorl.plans.wiring import Autoregressive

    shape = model.wiring.shape
    return isinstance(shape, Autoregressive) and shape.items is None


def tell(model: "Model", source: object, prediction: "Prediction") -> None:
    """Prints prompts with what follows them, a blank line between two; of music a line for each piece."""
    from whorl.data.corpus_reader import CorpusReader
    from whorl.data.documents import prompts
    from whorl.data.music_reader import MusicReader
    from whorl.data.text_reader import texts_of

    reader = model.reader
    if isinstance(reader, MusicReader):
        _tell_pieces(prediction)
        return
    assert isinstance(reader, CorpusReader)
    assert prediction.score is not None
    # As they came, which is more than the model may know of them.
    begun = texts_of(prompts(source, reader.column, reader.condition, reader.table), reader.column)
    records = [
        {"prompt": prompt, "text": text, "score": float(score)}
        for prompt, text, score in zip(begun, prediction.value, prediction.score, strict=True)
    ]
    blocks = [_joined(reader, prompt, text) for prompt, text in zip(begun, prediction.value, strict=True)]
    show({"answers": records}, ["\n\n".join(blocks)])


def _joined(reader: "CorpusReader", prompt: str, text: str) -> str:
    """A prompt with what follows it: where its last spaces were not read, the text has its own."""
    read = reader.past.text.normalised(prompt)
    return (prompt if read[-1:].isspace() else prompt.rstrip()) + text


def _tell_pieces(prediction: "Prediction") -> None:
    """The pieces that were made, and with --json their notes."""
    assert prediction.score is not None
    records, lines = [], []
    for name, origin, piece, score in zip(
        prediction.index.series.tolist(),
        prediction.index.origin.tolist(),
        prediction.value,
        prediction.score.tolist(),
        strict=True,
    ):
        notes = [list(note) for note in zip(*(column.tolist() for column in piece[:4]), strict=True)]
        records.append({"piece": name, "origin": origin, "notes": notes, "score": score})
        lines.append(f"{name}: {piece.num_notes} notes, {piece.seconds:.1f} s, log-probability {score:.1f}")
    show({"answers": records}, [*lines, "", "Write it with --out NAME.mid, or as sound with --out NAME.wav."])
