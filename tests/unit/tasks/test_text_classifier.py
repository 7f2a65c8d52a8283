"""The classifier of texts: lists and tables, whatever is written in them, and texts that come in pieces."""

import copy
import dataclasses
import itertools

import numpy as np
import pytest

import whorl
from whorl.errors import ArgumentError, DataError, ModelFileError

QUICK = whorl.Training(epochs=25, batch_size=8, learning_rate=1e-2, seed=0, device="cpu", validation=0.25)
ONE = dataclasses.replace(QUICK, epochs=1)
SMALL = whorl.Recurrent("gru", hidden_size=8)
GOOD, BAD = ("lovely", "größte", "bright", "🙂"), ("awful", "mäßig", "dull", "🙁")
STRANGE = [
    "",
    " \n\t ",
    "xyzzy",
    "lovely" * 40,
    "Ǆ\u0301 größte",
    "\u200b",
    "\0",
    "دولة 漢字 한국",
    "🙂🙂🙂",
    "x " * 3000,
]


def reviews(count=48, seed=0):
    """Sentences with one word that tells: (texts, labels)."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for n in range(count):
        words = list(rng.choice(["the", "film", "was", "a", "bit", "long,", "Ann's"], rng.integers(1, 7)))
        words.insert(int(rng.integers(0, len(words) + 1)), str(rng.choice((GOOD, BAD)[n % 2])))
        texts.append(" ".join(words) + rng.choice(["", ".", " !"]))
        labels.append(("good", "bad")[n % 2])
    return texts, labels


def classifier(**options):
    return whorl.Classifier(**{"text": "text", "network": SMALL, "training": QUICK, **options})


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(reviews())


@pytest.fixture(scope="module")
def priced():
    """A model of texts with a number and a category beside them."""
    return classifier(target="verdict", training=ONE).fit(table())


def table(count=24):
    texts, labels = reviews(count)
    return [
        {"price": n % 5, "text": text, "shop": ("Süd", "Nord", "West")[n % 3], "verdict": label}
        for n, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]


def streamed(model, text, cuts):
    """The answers of a text that is pushed in pieces, the last one that of its end."""
    stream = model.stream()
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    answers = [answer for piece in pieces for answer in stream.push(piece)]
    return [*answers, *stream.flush()]


def same(one, other):
    return one.probabilities.tobytes() == other.probabilities.tobytes()


def test_the_word_that_tells_is_learned(fitted):
    texts, labels = reviews(60, seed=1)
    answer = fitted.predict(texts)
    assert answer.classes.tolist() == ["bad", "good"]
    assert answer.index.series.tolist() == [str(n) for n in range(60)]
    assert (answer.value == np.array(labels, object)).mean() > 0.9
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1.0)


def test_texts_are_a_list_an_array_a_column_or_a_pair_with_labels(fitted, tmp_path):
    texts, labels = reviews(9, seed=2)
    path = tmp_path / "new.jsonl"
    path.write_text("".join(f'{{"text": "{text}"}}\n' for text in texts), encoding="utf-8")
    expected = fitted.predict(texts)
    for data in (tuple(texts), np.array(texts), np.array(texts, object), {"text": texts}, path, (texts, labels)):
        assert same(fitted.predict(data), expected)
    assert same(fitted.predict([{"text": text, "more": 1} for text in texts]), expected)


def test_scores_stand_beside_the_frequencies_of_the_classes(fitted):
    texts, labels = reviews(60, seed=3)
    found = fitted.evaluate((texts, labels))
    assert found.metrics["accuracy"] == (found.prediction.value == np.array(labels, object)).mean()
    assert found.metrics["nll"] < 0.5 * found.baseline["prior"]["nll"]
    with pytest.raises(DataError, match="label"):
        fitted.evaluate(texts)


def test_a_label_that_training_has_not_and_a_missing_one_are_not_scored(fitted):
    texts, labels = reviews(8, seed=4)
    found = fitted.evaluate((texts, ["so so", None, *labels[2:]]))
    assert found.metrics["accuracy"] == (found.prediction.value[2:] == np.array(labels[2:], object)).mean()


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_whatever_is_written_is_answered_at_once_and_in_pieces(fitted, text):
    expected = fitted.predict([text])
    assert np.isfinite(expected.probabilities).all()
    for cuts in ([], [len(text) // 3, len(text) // 2], list(range(1, min(len(text), 50)))):
        assert same(streamed(fitted, text, cuts)[-1], expected)


def test_a_missing_text_is_an_empty_one(fitted):
    missing = fitted.predict({"text": [None, "", "lovely"]})
    assert same(missing.take(slice(0, 1)), missing.take(slice(1, 2)))
    assert same(missing.take(slice(1, 2)), fitted.predict([""]))
    texts, labels = reviews(16)
    one = classifier(training=ONE).fit({"text": [None, *texts[1:]], "label": labels})
    assert len(one.predict([""])) == 1


def test_words_that_training_has_not_are_one_unknown_word(fitted):
    one, other, known = (fitted.predict([f"a {word} film"]) for word in ("xyzzy", "plugh", "lovely"))
    assert same(one, other)
    assert not same(one, known)


def test_a_text_alone_and_among_others_has_the_same_bits(fitted):
    texts = [*reviews(7, seed=5)[0], "", "x " * 400]
    whole = fitted.predict(texts)
    for n, text in enumerate(texts):
        assert same(fitted.predict([text]), whole.take(slice(n, n + 1)))


@pytest.mark.parametrize("unit", ["word", "character", "byte", "bpe"])
def test_every_unit_is_fitted_saved_loaded_and_streamed(unit, tmp_path):
    tokens = whorl.Text(unit=unit, lowercase=True, normalize="NFKC", most=300 if unit == "bpe" else None)
    model = classifier(tokens=tokens, training=ONE).fit(reviews(16))
    model.save(tmp_path / "model.whorl")
    texts = ["Größte FILM, Ann's ﬁrst 🙂", "", "lovely"]
    expected = model.predict(texts)
    again = whorl.load(tmp_path / "model.whorl")
    assert again.get_params()["tokens"] == tokens
    for one in (again, whorl.runtime.load(tmp_path / "model.whorl")):
        assert same(one.predict(texts), expected)
        for n, text in enumerate(texts):
            assert same(streamed(one, text, range(1, len(text), 3))[-1], expected.take(slice(n, n + 1)))


def test_rows_of_predict_are_the_answers_of_a_stream_token_by_token(fitted):
    text = "the film was lovely, Ann's größte 🙂."
    rows = fitted.predict([text], every_row=True)
    assert rows.index.origin.tolist() == list(range(len(rows)))
    pushed = streamed(fitted, text, range(1, len(text)))
    assert len(pushed) > 5
    for one in pushed:  # the answer after the last token that a piece completes
        at = int(one.index.origin[0])
        assert same(one, rows.take(slice(at, at + 1)))


def test_a_piece_that_ends_no_word_has_no_answer_yet(fitted):
    stream = fitted.stream()
    assert stream.push("love") == []
    assert stream.push("") == []
    (answer,) = stream.push("ly film")
    assert answer.value[0] in ("good", "bad")
    assert stream.num_rows == 1
    (last,) = stream.flush()
    assert same(last, fitted.predict(["lovely film"]))


def test_a_text_without_a_piece_is_empty(fitted):
    (answer,) = fitted.stream().flush()
    assert same(answer, fitted.predict([""]))


def test_a_text_that_has_ended_takes_no_piece_until_it_is_reset(fitted):
    stream = fitted.stream()
    stream.push("lovely")
    (first,) = stream.flush()
    assert stream.flush() == []
    before = bytes(stream.state)
    with pytest.raises(DataError, match="Call `reset`"):
        stream.push(" film")
    assert bytes(stream.state) == before
    stream.reset()
    assert stream.num_rows == 0
    stream.push("lovely")
    assert same(stream.flush()[0], first)


@pytest.mark.parametrize("wrong", [7, None, b"lovely", ["lovely"], {"body": "lovely"}, {"text": None}, np.float64(1)])
def test_what_is_no_piece_of_text_is_refused_and_leaves_the_state(fitted, wrong):
    stream = fitted.stream()
    stream.push("the love")
    before = bytes(stream.state)
    with pytest.raises(DataError, match="a piece of text"):
        stream.push(wrong)
    assert bytes(stream.state) == before
    stream.push({"text": "ly"})
    assert same(stream.flush()[0], fitted.predict(["the lovely"]))


def test_what_texts_have_not_is_refused(fitted):
    stream = fitted.stream()
    with pytest.raises(ArgumentError, match="`known`"):
        stream.push("lovely", known=[{"x": 1}])
    with pytest.raises(ArgumentError, match="Push its pieces with `push`"):
        stream.push_rows(["lovely", "film"])
    with pytest.raises(ArgumentError, match="`known`"):
        fitted.predict(["lovely"], known={"x": [1]})
    with pytest.raises(DataError, match="no row was pushed"):
        _ = stream.time


@pytest.mark.parametrize("cut", [0, 2, 7, 9, 17])
def test_a_state_goes_on_in_the_middle_of_a_word_and_in_another_process(fitted, cut, tmp_path):
    text = "a größte film\u0301 🙂🙁"
    fitted.save(tmp_path / "model.whorl")
    stream = fitted.stream()
    stream.push(text[:cut])
    stored = bytes(stream.state)
    later = whorl.runtime.load(tmp_path / "model.whorl").stream()
    later.state = whorl.State.from_bytes(stored)
    copied = copy.copy(stream)
    expected = fitted.predict([text])
    for one in (later, copied, stream):
        one.push(text[cut:])
        assert same(one.flush()[0], expected)
    later.state = whorl.State.from_bytes(stored)  # goes back, from the end too
    later.push(text[cut:])
    assert same(later.flush()[0], expected)


def test_the_state_of_an_ended_text_is_an_ended_text(fitted):
    stream, other = fitted.stream(), fitted.stream()
    stream.push("lovely")
    stream.flush()
    other.state = whorl.State.from_bytes(bytes(stream.state))
    assert other.flush() == []
    with pytest.raises(DataError, match="Call `reset`"):
        other.push("film")


def test_the_size_of_a_state_does_not_grow_with_the_text(fitted):
    stream, sizes = fitted.stream(), set()
    for _ in range(50):
        stream.push("the lovely film ")
        sizes.add(len(bytes(stream.state)))
    assert len(sizes) == 1


def test_the_state_of_another_model_is_refused(fitted, priced):
    with pytest.raises(ModelFileError):
        fitted.stream().state = priced.stream().state


def test_many_texts_move_in_one_step_each_with_what_its_piece_completes(fitted):
    texts = ["a lovely film", "dull", "", "the größte, bit"]
    pieces = [("a lo", "vely fi", "lm"), ("du", "", "ll"), ("", "", ""), ("the größte, b", "i", "t")]
    streams, alone = [fitted.stream() for _ in texts], [fitted.stream() for _ in texts]
    for at in range(3):
        rows = [one[at] for one in pieces]
        found = whorl.push_many(streams, rows)
        for answers, stream, row in zip(found, alone, rows, strict=True):
            expected = stream.push(row)
            # push_many answers after the last token of a piece, as push does.
            assert len(answers) == len(expected)
            assert all(same(a, b) for a, b in zip(answers, expected, strict=True))
    ends = [stream.flush()[0] for stream in streams]
    expected = fitted.predict(texts)
    assert all(same(one, expected.take(slice(n, n + 1))) for n, one in enumerate(ends))


def test_a_piece_that_is_no_text_stops_all_of_push_many(fitted):
    streams = [fitted.stream() for _ in range(2)]
    whorl.push_many(streams, ["the fi", "a "])
    before = [bytes(stream.state) for stream in streams]
    with pytest.raises(DataError, match="a piece of text"):
        whorl.push_many(streams, ["lm was", 7])
    assert [bytes(stream.state) for stream in streams] == before


def test_columns_beside_the_text_are_read_with_every_token(priced):
    rows = table(6)
    expected = priced.predict(rows)
    other = priced.predict([{**row, "price": 50, "shop": "Nord"} for row in rows])
    assert not same(expected, other)
    assert same(priced.predict([{**row, "more": "x"} for row in rows]), expected)
    for n, row in enumerate(rows):
        stream = priced.stream()
        text = row["text"]
        stream.push({"price": row["price"], "shop": row["shop"], "text": text[:3]})
        state = bytes(stream.state)
        stream.push(text[3:])
        assert same(stream.flush()[0], expected.take(slice(n, n + 1)))
        stream.state = whorl.State.from_bytes(state)
        stream.push({"text": text[3:], "price": -1})  # what stands beside came with the first piece
        assert same(stream.flush()[0], expected.take(slice(n, n + 1)))


def test_what_stands_beside_may_be_missing_or_new(priced):
    rows = [{"text": "lovely", "price": None, "shop": None}, {"text": None, "price": 1, "shop": "Ost"}]
    expected = priced.predict([*table(1), *rows]).take(slice(1, 3))
    assert np.isfinite(expected.probabilities).all()
    stream = priced.stream()
    stream.push(rows[0])
    assert same(stream.flush()[0], expected.take(slice(0, 1)))


def test_the_first_piece_brings_what_stands_beside_it(priced):
    stream = priced.stream()
    for wrong in ("lovely", {"text": "lovely"}, {"text": "lovely", "price": 3}):
        with pytest.raises(DataError, match="the first piece of a text comes as a record"):
            stream.push(wrong)
    with pytest.raises(DataError, match="Push one before `flush`"):
        stream.flush()
    stream.push({"text": "lovely", "price": 0, "shop": "Süd"})
    assert same(stream.flush()[0], priced.predict([{"text": "lovely", "price": 0, "shop": "Süd"}]))


def test_a_column_beside_the_text_is_needed_to_predict(priced):
    with pytest.raises(DataError, match="price"):
        priced.predict(["lovely", "dull"])


def test_classes_of_few_texts_count_as_much_where_that_is_asked_for():
    from whorl.tasks.preparation import prepare

    texts, labels = reviews(40)
    few = [n for n in range(40) if labels[n] == "good" or n < 9]
    prepared = prepare(classifier(class_weight="balanced"), ([texts[n] for n in few], [labels[n] for n in few]))
    weights = {float(one.targets[0]): one.weight for one in prepared.sequences}
    assert weights[0.0] == pytest.approx(20 / 4 * weights[1.0])


def test_a_model_without_training_says_the_text_and_its_tokens(fitted):
    card = fitted.model_.card
    assert card["data"]["past"] == ["text"]
    assert card["data"]["counts"] == [24, 24]
    assert fitted.model_.engine.program.num_parameters() > 0


@pytest.mark.parametrize(
    ("options", "data", "told"),
    [
        ({}, (["lovely", "dull", "bright"], ["good", "bad"]), "there are 3 texts, but 2 labels"),
        ({}, {"text": [1.5, 2.5, 3.5, 4.5], "label": ["a", "b"] * 2}, "column 'text' is the text, but it holds num"),
        ({}, {"body": ["a", "b", "c", "d"], "label": ["a", "b"] * 2}, "text"),
        ({"target": "labl"}, {"text": ["a", "b", "c", "d"], "label": ["a", "b"] * 2}, "Did you mean 'label'"),
        ({}, (["lovely", "film", "was", "dull"], ["good"] * 4), "one label only"),
        ({}, ["lovely", "dull"], "label"),
        ({}, ([""] * 16, ["a", "b"] * 8), "at least one"),
        ({}, (["lovely", "dull"], 7), "must be a list"),
        ({}, [], "at least one"),
        ({}, 7, "is not a table"),
    ],
)
def test_data_that_are_no_texts_with_labels_are_refused(options, data, told):
    with pytest.raises(DataError, match=told):
        classifier(**options).fit(data)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"series": "shop"}, "`series` is of rows in time"),
        ({"time": "day"}, "`time` is of rows in time"),
        ({"target": "text"}, "`text` and `target` are both 'text'"),
        ({"augmentation": "series"}, "examples are texts"),
        ({"tokens": "word"}, "`tokens` is a whorl.Text"),
    ],
)
def test_settings_that_make_no_sense_for_texts_are_refused(options, told):
    with pytest.raises(ArgumentError, match=told):
        classifier(**options)


def test_the_report_is_of_texts_too(fitted, tmp_path):
    fitted.report(tmp_path / "report.html", reviews(20, seed=6))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Which is taken for which" in text
    assert "1: bad, 2: good" in text
