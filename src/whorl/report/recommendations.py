"""Of a recommender: how often the item that came is among the first k, examples, and items whose vectors lie close."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np

from whorl.data.event_reader import EventReader
from whorl.report import drawing
from whorl.report.drawing import Picture
from whorl.report.evidence import Evidence
from whorl.report.scores import duration, number
from whorl.runtime.item_metrics import CUTOFFS, items_of, ranks
from whorl.runtime.item_readout import ItemReadout, ranked
from whorl.runtime.model import Model

_EXAMPLES, _READ = 6, 8
_ITEMS, _NEAREST = 12, 4


@dataclass(frozen=True, kw_only=True)
class Example:
    """A session that the model did not learn from.

    Args:
        read: its last items, the latest one last.
        more: how many stand before these.
        recommended: the best items, the best first, each with its probability.
        true: the item that came.
        rank: where that stands in the ranking, in words.
        until: when an event was expected, in words; empty where that is not answered.
        came: how long it took.
    """

    read: List[str]
    more: int
    recommended: List[tuple[str, float]]
    true: str
    rank: str
    until: str = ""
    came: str = ""


@dataclass(frozen=True, kw_only=True)
class Recommendations:
    """What a report shows of a recommender.

    Args:
        examples: some sessions.
        nearest: for frequent items those whose learned vectors point most nearly the same way, with the cosine.
    """

    examples: List[Example]
    nearest: Mapping[str, list[tuple[str, float]]]


def recommendations(model: Model, evidence: Evidence | None) -> Recommendations | None:
    """Examples and neighbours; None for models that recommend nothing, and where nothing was held out."""
    if evidence is None or not isinstance(model.reader, EventReader) or not isinstance(model.readout, ItemReadout):
        return None
    return Recommendations(examples=_examples(evidence, model.reader, model.readout), nearest=_nearest(model, evidence))


def _examples(evidence: Evidence, reader: EventReader, readout: ItemReadout) -> list[Example]:
    shares, classes = evidence.prediction.probabilities, evidence.prediction.classes
    assert isinstance(shares, np.ndarray)
    assert classes is not None
    made = []
    places = np.nan_to_num(evidence.classes_of_truths, nan=-1.0).astype(np.int64)
    order = ranks(shares, places)
    chosen = np.unique(np.linspace(0, len(shares) - 1, _EXAMPLES).astype(np.int64))
    own = evidence.prediction.take(chosen)
    listed = ranked(own.index, shares[chosen], classes, own.names, readout.count).most_likely(readout.count)
    for n, answer in zip(chosen.tolist(), listed, strict=True):
        last = int(evidence.steps[n]) + 1
        read = reader.past.items.decode(evidence.sequences[n].past[max(0, last - _READ) : last, 0])
        true = items_of(evidence.target)[n]
        until, came = _when(evidence, n, reader)
        rank = f"{order[n]:.0f} of {len(classes):,}" if np.isfinite(order[n]) else "left out, or not in training"
        made.append(
            Example(
                read=["(unknown)" if item is None else str(item) for item in read.tolist()],
                more=max(0, last - _READ),
                recommended=[(str(item), share) for item, share in answer],
                true="(unknown)" if true is None else str(true),
                rank=rank,
                until=until,
                came=came,
            )
        )
    return made


def _when(evidence: Evidence, n: int, reader: EventReader) -> tuple[str, str]:
    """After what time the next event was expected, and after what time it came, in words."""
    until = evidence.prediction.until
    if until is None:
        return "", ""
    own, say = until.take(slice(n, n + 1)), duration if reader.dated else number
    low, high = (say(float(bound[0])) for bound in own.interval)
    return f"{say(float(own.median[0]))} ({low} to {high})", say(float(evidence.target[n, 1]))


def _nearest(model: Model, evidence: Evidence) -> dict[str, list[tuple[str, float]]]:
    """Neighbours of the items that sessions have most often."""
    classes = model.reader.classes
    vectors = model.engine.program.tensors["table"][1:].astype(np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    codes = np.concatenate([one.past[:, 0] for one in evidence.sequences]).astype(np.int64)
    frequent = np.argsort(-np.bincount(codes, minlength=len(classes) + 1)[1:], kind="stable")[:_ITEMS]
    found = {}
    for item in frequent.tolist():
        alike = vectors @ vectors[item]
        alike[item] = -np.inf
        order = np.argsort(-alike, kind="stable")[: min(_NEAREST, len(classes) - 1)]
        found[str(classes[item])] = [(str(classes[n]), float(alike[n])) for n in order.tolist()]
    return found


def pictures(evidence: Evidence) -> list[Picture]:
    """How often the item is among the first k, and how often the event came before each quantile of its time."""
    return [_found(evidence), *([] if evidence.prediction.until is None else [_calibrated(evidence)])]


def _calibrated(evidence: Evidence) -> Picture:
    """Shares of times below the quantiles of the answers beside what was promised."""
    until, times = evidence.prediction.until, evidence.target[:, 1].astype(np.float64)
    assert until is not None
    levels = np.linspace(0.05, 0.95, 19)
    bounds = [until.quantile(float(level)) for level in levels]
    before = [float((times < bound).mean()) for bound in bounds]
    by_then = [float((times <= bound).mean()) for bound in bounds]
    figure, grid = drawing.figure(3.6)
    axes = grid[0, 0]
    axes.plot([0, 1], [0, 1], color="0.5", linewidth=0.8, linestyle="--", label="as promised")
    axes.fill_between(levels, before, by_then, alpha=0.25)
    axes.plot(levels, before, marker=".", label="before")
    axes.plot(levels, by_then, marker=".", label="before or at")
    drawing.tidy(axes, x="promised share", y="share of events")
    drawing.legend(axes)
    told = ", ".join(f"{name} {metrics['until_nll']:.3f}" for name, metrics in evidence.metrics.items())
    says = (
        "How often the next event came before each quantile of the time that was answered for it. Between the two "
        "lines lie times that are so frequent that they are a quantile themselves; the promise holds where its line "
        f"lies between them. Nats by which the time surprises: {told}."
    )
    return Picture(drawing.source(figure), says, "When the next event comes")


def _found(evidence: Evidence) -> Picture:
    """The share of sessions whose item is among the first k, by the model and by its rivals."""
    figure, grid = drawing.figure(3.6)
    axes = grid[0, 0]
    places = np.arange(len(CUTOFFS))
    told = []
    for name, metrics in evidence.metrics.items():
        shares = [metrics[f"hr@{k}"] for k in CUTOFFS]
        own = name == "model"
        axes.plot(places, shares, marker="o", linewidth=2 if own else 1, linestyle="-" if own else "--", label=name)
        told.append(f"{name} {metrics['hr@10']:.1%}")
    axes.set_xticks(places, [str(k) for k in CUTOFFS])
    axes.set_ylim(bottom=0.0)
    drawing.tidy(axes, x="k", y="share of sessions")
    drawing.legend(axes)
    of = f" Of one answer in {evidence.every:.3g}." if evidence.every > 1 else ""
    says = (
        "How often the item that came is among the first k of the whole catalogue, without those that are left out."
        f"{of} Among the first 10: {', '.join(told)}."
    )
    return Picture(drawing.source(figure), says, "How often the next item is among the first k")
