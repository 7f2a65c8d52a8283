"""`whorl demo compose`: chorales of Bach that go on, as files to listen to."""

import json
from typing import TYPE_CHECKING

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell

if TYPE_CHECKING:
    from whorl.tasks.generation import Generator

# A fixed number of steps, so that everybody hears the same; about half a minute on one core.
NAME, EPOCHS = "chorales", 48

_PRIMER, _MADE = 16, 48  # steps, each a quarter note
_LIVE = 8


def run(stage: Stage) -> None:
    """Learns from the training part, goes on with the beginning of a test chorale, and reads one live."""
    import whorl
    from whorl import datasets

    parts = datasets.chorales()
    paths = {name: stage.home / f"{name}.json" for name in ("train", "test", "primer")}
    # The last pieces of what is learned from are held out.
    held_out = len(parts["valid"])
    pieces = {"train": parts["train"] + parts["valid"], "test": parts["test"], "primer": [parts["test"][0][:_PRIMER]]}
    for name, path in paths.items():
        path.write_text(json.dumps(pieces[name]), encoding="utf-8")
    tell(
        f"{len(pieces['train']) + len(pieces['test'])} chorales by J. S. Bach (public domain), a chord a quarter note.",
        f"{paths['train']} has {len(pieces['train'])} of them, {paths['test']} the others, the test part.",
        f"Training, {stage.passes} (a full fit takes {round(145 / EPOCHS)} times as many):",
        "",
    )
    model = whorl.Generator(
        tokens=whorl.Music(),
        network=whorl.Recurrent("lstm", hidden_size=128),
        training=whorl.Training(epochs=stage.epochs, validation=held_out, seed=0),
    )
    model.fit(paths["train"], verbose=stage.is_verbose)
    found = stage.score(model, paths["test"])
    _compose(model, stage)
    _listen(model, parts["test"][0])
    stream = (
        f"whorl predict {stage.model} {paths['primer']} --temperature 0.7 --seed 2 --out {stage.home / 'other.wav'}"
    )
    stage.finish(model, found, paths["test"], stream=stream)


def _compose(model: "Generator", stage: Stage) -> None:
    """What it makes of the first bars of a chorale that it never read."""
    import whorl

    drawn = whorl.Sample(temperature=0.7, top_k=4, max_length=_MADE, seed=1)
    made = model.predict(stage.home / "primer.json", decoding=drawn)
    tell("", f"It goes on from the first {_PRIMER} quarter notes of a test chorale, drawn at a temperature of 0.7:")
    for ending in (".mid", ".wav"):
        path = stage.home / f"chorale{ending}"
        made.write(path)
        tell(f"  {path} ({made.value[0].seconds:.0f} s)")


def _listen(model: "Generator", piece: list[list[int]]) -> None:
    """A chorale as it is played, with the notes that may sound next."""
    tell("", "Live: after each chord the four most likely notes of the next one.", f"  {'played':16}{'next':>40}")
    stream = model.stream()
    for chord in piece[:_LIVE]:
        (answer,) = stream.push(chord)
        told = "  ".join(f"{note} {share:.2f}" for note, share in answer.most_likely(4)[0])
        tell(f"  {' '.join(map(str, chord)) or 'rest':16}{told:>40}")
