"""Pages that need nothing but themselves: how they are made and written, and what they share."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from whorl.errors import ArgumentError, MissingExtraError
from whorl.runtime.artifact import write_bytes

if TYPE_CHECKING:
    from jinja2 import Template

_SHARED = Path(__file__).parent


def template(path: Path) -> "Template":
    """The template of a page, which has the shared style as `style`; what it is given is escaped.

    It may extend `found.html`, a page of something that was found: its advice, tables, notes and pictures.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise MissingExtraError("jinja2", "train", "to write a page") from None
    environment = Environment(
        loader=FileSystemLoader(_SHARED),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = (_SHARED / "page.css").read_text(encoding="utf-8")
    return environment.from_string(path.read_text(encoding="utf-8"))


def write_found(path: str | Path, what: str, page: Callable[[], str], plain: Callable[[], object]) -> None:
    """Writes something that was found as a page (.html), or everything as JSON (.json).

    Args:
        path: the file.
        what: was found, in a word.
        page: makes the page.
        plain: makes JSON values.

    Raises:
        ArgumentError: the path ends otherwise.
        ResourceError: the file cannot be written.
    """
    target = Path(path)
    match target.suffix.lower():
        case ".json":
            write_bytes(target, msgspec.json.format(msgspec.json.encode(plain())))
        case ".html" | ".htm":
            write_bytes(target, page().encode())
        case _:
            raise ArgumentError(
                f"`path` ends in .html or .json, but is `{path}`. A {what} is written as one of the two."
            )
