"""Running text as documents, encoded rows and strips: nothing is lost, cut in two, or learned from the wrong side."""

import numpy as np
import pandas as pd
import pytest

from whorl.codecs.text import TextCodec
from whorl.data import documents as sources
from whorl.data.corpus_reader import CorpusReader, fit_corpus
from whorl.data.documents import Rows, documents, prompts
from whorl.data.sequences import Sequence
from whorl.data.token_strips import TokenStrips, held_out_text
from whorl.data.vocabulary import Vocabulary
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.plans.table import Table

BEGIN, END = 1, 2


def names(found):
    return [(one.name, "".join(one.pieces()), one.ends) for one in found]


def test_a_file_is_a_stream_without_an_end_and_a_folder_has_documents(tmp_path):
    (tmp_path / "b.txt").write_text("zwei\r\nü", encoding="utf-8")
    (tmp_path / "a.TXT").write_text("one")
    (tmp_path / "c.csv").write_text("text\nthree\n")
    assert names(documents(tmp_path / "b.txt", "text", None, Table())[0]) == [("b.txt", "zwei\nü", False)]
    assert names(documents(tmp_path, "text", None, Table())[0]) == [("a.TXT", "one", True), ("b.txt", "zwei\nü", True)]
    found, frame = documents(tmp_path / "c.csv", "text", None, Table())
    assert names(found) == [("0", "three", True)]
    assert len(frame) == 1


def test_a_list_of_texts_is_kept_as_it_is():
    found, _ = documents([" NA ", "", "2024"], "text", None, Table())
    assert names(found) == [("0", " NA ", True), ("1", "", True), ("2", "2024", True)]


@pytest.mark.parametrize("given", [["", ""], [], 7, "missing.txt", ""])
def test_what_has_no_text_is_refused(given):
    with pytest.raises(DataError):
        documents(given, "text", None, Table())


def test_the_lines_of_a_file_are_prompts(tmp_path):
    path = tmp_path / "p.txt"
    path.write_text("to be\n\n  or not\n")
    assert prompts(path, "text", None, Table())["text"].tolist() == ["to be", "", "  or not"]
    path.write_text("")
    with pytest.raises(DataError, match="has no line"):
        prompts(path, "text", None, Table())


def test_pieces_end_where_lines_do(tmp_path):
    path = tmp_path / "long.txt"
    text = "".join(f"line {n} of many\n" for n in range(120_000)) + "the end"
    path.write_text(text)
    (one,), _ = documents(path, "text", None, Table())
    pieces = list(one.lines())
    assert len(pieces) > 1
    assert "".join(pieces) == text
    assert all(piece.endswith("\n") for piece in pieces[:-1])
    assert "".join(one.lines(1_500_003)) == text[:1_500_003]
    assert one.length() == len(text)


@pytest.mark.parametrize("most", [1 << 30, 7, 0])
def test_rows_are_the_same_from_disk_and_from_memory(most, monkeypatch):
    monkeypatch.setattr(sources, "_IN_MEMORY", most)
    rows = Rows(3)
    parts = [np.arange(3 * n, dtype=np.float32).reshape(n, 3) for n in (1, 0, 2, 5)]
    for part in parts:
        rows.add(part)
    whole = rows.whole()
    del rows
    assert isinstance(whole, np.memmap) == (most < 24)
    assert np.array_equal(whole, np.concatenate(parts))


def reader(texts, cuts=None, **options):
    found, frame = documents(texts, "text", options.get("condition"), Table())
    fitted = fit_corpus(
        found,
        frame,
        cuts or [None] * len(found),
        column="text",
        condition=options.get("condition"),
        codec=TextCodec(unit=options.get("unit", "character"), begin=True),
        table=Table(),
    )
    return fitted, found, frame


def test_documents_are_encoded_between_a_begin_and_an_end():
    fitted, found, frame = reader(["ab", "", "b"])
    sequences, marks = fitted.encode(found, frame)
    assert [one.past[:, 0].tolist() for one in sequences] == [
        [BEGIN, *fitted.past.text.encode("ab")[1:, 0], END],
        [BEGIN, END],
        [BEGIN, *fitted.past.text.encode("b")[1:, 0], END],
    ]
    assert marks == [4, 2, 3]
    assert [one.past[:, 0].tolist()[-1] for one in fitted.read(["ab"])] != [END]
    (scored,) = fitted.read(["ab"], targets=True)
    assert scored.targets[:, 0].tolist() == sequences[0].past[:, 0].tolist()


