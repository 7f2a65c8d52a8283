"""`whorl demo tag`: dates, amounts, people and places in synthetic commands."""

from pathlib import Path
from typing import TYPE_CHECKING

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell

if TYPE_CHECKING:
    from whorl.tasks.labelling import Tagger

# A fixed number of steps, so that everybody sees the same scores; so few that two busy cores take half a minute.
NAME, EPOCHS = "commands", 10

_TRAIN, _TEST = 1500, 400


def run(stage: Stage) -> None:
    """Most names of the test part were never seen; one command of it is streamed word by word."""
    import whorl
    from whorl.datasets.commands import commands

    train, test = stage.home / "train.bio", stage.home / "test.bio"
    _write(train, *commands(_TRAIN, seed=1))
    sentences, tags = commands(_TEST, seed=2)
    _write(test, sentences, tags)
    tell(
        f"{_TRAIN + _TEST:,} synthetic commands, made by a generator, with their dates, amounts, people and places",
        f"marked. {train} has {_TRAIN:,} of them; the others are the test part, in {test}.",
        "Half of the names are made up, and others, such as Paris or May, are names of several kinds.",
        f"Training, {stage.passes}:",
        "",
    )
    model = whorl.Tagger(
        network=whorl.Recurrent("lstm", hidden_size=48),
        training=whorl.Training(epochs=stage.epochs, batch_size=32, learning_rate=5e-3, seed=0),
    )
    model.fit(train, verbose=stage.is_verbose)
    found = stage.score(model, test)
    rival = found.baseline["most_frequent"]
    if "entity_f1" in found.metrics:
        tell(
            f"  entities with right kind, begin and end: F1 {found.metrics['entity_f1']:.3f}, "
            f"and {rival['entity_f1']:.3f} for the most frequent label of each word."
        )
    _stream(model, max(sentences[:50], key=len))
    stage.finish(model, found, test, stream=f"echo 'send 20 euros to May' | whorl stream {stage.model}")


def _write(path: Path, sentences: list[list[str]], tags: list[list[str]]) -> None:
    blocks = ["".join(f"{w}\t{t}\n" for w, t in zip(*one, strict=True)) for one in zip(sentences, tags, strict=True)]
    path.write_text("\n".join(blocks), encoding="utf-8")


def _stream(model: "Tagger", words: list[str]) -> None:
    """One command word by word: each answer comes when the words after it are known."""
    tell("", "A command of the test part, live: a word is answered when two more are there.")
    tell(f"  {'heard':14}answered")
    stream = model.stream()
    for word in [*words, None]:
        answers = stream.flush() if word is None else stream.push(word)
        said = [
            f"{words[int(step)]} {label}"
            for answer in answers
            for step, label in zip(answer.index.time[0], answer.value[0], strict=True)
        ]
        tell(f"  {word or '(end)':14}{', '.join(said)}".rstrip())
