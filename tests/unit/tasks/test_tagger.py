"""The tagger: a label for each word or row, at once, late, and of a whole sequence."""

import numpy as np
import pytest

import whorl
from whorl.datasets.commands import commands
from whorl.errors import ArgumentError, DataError, StreamingError
from whorl.runtime.prediction import Index, labelled

QUICK = whorl.Training(epochs=4, batch_size=8, learning_rate=1e-2, seed=0, device="cpu", validation=0.2)
ONE = whorl.Training(epochs=1, batch_size=8, seed=0, device="cpu", validation=0.2)
SMALL = whorl.Recurrent("gru", hidden_size=12)
BOTH = whorl.Recurrent("gru", hidden_size=6, bidirectional=True)
WORDS = ["move", "my", "lunch", "with", "Zipzap", "to", "next", "Nowhere"]


def tagger(**options):
    return whorl.Tagger(**{"network": SMALL, "training": ONE, **options})


@pytest.fixture(scope="module")
def given():
    return commands(60, seed=3)


@pytest.fixture(scope="module")
def fitted(given):
    return tagger(training=QUICK).fit(given)


@pytest.fixture(scope="module")
def chained(given):
    return tagger(crf=True, network=BOTH).fit(given)


def test_a_sentence_has_an_array_of_labels_with_their_probabilities_words_and_places(fitted):
    answer = fitted.predict([WORDS, "call May"])
    assert [one.tolist() for one in answer.index.tokens] == [WORDS, ["call", "May"]]
    assert [len(one) for one in answer.value] == [8, 2]
    assert [one.tolist() for one in answer.index.time] == [list(range(8)), [0, 1]]
    assert answer.index.series.tolist() == ["0", "1"]
    assert answer.index.origin.tolist() == [7, 1]
    assert [one.shape for one in answer.probabilities] == [(8, 9), (2, 9)]
    for labels, shares in zip(answer.value, answer.probabilities, strict=True):
        assert labels.tolist() == answer.classes[shares.argmax(axis=1)].tolist()


def test_an_empty_sentence_has_an_empty_array(fitted):
    answer = fitted.predict([[], "call May", ""])
    assert [len(one) for one in answer.value] == [0, 2, 0]
    assert answer.index.origin.tolist() == [-1, 1, -1]
    alone = fitted.predict([[], ["call"]]).take(slice(0, 1))
    assert len(alone) == 1
    assert alone.value[0].tolist() == []


def test_records_tell_each_word(fitted, tmp_path):
    answer = fitted.predict(["call May"])
    (first, second) = answer.to_records()
    assert (first["series"], first["step"], first["word"], first["value"]) == ("0", 0, "call", answer.value[0][0])
    assert second["probability"] == answer.probabilities[0][1].max()
    assert sum(second[name] for name in second if name.startswith("p(")) == pytest.approx(1.0)
    answer.write(tmp_path / "answers.csv")
    header, *lines = (tmp_path / "answers.csv").read_text().splitlines()
    assert header.startswith("series,step,word,output,value,probability,p(B-amount)")
    assert len(lines) == 2
    assert answer.to_frame().height == 2
    assert len(answer.plot().axes[0].patches) == 2


def test_labels_of_each_step_are_drawn_with_their_own_probabilities_and_not_listed():
    index = Index(np.array(["0"], object), np.array([1]), [np.arange(2)])
    shares = [np.array([[0.75, 0.25], [0.5, 0.5]])]
    answer = labelled(index, shares, np.array(["a", "b"], object), ("tag",), [np.array(["b", "a"], object)])
    assert [bar.get_width() for bar in answer.plot().axes[0].patches] == [0.25, 0.5]
    with pytest.raises(ArgumentError, match="a label for each step"):
        answer.most_likely()


