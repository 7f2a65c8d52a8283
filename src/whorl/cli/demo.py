"""`whorl demo [TASK]`: the main job on data that is shipped, from raw rows to a live stream."""

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from whorl.cli.evaluate import score_table
from whorl.cli.kinds import Choice, Number
from whorl.cli.output import command as make_command
from whorl.cli.output import is_quiet, option, show, size_of, tell, wants_json
from whorl.cli.outputs import check_output

if TYPE_CHECKING:
    from whorl.runtime.evaluation import Evaluation
    from whorl.tasks.forecasting import Forecaster

_TEST = 0.1
_CONTEXT, _HORIZON = 168, 24
_UNIT = "ug/m3"
# A fixed number of steps, so that everybody sees the same scores; so few that two busy cores take about a minute.
_STRIDE, _BATCH_SIZE = 3, 128


def demo(task: str, folder: str, epochs: int) -> None:
    """Train, score and stream on data that is shipped; everything it makes goes to one folder.

    The forecast demo learns hourly fine dust (PM2.5) in Beijing with the weather, 24 hours ahead. The last tenth of the
    rows is never trained on: the model is scored there beside naive rivals, and its last day is streamed row by row.
    """
    import whorl
    from whorl import datasets

    start = time.monotonic()
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    path, page = home / "beijing.whorl", home / "report.html"
    check_output(path, "--folder")
    columns = datasets.load("beijing_air")
    cut = round(len(columns["time"]) * (1 - _TEST))
    # The test part brings the context of its first forecast along, so that each of its rows is forecast.
    train, test = home / "train.csv", home / "test.csv"
    _write(train, columns, 0, cut)
    _write(test, columns, cut - _CONTEXT, len(columns["time"]))
    tell(
        f"{len(columns['time']):,} hours of PM2.5 and weather in Beijing (UCI, Song Xi Chen, CC BY 4.0).",
        f"{train} has the first {cut:,}; the others are the test part, in {test}.",
        f"Training, {epochs} {'epoch' if epochs == 1 else 'epochs'} (a full fit takes several):",
        "",
    )
    model = whorl.Forecaster(
        target="pm2.5",
        time="time",
        horizon=_HORIZON,
        context=_CONTEXT,
        stride=_STRIDE,
        training=whorl.Training(epochs=epochs, batch_size=_BATCH_SIZE, seed=0),
    )
    model.fit(train, verbose=not (is_quiet() or wants_json()))
    model.save(path)
    found = model.evaluate(test, keep=False)
    tell("", f"test part, never trained on, {found.num_answers} answers, {_UNIT}:", *score_table(found))
    model.report(page)
    _stream(model, columns)
    _finish(path, page, test, found, model, time.monotonic() - start)


def _write(path: Path, columns: Mapping[str, Sequence[str]], first: int, last: int) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(cells[first:last] for cells in columns.values()), strict=True))


def _stream(model: "Forecaster", columns: Mapping[str, Sequence[str]]) -> None:
    """The last day row by row, after the stream has seen what it needs to be warm."""
    last = len(columns["time"])
    rows = [{name: cells[n] for name, cells in columns.items()} for n in range(last - _CONTEXT - _HORIZON, last)]
    stream = model.stream()
    for row in rows[:_CONTEXT]:
        stream.push(row)
    tell(
        "",
        f"The last day, live: {_CONTEXT} rows warm the stream, then each hour is answered as it comes ({_UNIT}).",
        f"  {'hour':16}{'seen':>6}   {'in 1 h':>16}{'in 6 h':>18}{'in 24 h':>18}",
    )
    for row in rows[_CONTEXT:]:
        (answer,) = stream.push(row)
        lower, upper = answer.interval
        told = [
            f"{answer.value[0, h, 0]:.0f} [{max(lower[0, h, 0], 0):.0f} to {upper[0, h, 0]:.0f}]".rjust(18)
            for h in (0, 5, 23)
        ]
        tell(f"  {row['time']:16}{row['pm2.5'] or '-':>6} {''.join(told)}")


def _finish(path: Path, page: Path, test: Path, found: "Evaluation", model: "Forecaster", seconds: float) -> None:
    size = path.stat().st_size
    tell(
        "",
        f"model: {path} ({size_of(size)})",
        f"report: {page}",
        f"took {seconds:.0f} s; next:",
        f"  whorl inspect {path}",
        f"  whorl predict {path} {test}",
        f"  whorl stream {path} < {test}",
    )
    if wants_json():
        result = {
            "model": str(path),
            "report": str(page),
            "validation": model.model_.card["scores"],
            "test": {
                "answers": found.num_answers,
                "metrics": dict(found.metrics),
                "baselines": {name: dict(scores) for name, scores in found.baseline.items()},
            },
        }
        show(result, [])


command = make_command(
    "demo",
    demo,
    [
        click.Argument(["task"], type=Choice(["forecast"]), default="forecast", required=False),
        option(
            "Demo",
            "--folder",
            metavar="PATH",
            default="whorl-demo",
            help="Where everything goes. [default: whorl-demo]",
        ),
        option(
            "Demo",
            "--epochs",
            type=Number(whole=True, real=False, words={}),
            default=3,
            help="Passes over the training part. [default: 3]",
        ),
    ],
)
