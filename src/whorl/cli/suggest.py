"""`whorl suggest DATA`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from whorl.cli.fitting import build_table, table_options
from whorl.cli.kinds import Choice, Names, Number
from whorl.cli.output import command as make_command
from whorl.cli.output import is_quiet, option, show
from whorl.comparison.question import TASKS
from whorl.data.problems import plural

if TYPE_CHECKING:
    from whorl.comparison.suggestion import Suggestion
    from whorl.comparison.traits import Traits

_SECTION = "Data and columns"
_DEMANDS = "What is asked"


def suggest(
    data: str,
    task: str | None,
    target: tuple[tuple[str, ...], ...],
    time: str | None,
    series: str | None,
    known: tuple[tuple[str, ...], ...],
    static: tuple[tuple[str, ...], ...],
    group: str | None,
    text: str | None,
    source: str | None,
    label: str | None,
    normal: str | None,
    horizon: int | None,
    stream: bool | None,
    **_: object,
) -> None:
    """Choose a network for DATA by what can be seen of it, and say why, before anything is trained.

    DATA is whatever `whorl fit` takes. What it is for is told by the kind of the file and by the columns that are
    named; --task says otherwise. The rules rest on measurements and on papers, which the reasons name. The last line is
    the command that fits the choice: it is where to begin, so fit an alternative or two beside it.
    """
    from whorl.comparison.suggestion import suggest as choose

    targets = _joined(target)
    found = choose(
        data,
        task=task,
        target=targets[0] if len(targets) == 1 else targets or None,
        time=time,
        series=series,
        known=_joined(known),
        static=_joined(static),
        group=group,
        text=text,
        source=source,
        label=label,
        normal=normal,
        horizon=horizon,
        stream=stream,
        table=build_table(),
    )
    show(found.describe(), [str(found.command)] if is_quiet() else _lines(found))


def _joined(given: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(name for part in given for name in part)


def _lines(found: "Suggestion") -> list[str]:
    lines = [*found.notes, _traits(found.traits), "", "suggested:"]
    lines += [f"  {reason}." for reason in found.reasons]
    if found.cautions:
        lines += ["beware:", *(f"  {caution}." for caution in found.cautions)]
    if found.alternatives:
        lines += ["or else:"]
        for other in found.alternatives:
            lines += [f"  {other.reason}:", f"    {other.command}"]
    if found.task != "detect" or getattr(found.model, "label", None) is not None:  # which are compared by labels
        measured = str(found.command).replace("whorl fit ", "whorl compare ", 1)
        lines += ["", "find out, by several networks on the same data:", f"  {measured}"]
    return [*lines, "", str(found.command)]


def _traits(traits: "Traits") -> str:
    """The data in one line."""
    lengths = (
        f"{traits.shortest:,} to {traits.longest:,}" if traits.longest > traits.shortest else f"{traits.longest:,}"
    )
    told = [f"{plural(traits.sequences, 'sequence')} of {lengths} steps", f"{traits.examples:,} examples to learn from"]
    told += [f"a season of {traits.season}"] if traits.season is not None else []
    told += ["irregular times"] if traits.irregular else []
    told += [f"{len(traits.classes)} classes, the largest {traits.largest_class:.0%}"] if traits.classes else []
    told += [f"{traits.vocabulary:,} tokens or items are known"] if traits.vocabulary is not None else []
    return f"traits: {'; '.join(told)}"


def _options() -> list[click.Parameter]:
    whole = Number(whole=True, real=False, words={})
    return [
        option(_DEMANDS, "--task", type=Choice(TASKS), help="What DATA is for. [default: told by DATA]"),
        option(_DEMANDS, "--horizon", type=whole, help="Rows ahead that are forecast. [default: 24, or fewer]"),
        option(
            _DEMANDS,
            "--stream/--no-stream",
            default=None,
            help="Rows are answered as they come; or whole sequences are there. [default: keep what streams]",
        ),
        option(
            _SECTION,
            "--target",
            type=Names(),
            multiple=True,
            help="What is to be answered. Several: repeat the option, or separate by commas. [default: none]",
        ),
        option(_SECTION, "--time", metavar="NAME", help="Column of timestamps. [default: looked for]"),
        option(_SECTION, "--series", metavar="NAME", help="Column that names the series of a row. [default: none]"),
        option(_SECTION, "--known", type=Names(), multiple=True, help="Known ahead, such as holidays. [default: none]"),
        option(
            _SECTION, "--static", type=Names(), multiple=True, help="With one value for each series. [default: none]"
        ),
        option(_SECTION, "--group", metavar="NAME", help="Column of sequences that belong together. [default: none]"),
        option(_SECTION, "--text", metavar="NAME", help="Column of text. [default: looked for]"),
        option(
            _SECTION,
            "--source",
            metavar="NAME",
            help="Column of the text that is read where --target is written, or ending of its files. [default: none]",
        ),
        option(_SECTION, "--label", metavar="NAME", help="Column that says which rows are anomalies. [default: none]"),
        option(_SECTION, "--normal", metavar="LABEL", help="Label of rows that are no anomalies. [default: 0]"),
        *table_options(),
    ]


command = make_command(
    "suggest",
    suggest,
    [click.Argument(["data"]), *_options()],
    epilog="Example: whorl suggest load.csv --target load --time timestamp --series building --horizon 24",
)
