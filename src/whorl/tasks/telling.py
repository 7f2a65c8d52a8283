"""What `fit` says while it works: roles of columns, progress, and scores beside the naive rivals."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from whorl.report.scores import verdict

if TYPE_CHECKING:
    from whorl.runtime.evaluation import Evaluation
    from whorl.train.progress import Progress


# Name of the metric, width of its column, format.
_NUMBERS = (("mae", 12, ".5g"), ("rmse", 12, ".5g"), ("mase", 9, ".3f"))
_LABELS = (("accuracy", 12, ".4f"), ("f1", 9, ".4f"), ("auroc", 9, ".4f"), ("nll", 9, ".4f"))


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

    def scores(self, evaluation: "Evaluation", names: Sequence[str]) -> None:
        """Prints the scores on the validation part beside the naive rivals, in the user's units."""
        self.lines(score_lines(evaluation.metrics, evaluation.baseline, names, evaluation.num_answers))


def score_lines(
    metrics: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    names: Sequence[str],
    num_answers: int,
) -> list[str]:
    """A table of scores: the model first, then its rivals, and a word on the verdict."""
    rows = {"model": metrics, **baselines}
    of_labels = "accuracy" in metrics
    what = "calibrated the probabilities" if of_labels else "set the intervals"
    lines = [f"validation part (it also chose the epoch and {what}), {num_answers} answers, {', '.join(names)}:"]
    columns = _LABELS if of_labels else _NUMBERS
    if not metrics:
        return [*lines, f"  {verdict(rows)[1]}"]
    lines.append(f"  {'':16}" + "".join(f"{column:>{width}}" for column, width, _ in columns))
    for name, scores in rows.items():
        cells = [
            f"{scores[column]:{width}{form}}" if column in scores else f"{'':{width}}"
            for column, width, form in columns
        ]
        lines.append(f"  {name:16}{''.join(cells)}")
    lines.append(f"  {verdict(rows)[1]}")
    return lines
