"""`whorl fit classify DATA`."""

from dataclasses import fields

from whorl.cli import fitting
from whorl.cli.media import media_given, media_options
from whorl.cli.options import options_of, was_given
from whorl.cli.output import command as make_command
from whorl.errors import ArgumentError
from whorl.plans.text import Text
from whorl.tasks.classification import Classifier

_OWN = {
    "target": "Data and columns",
    "time": "Data and columns",
    "series": "Data and columns",
    "static": "Data and columns",
    "text": "Data and columns",
    "pooling": "Classification",
    "convolution": "Classification",
    "class_weight": "Classification",
    "coverage": "Classification",
    "augmentation": "Classification",
}


def _checked() -> dict[str, object]:
    """How examples are cut; raises where texts are told of and none are read."""
    plan = media_given()
    if plan is not None:
        return {"tokens": plan}
    given = [field.name for field in fields(Text) if was_given(field.name)]
    if given and not was_given("text"):
        raise ArgumentError(
            f"`--{given[0].replace('_', '-')}` says how texts are cut, but DATA is read as series. Name the column of "
            "texts with --text, or leave it out."
        )
    return {"tokens": fitting.plan_of(Classifier, "tokens")}


WORDS = fitting.Words(Classifier, _OWN, parts=_checked)


def fit_classify(
    data: str,
    out: str | None,
    report: str | None,
    refit: bool,
    resume: bool,
    folds: int | None,
    stacked: bool,
    **_: object,
) -> None:
    """Train a Classifier on DATA and save it.

    DATA is a table whose series column names the sequence of a row and whose target column has the label of a sequence
    in its last row; a table with a sequence in each row, whose columns but the target are numbered; a table with one
    text a row, named by --text; a folder of recordings or of pictures, whose subfolders are their labels, or a table
    with a column of their paths; an .npz file with the arrays X and y; or a file of the UCR archive (.tsv, the label
    first on each line) or of the UEA archive (.ts). Some of the sequences are held out: they calibrate the
    probabilities, and score the model beside the frequencies of the classes.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume, folds=folds, stacked=stacked)


command = make_command(
    "classify",
    fit_classify,
    [
        *fitting.arguments(),
        *options_of(Classifier, _OWN),
        *fitting.plan_options(Classifier, "tokens", "Text"),
        *media_options(),
        *fitting.shared_options(Classifier),
        *fitting.fold_options(stacked=True),
    ],
    epilog="Example: whorl fit classify beats.csv --target kind --series beat --out beats.whorl",
)