def test_an_answer_comes_as_many_words_late_as_the_lookahead_and_the_rest_at_the_end(fitted):
    whole = fitted.predict([WORDS])
    stream = fitted.stream()
    answers = [stream.push(word) for word in WORDS]
    assert [len(one) for one in answers] == [0, 0, 1, 1, 1, 1, 1, 1]
    assert [one[0].index.origin.tolist() for one in answers[2:]] == [[0], [1], [2], [3], [4], [5]]
    (last,) = stream.flush()
    assert last.index.time[0].tolist() == [6, 7]
    told = [label for one in (*answers[2:], [last]) for label in one[0].value[0]]
    assert told == whole.value[0].tolist()
    assert stream.flush() == []
    with pytest.raises(DataError, match="has ended with `flush`"):
        stream.push("more")
    stream.reset()
    assert stream.push({"word": "call"}) == []


def test_a_short_sentence_is_answered_at_its_end(fitted):
    stream = fitted.stream()
    assert stream.push("call") == []
    (answer,) = stream.flush()
    assert answer.value[0].tolist() == fitted.predict([["call"]]).value[0].tolist()
    empty = fitted.stream()
    assert empty.flush() == []


def test_the_answer_knows_the_word_after_it_and_not_the_one_beyond_its_lookahead(given):
    model = tagger(lookahead=1).fit(given)
    shares = [model.predict([one]).probabilities[0][1] for one in ("pay May now", "pay May then", "pay May now now")]
    assert not np.array_equal(shares[0], shares[1])
    assert np.array_equal(shares[0], shares[2])


def test_a_network_that_reads_both_ways_does_not_stream_and_says_what_to_do(chained, given):
    with pytest.raises(StreamingError, match="bidirectional=False"):
        chained.stream()
    assert [len(one) for one in chained.predict(given[0][:3]).value] == [len(one) for one in given[0][:3]]
    with pytest.raises(ArgumentError, match="reads both ways"):
        tagger(network=BOTH, lookahead=2)


def test_labels_that_are_decoded_together_obey_their_marks_and_do_not_stream(given):
    model = tagger(crf=True, lookahead=1).fit(given)
    with pytest.raises(StreamingError, match="crf=False"):
        model.stream()
    answer = model.predict(commands(40, seed=9)[0])
    for labels in answer.value:
        for before, label in zip(["O", *labels], labels, strict=False):
            assert not label.startswith("I-") or before[2:] == label[2:]
    for shares in answer.probabilities:
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_a_saved_chain_answers_the_same(chained, given, tmp_path):
    chained.save(tmp_path / "m.whorl")
    light = whorl.runtime.load(tmp_path / "m.whorl")
    for found, wanted in zip(light.predict(given[0]).value, chained.predict(given[0]).value, strict=True):
        assert found.tolist() == wanted.tolist()
    assert light.identity == whorl.load(tmp_path / "m.whorl").model_.identity


def test_scores_are_of_words_and_of_entities_beside_the_most_frequent_label(fitted, given):
    found = fitted.evaluate(given)
    assert found.num_answers == sum(map(len, given[0]))
    assert set(found.baseline) == {"prior", "most_frequent"}
    right = sum(
        label == truth
        for labels, truths in zip(found.prediction.value, given[1], strict=True)
        for label, truth in zip(labels, truths, strict=True)
    )
    assert found.metrics["accuracy"] == pytest.approx(right / found.num_answers)
    assert [one.tolist() for one in found.target] == given[1]
    assert 0 <= found.metrics["entity_f1"] < 1
    assert 0 < found.baseline["most_frequent"]["entity_f1"] < 1
    assert found.baseline["prior"]["entity_f1"] == 0


def test_the_rival_says_what_a_word_was_most_often_and_the_most_frequent_label_of_unknown_ones():
    sentences = [["a", "b"], ["a", "b"], ["a", "c"]] * 10
    tags = [["X", "Y"], ["X", "Y"], ["Z", "Y"]] * 10
    model = tagger(lookahead=1).fit((sentences, tags))
    held = model.evaluate((["a b c new"], [["X", "Y", "Y", "Y"]]))
    assert held.baseline["most_frequent"]["accuracy"] == 1.0


