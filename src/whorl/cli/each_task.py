"""Groups that do for each task what `whorl fit` has options for, or for a model file whose settings are taken."""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from whorl.cli.fit import command as fit
from whorl.cli.group import Entry, LazyGroup
from whorl.cli.output import command as make_command
from whorl.cli.output import is_quiet, show, tell, wants_json

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# Of `whorl fit`, what means nothing where many models are fitted, or is said otherwise.
_ONLY_FIT = {"out", "report", "refit", "folds", "stacked", "resume", "checkpoint"}
_MODEL = "MODEL"

# What is done with a task, the path of data, and the options of the group that were given.
Run = Callable[["Estimator", str, dict[str, object]], None]


class Found(Protocol):
    """What is told and written in the end."""

    def to_dict(self) -> dict[str, object]: ...

    def lines(self) -> list[str]: ...

    def write(self, path: Path) -> None: ...


def find(make: Callable[[bool], Found], folder: Path, *, parts: str, done: str, name: str) -> None:
    """Finds what takes long, and writes and shows it.

    Args:
        make: finds it, and is told whether to say how it goes.
        folder: where parts are kept and the result goes.
        parts: what is kept there, in a word.
        done: what was done with each of them.
        name: of the files of the result.
    """
    verbose = not (is_quiet() or wants_json())
    tell(f"{parts}: {folder}")
    try:
        found = make(verbose)
    except (KeyboardInterrupt, SystemExit) as interrupt:
        click.echo(f"Interrupted. What was {done} is in {folder}; the same command goes on from there.", err=True)
        sys.exit(getattr(interrupt, "exit_code", getattr(interrupt, "code", 130)))
    pages = [folder / f"{name}.html", folder / f"{name}.json"]
    for page in pages:
        found.write(page)
    show(found.to_dict(), ["", *found.lines(), *(["", f"page: {pages[0]}"] if verbose else [])])


class EachTask(LazyGroup):
    """Commands of tasks, and one for whatever else is named first: a model file.

    Args:
        name: how the group is called.
        tasks: those that it has.
        params: makes the options of the group.
        run: what is done.
        docs: help of a task's command, where {task} stands for its name, and of a model file's.
        default: the task that is meant where DATA is named first and alone; None asks for a task.
        help: what the group is for.
    """

    def __init__(
        self,
        name: str,
        tasks: Iterable[str],
        params: Callable[[], list[click.Parameter]],
        run: Run,
        docs: tuple[str, str],
        *,
        default: str | None = None,
        help: str = "",  # noqa: A002  click's name
    ) -> None:
        entries: Mapping[str, Entry] = {one: Entry(fit.entries[one].module, fit.entries[one].help) for one in tasks}
        super().__init__(name, entries, help=help)
        self._params, self._run, self._docs, self._default = params, run, docs, default

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == _MODEL:
            return self._of_model()
        fitted = fit.get_command(ctx, cmd_name) if cmd_name in self.entries else None
        return None if fitted is None else self._of_task(cmd_name, fitted)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        first = args[0]
        if first in self.entries or first.startswith("-"):
            return super().resolve_command(ctx, args)
        alone = len(args) == 1 or args[1].startswith("-")
        if first.endswith(".whorl") or (not alone and Path(first).is_file()):
            return _MODEL, self.get_command(ctx, _MODEL), args
        if self._default is not None and alone and (Path(first).suffix or Path(first).exists()):
            return self._default, self.get_command(ctx, self._default), args
        return super().resolve_command(ctx, args)

    def _of_model(self) -> click.Command:
        def of_model(model: str, data: str, **given: object) -> None:
            import whorl

            self._run(whorl.load(model), data, given)

        of_model.__doc__ = self._docs[1]
        function: Callable[..., None] = of_model
        return make_command(_MODEL, function, [click.Argument(["model"]), click.Argument(["data"]), *self._params()])

    def _of_task(self, name: str, fitted: click.Command) -> click.Command:
        """The command of a task: the options of its `fit`, but for those of one model, and those of the group."""
        words = importlib.import_module(fit.entries[name].module).WORDS

        def of_task(data: str, **given: object) -> None:
            own = {parameter.name for parameter in self._params()}
            self._run(words.estimator(), data, {key: value for key, value in given.items() if key in own})

        of_task.__doc__ = self._docs[0].format(task=name)
        kept = [
            parameter
            for parameter in fitted.params
            if parameter.name not in _ONLY_FIT and getattr(parameter, "section", "") != "General"
        ]
        function: Callable[..., None] = of_task
        # What both have a word for is the task's.
        taken = {parameter.name for parameter in kept}
        return make_command(name, function, [*kept, *(one for one in self._params() if one.name not in taken)])
