"""Writes docs/quality.md, what models score on public data, from the results of whole runs.

    python -m benchmarks.quality [--check]

The benchmark of a task ends with `save`: its file in benchmarks/results has a section for the page. With --check it
fails where the page is not what the results say.
"""

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.processes import ROOT

import whorl

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "quality.md"

HEAD = """# Quality

What models score on public data that they were not trained on. Written by `python -m benchmarks.quality` from the files
in [benchmarks/results](../benchmarks/results). Of each task all sets have the same settings, the defaults where nothing
else is said, and these were chosen without looking at a test part but where a section says so.
"""


def spread(values: Sequence[float], form: str = ".4f") -> str:
    """Mean and standard deviation of several seeds as a cell of a table."""
    mean = f"{statistics.mean(values):{form}}"
    return f"{mean} ± {statistics.stdev(values):{form}} (n={len(values)})" if len(values) > 1 else f"{mean} (n=1)"


def duration(runs: Sequence[Mapping[str, Any]]) -> str:
    """Mean `fit_seconds` of runs, and how many cores their `threads` had, as a cell of a table."""
    threads = runs[0]["threads"]
    return f"{statistics.mean(one['fit_seconds'] for one in runs):.0f} s, {threads} core{'s' * (threads > 1)}"


def arguments(
    description: str | None, *, seeds: Sequence[int] = (0, 1, 2), sets: Sequence[str] = (), optional: bool = False
) -> argparse.ArgumentParser:
    """A parser of what benchmarks of tasks are told; one of them may add what it alone is told.

    Args:
        description: for --help.
        seeds: the default of --seeds.
        sets: names of data, some of which --sets may choose; no such option where there are none.
        optional: whether the folder of the data may be left out.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?" if optional else None)
    if sets:
        parser.add_argument("--sets", nargs="+", default=list(sets), choices=list(sets))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(seeds))
    parser.add_argument("--out", type=Path)
    return parser


def write(path: Path | None, **measured: object) -> None:
    """Writes what was measured and with which versions, for runs that have no section of the page; None writes none."""
    if path is not None:
        versions = {"whorl": whorl.__version__, "torch": torch.__version__, "python": platform.python_version()}
        path.write_text(json.dumps({"versions": versions, **measured}, indent=1) + "\n", encoding="utf-8")


def finish(
    path: Path | None,
    *,
    title: str,
    text: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    runs: Sequence[Mapping[str, Any]],
) -> None:
    """Prints the rows of the table, and saves the results where there is a path; see `save`."""
    for row in rows:
        print("  ".join(row), flush=True)
    if path is not None:
        save(path, title=title, text=text, heads=heads, rows=rows, runs=runs)


def save(
    path: Path,
    *,
    title: str,
    text: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    runs: Sequence[Mapping[str, Any]],
) -> None:
    """Writes the results of a whole run.

    Args:
        path: a file in benchmarks/results, or elsewhere for a try.
        title: heading of the section.
        text: what was done: data and their split, settings, rivals.
        heads: of the table.
        rows: of the table, cells as text.
        runs: everything that was measured.
    """
    versions = {"whorl": whorl.__version__, "torch": torch.__version__, "numpy": np.__version__}
    quality = {"title": title, "text": text, "heads": list(heads), "rows": [list(row) for row in rows]}
    written = {"quality": quality, "versions": versions, "machine": machine(), "runs": list(runs)}
    path.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def machine() -> dict[str, object]:
    """What it was measured on."""
    return {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}


def page(folder: Path = RESULTS) -> str:
    """The page: a section for each file of results that has one, in the order of their titles."""
    sections = []
    for path in sorted(folder.glob("*.json")):
        quality = json.loads(path.read_text(encoding="utf-8")).get("quality")
        if quality is not None:
            lines = [quality["heads"], ["---"] * len(quality["heads"]), *quality["rows"]]
            table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
            source = f"[{path.name}](../benchmarks/results/{path.name})"
            sections.append(f"## {quality['title']}\n\n{quality['text']} All runs: {source}.\n\n{table}")
    return "\n".join([HEAD, *sorted(sections)])


def main(arguments: Sequence[str] = ()) -> None:
    """Writes the page, or checks it."""
    made = page()
    if "--check" not in arguments:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
        sys.exit(f"{PAGE.relative_to(ROOT)} is not what the results say. Write it with `python -m benchmarks.quality`.")


if __name__ == "__main__":
    main(sys.argv[1:])