def test_arrays_have_a_label_for_each_step():
    rng = np.random.default_rng(0)
    x = [rng.standard_normal((n, 2)) for n in rng.integers(3, 9, 30)]
    y = [(one[:, 0] > 0).astype(int) + 7 for one in x]
    model = tagger(training=QUICK).fit((x, y))
    found = model.evaluate((x, y))
    assert found.prediction.classes.tolist() == [7, 8]
    assert found.prediction.index.tokens is None
    assert [len(one) for one in model.predict(x).value] == [len(one) for one in x]
    same = np.stack([one[:3] for one in x])
    assert len(tagger().fit((same, np.stack([one[:3] for one in y]))).predict(same).value) == 30
    with pytest.raises(DataError, match="one label for each step"):
        tagger().fit((same, np.zeros(30)))
    with pytest.raises(DataError, match="one label for each step"):
        tagger().fit((same, np.zeros((30, 2))))


def test_numbers_are_all_read_while_a_tagger_learns():
    """Half of a row's bits left out would make the parity of all bits so far a matter of chance."""
    rng = np.random.default_rng(0)
    bits = [rng.integers(0, 2, n) for n in rng.integers(2, 9, 1200)]
    given = [one[:, None] for one in bits], [one.cumsum() % 2 for one in bits]
    training = whorl.Training(epochs=8, batch_size=32, learning_rate=2e-2, seed=0, device="cpu")
    model = tagger(lookahead=0, network=whorl.Recurrent("gru", hidden_size=24), training=training).fit(given)
    longer = rng.integers(0, 2, (50, 30))
    told = model.predict(longer[..., None]).value
    assert np.mean(np.stack(told) == longer.cumsum(axis=1) % 2) > 0.99  # 0.59 where half of them are dropped


def test_rows_of_a_table_have_labels_and_times(tmp_path):
    rows = [
        {"beat": f"b{n}", "t": f"2026-01-01 00:0{t}", "x": (n * 7 + t * 3) % 5, "phase": ("up", "down")[t % 2]}
        for n in range(20)
        for t in range(3 + n % 3)
    ]
    model = tagger(target="phase", series="beat", time="t", lookahead=1).fit(rows)
    answer = model.predict([{k: v for k, v in row.items() if k != "phase"} for row in rows[:7]])
    assert answer.index.series.tolist() == ["b0", "b1"]
    assert [str(time)[11:16] for time in answer.index.time[1]] == ["00:00", "00:01", "00:02", "00:03"]
    stream = model.stream("b0")
    assert stream.push(rows[0]) == []
    (late,) = stream.push(rows[1])
    assert str(late.index.origin[0])[:16] == "2026-01-01T00:00"


def test_words_of_a_table_are_read_by_their_sentence():
    rows = [{"s": n, "w": w, "kind": t} for n in range(20) for w, t in (("NA", "x"), ("2024", "y"), ("?", None))]
    model = tagger(text="w", target="kind", series="s").fit(rows)
    answer = model.predict(rows[:6])
    assert [one.tolist() for one in answer.index.tokens] == [["NA", "2024", "?"]] * 2
    assert model.evaluate(rows[:6]).num_answers == 4
    with pytest.raises(DataError, match="`series` must name the column"):
        tagger(text="w", target="kind").fit(rows)


