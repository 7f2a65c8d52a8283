"""`whorl demo forecast`: hourly fine dust (PM2.5) in Beijing with the weather, 24 hours ahead."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell

if TYPE_CHECKING:
    from whorl.tasks.forecasting import Forecaster

NAME, EPOCHS = "beijing", 3

_TEST = 0.1
_CONTEXT, _HORIZON = 168, 24
_UNIT = "ug/m3"
# A fixed number of steps, so that everybody sees the same scores; so few that two busy cores take about a minute.
_STRIDE, _BATCH_SIZE = 3, 128


def run(stage: Stage) -> None:
    """The last tenth of the rows is the test part, and its last day is streamed row by row."""
    import whorl
    from whorl import datasets

    columns = datasets.load("beijing_air")
    cut = round(len(columns["time"]) * (1 - _TEST))
    # The test part brings the context of its first forecast along, so that each of its rows is forecast.
    train = stage.write("train.csv", columns, 0, cut)
    test = stage.write("test.csv", columns, cut - _CONTEXT, len(columns["time"]))
    tell(
        f"{len(columns['time']):,} hours of PM2.5 and weather in Beijing (UCI, Song Xi Chen, CC BY 4.0).",
        f"{train} has the first {cut:,}; the others are the test part, in {test}.",
        f"Training, {stage.passes} (a full fit takes several):",
        "",
    )
    model = whorl.Forecaster(
        target="pm2.5",
        time="time",
        horizon=_HORIZON,
        context=_CONTEXT,
        stride=_STRIDE,
        training=whorl.Training(epochs=stage.epochs, batch_size=_BATCH_SIZE, seed=0),
    )
    model.fit(train, verbose=stage.is_verbose)
    found = stage.score(model, test, unit=_UNIT)
    _stream(model, columns)
    stage.finish(model, found, test)


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
