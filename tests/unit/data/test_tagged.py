"""Sentences with tags: CoNLL-U as its standard says, and lines of a word and a tag."""

from pathlib import Path

import pytest

from whorl.data.tagged import TaggedSentence, read_tagged
from whorl.errors import ArgumentError, DataError

CONLLU = """# sent_id = 1
# text = Vámonos al mar
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\tV\tMood=Imp\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\tP\t_\t1\tobj\t_\t_
3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_
3\ta\ta\tADP\tS\t_\t5\tcase\t_\t_
4\tel\tel\tDET\tD\tDefinite=Def\t5\tdet\t_\t_
5\tmar\tmar\tNOUN\t_\tGender=Masc\t1\tobl\t_\tSpaceAfter=No
5.1\tnada\t_\t_\t_\t_\t_\t_\t1:nsubj\t_

# a comment alone

1\tNew York\tNew York\tPROPN\tNP\t_\t0\troot\t_\t_
"""


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_ranges_empty_nodes_and_comments_of_conllu_are_skipped(tmp_path: Path) -> None:
    assert read_tagged(write(tmp_path / "es.conllu", CONLLU)) == [
        TaggedSentence(
            words=("Vamos", "nos", "a", "el", "mar"),
            tags=("VERB", "PRON", "ADP", "DET", "NOUN"),
            origin="es.conllu",
            line=4,
        ),
        TaggedSentence(words=("New York",), tags=("PROPN",), origin="es.conllu", line=14),
    ]


def test_any_field_of_conllu_is_the_tag(tmp_path: Path) -> None:
    path = write(tmp_path / "es.conllu", CONLLU)
    # Without features is a value; one word that lacks its language's tag keeps the underscore.
    assert read_tagged(path, "feats")[0].tags == ("Mood=Imp", "_", "_", "Definite=Def", "Gender=Masc")
    assert read_tagged(path, column="feats")[1].tags == ("_",)
    assert read_tagged(path, "xpos")[0].tags == ("V", "P", "S", "D", "_")
    assert read_tagged(path, "deprel")[0].tags == ("root", "obj", "case", "det", "obl")
    for column in ("form", "id", "UPOS", ""):
        with pytest.raises(ArgumentError, match="is CoNLL-U, whose tags are one of lemma, upos"):
            read_tagged(path, column)
    with pytest.raises(ArgumentError, match="Did you mean 'upos'"):
        read_tagged(path, "upo")


def test_sentences_without_annotation_have_no_tags(tmp_path: Path) -> None:
    text = "1\tab\t_\t_\t_\t_\t_\t_\t_\t_\n2\t_\t_\t_\t_\t_\t_\t_\t_\t_\n"
    (sentence,) = read_tagged(write(tmp_path / "a.conllu", text))
    assert sentence.words == ("ab", "_")
    assert sentence.tags is None
    assert len(sentence) == 2


def test_conllu_is_known_by_its_ten_fields_too(tmp_path: Path) -> None:
    assert read_tagged(write(tmp_path / "a.txt", CONLLU))[0].tags == ("VERB", "PRON", "ADP", "DET", "NOUN")


@pytest.mark.parametrize(
    "text",
    [
        "# text = Köln ist\nKöln\tB-LOC\nist\tO\n\n\n# one more\nda\tO\n",
        "\ufeff\r\n# text = Köln ist\r\nKöln B-LOC\r\nist O\r\n \r\nda O",
        "\nKöln   B-LOC \nist\t O\n\nda O\n\n\n",
    ],
)
def test_words_and_tags_are_read_with_tabs_or_blanks_and_any_line_end(tmp_path: Path, text: str) -> None:
    first, second = read_tagged(write(tmp_path / "a.iob", text))
    assert (first.words, first.tags) == (("Köln", "ist"), ("B-LOC", "O"))
    assert (second.words, second.tags) == (("da",), ("O",))
    lines = text.replace("\r", "").split("\n")
    assert lines[first.line - 1].removeprefix("\ufeff").startswith("Köln")
    assert lines[second.line - 1].startswith("da")


def test_a_first_line_that_names_the_columns_is_no_word(tmp_path: Path) -> None:
    (sentence,) = read_tagged(write(tmp_path / "a.tsv", "\ufeffToken\tNER\nKöln\tB-LOC\nist\tO\n"))
    assert (sentence.words, sentence.tags, sentence.line) == (("Köln", "ist"), ("B-LOC", "O"), 2)
    (sentence,) = read_tagged(write(tmp_path / "b.tsv", "word\tNOUN\nfor\tADP\n"))
    assert sentence.words == ("word", "for")


