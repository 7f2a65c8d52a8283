"""`whorl fit recommend DATA`."""

from whorl.cli import fitting
from whorl.cli.options import options_of
from whorl.cli.output import command as make_command
from whorl.cli.pieces import given_dropout, output_dropout
from whorl.tasks.recommendation import Recommender

_OWN = {
    "user": "Data and columns",
    "item": "Data and columns",
    "time": "Data and columns",
    "gap": "Data and columns",
    "times": "Data and columns",
    "seen": "Recommendation",
    "k": "Recommendation",
    "embedding_size": "Recommendation",
    "tied": "Recommendation",
    "negatives": "Recommendation",
}
_TABLE = ("kinds", "delimiter", "encoding", "missing")

WORDS = fitting.Words(Recommender, _OWN, parts=given_dropout)


def fit_recommend(data: str, out: str | None, report: str | None, refit: bool, resume: bool, **_: object) -> None:
    """Train a Recommender on DATA and save it.

    DATA is a log of events: a table with a row for each, which names its user and its item, and when it happened.
    Events of a user are put in order of time; those of one time stay as they stand. The last event of many sessions is
    held out: it scores the model in a ranking of the whole catalogue, beside popularity, a Markov chain, item-kNN and
    neighbours.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume)


command = make_command(
    "recommend",
    fit_recommend,
    [
        *fitting.arguments(),
        *options_of(Recommender, _OWN),
        *output_dropout(Recommender, "Recommendation"),
        *fitting.shared_options(Recommender, _TABLE),
    ],
    epilog="Example: whorl fit recommend ratings.csv --user user --item item --time time --out shop.whorl",
)
