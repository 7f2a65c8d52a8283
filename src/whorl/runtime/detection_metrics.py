"""Metrics of alarms and scores: rows, events, and the volume under a surface of buffers and thresholds."""

import numpy as np

from whorl.runtime.class_metrics import auroc
from whorl.runtime.prediction import Prediction
from whorl.runtime.volume import events, volumes


class DetectionScores:
    """Scores, alarms and truths of all rows; rows whose truth is unknown count for `surprise` and `alarm_rate` alone.

    Keys of `result()`: surprise, the mean score; alarm_rate, the share of rows that are flagged. Where rows are
    labelled also precision, recall and f1 of the flagged rows, false_alarm_rate FP / (FP + TN), missing_alarm_rate
    FN / (FN + TP); auroc and average_precision of the score, whatever the threshold. Of rows in time also event_recall,
    the share of anomalies with a flagged row; event_precision, the share of runs of flagged rows that meet an anomaly;
    vus_roc and vus_pr, see `whorl.runtime.volume`, the mean over the series in which some rows are anomalies and some
    are not. Rows that are unknown end a run. No point of an anomaly counts as found because another one is (no point
    adjustment).

    Args:
        buffer: rows around an anomaly that count partly in the volumes; None where answers are of whole sequences.
        in_nats: whether scores are nats, so that their mean means something beside that of another model.
    """

    def __init__(self, *, buffer: int | None = None, in_nats: bool = True) -> None:
        self.buffer, self.in_nats = buffer, in_nats
        self._parts: dict[str, list[np.ndarray]] = {}

    def add(self, prediction: Prediction, target: np.ndarray) -> None:
        """Adds answers in order of time and their truths, (N,): 1 where a row is an anomaly, 0 where not, else NaN."""
        assert prediction.score is not None
        table = np.stack(
            [prediction.score, prediction.value.astype(np.float64), np.asarray(target, np.float64)], axis=1
        )
        keys = prediction.index.series
        for key in dict.fromkeys(keys.tolist()):
            self._parts.setdefault(str(key), []).append(table[keys == key])

    def result(self) -> dict[str, float]:
        """The metrics; empty when nothing was scored."""
        series = [np.concatenate(parts) for parts in self._parts.values()]
        rows = np.concatenate([np.empty((0, 3)), *series])
        rows = rows[np.isfinite(rows[:, 0])]
        if not len(rows):
            return {}
        found = {"surprise": float(rows[:, 0].mean())} if self.in_nats else {}
        found["alarm_rate"] = float(rows[:, 1].mean())
        known = rows[np.isfinite(rows[:, 2])]
        if not len(known):
            return found
        found |= point_metrics(known[:, 1] > 0, known[:, 2] > 0)
        for name, value in (
            ("auroc", auroc(known[:, 0], known[:, 2] > 0)),
            ("average_precision", average_precision(known[:, 0], known[:, 2] > 0)),
        ):
            if value is not None:
                found[name] = value
        return found if self.buffer is None else found | self._in_time(series)

    def _in_time(self, series: list[np.ndarray]) -> dict[str, float]:
        """Events and volumes, series by series. Rows that are unknown stay in their place: they end a run."""
        assert self.buffer is not None
        counts, areas = np.zeros(4), []
        for table in series:
            known = np.isfinite(table[:, 0]) & np.isfinite(table[:, 2])
            # An anomaly goes on where only the score is unknown, and is none that could be found without a score.
            truth, alarm = table[:, 2] > 0, (table[:, 1] > 0) & known
            anomalies, alarms = [(a, b) for a, b in events(truth) if known[a:b].any()], events(alarm)
            met = sum(bool(alarm[a:b].any()) for a, b in anomalies), sum(bool(truth[a:b].any()) for a, b in alarms)
            counts += [met[0], len(anomalies), met[1], len(alarms)]
            if truth[known].any() and not truth[known].all():
                areas.append(volumes(np.where(known, table[:, 0], np.nan), truth, self.buffer))
        found = {}
        if counts[1]:
            found["event_recall"] = float(counts[0] / counts[1])
        if counts[3]:
            found["event_precision"] = float(counts[2] / counts[3])
        if areas:
            found["vus_roc"], found["vus_pr"] = (float(value) for value in np.mean(areas, axis=0))
        return found

    def steps(self) -> dict[str, np.ndarray]:
        """Nothing: a row has one answer."""
        return {}


def point_metrics(alarm: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Precision, recall, f1, false_alarm_rate and missing_alarm_rate of flags (N,); those that are defined.

    Without an anomaly there is nothing to find, and no f1.
    """
    hit, false = float((alarm & truth).sum()), float((alarm & ~truth).sum())
    missed, right = float((~alarm & truth).sum()), float((~alarm & ~truth).sum())
    parts = {
        "precision": (hit, hit + false),
        "recall": (hit, hit + missed),
        "f1": (2 * hit, 2 * hit + false + missed if hit + missed else 0.0),
        "false_alarm_rate": (false, false + right),
        "missing_alarm_rate": (missed, hit + missed),
    }
    return {name: above / below for name, (above, below) in parts.items() if below}


def average_precision(scores: np.ndarray, truth: np.ndarray) -> float | None:
    """Mean precision over the anomalies: the sum of (R_n - R_(n-1)) P_n over descending distinct scores.

    Args:
        scores: (N,).
        truth: (N,) whether each is an anomaly.

    Returns:
        None where none is.
    """
    if not truth.any():
        return None
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(truth[order])[last]
    precision = hits / (last + 1.0)
    return float((np.diff(hits, prepend=0) * precision).sum() / truth.sum())
