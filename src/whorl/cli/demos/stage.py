"""What all demos share: a folder, parts of the data as files, the score beside rivals, and the block at the end."""

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from whorl.cli.evaluate import score_table
from whorl.cli.output import is_quiet, show, tell, wants_json
from whorl.cli.outputs import check_output
from whorl.report.scores import size_of

if TYPE_CHECKING:
    from whorl.runtime.evaluation import Evaluation
    from whorl.tasks.estimator import Estimator


class Stage:
    """Where a demo runs: its folder, its clock, and what it has to say at its end.

    A demo writes its parts (`write`), trains (with `epochs`, `is_verbose`), calls `score` with the model, shows
    the model live, and ends with `finish`.

    Args:
        folder: where everything goes; it is made.
        name: of the model file, without its ending.
        epochs: passes over the training part.
    """

    def __init__(self, folder: str, name: str, epochs: int) -> None:
        self.epochs = epochs
        self.home = Path(folder)
        self.home.mkdir(parents=True, exist_ok=True)
        self.model, self.page = self.home / f"{name}.whorl", self.home / "report.html"
        check_output(self.model, "--folder")
        self._start = time.monotonic()

    @property
    def is_verbose(self) -> bool:
        """Whether `fit` is to tell how it goes."""
        return not (is_quiet() or wants_json())

    @property
    def passes(self) -> str:
        """The number of epochs in words."""
        return f"{self.epochs} {'epoch' if self.epochs == 1 else 'epochs'}"

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._start

    def write(self, name: str, columns: Mapping[str, Sequence[object]], first: int, last: int) -> Path:
        """Writes the rows [first, last) of a table as a CSV file of the folder, and returns its path."""
        path = self.home / name
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(zip(*(cells[first:last] for cells in columns.values()), strict=True))
        return path

    def score(self, estimator: "Estimator", test: object, *, unit: str = "") -> "Evaluation":
        """Saves the model, scores it on the test part beside its rivals, and writes the report.

        Args:
            estimator: a fitted one.
            test: the path of the test part, or what else `evaluate` takes.
            unit: of the scores, where they have one.
        """
        estimator.save(self.model)
        found = estimator.evaluate(test, keep=False)
        tail = f", {unit}" if unit else ""
        tell("", f"test part, never trained on, {found.num_answers} answers{tail}:", *score_table(found))
        estimator.report(self.page)
        return found

    def finish(self, estimator: "Estimator", found: "Evaluation", test: Path, *, stream: str | None = None) -> None:
        """Says where everything is and what can be done next; with --json, the scores.

        Args:
            estimator: the fitted one.
            found: what `score` returned.
            test: the file of the test part.
            stream: the command that streams; None feeds the test part to `whorl stream`.
        """
        tell(
            "",
            f"model: {self.model} ({size_of(self.model.stat().st_size)})",
            f"report: {self.page}",
            f"took {self.seconds:.0f} s; next:",
            f"  whorl inspect {self.model}",
            f"  whorl predict {self.model} {test}",
            f"  {stream or f'whorl stream {self.model} < {test}'}",
        )
        if wants_json():
            result = {
                "model": str(self.model),
                "report": str(self.page),
                "validation": estimator.model_.card["scores"],
                "test": {
                    "answers": found.num_answers,
                    "metrics": dict(found.metrics),
                    "baselines": {name: dict(scores) for name, scores in found.baseline.items()},
                },
            }
            show(result, [])
