"""What `fit` says while it works: roles of columns, progress, and scores beside the naive rivals."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

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
                print(line)

    def progress(self) -> "Progress | None":
        """A progress bar on a terminal, or None."""
        if not self.speaks:
            return None
        from whorl.train.progress import TerminalProgress

        return TerminalProgress()

    def scores(self, evaluation: "Evaluation", names: Sequence[str]) -> None:
        """Prints the scores on the validation part beside the naive rivals, in the user's units."""
        self.lines(score_lines(evaluation.metrics, evaluation.baseline, names, evaluation.num_answers))


def score_lines(
    metrics: "dict[str, float] | object", baselines: object, names: Sequence[str], num_answers: int
) -> list[str]:
    """A table of scores: the model first, then its rivals, and a word on the verdict."""
    rows = {"model": dict(metrics), **{name: dict(rival) for name, rival in dict(baselines).items()}}  # type: ignore[call-overload]
    lines = [f"held-out part, {num_answers} answers, {', '.join(names)}:"]
    lines.append(f"  {'':16}{'mae':>12}{'rmse':>12}{'mase':>9}")
    for name, scores in rows.items():
        mase = f"{scores['mase']:9.3f}" if "mase" in scores else f"{'':9}"
        lines.append(f"  {name:16}{scores.get('mae', float('nan')):12.5g}{scores.get('rmse', float('nan')):12.5g}{mase}")
    lines.append(f"  {verdict(rows)}")
    return lines


def verdict(rows: "dict[str, dict[str, float]]") -> str:
    """One sentence: how the model stands against its best rival."""
    rivals = {name: scores["mae"] for name, scores in rows.items() if name != "model" and "mae" in scores}
    if not rivals or "mae" not in rows["model"]:
        return "No truth was known, so nothing could be scored."
    best = min(rivals, key=lambda name: rivals[name])
    own, other = rows["model"]["mae"], rivals[best]
    if own < other:
        return f"The model's mae is {100 * (1 - own / other):.1f} % below that of the best rival, {best}."
    return (
        f"The model does not beat {best} here (mae {100 * (own / max(other, 1e-12) - 1):.1f} % above it): "
        "use that, or bring more data or covariates."
    )
