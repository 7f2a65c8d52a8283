"""`whorl demo generate`: plays of Shakespeare that go on, a character at a time."""

from typing import TYPE_CHECKING

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell

if TYPE_CHECKING:
    from whorl.tasks.generation import Generator

# A fixed number of steps, so that everybody sees the same text; so few that two busy cores take about half a minute.
NAME, EPOCHS = "plays", 3

_TEST = 0.1
_TYPED = "The king shall "


def run(stage: Stage) -> None:
    """The last tenth of the plays is the test part; some text is made, and a line is typed."""
    import whorl
    from whorl import datasets

    text = datasets.path("shakespeare").read_text(encoding="utf-8")
    cut = text.rfind("\n\n", 0, round(len(text) * (1 - _TEST))) + 2
    train, test = stage.home / "train.txt", stage.home / "test.txt"
    train.write_text(text[:cut], encoding="utf-8")
    test.write_text(text[cut:], encoding="utf-8")
    tell(
        f"{len(text):,} characters from plays by William Shakespeare (public domain).",
        f"{train} has the first {cut:,}; the others are the test part, in {test}.",
        f"Training, {stage.passes} (a full fit takes ten times as many):",
        "",
    )
    model = whorl.Generator(
        network=whorl.Recurrent("gru", hidden_size=128),
        training=whorl.Training(epochs=stage.epochs, batch_size=16, tbptt_steps=48, learning_rate=6e-3, seed=0),
    )
    model.fit(train, verbose=stage.is_verbose)
    found = stage.score(model, test)
    _write(model)
    _type(model)
    stage.finish(model, found, test, stream=f"whorl predict {stage.model} --prompt 'ROMEO:' --temperature 0.7")


def _write(model: "Generator") -> None:
    """What it makes of the beginning of a speech."""
    import whorl

    prompt = "ROMEO:\n"
    (made,) = model.predict([prompt], decoding=whorl.Sample(temperature=0.6, max_length=240, seed=1)).value
    tell("", "It goes on from 'ROMEO:', drawn at a temperature of 0.6:", "")
    tell(*(f"  {line}" for line in f"{prompt}{made}".split("\n")))


def _type(model: "Generator") -> None:
    """A line as someone types it, with the characters that may come next."""
    tell("", "Live: after each character the three most likely next ones.", f"  {'typed':24}{'next':>30}")
    stream = model.stream()
    for n, letter in enumerate(_TYPED):
        (answer,) = stream.push(letter)
        told = "  ".join(f"{label!r} {share:.2f}" for label, share in answer.most_likely(3)[0])
        tell(f"  {_TYPED[: n + 1]!r:24}{told:>30}")
