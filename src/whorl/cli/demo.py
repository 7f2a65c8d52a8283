"""`whorl demo [TASK]`: one job of whorl on data that is shipped, from raw rows to a live stream."""

import importlib

import click

from whorl.cli.demos.stage import Stage
from whorl.cli.group import Entry
from whorl.cli.kinds import Choice, Number
from whorl.cli.output import command as make_command
from whorl.cli.output import option

# A module of a demo has `run(stage)`, NAME, how its model file is called, and EPOCHS, how many it trains.
DEMOS = {
    "forecast": Entry("whorl.cli.demos.forecast", "Fine dust in Beijing with the weather, 24 hours ahead."),
    "classify": Entry("whorl.cli.demos.classify", "Which of nine men speaks, from two Japanese vowels."),
    "regress": Entry("whorl.cli.demos.regress", "How many flights a turbofan engine has left."),
    "tag": Entry("whorl.cli.demos.tag", "Dates, amounts, people and places in synthetic commands."),
    "generate": Entry("whorl.cli.demos.generate", "Plays that go on, a character at a time."),
    "compose": Entry("whorl.cli.demos.compose", "Chorales of Bach that go on, as files to listen to."),
    "detect": Entry("whorl.cli.demos.detect", "Half hours in which the taxis of New York do not run as usual."),
    "backtest": Entry("whorl.cli.demos.backtest", "Timing the stock market by forecasts, 1947 to 2023."),
    "recommend": Entry("whorl.cli.demos.recommend", "What customers of a synthetic shop put into their baskets next."),
    "transcribe": Entry("whorl.cli.demos.transcribe", "What a man says, from the sound of short sentences."),
    "caption": Entry("whorl.cli.demos.caption", "What a man says, from silent videos of his mouth."),
    "translate": Entry("whorl.cli.demos.translate", "Numbers, dates and times from English words into German ones."),
}


def demo(task: str, folder: str, epochs: int | None) -> None:
    """Train, score and stream on data that is shipped; everything it makes goes to one folder.

    A test part is never trained on: the model is scored there beside naive rivals, and some of it is streamed. TASK is
    one of these, the first where it is left out:
    """
    module = importlib.import_module(DEMOS[task].module)
    module.run(Stage(folder, module.NAME, module.EPOCHS if epochs is None else epochs))


command = make_command(
    "demo",
    demo,
    [
        click.Argument(["task"], type=Choice(list(DEMOS)), default="forecast", required=False),
        option(
            "Demo",
            "--folder",
            metavar="PATH",
            default="whorl-demo",
            help="Where everything goes. [default: whorl-demo]",
        ),
        option(
            "Demo",
            "--epochs",
            type=Number(whole=True, real=False, words={}),
            default=None,
            help="Passes over the training part. [default: chosen for a short run]",
        ),
    ],
)
assert command.help is not None
command.help += "\n\n\b\n" + "\n".join(f"{name:11}{entry.help}" for name, entry in DEMOS.items())
