"""Whether recurrent networks time the stock market of the United States after costs, and how sure that is.

    python -m benchmarks.backtest DATA [--seeds 0 1 2] [--folder FOLDER] [--out FILE.json]

DATA is the folder with sp500_monthly/data.csv, somewhere below it. Settings are chosen by decisions from 1920 to 1969,
on rows before 1970; decisions from 1970 to 2023 are the test part. FOLDER keeps answers, so that a run goes on.
"""

import csv
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from benchmarks import quality

import whorl
from whorl.tasks.estimator import Estimator

FIRST, SPLIT = "1920-01-01", "1970-01-01"
# Months between two fits.
EVERY = 60
DELAYS = (0, 1, 2)
RULES = ("sign", "size", "interval")
COSTS = {"costs": 0.001, "slippage": 0.0005, "dividends": "dividend", "cash_column": "rate"}
TITLE = "Trading by forecasts"
HEADS = (
    "traded",
    "account",
    "Sharpe 1920-1969",
    "Sharpe 1970-2023",
    "95 % interval",
    "a year",
    "drawdown",
    "model ahead by",
    "p",
)
TEXT = (
    "`whorl.backtest` on the S&P 500 and its forerunners (Shiller), 1,830 months; fits to all months before, anew "
    "every five years. Prices are *means of the daily closes of a month*, so that changes follow each other with a "
    "correlation of about 0.25 where prices need not (Working 1960): decided and traded at the same mean (0 months "
    "later), which nobody can, forecasts earn what is not there. One month later is a trade spread over the next "
    "month, two are safe from all that two means share. Settings ({candidates} of them: inputs, context, rule, shorts, "
    "forecaster or classifier) were chosen by the Sharpe ratio of decisions from 1920 to 1969, traded one month later: "
    "{chosen}. Position: the mean of {seeds} seeds. Costs are 0.1 % of what is traded, slippage 0.05 %; dividends "
    "count as income, and cash earns the long rate. Errors: Lo (2002), with correlated rows; intervals: stationary "
    "bootstrap; the moving average is over ten months. Months of the test part were seen before by two other settings, "
    "while the code was written. Of trades one month later is said: *{advice}*"
)


def table(folder: Path) -> dict[str, list[object]]:
    """Months that have dividends, as the shipped file has them, but without its rounding."""
    (path,) = folder.rglob("sp500_monthly/data.csv")
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if float(row["Dividend"]) > 0]
    price = [float(row["SP500"]) for row in rows]
    return {
        "month": [row["Date"] for row in rows],
        "price": price,
        "dividend": [float(row["Dividend"]) / 12 for row in rows],
        "rate": [float(row["Long Interest Rate"]) / 100 for row in rows],
        "return": [None, *(now / before - 1 for before, now in pairwise(price))],
    }


def candidates(seed: int) -> Iterator[tuple[str, Estimator, int, whorl.Signal]]:
    """Name, task, context of a classifier and signal of each setting; all else is default."""
    network, training = whorl.Recurrent("gru", hidden_size=32), whorl.Training(seed=seed)
    for inputs in ("returns", "returns and rates"):
        unread = ("price", "dividend") if inputs != "returns" else ("price", "dividend", "rate")
        plain = whorl.Table(kinds=dict.fromkeys(unread, "ignore"))
        without = whorl.Table(kinds=dict.fromkeys((*unread, "return"), "ignore"))
        for context in (12, 36):
            forecaster = whorl.Forecaster(
                target="return",
                time="month",
                horizon=max(DELAYS) + 1,
                context=context,
                table=plain,
                network=network,
                training=training,
            )
            classifier = whorl.Classifier(
                time="month", convolution=0, table=without, network=network, training=training
            )
            for shorts in (False, True):
                for rule in RULES:
                    signal = whorl.Signal(rule=rule, shorts=shorts)
                    words = f"{inputs}, {context} months, {rule}{', shorts' if shorts else ''}"
                    yield f"forecaster, {words}", forecaster, context, signal
                    # Fits of classifiers take several times as long.
                    if rule != "interval" and (inputs, context) == ("returns", 12):
                        yield f"classifier, {words}", classifier, context, signal


