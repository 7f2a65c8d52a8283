"""Every page of the command line's help: complete, grouped, and made from the dataclasses."""

from dataclasses import fields

import pytest
from click.testing import CliRunner

import whorl
from whorl.cli.app import app

COMMANDS = ["predict", "evaluate", "stream", "report", "inspect", "check", "demo", "doctor"]
PAGES = [["fit", "forecast"], ["fit", "regress"], *([name] for name in COMMANDS)]


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
    assert [line.split()[0] for line in listing.splitlines()] == ["fit", *COMMANDS]


@pytest.mark.parametrize("kind", [whorl.Forecaster, whorl.Recurrent, whorl.Training, whorl.Table])
def test_every_setting_of_python_is_an_option(kind):
    text = page("fit", "forecast")
    elsewhere = {"cell": "network"}
    for field in fields(kind):
        if field.name not in ("table", "training"):
            assert f"  --{elsewhere.get(field.name, field.name).replace('_', '-')} " in text


@pytest.mark.parametrize("task", ["forecast", "regress"])
def test_the_options_are_grouped_and_each_tells_its_default(task):
    text = page("fit", task)
    headings = [line.removesuffix(":") for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    own = {"forecast": "Forecast", "regress": "Regression"}[task]
    assert headings == ["Data and columns", own, "Network", "Training", "Repairs", "Output", "General"]
    assert "[default: 168]" in text or task == "regress"
    assert "[default: gru]" in text
    assert "None" not in text.replace("NaN,nan,NAN,null,NULL,None", "")  # Python's word for it is not the shell's
