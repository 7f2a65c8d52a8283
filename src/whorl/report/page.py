"""A report as one HTML page that needs nothing but itself: no network, and no script but its own."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from pathlib import Path

import numpy as np

from whorl.data.event_reader import EventReader
from whorl.data.problems import plural
from whorl.data.sequences import Sequence
from whorl.plans.heads import Bernoulli
from whorl.plans.wiring import Autoregressive, EachRow, Sequences, is_whole
from whorl.report import (
    alignments,
    answers,
    card,
    classes,
    curves,
    explorer,
    findings,
    forecasts,
    indicators,
    labels,
    looking_back,
    memory,
    recommendations,
    rolls,
    scores,
    split,
    states,
    surprises,
    transcripts,
    views,
    written_views,
)
from whorl.report.anatomy import dissect
from whorl.report.card import Card
from whorl.report.diagram import diagram
from whorl.report.drawing import Picture
from whorl.report.evidence import Evidence, HeldOut, gather
from whorl.report.exchanges import exchanges
from whorl.report.lives import lives
from whorl.report.one_step import one_step
from whorl.report.template import template
from whorl.report.texts import texts
from whorl.runtime import transcribing, writing
from whorl.runtime.artifact import write_bytes
from whorl.runtime.model import Model

_TITLES = {
    "forecast": "Forecast of",
    "regress": "Regression of",
    "classify": "Classification by",
    "tag": "Tagging of",
    "generate": "Text, by its",
    "detect": "Detection in",
    "transcribe": "Transcripts:",
    "translate": "Translation into",
    "summarize": "Summaries:",
    "chat": "Dialogues:",
    "recommend": "Recommendation of the",
    "caption": "Captions:",
}
# What a step is called, by what is read.
_STEPS = {"text": "token", "music": "step"}


def write_report(path: Path, model: Model, held_out: HeldOut | List[Sequence] | None) -> None:
    """Writes a page about a fitted model.

    Args:
        path: of the page.
        model: a fitted model.
        held_out: the part that `fit` held out, or sequences with truths to score the model on; None shows what the
            model's card knows.

    Raises:
        MissingExtraError: matplotlib or jinja2 is not installed.
        ResourceError: the page cannot be written.
    """
    page = template(Path(__file__).with_name("page.html")).render(_content(model, held_out))
    write_bytes(path, page.encode())


def _content(model: Model, held_out: HeldOut | List[Sequence] | None) -> dict[str, object]:
    facts = card.read(model.card)
    writes = model.encoder is not None
    evidence = None if writes or transcribing.transcribes(model) else gather(model, held_out)
    given = isinstance(held_out, List)
    metrics, by_step, part = _scored(facts, evidence, given)
    if evidence is None and isinstance(held_out, List):
        found = (writing if writes else transcribing).evaluated(model, held_out, keep=False)
        metrics = {"model": found.metrics, **found.baseline}
        part = f"the data given to this report, {len(held_out):,} answers"
    wins, verdict = scores.verdict(metrics)
    probes = memory.measured(model, held_out)
    judged = isinstance(model.wiring.pairing, EachRow)
    whole = judged or isinstance(model.wiring.pairing, Sequences) or isinstance(model.wiring.shape, Autoregressive)
    lines = _split(model, facts, held_out)
    seen = written_views.views(model, held_out) if writes else [] if evidence is None else views.views(model, evidence)
    levels, sizes = model.readout.levels, dissect(model.engine.program)
    return {
        "title": _title(model),
        "sizes": _sizes(model, facts),
        "wins": wins,
        "verdict": verdict,
        "table": scores.table(metrics) if metrics else None,
        "part": part,
        "fits": _fits(facts, held_out is not None and not given),
        "targets": len(model.reader.names),
        "calibrated": bool(levels) and not given,
        "timeline": split.timeline(lines) if lines else None,
        "more_series": max(0, facts.data.series - len(lines)) if len(lines) > 1 else 0,
        "losses": curves.losses(facts.history),
        "whole": whole,
        "windows": forecasts.windows(model, evidence) if evidence is not None and not whole else [],
        **_pieces(model, evidence, held_out),
        "answers_title": _answers_title(model),
        "answers": _answers(model, evidence, held_out) if whole or writes else [],
        "writes": writes,
        "labels": labels.table(evidence) if evidence is not None and _has_rows_of_labels(model) else (),
        "wrong": labels.wrong(evidence) if evidence is not None and model.readout.by_sequence else (),
        "errors": [] if whole else curves.errors(by_step, model.reader.names),
        "coverage": None if whole else curves.coverage(by_step.get("model", {}), levels, model.reader.names),
        "quantiles": bool(levels),
        "heatmap": states.heatmap(seen[0]) if seen else None,
        "explorer": explorer.explorer(seen, () if probes is None else probes.followed),
        "memory": probes and memory.memory(probes, _STEPS.get(model.wiring.inputs, "row")),
        "memory_meaning": memory.MEANING,
        "findings": findings.findings(findings.measure(model, facts, probes, held_out)),
        "diagram": diagram(
            model.engine.program,
            every_step=not whole or bool(getattr(model.wiring.pairing, "every_step", False)) or _judges_rows(model),
            labels=len(model.reader.classes) > 0,
            judged=judged,
        ),
        "one_step": one_step(seen[0]) if seen else None,
        "reach": looking_back.reach(model),
        "recurs": sizes is not None,
        "thinned": evidence is not None and evidence.every > 1,
        "drawn": 0 if evidence is None else len(evidence.prediction),
        "versions": ", ".join(f"{name} {version}" for name, version in facts.versions.items()),
    }


def _pieces(model: Model, evidence: Evidence | None, held_out: HeldOut | List[Sequence] | None) -> dict[str, object]:
    """Pieces of texts, of music, of dialogues and of sessions, with what the model makes of them."""
    return {
        "texts": texts(model, evidence, held_out),
        "rolls": rolls.pictures(model, held_out),
        "exchanges": exchanges(model, held_out),
        "recommended": recommendations.recommendations(model, evidence),
    }


def _split(model: Model, facts: Card, held_out: HeldOut | List[Sequence] | None) -> list[split.Bar]:
    pairing = model.wiring.pairing
    # Of a session its last event is held out.
    whole = is_whole(pairing) and not isinstance(model.reader, EventReader)
    return split.bars(facts.data, held_out, ahead=not isinstance(pairing, EachRow), whole=whole)


def _title(model: Model) -> str:
    if model.wiring.inputs == "music":
        return "Music, by its next chords" if isinstance(model.wiring.head, Bernoulli) else "Music, by its next events"
    return f"{_TITLES.get(model.task, model.task.capitalize() + ':')} {scores.listed(model.reader.names)}"


def _judges_rows(model: Model) -> bool:
    return isinstance(model.wiring.pairing, EachRow) and not model.wiring.pairing.whole


def _has_rows_of_labels(model: Model) -> bool:
    """Whether each label has a row of its own: of those for each step, and of several at once."""
    return model.readout.by_sequence or isinstance(model.wiring.head, Bernoulli)


def _answers_title(model: Model) -> str:
    if transcribing.transcribes(model):
        return "Heard and true"
    if model.encoder is not None:
        return "Written and true"
    return "Scores and alarms" if isinstance(model.wiring.pairing, EachRow) else "Predicted and true"


def _answers(model: Model, evidence: Evidence | None, held_out: HeldOut | List[Sequence] | None) -> list[Picture]:
    if transcribing.transcribes(model):
        return transcripts.pictures(model, held_out)
    if model.encoder is not None:
        return alignments.pictures(model, held_out)
    if evidence is None:
        return []
    if evidence.prediction.contributions is not None:
        return surprises.pictures(evidence, whole=not _judges_rows(model))
    if isinstance(model.reader, EventReader):
        return recommendations.pictures(evidence)
    if evidence.prediction.thresholds is not None:
        return indicators.pictures(evidence)
    if evidence.prediction.probabilities is not None:
        return classes.pictures(evidence)
    return [*answers.scatter(evidence), *(lives(evidence) if model.reader.countdown is not None else [])]


def _scored(
    facts: Card, evidence: Evidence | None, given: bool
) -> tuple[Mapping[str, Mapping[str, float]], Mapping[str, Mapping[str, np.ndarray]], str]:
    """Metrics, metrics by step, and which part they are of: data given now, else what `fit` wrote down."""
    if evidence is not None and given:
        count = f"{len(evidence.prediction):,} answers"
        thinned = f", one of {evidence.every:.3g}" if evidence.every > 1 else ""
        return evidence.metrics, evidence.by_step, f"the data given to this report, {count}{thinned}"
    known = facts.scores
    if known is None:
        return {}, {}, "nothing"
    own = {name: np.asarray(values, np.float64) for name, values in known.by_step.items()}
    by_step: Mapping[str, Mapping[str, np.ndarray]] = {"model": own} if own else {}
    if evidence is not None:
        # The card knows no rival by step, so model and rivals are measured on the same answers.
        by_step = evidence.by_step
    count = f"{known.answers:,} answers"
    if facts.folds is not None:
        told = f"all {facts.folds.count} folds, each answered by networks that had not learned from it, {count}"
        return known.all_metrics, by_step, told
    return known.all_metrics, by_step, f"the {known.part} part that fit held out, {count}"


def _fits(facts: Card, held_out: bool) -> str:
    """What is said of fits on folds, and of one with nothing held out; nothing where there was one fit alone."""
    if facts.folds is not None:
        count, kinds = facts.folds.count, facts.folds.networks
        shares = ", ".join(f"{kind.name} {kind.share:.0%}" for kind in kinds)
        counted = f" Their shares in the sum of what they answer: {shares}." if len(kinds) > 1 else ""
        here = " This page shows those that have not learned from the first fold, on it." if held_out else ""
        return (
            f"{count * len(kinds)} networks answer together, each of which has learned from all of {count} folds but "
            f"one.{counted}{here} Losses are those of the first."
        )
    if facts.refit is None:
        return ""
    epochs = plural(facts.refit.epochs, "epoch")
    before = " This page shows it as it was before, for it has learned from what is shown here by now."
    return (
        "After it was scored on the validation part, the network was fitted again with nothing held out, in "
        f"{epochs}.{before if held_out else ''}"
    )


def _sizes(model: Model, facts: Card) -> dict[str, str]:
    """Facts below the title: name -> text."""
    sizes, data = dissect(model.engine.program), facts.data
    found: dict[str, str] = {}
    if sizes is not None:
        layers = f"{sizes.num_layers} layers, " if sizes.num_layers > 1 else ""
        several = f"{sizes.members} side by side, {sizes.which}" if sizes.members > 1 else ""
        drawn = ", frozen as they were drawn" if facts.network.frozen else ""
        found["network"] = f"{several}{sizes.cell}, {layers}{sizes.hidden_size} units{drawn}"
        found["parameters"] = f"{sizes.num_parameters:,}"
    else:
        found |= looking_back.sizes(model)
    for name in ("context", "warm_up", "horizon"):
        value = getattr(model.wiring.pairing, name, None)
        if value is not None and not data.tokens:
            found[name.replace("_", "-")] = f"{value:,} rows"
    reads = None if model.encoder is None else dissect(model.encoder.program)
    if reads is not None:
        both = ", both ways" if reads.bidirectional else ""
        found["encoder"] = f"{reads.cell}, {reads.hidden_size} units{both}, {reads.num_parameters:,} parameters"
    if data.step:
        found["step"] = data.step
    if data.rows:
        found["data"] = f"{data.rows:,} rows" + (f", {data.series:,} series" if data.series > 1 else "")
    elif data.tokens:
        found["data"] = f"{data.tokens:,} tokens"
    elif data.sequences:
        found["data"] = f"{data.sequences:,} sequences"
    for name, columns in (("read", data.past), ("known ahead", data.known), ("static", data.static)):
        if columns:
            found[name] = scores.listed(columns)
    return found
