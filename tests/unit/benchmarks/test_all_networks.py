"""Nine networks side by side: what is written down of a comparison."""

import json

import numpy as np
import pytest
from benchmarks import all_networks, quality

import whorl
from whorl.plans.networks import KEYS


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    random = np.random.default_rng(0)
    x = [random.standard_normal((9, 2)) for _ in range(40)]
    y = np.array(["up" if one.sum() > 0 else "down" for one in x])
    training = whorl.Training(epochs=1, seed=0, validation=0.2, device="cpu")
    network = whorl.Recurrent("gru", hidden_size=8)
    model = whorl.Classifier(convolution=0, network=network, training=training)
    return whorl.compare(model, (x, y), networks=["gru", "rnn"], seeds=1, folder=tmp_path_factory.mktemp("fits"))


def test_each_network_and_rival_has_a_row_with_a_cell_for_each_head(found):
    told = all_networks.told("classify", found)
    assert [row[1] for row in told["rows"]] == [one.name for one in (*found.networks, *found.rivals)]
    assert {len(row) for row in told["rows"]} == {len(all_networks.HEADS)}
    assert {row[4] for row in told["rows"]} == {found.metric}
    assert told["comparison"]["networks"][0]["name"] == found.networks[0].name
    assert found.networks[0].model is not None
    assert found.networks[0].model not in json.dumps(told)


@pytest.mark.parametrize("name", all_networks.CASES)
def test_every_case_takes_all_networks(name):
    model = all_networks.CASES[name].model()
    for key in KEYS:
        assert type(model)(**{**model.get_params(), "network": key}).network == key


def test_a_case_of_equal_time_takes_the_networks_of_the_one_of_equal_parameters(found, tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(whorl, "compare", lambda model, data, **told: asked.update(told))
    runs = {"text": all_networks.told("text", found)}
    all_networks.compared("text, equal time", 2, tmp_path, runs)
    assert asked["match"] == "time"
    assert {name: one.hidden_size for name, one in asked["networks"].items()} == {
        one.name: one.recipe["hidden_size"] for one in found.networks
    }
    with pytest.raises(SystemExit, match="'text', which was not run"):
        all_networks.compared("text, equal time", 2, tmp_path, {})


def test_the_page_tells_the_cases_that_were_run(found, tmp_path):
    all_networks.save(tmp_path / "n.json", [all_networks.told("forecast", found)])
    page = quality.page(tmp_path)
    assert "*forecast*" in page
    assert "*text*" not in page
    assert f"| forecast | {found.networks[0].name} |" in page
