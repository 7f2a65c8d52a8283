"""`whorl fit regress DATA`."""

from whorl.cli import fitting
from whorl.cli.media import media_given, media_options
from whorl.cli.options import options_of
from whorl.cli.output import command as make_command
from whorl.tasks.regression import Regressor

_OWN = {
    "target": "Data and columns",
    "time": "Data and columns",
    "series": "Data and columns",
    "static": "Data and columns",
    "group": "Data and columns",
    "every_step": "Regression",
    "remaining": "Regression",
    "cap": "Regression",
    "quantiles": "Regression",
    "loss": "Regression",
}

# What examples belong to is said in the same word, whatever they are.
_SHARED = ("group",)


def _files() -> dict[str, object]:
    """How files are read, where that was said."""
    plan = media_given(but=_SHARED)
    return {} if plan is None else {"tokens": plan}


WORDS = fitting.Words(Regressor, _OWN, parts=_files)


def fit_regress(
    data: str, out: str | None, report: str | None, refit: bool, resume: bool, folds: int | None, **_: object
) -> None:
    """Train a Regressor on DATA and save it.

    DATA is a table whose series column names the sequence of a row, or with a sequence in each row, whose columns but
    the target are numbered; an .npz file with the arrays X and y; or a table with a column of paths of recordings,
    pictures or videos and a column of a number for each. Some of the sequences are held out: they stop the training
    early, and score the model beside the mean. With --remaining each sequence ends in failure, and what is answered is
    how many rows are left; no column is needed for that.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume, folds=folds)


command = make_command(
    "regress",
    fit_regress,
    [
        *fitting.arguments(),
        *options_of(Regressor, _OWN),
        *media_options(but=_SHARED),
        *fitting.shared_options(Regressor),
        *fitting.fold_options(),
    ],
    epilog="Example: whorl fit regress engines.csv --remaining --cap 125 --series engine --time cycle --out m.whorl",
)
