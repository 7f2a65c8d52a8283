"""Plain text: strict decoding, pieces of bounded size, and errors that name file, line and byte."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.data.text_files import blocks, files_below, pieces, read_text, text_lines
from whorl.errors import ArgumentError, DataError, ResourceError

TEXT = "Grüße,\nthé 漢字 🙂\n\nend"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_pieces_of_every_size_join_to_the_whole(tmp_path: Path, size: int, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode(encoding))
    found = list(read_text(path, encoding=encoding, piece_size=size))
    assert "".join(found) == TEXT
    assert max(map(len, found)) <= size
    assert min(map(len, found)) >= 1


@given(st.text(st.sampled_from("aé🙂\r\n\ufeff")), st.integers(1, 7))
def test_any_text_is_cut_and_joined_alike(tmp_path_factory: pytest.TempPathFactory, text: str, size: int) -> None:
    path = tmp_path_factory.getbasetemp() / "drawn.txt"
    path.write_bytes(text.encode())
    expected = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    assert "".join(pieces(path, "utf-8", size)) == expected


def test_a_huge_line_comes_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("é" * 3_000_001, "utf-8")
    sizes = [len(piece) for piece in read_text(path)]
    assert sum(sizes) == 3_000_001
    assert len(sizes) > 3
    assert max(sizes) <= 1 << 20


def test_pieces_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"good" * 100 + b"\xff")
    text = read_text(path, piece_size=7)
    assert next(text) == "goodgoo"
    with pytest.raises(DataError, match=r"a\.txt, line 1: byte 400 \(0xff\) is not utf-8"):
        list(text)


@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_a_byte_of_another_encoding_is_named_by_line_and_offset(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("first\r\nsecönd\r\rK".encode() + "ö".encode("latin-1") + b"ln\n")
    with pytest.raises(DataError, match=r"a\.txt, line 4: byte 17 \(0xf6\) is not utf-8\. Save .* `encoding` is"):
        list(read_text(path, piece_size=size))
    path.write_bytes(b"cut in a character: \xc3")
    with pytest.raises(DataError, match=r"a\.txt, line 1: byte 20 \(0xc3\) is not utf-8"):
        list(read_text(path, piece_size=size))


def test_latin_1_is_read_only_when_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Köln".encode("latin-1"))
    assert list(read_text(path, encoding="latin-1")) == ["Köln"]
    with pytest.raises(DataError, match="not utf-8"):
        list(read_text(path))


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13", "nul\0", "", None])
def test_an_encoding_that_is_none_of_text_is_refused_at_once(tmp_path: Path, encoding: Any) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ArgumentError, match=r"`encoding` is .* Use utf-8"):
        read_text(tmp_path / "a.txt", encoding=encoding)
    with pytest.raises(ArgumentError, match="`piece_size` is at least 1"):
        read_text(tmp_path / "a.txt", piece_size=0)


def test_a_nul_byte_is_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a\nb\n\0c\n\0")
    with pytest.raises(DataError, match=r"a\.txt, line 3: found a NUL byte"):
        list(read_text(path))
    path.write_bytes("ab\n".encode("utf-16-le"))
    with pytest.raises(DataError, match="UTF-16"):
        list(read_text(path))


def test_the_files_of_a_folder_come_in_name_order_and_do_not_run_together(tmp_path: Path) -> None:
    (tmp_path / "b.TXT").write_bytes(b"third\n")
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbffirst second")
    (tmp_path / "ab.text").write_bytes(b"")
    (tmp_path / "notes.md").write_bytes(b"no")
    (tmp_path / ".hidden.txt").write_bytes(b"no")
    (tmp_path / "folder.txt").mkdir()
    assert "".join(read_text(tmp_path)) == "first second\nthird\n"
    assert "".join(read_text(str(tmp_path))) == "first second\nthird\n"


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.txt is empty"):
        list(read_text(tmp_path / "a.txt"))
    (tmp_path / "b.txt").write_bytes(content)
    with pytest.raises(DataError, match=f"the folder {tmp_path.name}/ is empty"):
        list(read_text(tmp_path))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "an empty path came"),
        (3, "a int came"),
        (None, "a NoneType came"),
        ("no.txt", r"`no\.txt` is not there"),
        ("a\0b.txt", "is not a path"),
        ("x" * 9999, "cannot be read: File name too long"),
    ],
)
def test_what_is_no_path_of_text_is_refused_before_anything_is_read(source: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_text(source)


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no file that ends in \.txt, \.text"):
        read_text(tmp_path)


def test_a_forbidden_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("x")

    def forbid(*args: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", forbid)
    with pytest.raises(ResourceError, match="may not be read by this user"):
        list(read_text(tmp_path / "a.txt"))


def test_only_newlines_end_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\u2028still\x0bone\x85\r\n\r\nthree", "utf-8", newline="")
    assert text_lines(path, "utf-8") == ["one\u2028still\x0bone\x85", "", "three"]


def test_blocks_are_cut_at_blank_lines_and_know_where_they_stood() -> None:
    lines = ["", " ", "a", "b", "\t", "", "c"]
    assert list(blocks(lines)) == [(3, ["a", "b"]), (7, ["c"])]
    assert list(blocks([])) == []


def test_the_files_below_a_folder_are_those_of_links_too_each_folder_once(tmp_path: Path) -> None:
    for name in ("data/b/2", "data/b/deep/1", "data/.hidden/3", "data/b/.4", "data/5", "far/6", "far/deep/7"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    data = tmp_path / "data"
    links = {"c": "../far", "a": "b", "b/loop": "../../data", "b/up": "../..", "gone": "nowhere", "d": "../far/deep"}
    for name, to in links.items():
        (data / name).symlink_to(to, target_is_directory=True)
    (tmp_path / "far" / "back").symlink_to(data, target_is_directory=True)
    found = sorted(path.relative_to(data).as_posix() for path in files_below(data))
    assert found == ["5", "b/2", "b/deep/1", "c/6", "c/deep/7", "gone"]
