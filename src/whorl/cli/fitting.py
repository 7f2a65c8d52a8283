"""What `whorl fit` does for whatever task: options, checks before the work, the block at its end."""

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from whorl.cli.networks import network_of, network_options
from whorl.cli.options import build, default_of, options_of
from whorl.cli.output import is_quiet, option, show, tell, wants_json
from whorl.cli.outputs import check_output
from whorl.cli.streams import rows_of
from whorl.data.array_reader import ArrayReader
from whorl.data.caption_reader import CaptionReader
from whorl.data.corpus_reader import CorpusReader
from whorl.data.dialogue_reader import DialogueReader
from whorl.data.media import medium_for
from whorl.data.media_reader import MediaReader
from whorl.data.music_reader import MusicReader
from whorl.data.reader import Reader
from whorl.data.table_reader import TableReader
from whorl.data.transcript_reader import TranscriptReader
from whorl.data.word_reader import WordReader
from whorl.errors import ArgumentError
from whorl.plans.media import Audio, Features, Image, Media
from whorl.plans.networks import Network, from_key
from whorl.plans.table import Table
from whorl.report.scores import size_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from whorl.tasks.estimator import Estimator

_TABLE = {
    "kinds": "Data and columns",
    "scaling": "Data and columns",
    "clip": "Data and columns",
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


def plan_options(kind: "type[Estimator]", name: str, section: str) -> list[click.Parameter]:
    """Options of all that a plan of a task says, with the task's own defaults.

    Args:
        kind: the task.
        name: its field that is the plan.
        section: heading of the help page.
    """
    plan = _default_plan(kind, name)
    if isinstance(plan, Network):
        return network_options(plan, section)
    return options_of(type(plan), section, plan=plan)


def plan_of(kind: "type[Estimator]", name: str) -> object:
    """The plan of a task as the command line describes it."""
    plan = _default_plan(kind, name)
    if isinstance(plan, Network):
        return network_of(plan)
    return build(partial(replace, plan), [field.name for field in fields(plan)])


def _default_plan(kind: "type[Estimator]", name: str) -> "DataclassInstance":
    plan = default_of(kind, name)
    if name == "network":
        return from_key(plan)  # type: ignore[arg-type]
    assert is_dataclass(plan)
    assert not isinstance(plan, type)
    return plan


def shared_options(kind: "type[Estimator]", table: Sequence[str] | None = None) -> list[click.Parameter]:
    """Options of every task: network, training, table, output.

    Args:
        kind: the task.
        table: options of tables that mean something to it; None for all.
    """
    refit = "In the end, fit again with nothing held out, in as many epochs; takes about as long again."
    resume = "Go on from the checkpoint in the --checkpoint folder."
    out = "Where the model goes; a file there is replaced once the new one is complete. [default: DATA's name .whorl]"
    return [
        *plan_options(kind, "network", "Network"),
        *plan_options(kind, "training", "Training"),
        option("Training", "--refit", is_flag=True, help=refit),
        option("Training", "--resume", is_flag=True, help=resume),
        *table_options(table),
        option("Output", "--out", metavar="PATH", help=out),
        option("Output", "--report", metavar="PATH", help="Also write an HTML page about the model."),
    ]


def fold_options(*, stacked: bool = False) -> list[click.Parameter]:
    """Options of tasks whose sequences can be dealt to folds.

    Args:
        stacked: whether the task knows networks that go well together.
    """
    folds = (
        "Deal sequences to so many folds, fit a network for each to all others, and have them answer together; all is "
        "learned from, and all of it scores. Takes so many times as long, --max-seconds included."
    )
    different = (
        "Have different networks answer together, weighted by what they tell of folds (five, unless --folds says "
        "otherwise): --network and a frozen one or a GRU, with and without --augmentation. Takes some 20 times as long."
    )
    flag = [option("Training", "--stacked", is_flag=True, help=different)] if stacked else []
    return [option("Training", "--folds", type=int, metavar="N", help=folds), *flag]


def build_table() -> Table:
    """The `Table` that the options of the command line describe."""
    return build(Table, [field.name for field in fields(Table)])


@dataclass(frozen=True)
class Words:
    """What the command line has for a task.

    Args:
        kind: the task.
        own: its fields that are options.
        plans: its fields that are plans with options, but for those of every task.
        parts: other fields, from what was given; it may refuse that.
    """

    kind: "type[Estimator]"
    own: Iterable[str]
    plans: Sequence[str] = ()
    parts: Callable[[], dict[str, object]] = dict

    def estimator(self) -> "Estimator":
        """The task as the options of the command line describe it."""
        made = {name: plan_of(self.kind, name) for name in ("table", "network", "training", *self.plans)}
        return build(partial(_with_one_target(self.kind), **made, **self.parts()), self.own)


def run(
    words: Words,
    data: str,
    out: str | None,
    report: str | None,
    *,
    refit: bool,
    resume: bool,
    folds: int | None = None,
    stacked: bool = False,
) -> None:
    """Fits, saves, reports, and says what can be done next.

    Args:
        words: of the task.
        data: what is learned from.
        out: where the model goes; None beside the data.
        report: where the page goes; None writes none.
        refit: fit again with nothing held out.
        resume: go on from the checkpoint.
        folds: fit on so many folds.
        stacked: have different networks answer together.
    """
    estimator = words.estimator()
    training = estimator.training
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
        estimator.fit(data, refit=refit, folds=folds, stacked=stacked, resume=resume, verbose=verbose)
    except KeyboardInterrupt as interrupt:
        saved = path if hasattr(estimator, "model_") else None  # the first of two fits is complete
        if saved is not None:
            estimator.save(saved)
        _end_interrupted(interrupt, training.checkpoint, saved, several=stacked or folds is not None)
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


def _end_interrupted(
    interrupt: KeyboardInterrupt, checkpoint: str | None, saved: Path | None, *, several: bool
) -> None:
    """Says what is there and how to go on, and ends the process with the exit code of the signal."""
    steps = str(interrupt).split(" Resume from")[0].split(" Nothing was saved")[0]
    folder = None if checkpoint is None else Path(checkpoint)
    between = several and not steps and folder is not None and folder.is_dir() and any(folder.iterdir())
    bare = "Interrupted between two networks." if between else "Interrupted before training began."
    click.echo(steps or bare, err=True)
    if saved is not None:
        click.echo(f"{saved} is the model of the first fit, without what was held out.", err=True)
    elif checkpoint is None:
        click.echo("Nothing was saved. A run with --checkpoint DIR can be resumed.", err=True)
    if folder is not None and folder.exists() and (steps or between):
        words = [word for word in sys.argv[1:] if word != "--resume"]
        click.echo(f"Go on with:\n  {shlex.join(['whorl', *words, '--resume'])}", err=True)
    sys.exit(getattr(interrupt, "exit_code", 130))


def _has_known_ahead(reader: Reader) -> bool:
    """Whether rows that are known ahead stand in another file, and are pushed with each row."""
    return isinstance(reader, TableReader) and bool(reader.schema.known) and reader.horizon > 0


def _stream_line(reader: Reader, model: str, data: str) -> str:
    """How a model reads what comes: rows of the data, or one file of a medium, which tables only name."""
    if isinstance(reader, CaptionReader | MediaReader | TranscriptReader) and reader.plan is not None:
        plan = reader.plan
        # As `whorl stream` takes it: sound, and pictures that are labelled, come in pieces, others by their paths.
        if isinstance(plan, Audio) or (isinstance(plan, Image) and isinstance(reader, MediaReader)):
            return f"whorl stream {model} --input {_one_of(plan)}"
        return f"echo {_one_of(plan)} | whorl stream {model}"
    # A line of an archive's file is a whole series, not a row.
    tagged = isinstance(reader, WordReader) and reader.columns.text is None
    whole = isinstance(reader, ArrayReader | CorpusReader | DialogueReader | MusicReader | TranscriptReader)
    piped = data.endswith((".csv", ".tsv", ".txt")) and not (whole or tagged or _has_known_ahead(reader))
    return f"whorl stream {model} < {shlex.quote(data)}" if piped else f"whorl stream {model}"


def _one_of(plan: Media) -> str:
    """What stands for the path of a file."""
    return "FILE" if isinstance(plan, Features) else medium_for(plan).plural[:-1].upper()


def _finish(estimator: "Estimator", path: Path, report: str | None, data: str) -> None:
    """The block at the end; the scores beside the rivals were printed by `fit`."""
    card = estimator.model_.card
    size = path.stat().st_size
    model, table = shlex.quote(str(path)), shlex.quote(data)
    reader = rows_of(estimator.model_)
    ahead = _has_known_ahead(reader)
    stream = _stream_line(reader, model, data)
    music = isinstance(reader, MusicReader)
    prompted = isinstance(reader, CorpusReader) and reader.condition is None
    predict = f"{model} --prompt 'Once'" if prompted else f"{model} {table}{' --out pieces.mid' if music else ''}"
    predict += " --known AHEAD.csv" if ahead else ""
    lines = [f"model: {path} ({size_of(size)})"]
    if report is not None:
        lines.append(f"report: {report}")
    if not {"refit", "folds"} & set(card):
        lines.append("not learned from: the validation part; --refit fits again with it")
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
        "refit": card.get("refit"),
        "folds": card.get("folds"),
    }
    if wants_json():
        show(result, [])
    else:
        tell(*lines)
