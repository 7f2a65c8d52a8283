"""Plain text on disk: strict decoding in pieces of bounded size, lines as a user counts them, folders in name order."""

import codecs
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from whorl.errors import ArgumentError, DataError, ResourceError

PLAIN_SUFFIXES = (".txt", ".text")
PIECE_SIZE = 1 << 20


def read_text(source: object, *, encoding: str = "utf-8", piece_size: int = PIECE_SIZE) -> Iterator[str]:
    """Reads a text file, or the text files of a folder in name order, piece by piece.

    No more than a piece is in memory. Line ends become newlines, and a byte order mark is dropped. Where another file
    follows, a file ends in a newline even if its last line does not, so that words of two files do not run together.
    Call again to read again.

    Args:
        source: path of a file, or of a folder whose files end in .txt or .text.
        encoding: of the bytes; nothing is guessed.
        piece_size: the most characters in a piece.

    Raises:
        DataError: here for a path that is not there; while reading, for bytes of another encoding, naming file, line
            and byte, and for files without any text.
        ArgumentError: for an encoding that Python does not know, or a piece without a character.
    """
    if piece_size < 1:
        raise ArgumentError(f"`piece_size` is at least 1 character, but is {piece_size}. Raise it.")
    check_encoding(encoding)
    return _texts(files_of(source, PLAIN_SUFFIXES), encoding, piece_size)


def _texts(paths: Sequence[Path], encoding: str, piece_size: int) -> Iterator[str]:
    last = ""
    for path in paths:
        for i, piece in enumerate(pieces(path, encoding, piece_size)):
            if i == 0 and last and not last.endswith("\n"):
                yield "\n"
            yield piece
            last = piece
    if not last:
        named = paths[0].name if len(paths) == 1 else f"the folder {paths[0].parent.name}/"
        raise DataError(f"{named} is empty, but text needs at least one character. Give a file with text.")


def files_of(source: object, suffixes: Sequence[str]) -> list[Path]:
    """Returns the path itself, or the files of a folder with these suffixes in name order."""
    if not isinstance(source, str | os.PathLike) or not str(source):
        said = "an empty path" if isinstance(source, str) else f"a {type(source).__name__}"
        raise DataError(f"text is read from a file or a folder, but {said} came. Give a path.")
    path = Path(source)
    if not is_folder(path):
        return [path]
    found = [one for one in files_in(path) if one.suffix.lower() in suffixes]
    if not found:
        raise DataError(f"`{path}` has no file that ends in {', '.join(suffixes)}. Give another folder, or a file.")
    return found


def is_folder(path: Path) -> bool:
    """Whether it is a folder; raises DataError where nothing is there."""
    try:
        path.stat()
        return path.is_dir()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def files_in(folder: Path) -> list[Path]:
    """Returns the files of a folder in name order, without hidden ones."""
    try:
        return sorted(one for one in folder.iterdir() if not one.name.startswith(".") and one.is_file())
    except OSError as error:
        raise _unreadable(folder, error) from None


def files_below(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """The files in a folder and in those below it, links to folders too, without hidden ones, and each folder once.

    A link that leads to where it lies is not followed, and one to a folder below this one has nothing that is not there
    already.
    """
    seen, waiting = set[str](), [Path(folder)]
    while waiting:  # links come after all folders: what lies in both is called as the folder is
        for at, folders, names in os.walk(waiting.pop(0)):
            here = os.path.realpath(at)
            folders[:] = [] if here in seen else sorted(name for name in folders if not name.startswith("."))
            if here in seen:
                continue
            seen.add(here)
            links = [Path(at) / name for name in folders if (Path(at) / name).is_symlink()]
            waiting += [link for link in links if not _is_in(here, os.path.realpath(link))]
            yield from (Path(at) / name for name in sorted(names) if not name.startswith("."))


def _is_in(folder: str, other: str) -> bool:
    """Whether a folder is another one, or lies in it; both are real paths."""
    return folder == other or folder.startswith(other.rstrip(os.sep) + os.sep)


def text_lines(path: Path, encoding: str) -> list[str]:
    """Returns the lines of a file without their ends; only newlines end a line, whatever else Unicode calls one."""
    lines = "".join(pieces(path, encoding)).split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def blocks(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Cuts at blank lines: the number of the first line of each block, from 1, and its lines."""
    first, block = 1, list[str]()
    for number, line in enumerate(lines, 1):
        if line.strip():
            first = first if block else number
            block.append(line)
        elif block:
            yield first, block
            block = []
    if block:
        yield first, block


def pieces(path: Path, encoding: str, piece_size: int = PIECE_SIZE) -> Iterator[str]:
    """Decodes a file strictly: pieces of at most `piece_size` characters, none of them empty, newlines as line ends."""
    check_encoding(encoding)
    decoder = codecs.getincrementaldecoder(encoding)()
    offset, line, held, started = 0, 1, "", False
    with _opened(path) as file:
        while True:
            chunk = file.read(piece_size)
            pending = len(decoder.getstate()[0])
            try:
                text = held + decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:
                raise _not_of_encoding(path, encoding, error, offset - pending, line, held) from None
            offset += len(chunk)
            if text and not started:
                text, started = text.removeprefix("\ufeff"), True
            # A carriage return at the end may be the first half of a line end.
            held = "\r" if chunk and text.endswith("\r") else ""
            text = _newlines(text.removesuffix(held))
            if "\0" in text:
                line += text.count("\n", 0, text.index("\0"))
                raise DataError(
                    f"{path.name}, line {line}: found a NUL byte, which no text has; the file is damaged, is not text, "
                    "or is UTF-16. Save it as UTF-8 text."
                )
            line += text.count("\n")
            for start in range(0, len(text), piece_size):
                yield text[start : start + piece_size]
            if not chunk:
                return


def check_encoding(encoding: str) -> None:
    """Raises ArgumentError for what Python does not know as an encoding of text."""
    try:
        b"a".decode(encoding)
        codecs.getincrementaldecoder(encoding)
    except UnicodeError:  # one byte is too few for utf-16
        return
    except (LookupError, TypeError, ValueError):
        raise ArgumentError(
            f"`encoding` is {encoding!r}, which Python does not know as one of text. Use utf-8, latin-1 or utf-16."
        ) from None


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError | ValueError) -> DataError | ResourceError:
    match error:
        case FileNotFoundError():
            return DataError(f"`{_shown(path)}` is not there. Give the path of a file or a folder.")
        case PermissionError():
            return ResourceError(f"`{_shown(path)}` may not be read by this user. Change its permissions.")
        case OSError():
            return DataError(f"`{_shown(path)}` cannot be read: {error.strerror or error}. Give the path of a file.")
        case _:
            return DataError(f"`{_shown(path)!r}` is not a path: {error}. Give the path of a file.")


def _shown(path: Path) -> str:
    return str(path) if len(str(path)) <= 80 else f"{str(path)[:77]}..."


def _not_of_encoding(path: Path, encoding: str, error: UnicodeError, base: int, line: int, held: str) -> DataError:
    start, object_ = (error.start, error.object) if isinstance(error, UnicodeDecodeError) else (0, b"")
    before = _newlines(held + object_[:start].decode(encoding, "replace"))
    value = f" (0x{object_[start]:02x})" if object_ else ""
    return DataError(
        f"{path.name}, line {line + before.count(chr(10))}: byte {base + start}{value} is not {encoding}. "
        "Save the file as UTF-8, or name its encoding where `encoding` is an option."
    )
