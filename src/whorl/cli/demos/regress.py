"""`whorl demo regress`: how many flights a turbofan engine has left."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell

if TYPE_CHECKING:
    from whorl.tasks.regression import Regressor

# A fixed number of steps, so that everybody sees the same scores; so few that two busy cores take half a minute.
NAME, EPOCHS = "engines", 80

_TRAIN, _CAP = 32, 125
# A test engine is seen up to such a share of its life, one after the other.
_SEEN = (0.5, 0.65, 0.75, 0.85, 0.95)


def run(stage: Stage) -> None:
    """The last eight engines are the test part, each cut off before it fails; one of them is streamed to its end."""
    import whorl
    from whorl import datasets

    columns = datasets.load("turbofan")
    engines = columns["engine"]
    cut = engines.index(str(_TRAIN + 1))
    train = stage.write("train.csv", columns, 0, cut)
    seen = _seen(columns, cut)
    test = stage.write("test.csv", seen, 0, len(seen["engine"]))
    tell(
        f"{int(engines[-1])} simulated turbofan engines, 15 numbers a flight, until they fail "
        "(C-MAPSS, NASA open data).",
        f"{train} has the first {_TRAIN}; the others are the test part, cut off before failure, in {test}.",
        f"Training, {stage.passes}:",
        "",
    )
    model = whorl.Regressor(
        remaining=True,
        cap=_CAP,
        series="engine",
        time="cycle",
        training=whorl.Training(epochs=stage.epochs, batch_size=8, seed=0),
    )
    model.fit(train, verbose=stage.is_verbose)
    found = stage.score(model, test, unit="flights")
    _stream(model, columns, engines[-1])
    stage.finish(model, found, test)


def _seen(columns: Mapping[str, Sequence[str]], first: int) -> dict[str, list[str]]:
    """The rows of test engines up to a share of their life, and beside them what is left after the last one."""
    engines = columns["engine"]
    made: dict[str, list[str]] = {name: [] for name in (*columns, "remaining")}
    for number, engine in enumerate(dict.fromkeys(engines[first:])):
        start, life = engines.index(engine), engines.count(engine)
        stop = round(life * _SEEN[number % len(_SEEN)])
        for name, cells in columns.items():
            made[name] += cells[start : start + stop]
        made["remaining"] += [str(life - 1 - n) for n in range(stop)]
    return made


def _stream(model: "Regressor", columns: Mapping[str, Sequence[str]], engine: str) -> None:
    """One engine flight by flight until it fails."""
    place = [n for n, name in enumerate(columns["engine"]) if name == engine]
    tell(
        "",
        f"Engine {engine}, live: each flight is answered as it comes; every twentieth is shown (at most {_CAP} left).",
        f"  {'flight':>6}{'left':>6}{'answer':>8}",
    )
    stream = model.stream(series=engine)
    for n in place:
        (answer,) = stream.push({name: cells[n] for name, cells in columns.items()})
        left = place[-1] - n
        if left % 20 == 0:
            tell(f"  {columns['cycle'][n]:>6}{left:>6}{answer.value[0, 0]:>8.0f}")
