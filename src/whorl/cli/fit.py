"""`whorl fit TASK DATA`: the group."""

from whorl.cli.group import Entry, LazyGroup

command = LazyGroup(
    "fit",
    {
        "forecast": Entry("whorl.cli.fit_forecast", "Forecast the next values of one or several columns."),
        "chat": Entry("whorl.cli.fit_chat", "Answer each turn of a dialogue with the next one."),
        "classify": Entry("whorl.cli.fit_classify", "Answer each sequence with one of several labels."),
        "tag": Entry("whorl.cli.fit_tag", "Answer each step of a sequence with one of several labels."),
        "caption": Entry("whorl.cli.fit_caption", "Write a text about each picture, video, or grid of features."),
        "generate": Entry("whorl.cli.fit_generate", "Learn what comes next in a text, and continue one."),
        "detect": Entry("whorl.cli.fit_detect", "Flag rows, or whole sequences, that are not normal."),
        "recommend": Entry("whorl.cli.fit_recommend", "Answer each session of events with the best next items."),
        "summarize": Entry("whorl.cli.fit_summarize", "Answer each long text with a short one."),
        "transcribe": Entry("whorl.cli.fit_transcribe", "Answer each recording with what is said in it."),
        "translate": Entry("whorl.cli.fit_translate", "Answer each text with another one."),
        "regress": Entry("whorl.cli.fit_regress", "Answer each sequence with a number, or several."),
    },
    help="Train a model on a table and save it.",
)
