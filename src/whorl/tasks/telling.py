"""What `fit` says while it works: roles of columns, progress, and scores beside the naive rivals."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from whorl.report.metric_table import METRICS
from whorl.report.scores import listed, verdict

if TYPE_CHECKING:
    from whorl.runtime.evaluation import Evaluation
    from whorl.train.progress import Progress


class Teller:
    """Prints to standard output, or keeps silent.

    Args:
        verbose: None prints where standard output is a terminal.
    """

    def __init__(self, verbose: bool | None) -> None:
        self.speaks = sys.stdout.isatty() if verbose is None else verbose

    def lines(self, lines: Iterable[str]) -> None:
        """Prints lines."""
        if self.speaks:
            for line in lines:
                sys.stdout.write(f"{line}\n")

    def progress(self) -> "Progress":
        """A progress bar on a terminal, or silence."""
        from whorl.train.progress import SilentProgress, TerminalProgress

        return TerminalProgress() if self.speaks else SilentProgress()

    def scores(self, evaluation: "Evaluation", names: Sequence[str], uses: Sequence[str]) -> None:
        """Prints the scores on the validation part beside the naive rivals, in the user's units.

        Args:
            evaluation: the scores.
            names: of what is answered.
            uses: what that part served for besides, such as 'chose the epoch'.
        """
        also = f" (it also {' and '.join(uses)})" if uses else ""
        first = f"validation part{also}, {evaluation.num_answers} answers, {listed(names)}:"
        self.lines([first, *score_lines(evaluation.metrics, evaluation.baseline)])

    def folds(
        self, evaluation: "Evaluation", names: Sequence[str], folds: Mapping[str, Any], uses: Sequence[str]
    ) -> None:
        """Prints scores of answers by networks that had not learned from them, and how much each kind of them counts.

        Args:
            evaluation: the scores.
            names: of what is answered.
            folds: as the model card has them.
            uses: what the answers served for besides.
        """
        count, networks = folds["count"], folds["networks"]
        if len(networks) > 1:
            self.lines([f"{one['name']} counts {one['share']:.0%} of the sum" for one in networks])
        also = f" (they also {' and '.join(uses)})" if uses else ""
        told = f"each answered by what had not learned from it{also}, {evaluation.num_answers} answers"
        self.lines(
            [f"all {count} folds, {told}, {listed(names)}:", *score_lines(evaluation.metrics, evaluation.baseline)]
        )


class Watcher(Teller):
    """Shows how far training is, and prints nothing."""

    def lines(self, lines: Iterable[str]) -> None:
        """Nothing."""


def score_lines(metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A table of scores: the model first, then its rivals, and a word on the verdict."""
    rows = {"model": metrics, **baselines}
    if not metrics:
        return [f"  {verdict(rows)[1]}"]
    columns = {
        name: [f"{scores[name]:{known.form}}" if name in scores else "" for scores in rows.values()]
        for name, known in METRICS.items()
        if known.form and name in metrics
    }
    widths = {name: max(9, len(name) + 2, *(len(cell) + 2 for cell in cells)) for name, cells in columns.items()}
    lines = [f"  {'':16}" + "".join(f"{name:>{widths[name]}}" for name in columns)]
    for n, name in enumerate(rows):
        lines.append(f"  {name:16}" + "".join(f"{cells[n]:>{widths[column]}}" for column, cells in columns.items()))
    lines.append(f"  {verdict(rows)[1]}")
    if metrics.get("unseen"):
        lines.append(f"  {metrics['unseen']:.1%} of the truths are none that training has; they count as wrong.")
    return lines
