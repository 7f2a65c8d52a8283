"""The classifier of texts: lists and tables, and whatever is written in them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.unit.tasks.reviews import ONE, STRANGE, classifier, reviews, same, streamed, table

import whorl
from whorl.errors import ArgumentError, DataError
from whorl.runtime import operations


def test_the_word_that_tells_is_learned(reviewer):
    texts, labels = reviews(60, seed=1)
    answer = reviewer.predict(texts)
    assert answer.classes.tolist() == ["bad", "good"]
    assert answer.index.series.tolist() == [str(n) for n in range(60)]
    assert (answer.value == np.array(labels, object)).mean() > 0.9
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1.0)


def test_vectors_of_tokens_are_wide_and_pooled_beside_the_core(reviewer, priced):
    def shapes(model, kind, name):
        program = model.model_.engine.program
        return [program.tensors[getattr(op, name)].shape for op in program.operations if isinstance(op, kind)]

    # Few symbols are told apart by as many numbers. Each number of a row is pooled by its mean and by its maximum.
    (words,) = shapes(reviewer, operations.Embed, "table")
    assert words[0] == words[1] < 128
    assert shapes(reviewer, operations.Affine, "weight") == [(2, 3 * 16 + 2 * words[1])]
    words, shops = shapes(priced, operations.Embed, "table")
    assert shapes(priced, operations.Affine, "weight") == [(2, 3 * 8 + 2 * (1 + words[1] + shops[1]))]
    many = [f"{number} {word}" for number, word in enumerate(["good", "bad"] * 120)]
    (words,) = shapes(classifier(training=ONE).fit((many, ["x", "y"] * 120)), operations.Embed, "table")
    assert words[0] > words[1] == 128


def test_texts_are_a_list_an_array_a_column_or_a_pair_with_labels(reviewer, tmp_path):
    texts, labels = reviews(9, seed=2)
    path = tmp_path / "new.jsonl"
    path.write_text("".join(f'{{"text": "{text}"}}\n' for text in texts), encoding="utf-8")
    expected = reviewer.predict(texts)
    for data in (tuple(texts), np.array(texts), np.array(texts, object), {"text": texts}, path, (texts, labels)):
        assert same(reviewer.predict(data), expected)
    assert same(reviewer.predict([{"text": text, "more": 1} for text in texts]), expected)


def test_scores_stand_beside_the_frequencies_of_the_classes(reviewer):
    texts, labels = reviews(60, seed=3)
    found = reviewer.evaluate((texts, labels))
    assert found.metrics["accuracy"] == (found.prediction.value == np.array(labels, object)).mean()
    assert found.metrics["nll"] < 0.5 * found.baseline["prior"]["nll"]
    with pytest.raises(DataError, match="label"):
        reviewer.evaluate(texts)


def test_a_label_that_training_has_not_is_wrong_and_a_missing_one_is_not_scored(reviewer):
    texts, labels = reviews(8, seed=4)
    found = reviewer.evaluate((texts, ["so so", None, *labels[2:]]))
    assert found.num_answers == 7
    assert found.metrics["accuracy"] == (found.prediction.value[2:] == np.array(labels[2:], object)).sum() / 7
    assert found.metrics["unseen"] == 1 / 7


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_whatever_is_written_is_answered_at_once_and_in_pieces(reviewer, text):
    expected = reviewer.predict([text])
    assert np.isfinite(expected.probabilities).all()
    for cuts in ([], [len(text) // 3, len(text) // 2], list(range(1, min(len(text), 50)))):
        assert same(streamed(reviewer, text, cuts)[-1], expected)


def test_a_missing_text_is_an_empty_one(reviewer):
    missing = reviewer.predict({"text": [None, "", "lovely"]})
    assert same(missing.take(slice(0, 1)), missing.take(slice(1, 2)))
    assert same(missing.take(slice(1, 2)), reviewer.predict([""]))
    texts, labels = reviews(16)
    one = classifier(training=ONE).fit({"text": [None, *texts[1:]], "label": labels})
    assert len(one.predict([""])) == 1


def test_words_that_training_has_not_are_one_unknown_word(reviewer):
    one, other, known = (reviewer.predict([f"a {word} film"]) for word in ("xyzzy", "plugh", "lovely"))
    assert same(one, other)
    assert not same(one, known)


def test_a_text_alone_and_among_others_has_the_same_bits(reviewer):
    texts = [*reviews(7, seed=5)[0], "", "x " * 400]
    whole = reviewer.predict(texts)
    for n, text in enumerate(texts):
        assert same(reviewer.predict([text]), whole.take(slice(n, n + 1)))


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


def test_a_model_without_training_says_the_text_and_its_tokens(reviewer):
    card = reviewer.model_.card
    assert card["data"]["past"] == ["text"]
    assert card["data"]["counts"] == [24, 24]
    assert reviewer.model_.engine.program.num_parameters() > 0


@pytest.mark.parametrize("kind", ["list", "array", "pandas", "polars"])
def test_texts_and_labels_come_in_lists_arrays_and_columns_and_a_missing_text_is_empty(kind):
    texts, labels = ["lovely", None, "dull", "bright film"] * 4, ["good", "bad", None, "good"] * 4
    make = {
        "list": list,
        "array": lambda values: np.array(values, object),
        "pandas": pd.Series,
        "polars": pl.Series,
    }[kind]
    model = classifier().fit((make(texts), make(labels)))
    assert model.model_.card["data"]["counts"] == [4, 8]
    answers = model.predict(make(texts)).probabilities
    assert np.array_equal(answers, model.predict([text or "" for text in texts]).probabilities)


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


def test_the_report_is_of_texts_too(reviewer, tmp_path):
    reviewer.report(tmp_path / "report.html", reviews(20, seed=6))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Which is taken for which" in text
    assert "1: bad, 2: good" in text


def test_labels_of_a_file_that_are_spelled_apart_stay_apart(tmp_path):
    path = tmp_path / "d.csv"
    rows = [f"{['good', 'bad', 'fine'][n % 3]} {n},{['01', '1', '9'][n % 3]}\n" for n in range(24)]
    path.write_text("text,kind\n" + "".join(rows))
    model = whorl.Classifier(text="text", target="kind", training=whorl.Training(epochs=1, validation=0.25)).fit(path)
    assert model.predict(path).classes.tolist() == ["01", "1", "9"]
    assert model.evaluate(path).num_answers == 24
