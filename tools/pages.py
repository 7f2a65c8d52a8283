"""Runs the Python of pages of the documentation, and puts the figures that it draws beside them.

The blocks of a page are one program, from the first to the last, in a folder of their own; a page fails where one of
its blocks does. `make tutorials` runs the pages of docs/tutorials.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

FIGURES = "figures"
# Every clone of the repository carries them.
MOST_BYTES = 40_000
_LONGEST_S = 600


def python_of(page: Path) -> str:
    """The Python blocks of a page, one after the other."""
    return "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))


def figures_of(page: Path) -> list[str]:
    """The names of the figures that a page shows, such as 'lags.png'."""
    return re.findall(rf"!\[[^\]]*\]\({FIGURES}/([^)]+)\)", page.read_text(encoding="utf-8"))


def run(code: str, folder: Path) -> str:
    """Runs a program in a folder, with the Python that runs this; returns what it printed.

    Raises:
        RuntimeError: it failed, and the message is what it wrote; or it took more than ten minutes.
    """
    command = [sys.executable, "-c", code]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"it was stopped after {_LONGEST_S} s. Make it shorter.") from None
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout


def missing(page: Path, folder: Path) -> list[str]:
    """Figures that a page shows and that are not in a folder where it ran, or are no pictures there."""
    files = {name: folder / FIGURES / name for name in figures_of(page)}
    return [name for name, file in files.items() if not file.is_file() or not is_picture(file)]


def is_picture(file: Path) -> bool:
    """Whether a file is a picture of more than one colour."""
    try:
        with Image.open(file) as picture:
            return any(least < most for least, most in picture.convert("RGB").getextrema())
    except OSError:
        return False


def keep(drawn: Path, kept: Path) -> None:
    """Copies a picture in as few colours as a palette has, which makes it smaller.

    Raises:
        RuntimeError: it is still larger than a repository should carry.
    """
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(kept, optimize=True)
    if kept.stat().st_size > MOST_BYTES:
        raise RuntimeError(f"{kept.name} has {kept.stat().st_size:,} bytes, more than {MOST_BYTES:,}. Draw it smaller.")


def redraw(page: Path) -> tuple[float, str]:
    """Runs a page and replaces the figures beside it; returns the seconds that a core worked, and what it printed.

    Raises:
        RuntimeError: it failed, or did not draw what it shows.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = os.times()
        printed = run(python_of(page), folder)
        after = os.times()
        if missing(page, folder):
            raise RuntimeError(f"{', '.join(missing(page, folder))}: not drawn, or empty.")
        (page.parent / FIGURES).mkdir(exist_ok=True)
        for figure in figures_of(page):
            keep(folder / FIGURES / figure, page.parent / FIGURES / figure)
    worked = after.children_user + after.children_system - before.children_user - before.children_system
    return worked, printed


def main(arguments: list[str] | None = None) -> int:
    """Redraws the figures of the pages that are named; exit status 1 if a page failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--verbose", action="store_true", help="show what pages print")
    options = parser.parse_args(arguments)
    failed = 0
    for page in options.pages:
        try:
            seconds, printed = redraw(page)
        except RuntimeError as error:
            failed += 1
            sys.stderr.write(f"{page}: {error}\n")
        else:
            sys.stdout.write(f"{page}: {seconds:.0f} s of a core, {len(figures_of(page))} figures\n")
            sys.stdout.write(printed if options.verbose else "")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
