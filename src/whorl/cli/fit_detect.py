"""`whorl fit detect DATA`."""

from whorl.cli import fitting
from whorl.cli.options import options_of
from whorl.cli.output import command as make_command
from whorl.tasks.detection import Detector

_OWN = {
    "target": "Data and columns",
    "time": "Data and columns",
    "series": "Data and columns",
    "label": "Data and columns",
    "normal": "Data and columns",
    "per": "Detection",
    "method": "Detection",
    "lag": "Detection",
    "context": "Detection",
    "code": "Detection",
}

WORDS = fitting.Words(Detector, _OWN, plans=["alarm"])


def fit_detect(data: str, out: str | None, report: str | None, refit: bool, resume: bool, **_: object) -> None:
    """Train a Detector on DATA, which is taken as normal, and save it.

    DATA is a table with numeric columns, or arrays; with --per sequence also a file of the UCR or UEA archive. Rows
    that --label marks as anomalies teach nothing. The last part of the rows (of whole sequences some of them) is held
    out: it chooses the epoch and sets the threshold, above which a share of --false-alarm-rate of normal rows lie.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume)


command = make_command(
    "detect",
    fit_detect,
    [
        *fitting.arguments(),
        *options_of(Detector, _OWN),
        *fitting.plan_options(Detector, "alarm", "Alarms"),
        *fitting.shared_options(Detector),
    ],
    epilog="Example: whorl fit detect pump.csv --time datetime --label anomaly --out pump.whorl",
)
