"""Networks that are fitted on folds and answer together: what they learn from, and what scores and weighs them."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.laws.models import MODELS
from tests.unit.tasks.stopping import StopAfter
from tests.unit.tasks.waves import QUICK, SMALL, classifier, waves

import whorl
from whorl.data import splits
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.nn.ensemble import Ensemble
from whorl.report import card
from whorl.report.anatomy import dissect
from whorl.tasks import folds as across
from whorl.tasks import learning
from whorl.tasks.telling import Teller
from whorl.train import Interrupted

SHORT = replace(QUICK, epochs=2)


def weights(model):
    return {name: tensor.tobytes() for name, tensor in model.model_.engine.program.tensors.items()}


def logits(network, x):
    with torch.no_grad():
        return network({"past": torch.from_numpy(x[None].astype(np.float32))}, torch.tensor([len(x)]))[0, 0].numpy()


def rows(model, x):
    """What the network reads of an example."""
    return model.model_.reader.read(x)[0].past


@pytest.fixture(scope="module")
def folded():
    return classifier(training=SHORT).fit(waves(), folds=4, verbose=False)


@pytest.fixture(scope="module")
def stacked():
    return classifier(training=SHORT).fit(waves(), folds=2, stacked=True, verbose=False)


def test_an_example_is_scored_by_those_that_have_not_learned_from_it():
    """Labels of noise are soon known by heart: whoever has learned them tells all of them, and nobody else does."""
    rng = np.random.default_rng(0)
    x, y = [rng.standard_normal((6, 3)) for _ in range(60)], rng.permutation(60) % 2
    plan = replace(QUICK, epochs=60, learning_rate=2e-2)
    model = classifier(training=plan, augmentation="none", convolution=0, network=whorl.Recurrent("gru", 24))
    model.fit((x, y), folds=2, verbose=False)
    known = model.model_.card["scores"]
    assert (known["part"], known["answers"]) == ("folds", 60)
    assert known["metrics"]["accuracy"] < 0.7
    assert model.evaluate((x, y)).metrics["accuracy"] > 0.8


def test_every_network_but_one_learns_from_a_sequence():
    x, y = waves(20)
    # One that the codecs do not learn from, so that only its fold tells networks apart.
    number = int(splits.held_out(20, QUICK.validation, QUICK.seed, labels=y.tolist())[0])
    other = [one + 0.5 if n == number else one for n, one in enumerate(x)]
    pair = [classifier(training=SHORT).fit((given, y), folds=4, verbose=False) for given in (x, other)]
    alike = [
        all(torch.equal(a, b) for a, b in zip(one.parameters(), own.parameters(), strict=True))
        for one, own in zip(*(model.network_.networks for model in pair), strict=True)
    ]
    dealt = splits.folds(20, 4, QUICK.seed, labels=y.tolist())
    assert [fold for fold, same in enumerate(alike) if same] == [dealt[number]]


def test_the_answer_is_the_mean_of_the_networks(folded):
    x, _ = waves(1, seed=5)
    assert isinstance(folded.network_, Ensemble)
    each = [logits(one, rows(folded, x)) for one in folded.network_.networks]
    assert len(each) == 4
    assert np.ptp(np.stack(each), axis=0).max() > 1e-3
    mean = np.mean(each, axis=0) / folded.model_.readout.temperature
    expected = np.exp(mean) / np.exp(mean).sum()
    np.testing.assert_allclose(folded.predict(x).probabilities[0], expected, atol=1e-5)


def test_networks_of_several_kinds_are_weighted(stacked):
    kinds = stacked.model_.card["folds"]["networks"]
    assert [one["name"] for one in kinds] == ["gru", "gru unaugmented", "rnn-frozen", "rnn-frozen unaugmented"]
    assert [one["network"]["frozen"] for one in kinds] == [False, False, True, True]
    assert sum(one["share"] for one in kinds) == pytest.approx(1.0)
    assert len(stacked.network_.networks) == 8
    x, _ = waves(1, seed=5)
    read = rows(stacked, x)
    each = np.stack([logits(one, read) for one in stacked.network_.networks])
    mean = np.tensordot(stacked.network_.weights, each, 1) / stacked.model_.readout.temperature
    np.testing.assert_allclose(stacked.predict(x).probabilities[0], np.exp(mean) / np.exp(mean).sum(), atol=1e-5)


def test_a_kind_that_tells_less_counts_less(monkeypatch):
    good = classifier(training=replace(QUICK, epochs=10))
    kinds = {"good": good, "poor": replace(good, training=replace(QUICK, epochs=1, learning_rate=1e-9))}
    monkeypatch.setattr(whorl.Classifier, "stack", lambda self: kinds)
    known = good.fit(waves(), folds=2, stacked=True, verbose=False).model_.card["folds"]["networks"]
    assert known[0]["metrics"]["nll"] < 0.2 < known[1]["metrics"]["nll"]
    assert known[0]["share"] > 2 * known[1]["share"] > 0


def test_waves_are_told_apart():
    model = classifier(training=replace(QUICK, epochs=4)).fit(waves(30), stacked=True, verbose=False)
    assert model.model_.card["folds"]["count"] == 5
    assert model.evaluate(waves(40, seed=1)).metrics["accuracy"] > 0.95


def test_what_is_judged_has_not_learned_from_the_first_fold(stacked):
    held = [one for one, steps in zip(stacked.held_out_.sequences, stacked.held_out_.steps, strict=True) if len(steps)]
    assert len(held) == 20
    judged = dissect(stacked.judged_.engine.program)
    assert judged.members == 4
    assert stacked.judged_.card == stacked.model_.card
    own = [one.weight.detach().numpy() for one in (member.last for member in stacked.network_.networks[::2])]
    tensors = list(stacked.judged_.engine.program.tensors.values())
    for weight in own:
        assert any(one.shape == weight.shape and np.array_equal(one, weight) for one in tensors)


def test_a_model_of_folds_is_saved_whole_and_streams(stacked, tmp_path):
    stacked.save(tmp_path / "m.whorl")
    loaded = whorl.load(tmp_path / "m.whorl")
    x, _ = waves(1, seed=5)
    stream = loaded.stream()
    for row in x[0]:
        answers = stream.push(tuple(row))
    np.testing.assert_array_equal(answers[0].probabilities, stacked.predict(x).probabilities)
    assert loaded.model_.card["folds"] == stacked.model_.card["folds"]
    assert loaded.get_params() == stacked.get_params()
    json.dumps(loaded.model_.card)


def test_the_report_says_how_many_networks_answer_and_what_they_count(stacked, folded, tmp_path):
    stacked.report(tmp_path / "own.html")
    page = (tmp_path / "own.html").read_text()
    assert "all 2 folds, each answered by networks that had not learned from it, 40 answers" in page
    assert "8 networks answer together, each of which has learned from all of 2 folds but one." in page
    assert re.search(r"Their shares in the sum of what they answer: gru \d+%, gru unaugmented \d+%, rnn-frozen", page)
    assert "This page shows those that have not learned from the first fold, on it." in page
    assert "4 side by side, the first GRU, 8 units" in page
    stacked.report(tmp_path / "new.html", waves(10, seed=4))
    page = (tmp_path / "new.html").read_text()
    assert "8 side by side, the first GRU, 8 units" in page
    assert "on it." not in page
    folded.report(tmp_path / "one.html", waves(10, seed=4))
    page = (tmp_path / "one.html").read_text()
    assert "4 side by side, each GRU, 8 units" in page
    assert "Their shares" not in page


def test_a_card_without_folds_has_none(tmp_path):
    alone = classifier(training=SHORT).fit(waves(), verbose=False)
    assert card.read(alone.model_.card).folds is None


@pytest.mark.parametrize("name", ["regressor on a table", "tagger on words, chained", "several labels of arrays"])
def test_other_tasks_of_whole_sequences_have_folds_too(name):
    subject = MODELS[name]()
    model = subject.new().fit(subject.fitting_data(), folds=3, verbose=False)
    known = model.model_.card
    assert known["folds"]["count"] == 3
    assert len(known["folds"]["networks"][0]["kept_epochs"]) == 3
    once = subject.new().fit(subject.fitting_data(), verbose=False).model_.card
    assert known["scores"]["answers"] > 2 * once["scores"]["answers"]
    assert set(known["scores"]["baselines"]) == set(once["scores"]["baselines"])


def test_groups_are_not_cut():
    rng = np.random.default_rng(0)
    rows = [
        {"series": f"s{n}", "who": f"w{n // 3}", "t": t, "x": float(rng.normal()), "y": float(n)}
        for n in range(18)
        for t in range(4)
    ]
    model = whorl.Regressor(target="y", time="t", series="series", group="who", network=SMALL, training=SHORT)
    model.fit(rows, folds=3, verbose=False)
    held = {s.key for s, steps in zip(model.held_out_.sequences, model.held_out_.steps, strict=True) if len(steps)}
    groups = {int(key[1:]) // 3 for key in held}
    assert len(held) == 6
    assert held == {f"s{n}" for n in range(18) if n // 3 in groups}


def test_members_of_each_fold_all_answer():
    model = classifier(training=SHORT, network=replace(SMALL, members=2)).fit(waves(), folds=3, verbose=False)
    assert len(model.network_.networks) == 6
    np.testing.assert_allclose(model.network_.weights, 1 / 6)


def test_what_is_chosen_beside_a_frozen_core_and_without_changes():
    kinds = classifier(network=whorl.Recurrent("rnn", 9, frozen=True, members=2), augmentation="none").stack()
    assert list(kinds) == ["rnn-frozen", "gru"]
    assert kinds["gru"].network == whorl.Recurrent("gru", members=2)
    kinds = classifier(augmentation=("series", "prefixes")).stack()
    assert [one.augmentation for one in kinds.values()] == [("series", "prefixes"), ("prefixes",)] * 2


def test_a_seed_says_what_folds_there_are_and_networks_differ(folded):
    again = classifier(training=SHORT).fit(waves(), folds=4, verbose=False)
    assert weights(again) == weights(folded)
    other = classifier(training=replace(SHORT, seed=1)).fit(waves(), folds=4, verbose=False)
    assert weights(other) != weights(folded)
    first = [one.last.weight for one in folded.network_.networks]
    assert not any(torch.equal(first[0], one) for one in first[1:])


def test_a_label_that_a_single_example_has_is_no_reason_to_stop():
    """All folds but its own lack it, so that their naive rivals, too, have never seen it."""
    x, y = waves(21)
    y[20] = 7
    model = classifier(training=SHORT).fit((x, y), folds=4, verbose=False)
    assert model.model_.card["scores"]["answers"] == 21
    assert np.isfinite(list(model.model_.card["scores"]["baselines"]["prior"].values())).all()
    assert model.predict(x).probabilities.shape == (21, 3)


@pytest.mark.parametrize("crf", [False, True])
def test_a_tag_that_stands_in_one_sentence_is_no_reason_to_stop(crf):
    words = [["a", "b", "c", "a"], ["b", "c", "a", "b"]] * 6
    tags = [["X", "Y", "X", "X"], ["Y", "X", "X", "Y"]] * 6
    tags[5] = ["X", "Z", "X", "X"]
    model = whorl.Tagger(text="words", crf=crf, network=SMALL, training=SHORT).fit((words, tags), folds=4)
    assert model.model_.card["scores"]["answers"] == 48


def test_rivals_have_not_learned_from_what_they_are_scored_on_either():
    x, y = waves(30)
    y[:5] = 7
    model = classifier(training=SHORT).fit((x, y), folds=4, verbose=False)
    dealt, nats = splits.folds(30, 4, SHORT.seed, labels=y.tolist()), []
    for label, fold in zip(y, dealt, strict=True):
        others = y[dealt != fold]
        nats.append(-np.log(np.mean(others == label)))
    assert model.model_.card["scores"]["baselines"]["prior"]["nll"] == pytest.approx(np.mean(nats), rel=1e-4)


def test_a_frozen_core_has_its_name_on_folds_too():
    echoes = whorl.Recurrent("rnn", hidden_size=9, frozen=True)
    model = classifier(training=SHORT, network=echoes).fit(waves(), folds=2, verbose=False)
    assert [one["name"] for one in model.model_.card["folds"]["networks"]] == ["rnn-frozen"]


def test_examples_without_a_truth_are_in_all_folds_alike():
    x, y = waves(40)
    lost = np.where(np.arange(40) < 30, np.nan, y)
    model = whorl.Regressor(network=SMALL, training=SHORT).fit((x, lost), folds=5, verbose=False)
    dealt = [sum(len(steps) for steps in model.held_out_.steps[30:]), sum(map(len, model.held_out_.steps))]
    assert dealt == [2, 8]
    with pytest.raises(DataError, match=r"`folds` is 11, but only 10 sequences of 40 have a known target"):
        whorl.Regressor(network=SMALL, training=SHORT).fit((x, lost), folds=11)
    few = [None] * 38 + ["a", "b"]
    with pytest.raises(DataError, match=r"`folds` is 3, but only 2 sequences of 40 have a known target"):
        classifier(training=SHORT).fit((x, few), folds=3)


def test_the_card_counts_what_is_learned_from(folded):
    known = folded.model_.card
    assert (known["data"]["training_sequences"], known["data"]["validation_sequences"]) == (40, 0)
    assert known["shared"] == {"sequences": 0, "of": 40}


def test_a_fit_that_was_stopped_between_two_runs_is_not_overwritten(tmp_path, monkeypatch):
    plan, runs = replace(SHORT, checkpoint=str(tmp_path)), []

    def learn(*given, **options):
        if len(runs) == 2:
            raise KeyboardInterrupt
        runs.append(options["part"])
        return learning.learn(*given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(across, "learn", learn)
        with pytest.raises(KeyboardInterrupt):
            classifier(training=plan).fit(waves(), folds=4)
    with pytest.raises(ArgumentError, match="holds an unfinished fit on folds, with 2 of 4 networks begun"):
        classifier(training=plan).fit(waves(), folds=4)
    resumed = classifier(training=plan).fit(waves(), folds=4, resume=True)
    torch.set_num_threads(1)
    assert weights(resumed) == weights(classifier(training=SHORT).fit(waves(), folds=4))


@pytest.mark.parametrize("steps", [1, 9, 20, 45])
def test_a_fit_that_is_stopped_in_any_run_resumes_bit_for_bit(tmp_path, monkeypatch, steps):
    plan = replace(SHORT, checkpoint=str(tmp_path))
    torch.set_num_threads(1)
    whole = classifier(training=SHORT).fit(waves(), folds=2, stacked=True, verbose=False)
    with monkeypatch.context() as patch:
        stop = StopAfter(steps)
        patch.setattr(Teller, "progress", lambda self: stop)
        with pytest.raises(Interrupted, match="with resume=True"):
            classifier(training=plan).fit(waves(), folds=2, stacked=True)
    if steps > 1:
        with pytest.raises(ArgumentError, match="unfinished"):
            classifier(training=plan).fit(waves(), folds=2, stacked=True)
    resumed = classifier(training=plan).fit(waves(), folds=2, stacked=True, resume=True)
    assert weights(resumed) == weights(whole)
    anew = classifier(training=plan).fit(waves(), folds=2, stacked=True)
    assert weights(anew) == weights(whole)


def test_nothing_is_resumed_where_nothing_was_begun(tmp_path):
    with pytest.raises(ModelFileError, match="no checkpoint to resume"):
        classifier(training=replace(SHORT, checkpoint=str(tmp_path))).fit(waves(), folds=2, resume=True)


@pytest.mark.parametrize("folds", [1, 0, -3, 2.0, True, "5"])
def test_a_number_of_folds_is_whole_and_at_least_two(folds):
    with pytest.raises(ArgumentError, match="`folds` is a whole number >= 2"):
        classifier().fit(waves(), folds=folds)


def test_what_folds_do_not_go_with_is_told():
    with pytest.raises(ArgumentError, match="`refit` learns from what was held out"):
        classifier().fit(waves(), folds=3, refit=True)
    with pytest.raises(ArgumentError, match="`refit` learns from what was held out"):
        classifier().fit(waves(), stacked=True, refit=True)
    with pytest.raises(ArgumentError, match="`stacked` is True or False"):
        classifier().fit(waves(), stacked=3)
    with pytest.raises(DataError, match="`folds` is 50, but there are only 40 sequences"):
        classifier().fit(waves(), folds=50)
    with pytest.raises(ArgumentError, match="`folds` are of sequences that are answered one by one"):
        whorl.Forecaster(horizon=2, context=8).fit(np.arange(99.0), folds=3)
    with pytest.raises(ArgumentError, match="`folds` are of sequences that are answered one by one"):
        whorl.Generator().fit("missing.txt", folds=3)


def test_what_cannot_be_stacked_is_told():
    with pytest.raises(ArgumentError, match=r"one label each, but examples are texts.*folds=5 alone"):
        whorl.Classifier(text="t").fit((["a b", "c d"] * 20, ["x", "y"] * 20), stacked=True)
    x, y = waves()
    with pytest.raises(ArgumentError, match="one label each, but examples have several labels"):
        classifier().fit((x, np.stack([y, 1 - y], axis=1)), stacked=True)
    with pytest.raises(ArgumentError, match="`stacked` is of networks that go well together"):
        whorl.Regressor().fit((x, y.astype(float)), stacked=True)


def test_what_is_told_while_it_fits(capsys):
    classifier(training=SHORT).fit(waves(), folds=2, stacked=True, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:21] for line in lines if line.startswith("fold ")][:3] == [
        "fold 1 of 2, gru: acc", "fold 2 of 2, gru: acc", "fold 1 of 2, gru unau"
    ]  # fmt: skip
    assert sum(" of the sum" in line for line in lines) == 4
    uses = "they also calibrated the probabilities and weighed the networks"
    assert f"all 2 folds, each answered by what had not learned from it ({uses}), 40 answers, y:" in lines