CONLL = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O

10 CD B-NP O
"""


def test_of_more_columns_the_first_is_the_word_and_the_last_the_tag(tmp_path: Path) -> None:
    first, second = read_tagged(write(tmp_path / "eng.conll", CONLL))
    assert (first.words, first.tags, first.line) == (("EU", "rejects"), ("B-ORG", "O"), 3)
    assert (second.words, second.tags) == (("10",), ("O",))
    (short,) = read_tagged(write(tmp_path / "b.bio", "-DOCSTART- O\n\nEU B-ORG\n"))
    assert short.words == ("EU",)
    for name, text in (("c.tsv", "1\tEU\tB-ORG\n"), ("d.conll", "1 EU B-ORG\n2 is O\n"), ("e.conll", CONLL + "x O\n")):
        with pytest.raises(DataError, match=r"a line has a word and a tag, but this one has \d fields"):
            read_tagged(write(tmp_path / name, text))


def test_a_hash_can_be_a_word(tmp_path: Path) -> None:
    text = "# a comment here\n#\tSYM\n#fun\tTAG\n# NUM\n\n#fun TAG\n\n# comment\n#begin document x\nx X\n\n#solo\n"
    sentences = read_tagged(write(tmp_path / "a.bio", text))
    assert [sentence.words for sentence in sentences] == [("#", "#fun", "#"), ("#fun",), ("x",), ("#solo",)]
    assert [sentence.tags for sentence in sentences] == [("SYM", "TAG", "NUM"), ("TAG",), ("X",), None]
    assert [sentence.line for sentence in sentences] == [2, 6, 10, 12]


def test_words_with_blanks_are_cut_at_the_tab_alone(tmp_path: Path) -> None:
    (sentence,) = read_tagged(write(tmp_path / "a.tsv", "New York\tLOC\n10 000\tNUM\n"))
    assert sentence.words == ("New York", "10 000")


def test_the_files_of_a_folder_are_read_in_name_order(tmp_path: Path) -> None:
    write(tmp_path / "b.conllu", CONLLU)
    write(tmp_path / "a.iob", "x O\n")
    write(tmp_path / "LICENSE.txt", "You may copy this.")
    assert [sentence.origin for sentence in read_tagged(tmp_path)] == ["a.iob", "b.conllu", "b.conllu"]


def test_a_huge_sentence_is_read(tmp_path: Path) -> None:
    (sentence,) = read_tagged(write(tmp_path / "a.iob", "".join(f"w{n} T{n % 3}\n" for n in range(50_001))))
    assert len(sentence) == 50_001
    assert sentence.tags is not None
    assert sentence.tags[-1] == "T2"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.conllu", "1\tx\tx\tX\n", r"a\.conllu, line 1: a line of CoNLL-U has 10 fields .* this one has 4\. Write _"),
        ("a.conllu", CONLLU.replace("5\tmar", "6\tmar"), r"line 9, column 1: .* so 5 comes next, but here is '6'"),
        ("a.conllu", CONLLU.replace("2\tnos", "x\tnos"), r"line 5, column 1: .* here is 'x'"),
        (
            "a.conllu",
            CONLLU.replace("\tmar\tmar\t", "\t\tmar\t"),
            r"line 9, column 2: `form` is empty",
        ),
        ("a.conllu", CONLLU.replace("\tADP", "\t"), r"line 7, column 4: `upos` is empty"),
        ("a.conllu", CONLLU.replace("\tADP", "\t_"), r"line 7, column 4: other words of the sentence have `upos`"),
        ("a.conllu", "", r"a\.conllu has no words"),
        ("a.conllu", "# only\n\n# comments\n", r"a\.conllu has no words"),
        ("a.iob", "", r"a\.iob has no words"),
        ("a.iob", "x O\ny NN B-X\n", r"a\.iob, line 2: a line has a word and a tag, but this one has 3 fields\. Keep"),
        ("a.iob", "x\tO\ny\t\n", r"line 2: .* 2 fields and one is empty"),
        ("a.iob", "x O\n\nx O\ny\n", r"line 4: .* this one has no tag, unlike line 3"),
        ("a.iob", "x\ny O\n", r"line 2: .* this one has a tag, unlike line 1"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_tagged(write(tmp_path / name, text))


def test_other_bytes_than_utf_8_are_named_and_read_on_demand(tmp_path: Path) -> None:
    path = tmp_path / "a.iob"
    path.write_bytes("der O\nKöln LOC\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.iob, line 2: byte 7 \(0xf6\)"):
        read_tagged(path)
    assert read_tagged(path, encoding="latin-1")[0].words == ("der", "Köln")
