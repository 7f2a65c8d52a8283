"""`whorl demo classify`: which of nine men speaks, from two Japanese vowels."""

from typing import TYPE_CHECKING

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell

if TYPE_CHECKING:
    from whorl.tasks.classification import Classifier

# A fixed number of steps, so that everybody sees the same scores; so few that two busy cores take half a minute.
NAME, EPOCHS = "speakers", 40

_TRAIN = 270  # utterances; the data come with this split


def run(stage: Stage) -> None:
    """The test part is that of the data's authors; one utterance of it is streamed frame by frame."""
    import whorl
    from whorl import datasets

    columns = datasets.load("japanese_vowels")
    utterances = columns["utterance"]
    cut = utterances.index(str(_TRAIN + 1))
    train = stage.write("train.csv", columns, 0, cut)
    test = stage.write("test.csv", columns, cut, len(utterances))
    tell(
        f"{int(utterances[-1])} utterances of two Japanese vowels by nine men, 12 numbers a frame "
        "(UCI, Kudo, Toyama and Shimbo, CC BY 4.0).",
        f"{train} has the first {_TRAIN}; the others are the test part, in {test}.",
        f"Training, {stage.passes}:",
        "",
    )
    model = whorl.Classifier(
        target="speaker",
        series="utterance",
        time="frame",
        training=whorl.Training(epochs=stage.epochs, batch_size=32, seed=0),
    )
    model.fit(train, verbose=stage.is_verbose)
    found = stage.score(model, test)
    _stream(model, columns, utterances[-1])
    stage.finish(model, found, test)


def _stream(model: "Classifier", columns: dict[str, list[str]], utterance: str) -> None:
    """One utterance frame by frame, without saying who speaks."""
    place = [n for n, name in enumerate(columns["utterance"]) if name == utterance]
    tell(
        "",
        f"Utterance {utterance}, by speaker {columns['speaker'][place[0]]}, live: each frame is answered as it comes.",
        f"  {'frame':>5}{'speaker':>9}{'probability':>13}",
    )
    stream = model.stream(series=utterance)
    for n in place:
        row = {name: float(cells[n]) for name, cells in columns.items() if name != "speaker"}
        (answer,) = stream.push({**row, "frame": int(row["frame"])})
        assert answer.probabilities is not None
        tell(f"  {columns['frame'][n]:>5}{answer.value[0]!s:>9}{answer.probabilities.max():>13.3f}")