@pytest.mark.parametrize("unit", ["character", "word", "byte"])
def test_a_cut_in_a_text_leaves_its_tokens_as_they_are(unit, tmp_path):
    path = tmp_path / "t.txt"
    text = "Das Übel, it's\nno word's end. " * 9
    path.write_text(text, encoding="utf-8")
    fitted, found, frame = reader(path, [133], unit=unit)
    (whole,), _ = fitted.encode(found, frame)
    (cut,), (mark,) = fitted.encode(found, frame, [133])
    assert np.array_equal(cut.past, whole.past)
    assert 0 < mark < len(whole)
    shown = fitted.text(whole.past[:mark, 0])
    assert text.startswith(shown)
    assert len(shown) <= 133
    assert not fitted.ends


def test_nothing_of_the_held_out_part_is_known():
    fitted, _, _ = reader(["aaa", "xyz"], [None, 0])
    assert fitted.past.text.vocabulary[3:] == ("a",)
    fitted, _, _ = reader(["aaax", "bb"], [3, None])
    assert set(fitted.past.text.vocabulary[3:]) == {"a", "b"}


def test_a_label_stands_beside_every_token(tmp_path):
    table = {"text": ["ab", "ba", "c"], "author": ["x", "y", "x"]}
    fitted, found, frame = reader(table, condition="author")
    sequences, _ = fitted.encode(found, frame)
    assert sequences[0].past.shape == (4, 2)
    labels = [set(one.past[:, 1].tolist()) for one in sequences]
    assert labels[0] == labels[2] != labels[1]
    with pytest.raises(DataError, match="reads a label in the column 'author'"):
        fitted.read(["ab"])
    live = fitted.open(None)
    pushed = live.push({"text": "ab", "author": "x"})
    assert np.array_equal(np.concatenate([step["past"] for step in pushed]), sequences[0].past[:3])
    with pytest.raises(DataError, match="`author` is not in the texts"):
        reader(["ab", "c"], condition="author")
    (tmp_path / "t.txt").write_text("plain")
    with pytest.raises(DataError, match="what came is plain text"):
        reader(tmp_path / "t.txt", condition="author")


@pytest.mark.parametrize("given", ["frame", "csv"])
def test_a_label_that_is_true_or_false_is_the_same_in_frames_files_and_rows(given, tmp_path):
    frame, path = pd.DataFrame({"text": ["ab", "ba", "c"], "mood": [True, False, True]}), tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    fitted, found, table = reader(frame if given == "frame" else path, condition="mood")
    wanted = [set(one.past[:, 1].tolist()) for one in fitted.encode(found, table)[0]]
    assert wanted[0] == wanted[2] != wanted[1]
    for source in (frame, path, frame.to_dict("list")):
        assert [set(one.past[:, 1].tolist()) for one in fitted.read(source)] == wanted
    for label, own in ((True, wanted[0]), ("True", wanted[0]), (False, wanted[1])):
        pushed = fitted.open(None).push({"text": "ab", "mood": label})
        assert {step["past"][0, 1] for step in pushed} == own


def test_a_reader_is_restored_and_a_damaged_one_refused():
    fitted, _, _ = reader({"text": ["ab", "ba"], "author": ["x", "y"]}, condition="author")
    config, arrays = fitted.config(), fitted.arrays()
    again = CorpusReader.restore(config, arrays)
    assert again.config() == config
    source = {"text": ["abba"], "author": ["y"]}
    assert np.array_equal(again.read(source)[0].past, fitted.read(source)[0].past)
    for change in (
        {"condition": "genre"},
        {"condition": None},
        {"ends": 3},
        {"text": {}},
        {"more": 1},
        {"beside": None},
    ):
        with pytest.raises(ModelFileError):
            CorpusReader.restore({**config, **change}, arrays)
    with pytest.raises(ModelFileError, match="unknown array"):
        CorpusReader.restore(config, {**arrays, "other/x": np.zeros(1)})


def test_a_text_has_no_covariates_ahead():
    fitted, _, _ = reader(["ab"])
    with pytest.raises(ArgumentError, match="`known`"):
        fitted.read(["a"], known=[{}])


def test_names_of_tokens_tell_them_apart():
    class Odd:
        vocabulary = ("<?>", "<begin>", "<end>", "a", "<0a>", "<0a>", "a#3")

    vocabulary = Vocabulary(Odd())
    assert len(set(vocabulary.classes.tolist())) == 7
    codes = np.array([0, 6, 4, 5, np.nan])
    assert vocabulary.codes(vocabulary.decode(codes.reshape(-1, 1, 1))).tolist() == [0, 6, 4, 5, -1]


