"""`whorl inspect MODEL`."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from whorl.cli.evaluate import interval_lines
from whorl.cli.output import command as make_command
from whorl.cli.output import show
from whorl.report.scores import size_of

if TYPE_CHECKING:
    from whorl.data.reader import Reader
    from whorl.runtime.model import Model


# Of each task those that a reader of its card asks for.
_SETTINGS = (
    *("context", "horizon", "memory", "quantiles", "text", "condition", "source", "target", "tokens"),
    *(
        "pooling",
        "convolution",
        "class_weight",
        "coverage",
        "augmentation",
        "per",
        "method",
        "lag",
        "alarm",
        "attention",
        "input_feeding",
        "wait",
        "longest",
        "recall",
    ),
)


def inspect(model: str) -> None:
    """Print the card of a saved model: data, split, network, training, scores, versions; needs no torch.

    With --json the card as it stands in the file.
    """
    from pathlib import Path

    from whorl import runtime

    loaded = runtime.load(model)
    show(loaded.card, [f"{model} ({size_of(Path(model).stat().st_size)}), task {loaded.task}", *_lines(loaded)])


def _lines(model: "Model") -> Iterator[str]:
    card, program = model.card, model.engine.program
    both = [program] if model.encoder is None else [model.encoder.program, program]
    yield from _section("data", card.get("data"))
    yield from _section(
        "settings",
        {name: model.settings.get(name) for name in _SETTINGS if model.settings.get(name) != "none"},
    )
    yield from _section("network", card.get("network"))
    yield from _section("training", card.get("training"))
    yield from _history(card.get("history"))
    yield from _section("fitted again, with nothing held out", card.get("refit"))
    yield from _folds(card.get("folds"))
    yield "program"
    yield f"  {'parameters':20}{sum(one.num_parameters() for one in both):,}"
    yield f"  {'operations':20}{' and '.join(str(len(one.operations)) for one in both)}"
    yield f"  {'memory':20}{_memory(model)}"
    yield f"  {'engine':20}{model.engine.name}"
    why = "the labels of a sequence are decided together" if program.streams else "it reads in both directions"
    yield f"  {'streams':20}{'yes' if model.streams else f'no: {why}'}"
    yield from _scores(card.get("scores"))
    yield from _section("versions", card.get("versions"))


def _memory(model: "Model") -> str:
    """What an answer depends on."""
    from whorl.data.dialogue_reader import DialogueReader

    rows, reader = model.engine.program.memory, model.reader
    if isinstance(reader, DialogueReader):
        return f"the last {reader.context} turns, at most {reader.longest} tokens"
    if rows is not None:
        return f"the last {rows} rows"
    return "the whole stream, in its state" if model.encoder is None else f"the whole {_read(reader)}"


def _read(reader: "Reader") -> str:
    """What a model that writes reads."""
    from whorl.data.caption_reader import CaptionReader

    return "source" if isinstance(reader, CaptionReader) else "text"


def _section(title: str, facts: object) -> Iterator[str]:
    """A heading and its facts, one a line; nothing where the card has none."""
    if isinstance(facts, Mapping) and facts:
        yield title
        for name, value in facts.items():
            if value not in (None, [], {}):
                yield f"  {_label(name)}{_plain(value)}"


def _label(name: object) -> str:
    """The name of a fact, with a space after it however long it is."""
    return f"{str(name).replace('_', ' ') + ' ':20}"


def _plain(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.5g}"
        case list() | tuple():
            return ", ".join(map(_plain, value))
        case Mapping():
            return ", ".join(f"{name} {_plain(part)}" for name, part in value.items())
        case _:
            return str(value)


def _history(history: object) -> Iterator[str]:
    if isinstance(history, Mapping):
        epochs = history.get("epochs")
        count = len(epochs) if isinstance(epochs, list) else 0
        yield from _section(
            "history",
            {
                "epochs": count,
                "best epoch": history.get("best_epoch"),
                "kept epoch": history.get("kept_epoch"),
                "steps": history.get("num_steps"),
                "stopped by": history.get("stopped"),
            },
        )


def _folds(folds: object) -> Iterator[str]:
    """A line for each kind of network that was fitted on folds."""
    if isinstance(folds, Mapping):
        yield f"{folds['count']} folds: a network without each; shares in the sum of their answers, and scores"
        for one in folds["networks"]:
            yield f"  {_label(one['name'])}{one['share']:.0%}, {_plain(one['metrics'])}"


def _scores(scores: object) -> Iterator[str]:
    if isinstance(scores, Mapping):
        from whorl.tasks.telling import score_lines

        part = scores.get("part", "held-out")
        where = "all folds" if part == "folds" else f"the {part} part"
        yield f"scores on {where}, {scores.get('answers', 0)} answers"
        yield from score_lines(scores["metrics"], scores["baselines"])
        yield from interval_lines(scores["metrics"])


command = make_command("inspect", inspect, [click.Argument(["model"])])
