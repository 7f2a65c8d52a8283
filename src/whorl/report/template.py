"""Pages that need nothing but themselves: how they are made, and the style that they share."""

from pathlib import Path
from typing import TYPE_CHECKING

from whorl.errors import MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Template


def template(path: Path) -> "Template":
    """The template of a page, which has the shared style as `style`; what it is given is escaped.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError:
        raise MissingExtraError("jinja2", "train", "to write a page") from None
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals["style"] = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return environment.from_string(path.read_text(encoding="utf-8"))