def run(
    model: Estimator,
    data: dict[str, list[object]],
    start: str,
    context: int,
    *,
    signal: whorl.Signal,
    delay: int,
    seeds: int,
    folder: Path,
) -> whorl.Backtest:
    """Decisions from a month on."""
    return whorl.backtest(
        model,
        data,
        price="price",
        signal=signal,
        trading=whorl.Trading(delay=delay, **COSTS),
        refits=whorl.Refits(start=data["month"].index(start), every=EVERY, context=context, seeds=seeds),
        folder=folder,
        verbose=False,
    )


def rows(validated: dict[int, whorl.Backtest], tested: dict[int, whorl.Backtest]) -> list[list[str]]:
    """The lines of the table: three accounts for each delay."""
    found = []
    for delay in DELAYS:
        for before, after in zip(validated[delay].accounts, tested[delay].accounts, strict=True):
            own, ahead = after.worth, after.ahead
            if after.name == "cash" and delay != 1:
                continue
            found.append(
                [
                    f"{delay} month{'' if delay == 1 else 's'} later",
                    after.name,
                    f"{before.worth.sharpe:.2f} ± {before.worth.sharpe_error_correlated:.2f}",
                    f"{own.sharpe:.2f} ± {own.sharpe_error_correlated:.2f}",
                    f"{own.sharpe_low:.2f} to {own.sharpe_high:.2f}",
                    f"{100 * own.annual_return:.1f} %",
                    f"{100 * own.drawdown:.0f} %",
                    "" if ahead is None else f"{ahead.value:.2f} ({ahead.low:.2f} to {ahead.high:.2f})",
                    "" if ahead is None else f"{ahead.p:.2g}",
                ]
            )
    return found


def main() -> None:
    """Prints the choice and the table, and writes everything as JSON."""
    parser = quality.arguments(__doc__)
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    data, seeds = table(chosen.data), len(chosen.seeds)
    early = {name: column[: data["month"].index(SPLIT)] for name, column in data.items()}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as made:
        folder = chosen.folder or Path(made)
        every: dict[str, tuple[Estimator, int, whorl.Signal]] = {}
        scores: dict[str, float] = {}
        for name, model, context, signal in candidates(chosen.seeds[0]):
            every[name] = (model, context, signal)
            found = run(model, early, FIRST, context, signal=signal, delay=1, seeds=seeds, folder=folder)
            scores[name] = found.model.worth.sharpe
            print(f"{scores[name]:6.3f}  {name}", flush=True)
        best = max(scores, key=lambda name: scores[name])
        model, context, signal = every[best]
        both: list[dict[int, whorl.Backtest]] = [
            {
                delay: run(model, part, start, context, signal=signal, delay=delay, seeds=seeds, folder=folder)
                for delay in DELAYS
            }
            for part, start in ((early, FIRST), (data, SPLIT))
        ]
    validated, tested = both
    print(f"chosen: {best}")
    runs: list[dict[str, Any]] = [{"validation": scores, "chosen": best, "seconds": time.perf_counter() - started}]
    runs += [
        {"part": part, "delay": delay, "threads": torch.get_num_threads(), **_plain(one)}
        for part, each in (("validation", validated), ("test", tested))
        for delay, one in each.items()
    ]
    quality.finish(
        chosen.out,
        title=TITLE,
        text=TEXT.format(candidates=len(scores), chosen=best, seeds=seeds, advice=tested[1].advice),
        heads=HEADS,
        rows=rows(validated, tested),
        runs=runs,
    )


def _plain(found: whorl.Backtest) -> dict[str, object]:
    """What was found, without the rows."""
    plain = found.to_dict()
    kept = ("name", "worth", "ahead")
    accounts = [{key: one[key] for key in kept} for one in plain["accounts"]]  # type: ignore[attr-defined]
    return {"accounts": accounts, **{key: plain[key] for key in ("fits", "seeds", "advice", "notes")}}


if __name__ == "__main__":
    main()
