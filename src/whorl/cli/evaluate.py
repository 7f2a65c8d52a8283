"""`whorl evaluate MODEL DATA`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from whorl.cli import continuing
from whorl.cli.news import tell_news
from whorl.cli.output import command as make_command
from whorl.cli.output import show
from whorl.cli.weights import loss_lines, matrices_line, weights_option

if TYPE_CHECKING:
    from whorl.runtime.evaluation import Evaluation
    from whorl.runtime.quantised import Weights

# Names of series that are told where some are too short.
_SHOWN = 10


def evaluate(model: str, data: str, weights: "Weights", **decoded: object) -> None:
    """Score a saved model on DATA beside its naive rivals, in the user's units; needs no torch.

    Every row with full context and full horizon is scored, and none is left out. Of models that write texts the options
    of decoding say how; without one they write as in `whorl predict`. With --weights of fewer bits than float32 the
    model is scored both ways, and what the bits change is printed.
    """
    from whorl import runtime
    from whorl.report.scores import listed
    from whorl.runtime.engines import engine_for
    from whorl.runtime.quantised import weight_formats

    loaded = runtime.load(model, weights=weights)
    decoding = continuing.decoding_of(decoded, continuing.default_of(loaded))
    source = tell_news(loaded, data)
    found = loaded.evaluate(source, keep=False, decoding=decoding)
    result = {
        "answers": found.num_answers,
        "metrics": dict(found.metrics),
        "baselines": {name: dict(scores) for name, scores in found.baseline.items()},
        "skipped": list(found.skipped),
        "by_step": {name: values.tolist() for name, values in found.by_step.items()},
    }
    lines = [f"{found.num_answers} answers, {listed(loaded.reader.names)}:", *score_table(found)]
    if found.skipped:
        names = list(dict.fromkeys(found.skipped))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        lines.append(f"  too short to be scored: series {', '.join(names[:_SHOWN])}{more}")
    if weights != "fp32":
        programs = [one.program for one in (loaded.engine, loaded.encoder) if one is not None]
        engine, *encoder = map(engine_for, programs)
        # The rivals have no weights: their scores are known.
        same = replace(loaded, engine=engine, encoder=encoder[0] if encoder else None, baselines={})
        exact = same.evaluate(source, keep=False, decoding=decoding).metrics
        formats = [kept for program in programs for kept in weight_formats(program, weights).values()]
        matrices = {"rounded": formats.count(weights), "total": len(formats)}
        result.update({"weights": weights, "matrices": matrices, "metrics_fp32": dict(exact)})
        lines.extend([matrices_line(weights, **matrices), *loss_lines(weights, exact, found.metrics)])
    show(result, lines)


def score_table(found: "Evaluation") -> list[str]:
    """The model and its rivals, the verdict, and how the intervals did."""
    return [*_rows(found.metrics, found.baseline), *interval_lines(found.metrics)]


def _rows(metrics: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]) -> list[str]:
    from whorl.tasks.telling import score_lines

    return score_lines(metrics, baselines)


def interval_lines(metrics: Mapping[str, float]) -> list[str]:
    """How many truths lay inside the intervals or sets, and how wide these were; nothing where there are none."""
    if "coverage" not in metrics:
        return []
    if "set_size" in metrics:
        size = metrics["set_size"]
        return [f"  {metrics['coverage']:.1%} of the truths are in their set, of {size:.3g} labels on average."]
    return [
        f"  {metrics['coverage']:.1%} of the truths lie in their interval, whose mean width is {metrics['width']:.5g}."
    ]


command = make_command(
    "evaluate",
    evaluate,
    [click.Argument(["model"]), click.Argument(["data"]), *continuing.options(), weights_option()],
)
