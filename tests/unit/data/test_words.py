"""Words as columns, words that training forgets, and answers that come late."""

import numpy as np
import pytest

from whorl.data.forgetting import ForgettingBatches
from whorl.data.lookahead import LateReader
from whorl.data.padded import SequenceBatches
from whorl.data.sentences import Sentence, SentenceColumns, read_sentences
from whorl.data.sequences import Sequence
from whorl.data.word_reader import WordColumns
from whorl.errors import DataError
from whorl.plans.changes import Forgetting
from whorl.plans.table import Table
from whorl.specs import Fields, Reals, Tokens

COLUMNS = SentenceColumns(table=Table())


@pytest.fixture(scope="module")
def words():
    return WordColumns().fit([Sentence("0", ("The", "the", "U.S.-led", "abcdefghijklmnopqrstuvwxyz", "2024", "..."))])


def columns(words, *given):
    row = words.encode(list(given))
    starts = words.spec.offsets()
    return {name: row[:, start : start + words.spec.fields[name].width] for name, start in starts.items()}


def test_a_word_is_its_code_its_lower_case_its_shape_and_its_characters(words):
    found = columns(words, "The", "THE", "new")
    assert found["word"][0] != 0
    assert found["word"][1:].ravel().tolist() == [0, 0]
    assert found["lower"][0] == found["lower"][1] != 0
    assert found["shape"].tolist() == [[1, 0, 0, 0, 0, 1], [1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]
    t, h, e = (int(words.characters.encode([one])[0, 0]) + 1 for one in "The")
    assert found["characters"][0].tolist() == [0, t, h, e, *[0] * 16]


def test_the_middle_of_a_long_word_is_left_out_and_its_ends_are_seen(words):
    found = columns(words, "abcdefghijklmnopqrstuvwxyz")["characters"][0]
    codes = words.characters.encode(list("abcdefghirstuvwxyz"))[:, 0] + 1
    assert found.tolist() == [0, *codes.tolist(), 0]
    assert columns(words, "\u00fc")["characters"][0, :3].tolist() == [0, 1, 0]  # unknown, and there


def test_shapes_are_numbers_hyphens_and_marks(words):
    shapes = columns(words, "x", "U.S.-led", "2024", "...")["shape"]
    assert shapes[1:].tolist() == [[1, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 0]]
    assert words.encode(["x"], 3)[0, words.spec.offsets()["shape"] + 5] == 0


def test_rare_words_are_forgotten_most_and_what_is_spelled_never():
    spec = Fields({"word": Tokens(3), "number": Reals(1), "characters": Tokens(9, length=2)})
    rows = np.array([[1 + (n % 10 == 0), n + 1, 4, 5] for n in range(500)], np.float32)
    one = Sequence(key="0", past=rows, time=np.arange(500), targets=np.zeros((500, 1), np.float32))
    plain = SequenceBatches([one], 1)
    made = ForgettingBatches(plain, Forgetting(rate=50.0), spec, [one])
    again = [made.batch(0, seed=1, epoch=epoch).inputs["past"][0] for epoch in (0, 0, 1)]
    assert np.array_equal(again[0], again[1])
    assert not np.array_equal(again[0], again[2])
    assert np.array_equal(again[0][:, 1:], rows[:, 1:])
    forgotten = again[0][:, 0] == 0
    # 450 times seen: 50 / 500 are forgotten; 50 times: half.
    assert abs(forgotten[rows[:, 0] == 1].mean() - 0.1) < 0.05
    assert abs(forgotten[rows[:, 0] == 2].mean() - 0.5) < 0.2
    assert np.array_equal(plain.batch(0, seed=1, epoch=0).inputs["past"][0], rows)


def test_a_late_sequence_goes_on_with_nothing_and_its_truths_stand_later():
    class Plain:
        horizon, names, outputs, past = 0, ("y",), None, None

    one = Sequence(
        key="a",
        past=np.ones((3, 2), np.float32),
        time=np.array(["2026-01-01", "2026-01-02", "2026-01-03"], "datetime64[us]"),
        targets=np.array([[1], [2], [3]], np.float32),
        tokens=np.array(["x", "y", "z"], object),
    )
    late = LateReader(Plain(), 2).later(one)
    assert late.past.tolist() == [[1, 1]] * 3 + [[0, 0]] * 2
    assert np.isnat(late.time[:2]).all()
    assert np.array_equal(late.time[2:], one.time)
    assert np.isnan(late.targets[:2]).all()
    assert late.targets[2:].tolist() == [[1], [2], [3]]
    assert late.tokens.tolist() == [None, None, "x", "y", "z"]


@pytest.mark.parametrize("source", [np.zeros((2, 3)), [[1.0, 2.0]], [], ([[1.0]], [[2.0]]), {"a": [1]}])
def test_numbers_are_no_sentences(source):
    assert read_sentences(source, COLUMNS) is None


def test_sentences_are_texts_or_lists_of_words():
    for source in (["a b", "c"], [["a", "b"], ["c"]], [np.array(["a", "b"]), ["c"]]):
        found = read_sentences(source, COLUMNS)
        assert [one.words for one in found] == [("a", "b"), ("c",)]
        assert [one.key for one in found] == ["0", "1"]
    (only,) = read_sentences((["a b"], ["X Y"]), COLUMNS)
    assert only.tags == ("X", "Y")


def test_a_folder_and_a_conllu_file_have_tags(tmp_path):
    lines = ["1\tA\ta\tDET\tdt\t_\t0\t_\t_\t_", "2\tcat\tcat\tNOUN\tnn\t_\t0\t_\t_\t_", ""]
    (tmp_path / "a.conllu").write_text("\n".join(lines))
    for source in (tmp_path, tmp_path / "a.conllu", str(tmp_path / "a.conllu")):
        (one,) = read_sentences(source, COLUMNS)
        assert (one.words, one.tags) == (("A", "cat"), ("DET", "NOUN"))
    (one,) = read_sentences(tmp_path, SentenceColumns(target="xpos", table=Table()))
    assert one.tags == ("dt", "nn")


def test_a_table_without_a_word_in_a_row_names_it(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text("s,w,t\n1,a,X\n1,,Y\n")
    columns = SentenceColumns(text="w", target="t", series="s", table=Table())
    with pytest.raises(DataError, match=r"w\.csv, row 3: column 'w' has no word"):
        read_sentences(path, columns)
