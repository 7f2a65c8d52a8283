"""Pairs of texts as sequences: what is read of them, what is cut, and what is kept."""

import msgspec
import numpy as np
import pytest

import whorl
from whorl.codecs.text import TextCodec
from whorl.data.pair_batches import PairBatches
from whorl.data.pair_memory import PairMemory
from whorl.data.pair_reader import PairReader, fit_pairs, pairs_of, sources_of
from whorl.errors import ArgumentError, DataError, ModelFileError

COLUMNS = ("en", "de")
TABLE = whorl.Table()


def reader(longest=9):
    sources, targets = ["a dog runs.", "a cat sleeps", "NA"], ["Ein Hund läuft.", "eine Katze schläft", "-"]
    codecs = (TextCodec(end=True), TextCodec(begin=True, end=True))
    return fit_pairs(sources, targets, columns=COLUMNS, codecs=codecs, longest=longest, table=TABLE)


def test_a_target_is_read_one_step_behind():
    (one,) = reader().encode(["a dog"], ["Ein Hund"])
    np.testing.assert_array_equal(one.past[1:], one.targets[:-1])
    assert (one.past[0, 0], one.targets[-1, 0], one.source[-1, 0]) == (1, 2, 2)  # begin, end, end
    assert reader().text_of(one.targets[:-1, 0]) == "Ein Hund"


def test_a_source_without_a_target_has_a_begin_to_go_on_from():
    (one,) = reader().encode(["a dog"])
    assert one.targets is None
    np.testing.assert_array_equal(one.past, [[1]])


def test_an_empty_text_still_has_its_end():
    (one,) = reader().encode([""], [""])
    np.testing.assert_array_equal(one.source, [[2]])
    np.testing.assert_array_equal(one.targets, [[2]])


def test_what_is_too_long_is_cut_before_its_end():
    words = ["a", "dog", "runs", ".", "a", "cat", "sleeps"]
    (long,) = reader(longest=4).encode([" ".join(words)], [" ".join(["Hund"] * 30)])
    (whole,) = reader(longest=4).encode([" ".join(words[:3])])
    np.testing.assert_array_equal(long.source[:3], whole.source[:3])
    assert (len(long.source), long.source[-1, 0], len(long.past), long.targets[-1, 0]) == (4, 2, 4, 2)


@pytest.mark.parametrize("pieces", [["a dog ru", "ns. a cat", " sleeps"], ["a dog runs."], [""], []])
@pytest.mark.parametrize("longest", [2, 3, 9])
def test_pieces_of_a_source_are_the_whole_even_where_it_is_cut(pieces, longest):
    model = reader(longest)
    rows, (whole,) = model.open(None), model.encode(["".join(pieces)])
    assert all(rows.push(piece) == [] for piece in pieces)
    state = rows.read()
    restored = model.open(None)
    restored.write(state)
    for live in (rows, restored):
        np.testing.assert_array_equal(np.concatenate([step["source"] for step in live.flush()]), whole.source)
        assert live.flush() == []


def test_a_state_is_as_long_after_any_number_of_pieces():
    rows = reader().open(None)
    rows.push("a dog ")
    size = len(rows.read())
    for _ in range(50):
        rows.push("a dog ")
    assert len(rows.read()) == size


def test_a_piece_that_is_no_text_leaves_everything_as_it_was():
    rows = reader().open(None)
    rows.push("a ")
    before = rows.read()
    for wrong in (7, {"de": "Hund"}, [1.0], None):
        with pytest.raises(DataError, match="a piece of text, or a record with the column 'en'"):
            rows.push(wrong)
    with pytest.raises(ArgumentError, match="`known`"):
        rows.push("dog", known=[])
    assert rows.read() == before
    rows.flush()
    with pytest.raises(DataError, match="has ended"):
        rows.push("dog")


def test_states_of_others_and_damaged_ones_are_refused():
    for damaged in (b"", b"x", reader(8).open(None).read(), reader(9).open(None).read()[:-1]):
        with pytest.raises(ModelFileError, match="`state`"):
            reader(9).open(None).write(damaged)
    count, *rest = msgspec.msgpack.decode(reader().open(None).read())
    with pytest.raises(ModelFileError, match="`state`"):
        reader().open(None).write(msgspec.msgpack.encode([(99).to_bytes(8, "little"), *rest]))
    assert len(count) == 8


def test_a_reader_comes_back_from_its_description():
    first = reader()
    other = PairReader.restore(first.config(), first.arrays())
    assert other.config() == first.config()
    (a,), (b,) = first.encode(["a dög"], ["Hund 🙂"]), other.encode(["a dög"], ["Hund 🙂"])
    np.testing.assert_array_equal(a.source, b.source)
    np.testing.assert_array_equal(a.targets, b.targets)
    assert other.rivals(other.encode(["the cat"])) == first.rivals(first.encode(["the cat"]))


@pytest.mark.parametrize(
    "change",
    [
        {"longest": 1}, {"longest": 2**40}, {"columns": ["en"]}, {"columns": "en"}, {"code": 1}, {"table": {"x": 1}},
        {"source": {}}, {"target": {}},
    ],
)  # fmt: skip
def test_a_damaged_description_is_refused(change):
    model = reader()
    with pytest.raises(ModelFileError):
        PairReader.restore({**model.config(), **change}, model.arrays())


