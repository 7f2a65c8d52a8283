"""`whorl fit forecast DATA`."""

from whorl.cli import fitting
from whorl.cli.options import options_of
from whorl.cli.output import command as make_command
from whorl.tasks.forecasting import Forecaster

_OWN = {
    "target": "Data and columns",
    "time": "Data and columns",
    "series": "Data and columns",
    "known": "Data and columns",
    "static": "Data and columns",
    "horizon": "Forecast",
    "context": "Forecast",
    "stride": "Forecast",
    "quantiles": "Forecast",
    "memory": "Forecast",
    "segment_length": "Forecast",
}

WORDS = fitting.Words(Forecaster, _OWN)


def fit_forecast(data: str, out: str | None, report: str | None, refit: bool, resume: bool, **_: object) -> None:
    """Train a Forecaster on DATA and save it.

    DATA is a CSV, TSV or Parquet file, or a folder of them. The last part of each series is held out: it stops the
    training early, calibrates the intervals, and scores the model beside its naive rivals.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume)


command = make_command(
    "forecast",
    fit_forecast,
    [*fitting.arguments(), *options_of(Forecaster, _OWN), *fitting.shared_options(Forecaster)],
    epilog="Example: whorl fit forecast load.csv --target load --time timestamp --series building --horizon 24 "
    "--context 168 --network gru --hidden-size 64 --epochs 20 --seed 0 --out load.whorl",
)
