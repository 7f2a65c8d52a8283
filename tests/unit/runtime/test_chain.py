"""Labels that follow each other, against all sequences of labels tried one by one."""

import itertools

import numpy as np
import pytest
import torch

from whorl.nn.chain import chain_loss
from whorl.runtime.chain import best_path, constrained, marginals
from whorl.runtime.tag_metrics import TagScores, entities, marks_entities

C = 3


def score(logits, chain, labels):
    steps = sum(logits[t, label] for t, label in enumerate(labels))
    return chain[C, labels[0]] + steps + sum(chain[a, b] for a, b in itertools.pairwise(labels)) + chain[labels[-1], C]


def every(length):
    return list(itertools.product(range(C), repeat=length))


@pytest.fixture
def random():
    return np.random.default_rng(7)


def test_the_loss_is_that_of_all_labels_tried_one_by_one(random):
    logits, chain = random.standard_normal((2, 6, C)), random.standard_normal((C + 1, C + 1))
    nan = np.nan
    truths = np.array([[nan, 0, 2, 1, 1, 0], [nan, 1, nan, 0, nan, nan]])
    lengths, weights, first = np.array([6, 5]), np.array([1.0, 2.0]), 1
    poisoned = np.where(np.arange(6)[None, :, None] < lengths[:, None, None], logits, 1e6)
    given = torch.tensor(poisoned, requires_grad=True)
    found = chain_loss(
        given, torch.tensor(truths), torch.tensor(chain), torch.tensor(weights), first, torch.tensor(lengths)
    )
    wanted = 0.0
    for n in range(2):
        own, truth = logits[n, first : lengths[n]], truths[n, first : lengths[n]]
        scores = {labels: score(own, chain, labels) for labels in every(len(own))}
        right = [
            value
            for labels, value in scores.items()
            if all(np.isnan(true) or label == true for label, true in zip(labels, truth, strict=True))
        ]
        wanted += weights[n] * (np.log(np.exp(list(scores.values())).sum()) - np.log(np.exp(right).sum()))
    assert float(found.total.detach()) == pytest.approx(wanted)
    assert float(found.weight) == 1.0 * 5 + 2.0 * 2
    found.total.backward()
    gradient = given.grad.numpy()
    assert np.isfinite(gradient).all()
    assert not gradient[:, 0].any()
    assert not gradient[1, 5].any()


def test_a_sequence_without_a_known_label_teaches_nothing():
    logits = torch.randn(2, 3, C, requires_grad=True)
    found = chain_loss(logits, torch.full((2, 3), torch.nan), torch.zeros(C + 1, C + 1), torch.ones(2), 0, None)
    assert (float(found.total.detach()), float(found.weight)) == (0.0, 0.0)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_the_best_labels_are_the_best_of_all_and_probabilities_add_up_over_all(random, length):
    logits, chain = random.standard_normal((length, C)), 2.0 * random.standard_normal((C + 1, C + 1))
    scores = {labels: score(logits, chain, labels) for labels in every(length)}
    assert tuple(best_path(logits, chain)) == max(scores, key=lambda labels: scores[labels])
    shares = np.zeros((length, C))
    for labels, value in scores.items():
        shares[np.arange(length), labels] += np.exp(value)
    np.testing.assert_allclose(marginals(logits, chain), shares / shares.sum(axis=1, keepdims=True))


def test_nothing_has_no_labels():
    nothing, chain = np.empty((0, C)), np.zeros((C + 1, C + 1))
    assert best_path(nothing, chain).tolist() == []
    assert marginals(nothing, chain).shape == (0, C)


def test_an_inside_follows_a_begin_or_an_inside_of_its_kind():
    names = ["B-x", "B-y", "I-x", "I-y", "O"]
    chain = constrained(np.zeros((6, 6)), names)
    allowed = {
        (a, b) for a in [*names, "start"] for b in names if chain[[*names, "start"].index(a), names.index(b)] == 0
    }
    assert {pair for pair in allowed if pair[1] == "I-x"} == {("B-x", "I-x"), ("I-x", "I-x")}
    assert {pair[0] for pair in allowed if pair[1] == "O"} == {*names, "start"}
    assert not chain[:, -1].any()


def test_an_inside_whose_kind_has_no_begin_may_stand_anywhere():
    names = ["B-y", "I-x", "I-y", "O"]
    chain = constrained(np.zeros((5, 5)), names)
    assert not chain[:, names.index("I-x")].any()
    assert chain[:, names.index("I-y")].tolist() == [0, -1e9, 0, -1e9, -1e9]
    assert best_path(np.array([[0, 5, 0, 0.0], [0, 0, 9, 8]]), chain).tolist() == [1, 3]


def test_entities_are_spans_of_one_kind():
    assert list(entities(["O", "B-x", "I-x", "I-y", "B-y", "B-y", "I-y"])) == [
        (1, 3, "x"),
        (3, 4, "y"),
        (4, 5, "y"),
        (5, 7, "y"),
    ]
    assert list(entities(["I-x"])) == [(0, 1, "x")]
    assert list(entities([])) == []
    assert marks_entities(["B-x", "O"])
    assert not marks_entities(["I-x", "O"])
    assert not marks_entities(["B-x", "N"])
    assert not marks_entities([1, 2])


def test_entities_are_right_only_as_a_whole():
    from whorl.runtime.prediction import Index, labelled

    classes = np.array(["B-x", "I-x", "O"], object)
    scores = TagScores(classes)

    def add(said, true):
        shares = np.eye(3)[[classes.tolist().index(label) for label in said.split()]]
        index = Index(np.full(len(shares), "0", object), np.arange(len(shares)))
        scores.add(labelled(index, shares, classes, ("tag",)), np.array(true.split(), object))

    add("B-x I-x O B-x", "B-x I-x O O")  # one right, one too many
    add("B-x O", "B-x I-x")  # too short: wrong, and one is missing
    found = scores.result()
    assert found["entity_f1"] == pytest.approx(2 * 1 / (3 + 2))
    assert found["accuracy"] == pytest.approx(4 / 6)
    add("B-x O O", "B-x B-new I-new")  # one right, and one of a kind that training does not have is missing
    found = scores.result()
    assert found["entity_f1"] == pytest.approx(2 * 2 / (4 + 4))
    assert found["accuracy"] == pytest.approx(5 / 9)
    assert found["unseen"] == pytest.approx(2 / 9)
