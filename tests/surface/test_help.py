"""Every page of the command line's help: complete, grouped, and made from the dataclasses."""

from dataclasses import fields

import pytest
from click.testing import CliRunner

import whorl
from whorl.cli.app import app
from whorl.plans.decoding import DRAWN
from whorl.plans.networks import from_key

COMMANDS = ["predict", "evaluate", "stream", "report", "inspect", "check", "suggest", "demo", "doctor"]
TASKS = {
    "forecast": (whorl.Forecaster, "Forecast"),
    "chat": (whorl.Chatbot, "Dialogues"),
    "classify": (whorl.Classifier, "Classification"),
    "tag": (whorl.Tagger, "Tagging"),
    "caption": (whorl.Captioner, "Captions"),
    "generate": (whorl.Generator, "Generation"),
    "detect": (whorl.Detector, "Detection"),
    "recommend": (whorl.Recommender, "Recommendation"),
    "summarize": (whorl.Summarizer, "Summaries"),
    "transcribe": (whorl.Transcriber, "Transcription"),
    "translate": (whorl.Translator, "Translation"),
    "regress": (whorl.Regressor, "Regression"),
}
TESTED = ["forecast", "classify"]
PAGES = [
    *([group, name] for group in ("fit", "compare") for name in TASKS),
    *(["backtest", name] for name in TESTED),
    *([name] for name in COMMANDS),
]


def page(*arguments):
    result = CliRunner().invoke(app, [*arguments, "--help"], prog_name="whorl", terminal_width=200)
    assert result.exit_code == 0
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize("arguments", PAGES, ids=" ".join)
def test_every_command_has_a_page_that_says_what_it_does_and_offers_json_and_quiet(arguments):
    text = page(*arguments)
    assert text.startswith(f"Usage: whorl {' '.join(arguments)} [OPTIONS]")
    assert "Args:" not in text
    for option in ("--json", "--quiet", "--debug", "--help"):
        assert f"  {option} " in text


def test_the_first_page_lists_every_command():
    listing = page().partition("Commands:\n")[2]
    assert [line.split()[0] for line in listing.splitlines()] == [
        "fit",
        *COMMANDS[:5],
        "compare",
        "backtest",
        *COMMANDS[5:],
    ]


@pytest.mark.parametrize("group", ["fit", "compare"])
def test_the_first_page_of_a_group_lists_every_task(group):
    listing = page(group).partition("Commands:\n")[2]
    assert [line.split()[0] for line in listing.splitlines()] == list(TASKS)


def test_a_comparison_offers_what_a_fit_does_but_for_what_is_of_one_model():
    text = page("compare", "forecast")
    for flag in (
        "--target",
        "--network",
        "--hidden-size",
        "--epochs",
        "--scaling",
        "--networks",
        "--match",
        "--folder",
    ):
        assert f"  {flag} " in text
    for flag in ("--out", "--report", "--resume", "--checkpoint"):
        assert f"  {flag} " not in text


@pytest.mark.parametrize("task", TESTED)
def test_every_setting_of_a_backtest_is_an_option(task):
    text = page("backtest", task)
    for field in (*fields(whorl.Signal), *fields(whorl.Trading), *fields(whorl.Refits)):
        assert f"  --{field.name.replace('_', '-')} " in text or f"  --{field.name.replace('_', '-')}\n" in text
    assert "  --resume " not in text


@pytest.mark.parametrize("kind", [whorl.Recurrent, whorl.Training, whorl.Table])
def test_every_setting_of_a_plan_is_an_option(kind):
    text = page("fit", "forecast")
    for field in fields(kind):
        assert f"  --{ {'cell': 'network'}.get(field.name, field.name).replace('_', '-') } " in text


@pytest.mark.parametrize("task", TASKS)
def test_every_setting_of_a_task_is_an_option(task):
    text = page("fit", task)
    # Between layers it is that of the recipe; plans have an option for each of their settings.
    elsewhere = {"dropout": "output-dropout", "tokens": "unit", "alarm": "false-alarm-rate", "media": "features"}
    if task == "regress":  # its examples are files or numbers, and no texts
        elsewhere["tokens"] = "features"
    for field in fields(TASKS[task][0]):
        if field.name not in ("table", "training"):
            assert f"  --{elsewhere.get(field.name, field.name).replace('_', '-')} " in text


@pytest.mark.parametrize("task", TASKS)
def test_the_options_are_grouped_and_each_tells_its_default(task):
    text = page("fit", task)
    headings = [line.removesuffix(":") for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    shared = ["Network", "Training", "Repairs", "Output", "General"]
    assert [one for one in headings if one in shared][-2:] == ["Output", "General"]
    assert TASKS[task][1] in headings
    assert not {"Network", "Training"} - set(headings)
    assert f"[default: {from_key(TASKS[task][0]().network).cell}]" in text
    assert "None" not in text.replace("NaN,nan,NAN,null,NULL,None", "")  # Python's word for it is not the shell's


@pytest.mark.parametrize("command", ["predict", "stream"])
def test_the_defaults_of_decoding_are_those_of_python(command):
    text = " ".join(page(command).split())
    assert f"favours longer texts. [default: {whorl.Beam().length_penalty}]" in text
    assert f"likely tokens become likelier. [default: {DRAWN.temperature}]" in text