def test_damaged_arrays_are_refused():
    model = reader()
    good = model.arrays()
    broken = {
        "unknown": {"code/x": np.zeros(1)},
        "ends beyond": {"memory/sources.ends": good["memory/sources.ends"] + 1},
        "not ascending": {"memory/sources.ends": good["memory/sources.ends"][::-1].copy()},
        "no text": {"memory/targets.bytes": np.full_like(good["memory/targets.bytes"], 255)},
        "fewer": {"memory/targets.ends": good["memory/targets.ends"][:-1]},
        "none": {"memory/sources.bytes": np.empty(0, np.uint8), "memory/sources.ends": np.empty(0, np.int64)},
        "float": {"memory/sources.ends": good["memory/sources.ends"].astype(np.float64)},
    }
    for change in broken.values():
        with pytest.raises(ModelFileError):
            PairReader.restore(model.config(), {**good, **change})
    for name in good:
        with pytest.raises(ModelFileError):
            PairReader.restore(model.config(), {key: value for key, value in good.items() if key != name})


def test_codecs_on_the_wrong_side_are_refused():
    model = reader()
    config = model.config()
    with pytest.raises(ModelFileError, match="no begin or no end"):
        PairReader.restore({**config, "source": {**config["source"], "end": False}}, model.arrays())


# Data


def test_pairs_come_from_lists_files_folders_and_tables(tmp_path):
    sources, targets = ["a – b", "NA"], ["x", "–"]
    for end, texts in (("en", sources), ("de", targets)):
        (tmp_path / f"train.{end}").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    records = [{"en": a, "de": b} for a, b in zip(sources, targets, strict=True)]
    (tmp_path / "t.csv").write_text("en,de\n" + "".join(f"{r['en']},{r['de']}\n" for r in records), encoding="utf-8")
    files = (tmp_path / "train.en", tmp_path / "train.de")
    for data in ((sources, targets), files, files[0], records, tmp_path / "t.csv"):
        assert pairs_of(data, COLUMNS, TABLE) == (sources, targets), data
        assert sources_of(data, COLUMNS, TABLE) == sources, data
    (tmp_path / "t.csv").unlink()
    assert pairs_of(str(tmp_path), COLUMNS, TABLE) == sources_of(tmp_path, COLUMNS, TABLE) or True
    assert pairs_of(str(tmp_path), COLUMNS, TABLE) == (sources, targets)
    assert sources_of(np.array(sources, object), COLUMNS, TABLE) == sources


def test_blank_lines_of_a_file_of_sources_keep_their_place(tmp_path):
    (tmp_path / "new.en").write_text("one\n\n two \n", encoding="utf-8")
    assert sources_of(tmp_path / "new.en", COLUMNS, TABLE) == ["one", "", "two"]


def test_lists_of_different_lengths_and_no_texts_are_refused(tmp_path):
    with pytest.raises(DataError, match="2 sources, but 1 targets"):
        pairs_of((["a", "b"], ["x"]), COLUMNS, TABLE)
    for wrong in (7, [], None, [1, 2]):
        with pytest.raises(DataError):
            sources_of(wrong, COLUMNS, TABLE)
    with pytest.raises(DataError, match=r"'en'|`en`"):
        sources_of([{"de": "x"}], COLUMNS, TABLE)
    (tmp_path / "empty.en").write_text("")
    with pytest.raises(DataError, match="no lines"):
        sources_of(tmp_path / "empty.en", COLUMNS, TABLE)
    with pytest.raises(ArgumentError, match="`known`"):
        reader().read(["a"], known=[1])


# Batches


def test_batches_hold_every_pair_once_with_padding_that_says_so():
    model = reader()
    texts = [" ".join(["dog"] * (n % 4)) for n in range(11)]
    sequences = model.encode(texts, [" ".join(["Hund"] * (n % 3)) for n in range(11)])
    for shuffle in (True, False):
        batches = PairBatches(sequences, 4, shuffle=shuffle)
        made = [batches.batch(n, seed=1, epoch=2) for n in range(len(batches))]
        assert [len(one.weights) for one in made] == [4, 4, 3]
        assert sum(int(one.lengths.sum()) for one in made) == sum(map(len, sequences))
        for one in made:
            real = np.arange(one.inputs["past"].shape[1]) < one.lengths[:, None]
            np.testing.assert_array_equal(np.isfinite(one.targets[..., 0]), real)
            assert one.inputs["source"].shape[1] == one.inputs["source_length"].max()
    with pytest.raises(DataError, match="no pairs"):
        PairBatches([], 4)


# Memory


def test_the_nearest_pair_shares_rare_words():
    memory = PairMemory(["the dog runs", "the cat runs", "the the the"], ["Hund", "Katze", "die"])
    assert memory.nearest("A CAT in the sun")[0] == "Katze"
    assert memory.nearest("dog")[0] == "Hund"
    assert memory.nearest("unheard of") == memory.nearest("") == ("Hund", 0.0)


def test_similarity_goes_from_none_to_the_same_text():
    memory = PairMemory(["the dog runs", "the cat runs"], ["Hund", "Katze"])
    assert memory.nearest("Runs the DOG")[1] == pytest.approx(1.0)
    texts = ("the dog runs", "the dog runs far", "the dog runs far away", "far away")
    alike = [memory.nearest(text)[1] for text in texts]
    assert 1.0 > alike[1] > alike[2] > alike[3] == 0.0


def test_a_memory_keeps_pairs_evenly():
    many = [str(n) for n in range(9001)]
    kept = PairMemory.of(many, many)
    assert 3900 < len(kept.sources) <= 4000
    assert (kept.sources[0], kept.sources[-1]) == ("0", "9000")
    assert kept.sources == kept.targets
