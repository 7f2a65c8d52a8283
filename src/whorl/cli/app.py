"""The root command: its subcommands, and how every error becomes one message and an exit code."""

import os
import sys
import traceback

import click

from whorl.cli.group import Entry, LazyGroup
from whorl.cli.output import debugs, option
from whorl.errors import MissingExtraError, ResourceError, WhorlError

_COMMANDS = {
    "fit": Entry("whorl.cli.fit", "Train a model on a table and save it."),
    "predict": Entry("whorl.cli.predict", "Answer new data."),
    "evaluate": Entry("whorl.cli.evaluate", "Score a model beside naive baselines."),
    "stream": Entry("whorl.cli.stream", "Answer rows as they come in."),
    "report": Entry("whorl.cli.report", "Write an HTML page about a model."),
    "inspect": Entry("whorl.cli.inspect", "Print a model's card."),
    "compare": Entry("whorl.cli.compare", "Find out which network to use."),
    "backtest": Entry("whorl.cli.backtest", "Find out what a model would have earned."),
    "check": Entry("whorl.cli.check", "Find what is wrong with a table."),
    "suggest": Entry("whorl.cli.suggest", "Choose a network by the data, and say why."),
    "demo": Entry("whorl.cli.demo", "Train, score and stream on data that is shipped."),
    "doctor": Entry("whorl.cli.doctor", "Test this installation."),
}

# What a missing library is called on the package index, and the extra that brings it.
_EXTRAS = {
    "torch": ("torch", "train"),
    "polars": ("polars", "train"),
    "rich": ("rich", "train"),
    "jinja2": ("jinja2", "train"),
    "matplotlib": ("matplotlib", "train"),
    "scipy": ("scipy", "train"),
    "sklearn": ("scikit-learn", "train"),
    "joblib": ("joblib", "train"),
}
_BROKEN_PIPE = 141
_INTERRUPTED = 130

_HELP = """Recurrent networks from raw sequences to a live stream, with the same numbers.

\b
  whorl demo
  whorl fit forecast load.csv --target load --time timestamp --out load.whorl
  whorl predict load.whorl new.csv
  whorl stream load.whorl < rows.jsonl

Exit codes: 0 success, 2 usage, 3 data, 4 model file, 5 resource, 130 and 143 interrupted."""


class App(LazyGroup):
    """The root: turns exceptions into messages and exit codes, without tracebacks unless asked for."""

    def invoke(self, ctx: click.Context) -> object:
        if ctx.params.get("debug"):
            ctx.meta["whorl.debug"] = True
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit, SystemExit):
            raise
        except BrokenPipeError:
            # Python would complain once more when it closes standard output.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(_BROKEN_PIPE)
        except BaseException as error:
            if debugs():
                traceback.print_exc()
            message, code = _verdict(error)
            click.echo(message, err=True)
            sys.exit(code)
        return result


def _verdict(error: BaseException) -> tuple[str, int]:
    """What to say about an error, and the exit code."""
    match error:
        case WhorlError():
            return f"Error: {error}", error.exit_code
        case KeyboardInterrupt() | click.Abort():
            return "Interrupted.", _INTERRUPTED
        case ModuleNotFoundError(name=str(name)) if name.split(".")[0] in _EXTRAS:
            package, extra = _EXTRAS[name.split(".")[0]]
            return f"Error: {MissingExtraError(package, extra, 'for this command')}", MissingExtraError.exit_code
        case MemoryError() | RuntimeError() if isinstance(error, MemoryError) or "alloc" in str(error).lower():
            return "Error: memory ran out. Use less data, or a smaller network or batch.", ResourceError.exit_code
        case OSError():
            return f"Error: {error.filename or 'the system'}: {error.strerror or error}.", ResourceError.exit_code
        case _:
            return (
                f"Error: unexpected {type(error).__name__}: {error}\nThis is a bug in whorl. Run the command again "
                "with --debug, and report what it prints.",
                1,
            )


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from whorl import __version__

        click.echo(f"whorl {__version__}")
        ctx.exit()


app = App(
    "whorl",
    _COMMANDS,
    params=[
        option(
            "General",
            "--version",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Print the version.",
        ),
        option("General", "--debug", is_flag=True, help="Show tracebacks of errors."),
    ],
    help=_HELP,
)