# Strips


def sequence(start, count, width=1):
    past = np.tile(np.arange(start, start + count, dtype=np.float32)[:, None], (1, width))
    return Sequence(key=str(start), past=past, time=np.arange(count), targets=past[:, :1])


def epoch(batches, number=0):
    made = [batches.batch(index, seed=3, epoch=number) for index in range(len(batches))]
    return (
        np.concatenate([one.inputs["past"] for one in made], axis=1),
        np.concatenate([one.targets for one in made], axis=1)[..., 0, 0],
        np.concatenate(
            [one.inputs.get("starts", np.zeros(one.inputs["past"].shape[:2], bool)) for one in made], axis=1
        ),
        [one.carries for one in made],
    )


@pytest.mark.parametrize("number", [0, 1, 5])
def test_an_epoch_reads_every_token_once_and_follows_it_by_the_next(number):
    documents = [sequence(0, 57), sequence(100, 1), sequence(200, 44), sequence(300, 2)]
    spans = [(0, 57), (0, 1), (0, 40), (0, 0)]
    past, targets, starts, carries = epoch(TokenStrips(documents, spans, 3, 7), number)
    real = past[..., 0] + 0.0
    known = np.isfinite(targets)
    assert np.array_equal(targets[known], real[known] + 1)
    learned = sorted(targets[known].tolist())
    assert learned == sorted([*range(1, 57), *range(201, 240)])
    assert carries == [False] + [True] * (len(carries) - 1)
    # A strip goes on where it stood: each step follows the one before it, or begins a document.
    rows = real[:, 1:] - real[:, :-1]
    follows = np.isfinite(targets[:, :-1])
    padding = ~known & (real == 0)  # the last strip is shorter
    assert (rows[follows & ~padding[:, 1:]] == 1).all()
    assert set(real[starts].tolist()) <= {0.0, 100.0, 200.0}


def test_where_strips_are_cut_moves_and_stands_still_where_it_is_judged():
    documents, spans = [sequence(0, 90)], [(0, 90)]
    moving, still = TokenStrips(documents, spans, 2, 9), TokenStrips(documents, spans, 2, 9, shuffle=False)
    assert epoch(moving, 0)[0][0, 0] != epoch(moving, 1)[0][0, 0]
    assert np.array_equal(epoch(still, 0)[0], epoch(still, 1)[0])
    again = moving.batch(2, seed=3, epoch=1)
    assert np.array_equal(again.targets, moving.batch(2, seed=3, epoch=1).targets)


def test_a_part_is_read_from_its_first_token_and_no_further_than_asked():
    documents = [sequence(0, 90)]
    past, targets, _, _ = epoch(TokenStrips(documents, [(80, 90)], 1, 4, shuffle=False))
    assert past[0, :, 0].tolist() == list(range(80, 90))
    assert targets[0, :-1].tolist() == list(range(81, 90))
    past, _, _, _ = epoch(TokenStrips(documents, [(0, 90)], 2, 4, most=20, shuffle=False))
    assert past[..., 0].tolist() == [list(range(10)), list(range(10, 20))]


def test_few_tokens_make_few_strips():
    batches = TokenStrips([sequence(0, 5)], [(0, 5)], 32, 64)
    assert (batches.batch_size, batches.num_steps, len(batches)) == (1, 5, 1)
    with pytest.raises(DataError, match="no token that follows another"):
        TokenStrips([sequence(0, 1), sequence(9, 1)], [(0, 1), (0, 1)], 1, 1)


def test_the_held_out_part_is_scored_with_what_stands_before_it(monkeypatch):
    monkeypatch.setattr("whorl.data.token_strips._BEFORE", 10)
    parts, steps = held_out_text([sequence(0, 50), sequence(100, 8), sequence(200, 6)], [40, 8, 0])
    assert [one.past[0, 0] for one in parts] == [30.0, 200.0]
    assert [(part.past[at, 0] + 1).tolist() for part, at in zip(parts, steps, strict=True)] == [
        list(range(40, 50)),
        list(range(201, 206)),
    ]
    monkeypatch.setattr("whorl.data.token_strips._SCORED", 12)
    _, steps = held_out_text([sequence(0, 50), sequence(100, 8), sequence(200, 6)], [40, 8, 0])
    assert [len(at) for at in steps] == [10, 1]
