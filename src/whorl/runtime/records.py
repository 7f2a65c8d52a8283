"""Answers as records: one for each, or for each of its steps, ready for frames, files and lines of JSON."""

from collections.abc import Iterator

import numpy as np

from whorl.codecs.piece import Piece
from whorl.runtime.prediction import MOST_LISTED, PIECE, Prediction, plain


def records(answers: Prediction) -> Iterator[dict[str, object]]:
    """Yields one record for each answer, step and output: series, origin, time, step, output, value, quantiles.

    Of texts one for each answer: series, origin, output, value, score, and of transcripts when each of their words was
    said, in seconds. Of pieces of music one for each note: series, its start and end in steps, pitch, velocity. Of
    labels one for each answer: series, origin, output, value, its probability, the labels of its `set` where it has
    one, and `p(label)` of each class; of several labels at once the labels that are answered and `p(label)` of each. Of
    labels for each step one for each step: series, step, its word where it is one, output, value, and so on. Of a
    Detector one for each row: series, origin, value, score, threshold, the channel that surprises most, and
    `surprise(channel)` of each channel. Of a Recommender one for each item of each answer, the best first: series,
    origin, rank, output, value, probability, and where it answers when the next event comes `until`, `until_q0.1` and
    `until_q0.9`, the median of the time until then and its interval.
    """
    if isinstance(answers.value, list):
        of_list = _text_records if answers.classes is None else _step_records
        yield from (_note_records if answers.names == (PIECE,) else of_list)(answers, answers.value)
        return
    if answers.score is not None and answers.contributions is not None:
        yield from _judged_records(answers, answers.score, answers.contributions)
        return
    if isinstance(answers.probabilities, np.ndarray) and answers.thresholds is not None:
        yield from _several_records(answers, answers.probabilities)
        return
    if isinstance(answers.probabilities, np.ndarray) and answers.classes is not None:
        yield from _label_records(answers, answers.probabilities, answers.classes)
        return
    if answers.ranks:
        yield from _item_records(answers)
        return
    value, quantiles = answers.value, answers.quantiles
    if value.ndim < 3:
        value, quantiles = value[:, None], None if quantiles is None else quantiles[:, None]
    for n, row in enumerate(value):
        for h, step in enumerate(row):
            for k, name in enumerate(answers.names):
                record: dict[str, object] = {
                    "series": answers.index.series[n],
                    "origin": plain(answers.index.origin[n]),
                    "time": None if answers.index.time is None else plain(answers.index.time[n, h]),
                    "step": h + 1,
                    "output": name,
                    "value": float(step[k]),
                }
                for q, level in enumerate(answers.levels):
                    record[f"q{level:g}"] = None if quantiles is None else float(quantiles[n, h, k, q])
                yield record


def _judged_records(answers: Prediction, score: np.ndarray, contributions: np.ndarray) -> Iterator[dict[str, object]]:
    names = [f"surprise({name})" for name in answers.names]
    for n, (alarm, own, parts) in enumerate(
        zip(answers.value.tolist(), score.tolist(), contributions.tolist(), strict=True)
    ):
        yield {
            "series": answers.index.series[n],
            "origin": plain(answers.index.origin[n]),
            "value": alarm,
            "score": own,
            "threshold": answers.threshold,
            "channel": answers.odd(n),
        } | (dict(zip(names, parts, strict=True)) if len(names) <= MOST_LISTED else {})


def _label_records(answers: Prediction, probabilities: np.ndarray, classes: np.ndarray) -> Iterator[dict[str, object]]:
    names = [f"p({label})" for label in classes.tolist()]
    sets = [] if answers.threshold is None else answers.sets
    for n, (label, shares) in enumerate(zip(answers.value.tolist(), probabilities.tolist(), strict=True)):
        record: dict[str, object] = {
            "series": answers.index.series[n],
            "origin": plain(answers.index.origin[n]),
            "output": answers.names[0],
            "value": label,
            "probability": max(shares),
        }
        if sets:
            record["set"] = " | ".join(map(str, sets[n]))
        yield record | (dict(zip(names, shares, strict=True)) if len(names) <= MOST_LISTED else {})


def _item_records(answers: Prediction) -> Iterator[dict[str, object]]:
    until = None if answers.until is None else answers.until.told()
    for n, items in enumerate(answers.most_likely(answers.value.shape[1])):
        when = {} if until is None else until[n]
        for rank, (item, share) in enumerate(items, 1):
            yield {
                "series": answers.index.series[n],
                "origin": plain(answers.index.origin[n]),
                "rank": rank,
                "output": answers.names[0],
                "value": item,
                "probability": share,
                **when,
            }


def _several_records(answers: Prediction, probabilities: np.ndarray) -> Iterator[dict[str, object]]:
    names = [f"p({label})" for label in answers.names]
    for n, (labels, shares) in enumerate(zip(answers.value.tolist(), probabilities.tolist(), strict=True)):
        # Every label, however many there are: none of them is the answer alone.
        yield {
            "series": answers.index.series[n],
            "origin": plain(answers.index.origin[n]),
            "value": " | ".join(map(str, labels)),
        } | dict(zip(names, shares, strict=True))


def _step_records(answers: Prediction, value: list[np.ndarray]) -> Iterator[dict[str, object]]:
    assert answers.classes is not None
    names = [f"p({label})" for label in answers.classes.tolist()]
    place = {label: n for n, label in enumerate(answers.classes.tolist())}
    times, shares, tokens = answers.index.time, answers.probabilities, answers.index.tokens
    assert times is not None
    assert shares is not None
    for n, labels in enumerate(value):
        for t, (label, own) in enumerate(zip(labels.tolist(), shares[n].tolist(), strict=True)):
            record = {"series": answers.index.series[n], "step": plain(times[n][t])}
            record |= {} if tokens is None else {"word": tokens[n][t]}
            record |= {"output": answers.names[0], "value": label, "probability": own[place[label]]}
            yield record | (dict(zip(names, own, strict=True)) if len(names) <= MOST_LISTED else {})


def _note_records(answers: Prediction, pieces: list[Piece]) -> Iterator[dict[str, object]]:
    for n, piece in enumerate(pieces):
        for note in zip(*(column.tolist() for column in piece[:4]), strict=True):
            yield {"series": answers.index.series[n], **dict(zip(Piece._fields, note, strict=False))}


def _text_records(answers: Prediction, texts: list[str]) -> Iterator[dict[str, object]]:
    for n, text in enumerate(texts):
        yield {
            "series": answers.index.series[n],
            "origin": plain(answers.index.origin[n]),
            "output": answers.names[0],
            "value": text,
            "score": None if answers.score is None else float(answers.score[n]),
            **spoken(answers, n),
        }


def spoken(answers: Prediction, n: int) -> dict[str, object]:
    """When each word of a text was said, from its first symbol to its last: `words`, one `begin-end` for each.

    Nothing of texts that are written.
    """
    if answers.index.tokens is None or answers.index.time is None:
        return {}
    return {"words": " ".join(f"{begin:.2f}-{end:.2f}" for begin, end in answers.index.time[n].tolist())}
