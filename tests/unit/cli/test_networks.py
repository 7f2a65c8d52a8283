"""Options of networks on the command line: each recipe takes its own, and refuses those of others."""

import pytest

import whorl

from .conftest import run

FIT = ("--target", "größe", "--horizon", "6", "--context", "24", "--epochs", "1", "--hidden-size", "8")


@pytest.fixture(scope="module")
def fitted(tiny, tmp_path_factory):
    """A forecaster with a Transformer, fitted by the command line."""
    folder = tmp_path_factory.mktemp("networks")
    path, page = folder / "t.whorl", folder / "t.html"
    options = ("--network", "transformer", "--num-heads", "2", "--window", "9", "--out", path, "--report", page)
    result = run("fit", "forecast", tiny.data, *FIT, *options)
    assert result.exit_code == 0, result.stderr
    return path, page


def test_the_options_of_a_recipe_reach_the_model(fitted):
    path, _ = fitted
    assert whorl.load(path).network == whorl.Transformer(hidden_size=8, num_heads=2, window=9)


def test_a_card_names_the_recipe_and_what_it_was_completed_to(fitted):
    path, _ = fitted
    lines = [line.split() for line in run("inspect", path).stdout.splitlines()]
    assert ["recipe", "transformer"] in lines
    assert ["num", "layers", "2"] in lines
    assert ["memory", "the", "last", "24", "rows"] in lines


def test_a_page_says_what_an_answer_depends_on_where_nothing_recurs(fitted):
    text = fitted[1].read_text(encoding="utf-8")
    assert "Nothing in this network recurs. An answer depends on the last 24 rows" in text
    assert "Transformer, 2 layers, 8 units" in text
    assert "Hidden state</h2>" not in text


def test_a_page_tells_a_reach_from_averages_that_run_beside_it(tmp_path, tiny):
    path, page = tmp_path / "c.whorl", tmp_path / "c.html"
    options = ("--network", "cnn", "--num-layers", "2", "--memory", "carried", "--out", path, "--report", page)
    result = run("fit", "forecast", tiny.data, *FIT, *options)
    assert result.exit_code == 0, result.stderr
    assert whorl.load(path).network == whorl.Convolution(hidden_size=8, num_layers=2)
    assert "Its layers look back at the last 13 steps" in page.read_text(encoding="utf-8")


def test_the_default_recipe_stays_where_its_key_is_given(tiny, tmp_path):
    path = tmp_path / "g.whorl"
    assert run("fit", "forecast", tiny.data, *FIT, "--network", "rnn", "--out", path).exit_code == 0
    assert whorl.load(path).network == whorl.Recurrent("rnn", hidden_size=8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("forecast", "--network", "cnn", "--zoneout", "0.1"), "`--zoneout` is no option of the network cnn. Leave it"),
        (("forecast", "--network", "mlp", "--no-bidirectional"), "`--bidirectional` is no option of the network mlp."),
        (("forecast", "--window", "9"), "`--window` is no option of the network gru. Leave it out, or choose another"),
        (("forecast", "--network", "transformer", "--hidden-size", "9"), "`hidden_size` is a multiple of twice"),
        (("translate", "--source", "a", "--network", "mlp"), "`network` is a Perceptron, but texts are written by"),
        (("forecast", "--network", "transformr"), "Did you mean"),
    ],
)
def test_an_option_that_a_network_does_not_have_is_refused(tiny, arguments, message):
    task, *options = arguments
    result = run("fit", task, tiny.data, "--target", "größe", *options)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_help_says_which_recipe_an_option_belongs_to():
    text = " ".join(run("fit", "forecast", "--help").stdout.split())
    assert "[rnn|lstm|gru" in text
    assert "transformer: Heads of the attention of each layer" in text
    assert "mlp: Steps that are read" in text