def test_files_and_lists_say_the_same(fitted, given, tmp_path):
    (tmp_path / "some.txt").write_text("\n".join(" ".join(one) for one in given[0][:5]) + "\n")
    lines = ["\t".join(pair) for pair in zip(given[0][0], given[1][0], strict=True)]
    (tmp_path / "one.bio").write_text("\n".join(lines) + "\n")
    from_text, from_list = fitted.predict(tmp_path / "some.txt"), fitted.predict(given[0][:5])
    assert [one.tolist() for one in from_text.value] == [one.tolist() for one in from_list.value]
    assert fitted.evaluate(tmp_path / "one.bio").num_answers == len(given[0][0])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ((["a b", "c"], [["x", "y"]]), "2 sentences, but 1 came"),
        ((["a b"], [["x"]]), "sentence 0 has 2 words, but 1 tags"),
        ((["a b"], "x"), "but 1 came|a str came"),
        (["a b", "c d"], "no sentence has tags"),
        (([["a", 3]], [["x", "y"]]), "sentence 0: word 1 must be text"),
        (([["a", " "]], [["x", "y"]]), "sentence 0: word 1 must be text"),
        ((["a b"] * 20, ["x x"] * 20), "one label only"),
    ],
)
def test_data_that_break_a_rule_are_refused(data, says):
    with pytest.raises(DataError, match=says):
        tagger().fit(data)


def test_what_is_no_word_or_no_sentence_is_refused(fitted):
    stream = fitted.stream()
    for row in (3, "", {"text": "a"}, None, ["a"]):
        with pytest.raises(DataError, match="a row of this model is a word"):
            stream.push(row)
    with pytest.raises(DataError, match="a list of words"):
        stream.push_rows("a b")
    assert stream.num_rows == 0
    with pytest.raises(DataError, match="fitted on sentences"):
        fitted.predict(np.zeros((2, 3, 1)))
    with pytest.raises(DataError, match="no sentence has tags"):
        fitted.evaluate(["a b"])


@pytest.mark.parametrize(
    "options", [{"lookahead": -1}, {"lookahead": 2.5}, {"lookahead": 10_000}, {"text": "a", "target": "a"}]
)
def test_settings_that_mean_nothing_are_refused(options):
    with pytest.raises(ArgumentError):
        tagger(**options)


def test_unknown_tags_are_neither_learned_nor_scored():
    sentences, tags = [["a", "b"]] * 20, [["X", None], ["Y", "X"]] * 10
    for crf in (False, True):
        model = tagger(crf=crf).fit((sentences, tags))
        assert model.evaluate((sentences, tags)).metrics["nll"] > 0
        assert model.evaluate((sentences[:1], [["X", None]])).baseline["most_frequent"]["accuracy"] in (0.0, 1.0)


def test_a_report_shows_the_labels_one_by_one(fitted, tmp_path):
    fitted.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    for said in ("Tagging", "most_frequent", "entity_f1", "Which is taken for which", "Each label", "B-person"):
        assert said in page


def test_a_table_of_words_names_the_sentence_of_each_row():
    rows = [
        {"sentence": f"s{n}" if word == "a" or n else None, "word": word, "tag": tag}
        for n in range(9)
        for word, tag in (("a", "D"), ("dog", "N"), ("runs", "V"))
    ]
    with pytest.raises(DataError, match=r"'sentence' names the series of every row, but rows 1, 2 have no value"):
        tagger(text="word", target="tag", series="sentence").fit(rows)
    model = tagger(text="word", target="tag", series="sentence").fit(rows[3:])
    assert model.predict(rows[3:]).index.series.tolist() == [f"s{n}" for n in range(1, 9)]


def test_tags_that_training_does_not_have_count_as_wrong_and_missing_ones_do_not_count(fitted, given):
    words, tags = given
    kind = next(tag for one in tags for tag in one if tag.startswith("B-"))[2:]
    renamed = [[tag.replace(f"-{kind}", "-new") for tag in one] for one in tags]
    found = fitted.evaluate((words, renamed))
    assert 0 < found.metrics["unseen"] == np.mean([tag.endswith("-new") for one in renamed for tag in one])
    assert found.metrics["accuracy"] < 1 - found.metrics["unseen"]
    gaps = [[None if tag.endswith("-new") else tag for tag in one] for one in renamed]
    scored = fitted.evaluate((words, gaps))
    assert "unseen" not in scored.metrics
    assert scored.num_answers == sum(tag is not None for one in gaps for tag in one)
