"""`whorl demo detect`: half hours in which the taxis of New York City do not run as usual."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell

if TYPE_CHECKING:
    from whorl.tasks.detection import Detector

# A fixed number of steps, so that scores differ by no more than processors round. After 25 epochs the marathon may lie
# right at the threshold; after 40 it lies 13 to 16 % above with each of four seeds.
NAME, EPOCHS = "taxis", 40

_TRAIN = 5040  # half hours until mid-October
_DAY = 48
_SHOWN = "2014-11-27"


def run(stage: Stage) -> None:
    """The rows from mid-October on are the test part; Thanksgiving is streamed."""
    import whorl
    from whorl import datasets

    columns = datasets.load("nyc_taxi")
    count = len(columns["time"])
    train = stage.write("train.csv", columns, 0, _TRAIN)
    test = stage.write("test.csv", columns, _TRAIN, count)
    tell(
        f"Taxi passengers in New York City in {count:,} half hours (Numenta Anomaly Benchmark, MIT).",
        f"{train} has the first {_TRAIN:,}; the others are the test part, in {test}, with five unusual events.",
        f"Training on what a half hour is like, told from the day before, {stage.passes}:",
        "",
    )
    model = whorl.Detector(
        time="time",
        label="anomaly",
        lag=_DAY,
        table=whorl.Table(calendar="on"),
        training=whorl.Training(epochs=stage.epochs, seed=0, validation=0.2),
    )
    model.fit(train, verbose=stage.is_verbose)
    found = stage.score(model, test)
    _stream(model, columns)
    stage.finish(model, found, test)


def _stream(model: "Detector", columns: Mapping[str, Sequence[str]]) -> None:
    """A day row by row, after two weeks that make the stream warm."""
    first = next(n for n, time in enumerate(columns["time"]) if time.startswith(_SHOWN))
    rows = [{name: cells[n] for name, cells in columns.items()} for n in range(first - 14 * _DAY, first + _DAY)]
    stream = model.stream()
    for row in rows[:-_DAY]:
        stream.push(row)
    tell(
        "",
        f"{_SHOWN}, Thanksgiving, live: each half hour is judged as it comes; every fourth is shown.",
        f"  {'half hour':18}{'passengers':>10}{'score':>8}{'alarm':>7}",
    )
    for n, row in enumerate(rows[-_DAY:]):
        (answer,) = stream.push(row)
        assert answer.score is not None
        if n % 4 == 3:
            alarm = "ALARM" if answer.value[0] else ""
            tell(f"  {row['time']:18}{row['passengers']:>10}{answer.score[0]:>8.2f}{alarm:>7}")
