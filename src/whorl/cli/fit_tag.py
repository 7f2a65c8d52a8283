"""`whorl fit tag DATA`."""

from whorl.cli import fitting
from whorl.cli.options import options_of
from whorl.cli.output import command as make_command
from whorl.tasks.labelling import Tagger

_OWN = {
    "target": "Data and columns",
    "time": "Data and columns",
    "series": "Data and columns",
    "static": "Data and columns",
    "text": "Data and columns",
    "lookahead": "Tagging",
    "crf": "Tagging",
}

WORDS = fitting.Words(Tagger, _OWN)


def fit_tag(
    data: str, out: str | None, report: str | None, refit: bool, resume: bool, folds: int | None, **_: object
) -> None:
    """Train a Tagger on DATA and save it.

    DATA is a CoNLL-U file, a file with a word and a tag on each line (.conll, .iob, .bio, .tsv), or a folder of them; a
    table with a word a row (--text, --series and --target name its columns) or with numbers and a label a row; or an
    .npz file with X and y, a label for each step. Some of the sequences are held out: they calibrate the
    probabilities, and score the model beside the most frequent tag of each word.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume, folds=folds)


command = make_command(
    "tag",
    fit_tag,
    [*fitting.arguments(), *options_of(Tagger, _OWN), *fitting.shared_options(Tagger), *fitting.fold_options()],
    epilog="Example: whorl fit tag train.conllu --bidirectional --out tags.whorl",
)
