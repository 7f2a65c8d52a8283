"""`whorl demo transcribe`: what a man says, from the sound of short sentences."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell
from whorl.errors import MissingExtraError

if TYPE_CHECKING:
    from whorl.tasks.transcription import Transcriber

# A fixed number of steps, so that everybody with as many threads sees the same scores.
NAME, EPOCHS = "speech", 180

_TRAIN, _RATE, _SHOWN = 96, 8000, 6
# Samples of a piece that is streamed: a quarter of a second.
_PIECE = 2000


def run(stage: Stage) -> None:
    """The last sentences are the test part; one of them is streamed."""
    import whorl

    paths, texts = _unpacked(stage.home / "recordings")
    columns = {"file": [path.relative_to(stage.home).as_posix() for path in paths], "text": texts}
    train = stage.write("train.csv", columns, 0, _TRAIN)
    test = stage.write("test.csv", columns, _TRAIN, len(texts))
    tell(
        f"{len(texts)} sentences of six words by one man, 3 s each (GRID, Cooke, Barker, Cunningham and Shao, "
        "CC BY 4.0).",
        f"{train} has the first {_TRAIN}; the others are the test part, in {test}.",
        f"Training, {stage.passes}:",
        "",
    )
    model = whorl.Transcriber(training=whorl.Training(epochs=stage.epochs, seed=0))
    model.fit(train, verbose=stage.is_verbose)
    found = stage.score(model, test)
    answers = model.predict([str(path) for path in paths[_TRAIN : _TRAIN + _SHOWN]])
    tell("", "What it hears in some sentences of the test part, and what was said:")
    for heard, said in zip(answers.value, texts[_TRAIN:], strict=False):
        tell(f"  {heard:32}{said}")
    _stream(model, paths[-1], texts[-1])
    stage.finish(model, found, test, stream=f"whorl stream {stage.model} --input {paths[-1]}")


def _unpacked(folder: Path) -> tuple[list[Path], list[str]]:
    """Writes each sentence as a WAV file; their paths and texts."""
    from whorl import datasets

    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio", "to read recordings") from None
    with np.load(datasets.path("grid_speech"), allow_pickle=False) as data:
        whole, _ = soundfile.read(io.BytesIO(data["sound"].tobytes()), dtype="float32")
        ends = np.cumsum(data["samples"])
        names, texts = data["names"].tolist(), data["texts"].tolist()
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.wav" for name in names]
    for path, sound in zip(paths, np.split(whole, ends[:-1]), strict=True):
        soundfile.write(path, sound, _RATE)
    return paths, texts


def _stream(model: "Transcriber", path: Path, text: str) -> None:
    """One sentence in pieces of a quarter of a second."""
    import soundfile

    from whorl.runtime.transcribing import transcript_reader

    samples, _ = soundfile.read(path, dtype="float32")
    reader = transcript_reader(model.model_)
    late = reader.past.lookahead * reader.step_time
    tell("", f"'{text}', live: each quarter of a second is answered as it comes, up to {late:.1f} s before its end.")
    tell(f"  {'second':>7}  so far")
    stream = model.stream()
    for at in range(0, len(samples), _PIECE):
        for answer in stream.push(samples[at : at + _PIECE]):
            tell(f"  {min(at + _PIECE, len(samples)) / _RATE:>7.2f}  {answer.value[0]}")
    (answer,) = stream.flush()
    tell(f"  {'the end':>7}  {answer.value[0]}")
    times = zip(answer.index.tokens[0], answer.index.time[0], strict=True)
    tell("  " + ", ".join(f"{word} {begin:.2f}-{end:.2f} s" for word, (begin, end) in times))
