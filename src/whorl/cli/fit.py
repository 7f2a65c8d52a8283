"""`whorl fit TASK DATA`: the group."""

from whorl.cli.group import Entry, LazyGroup

command = LazyGroup(
    "fit",
    {
        "forecast": Entry("whorl.cli.fit_forecast", "Forecast the next values of one or several columns."),
        "classify": Entry("whorl.cli.fit_classify", "Answer each sequence with one of several labels."),
        "regress": Entry("whorl.cli.fit_regress", "Answer each sequence with a number, or several."),
    },
    help="Train a model on a table and save it.",
)
