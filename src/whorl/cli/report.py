"""`whorl report MODEL [DATA]`."""

from pathlib import Path

import click

from whorl.cli.output import command as make_command
from whorl.cli.output import option, show, wants_json
from whorl.cli.outputs import check_output
from whorl.report.scores import size_of


def report(model: str, data: str | None, out: str | None) -> None:
    """Write a self-contained HTML page about a saved model.

    With DATA the page shows the model's answers on it; without, what the model file itself knows.
    """
    import whorl

    path = Path(out) if out is not None else Path(Path(model).stem + ".html")
    check_output(path, "--out", model, data)
    whorl.load(model).report(path, data)
    size = path.stat().st_size
    if wants_json():
        show({"report": str(path), "bytes": size}, [])
    else:
        show(None, [f"report: {path} ({size_of(size)})"])


command = make_command(
    "report",
    report,
    [
        click.Argument(["model"]),
        click.Argument(["data"], required=False),
        option("Output", "--out", metavar="PATH", help="Where the page goes. [default: MODEL's name .html]"),
    ],
)
