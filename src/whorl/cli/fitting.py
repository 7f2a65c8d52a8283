"""What `whorl fit` does for whatever task: options, checks before the work, the block at its end."""

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from whorl.cli.options import build, options_of
from whorl.cli.output import is_quiet, option, show, size_of, tell, wants_json
from whorl.cli.outputs import check_output
from whorl.cli.streams import rows_of
from whorl.data.array_reader import ArrayReader
from whorl.data.corpus_reader import CorpusReader
from whorl.data.dialogue_reader import DialogueReader
from whorl.data.word_reader import WordReader
from whorl.errors import ArgumentError
from whorl.plans.networks import Recurrent, from_key
from whorl.plans.table import Table
from whorl.plans.training import Training

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

_NETWORK = {"cell": "network"}
_TABLE = {
    "kinds": "Data and columns",
    "scaling": "Data and columns",
    "calendar": "Data and columns",
    "elapsed": "Data and columns",
    "delimiter": "Data and columns",
    "encoding": "Data and columns",
    "missing": "Data and columns",
}


def arguments() -> list[click.Parameter]:
    """DATA."""
    return [click.Argument(["data"])]


def table_options(names: Sequence[str] | None = None) -> list[click.Parameter]:
    """Options of `Table`: how columns are read, and repairs; or those of `names` alone."""
    groups = {**_TABLE, **{field.name: "Repairs" for field in fields(Table) if field.name not in _TABLE}}
    return options_of(Table, groups if names is None else {name: groups[name] for name in names})


def shared_options(kind: "type[Estimator]", table: Sequence[str] | None = None) -> list[click.Parameter]:
    """Options of every task: network, training, table, output.

    Args:
        kind: the task.
        table: options of tables that mean something to it; None for all.
    """
    resume = "Go on from the checkpoint in the --checkpoint folder."
    out = "Where the model goes; a file there is replaced once the new one is complete. [default: DATA's name .whorl]"
    return [
        *options_of(Recurrent, "Network", rename=_NETWORK, defaults={"cell": _recipe(kind).cell}),
        *options_of(Training, "Training"),
        option("Training", "--resume", is_flag=True, help=resume),
        *table_options(table),
        option("Output", "--out", metavar="PATH", help=out),
        option("Output", "--report", metavar="PATH", help="Also write an HTML page about the model."),
    ]


def _recipe(kind: "type[Estimator]") -> Recurrent:
    """The recipe of a task where nothing else is said."""
    (network,) = (field.default for field in fields(kind) if field.name == "network")
    assert isinstance(network, Recurrent | str)
    return from_key(network)


def build_table() -> Table:
    """The `Table` that the options of the command line describe."""
    return build(Table, [field.name for field in fields(Table)])


def run(
    kind: "type[Estimator]",
    own: Iterable[str],
    data: str,
    out: str | None,
    report: str | None,
    resume: bool,
    **parts: object,
) -> None:
    """Fits, saves, reports, and says what can be done next; `parts` are fields that have options of their own."""
    network = build(partial(replace, _recipe(kind)), [field.name for field in fields(Recurrent)], rename=_NETWORK)
    training = build(Training, [field.name for field in fields(Training)])
    make = partial(_with_one_target(kind), table=build_table(), network=network, training=training, **parts)
    estimator = build(make, own)
    path = Path(out) if out is not None else Path(Path(data).stem + ".whorl")
    check_output(path, "--out", data)
    if report is not None:
        check_output(Path(report), "--report", data, path)
    if resume and training.checkpoint is None:
        raise ArgumentError("`--resume` needs the folder of the run to go on with. Give it with --checkpoint DIR.")
    verbose = not (is_quiet() or wants_json())
    if training.checkpoint is not None:
        tell(f"checkpoints: {training.checkpoint}")
    try:
        estimator.fit(data, resume=resume, verbose=verbose)
    except KeyboardInterrupt as interrupt:
        _end_interrupted(interrupt, training.checkpoint)
    estimator.save(path)
    if report is not None:
        estimator.report(report)
    _finish(estimator, path, report, data)


def _with_one_target(kind: "Callable[..., Estimator]") -> "Callable[..., Estimator]":
    """Builds the task with a lone target as a plain name, as one writes it in Python."""

    def make(**given: object) -> "Estimator":
        target = given.get("target")
        if isinstance(target, tuple) and len(target) == 1:
            given["target"] = target[0]
        return kind(**given)

    return make


def _end_interrupted(interrupt: KeyboardInterrupt, checkpoint: str | None) -> None:
    """Says how to go on, and ends the process with the exit code of the signal."""
    steps = str(interrupt).split(" Resume from")[0].split(" Nothing was saved")[0]
    click.echo(steps or "Interrupted before training began.", err=True)
    if checkpoint is None:
        click.echo("Nothing was saved. A run with --checkpoint DIR can be resumed.", err=True)
    elif Path(checkpoint).exists() and steps:
        words = [word for word in sys.argv[1:] if word != "--resume"]
        click.echo(f"Go on with:\n  {shlex.join(['whorl', *words, '--resume'])}", err=True)
    sys.exit(getattr(interrupt, "exit_code", 130))


def _finish(estimator: "Estimator", path: Path, report: str | None, data: str) -> None:
    """The block at the end; the scores beside the rivals were printed by `fit`."""
    card = estimator.model_.card
    size = path.stat().st_size
    model, table = shlex.quote(str(path)), shlex.quote(data)
    # A line of an archive's file is a whole series, not a row.
    reader = rows_of(estimator.model_)
    tagged = isinstance(reader, WordReader) and reader.columns.text is None
    whole = isinstance(reader, ArrayReader | CorpusReader | DialogueReader)
    of_rows = data.endswith((".csv", ".tsv", ".txt")) and not whole
    stream = f"whorl stream {model} < {table}" if of_rows and not tagged else f"whorl stream {model}"
    prompted = isinstance(reader, CorpusReader) and reader.condition is None
    predict = f"{model} --prompt 'Once'" if prompted else f"{model} {table}"
    lines = [f"model: {path} ({size_of(size)})"]
    if report is not None:
        lines.append(f"report: {report}")
    lines += ["next:", f"  whorl predict {predict}", *([f"  {stream}"] if estimator.model_.streams else [])]
    lines.append(f"  whorl inspect {model}" if report is not None else f"  whorl report {model} {table}")
    result = {
        "task": estimator.task,
        "model": str(path),
        "bytes": size,
        "report": report,
        "scores": card["scores"],
        "parameters": card["parameters"],
        "history": card["history"],
    }
    if wants_json():
        show(result, [])
    else:
        tell(*lines)
