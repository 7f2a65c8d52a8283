"""Alarms and scores, judged: rows, events, and the volume under the surface."""

import itertools

import numpy as np
import pytest

from whorl.runtime.detection_metrics import DetectionScores, average_precision, point_metrics
from whorl.runtime.prediction import Index, judged
from whorl.runtime.volume import events, faded, volumes


def added(scores, alarms, truth, *, key="a", **options):
    found = DetectionScores(**options)
    table = np.stack([np.asarray(alarms, float), np.asarray(scores, float)], axis=1)
    index = Index(np.full(len(table), key, object), np.arange(len(table)))
    found.add(judged(index, table, (), 0.5), np.asarray(truth, float))
    return found


def test_rows_are_counted_as_right_false_and_missed():
    found = point_metrics(np.array([1, 1, 0, 0, 1], bool), np.array([1, 0, 1, 0, 1], bool))
    assert found == {
        "precision": 2 / 3,
        "recall": 2 / 3,
        "f1": 2 / 3,
        "false_alarm_rate": 1 / 2,
        "missing_alarm_rate": 1 / 3,
    }


def test_what_is_not_defined_is_left_out():
    found = point_metrics(np.zeros(3, bool), np.zeros(3, bool))
    assert found == {"false_alarm_rate": 0.0}


def test_average_precision_is_that_of_the_definition_with_ties_taken_together():
    scores, truth = np.array([5.0, 4.0, 4.0, 4.0, 1.0]), np.array([1, 0, 1, 0, 1], bool)
    # Thresholds 5, 4, 1: recall 1/3, 2/3, 1 at precision 1, 1/2, 3/5.
    assert average_precision(scores, truth) == pytest.approx((1 + 1 / 2 + 3 / 5) / 3)
    assert average_precision(scores, np.zeros(5, bool)) is None


def test_runs_of_flags_are_events():
    assert events(np.array([1, 1, 0, 1, 0, 0, 1], bool)) == [(0, 2), (3, 4), (6, 7)]
    assert events(np.zeros(3, bool)) == []


def test_labels_fade_out_around_an_anomaly_and_meet_at_most_at_one():
    truth = np.zeros(9, bool)
    truth[[3, 5]] = True
    labels = faded(truth, 4)
    near, far = np.sqrt(1 - 1 / 4), np.sqrt(1 - 2 / 4)
    assert labels == pytest.approx([0, far, near, 1, min(1, 2 * near), 1, near, far, 0])
    assert faded(truth, 0) == pytest.approx(truth.astype(float))


def by_brute_force(scores, truth, buffer):
    """The definition, threshold by threshold and row by row."""
    rocs, precisions = [], []
    for length in range(buffer + 1):
        labels = truth.astype(float)
        for start, stop in events(truth):
            for row in range(len(truth)):
                distance = start - row if row < start else row - (stop - 1)
                if (row < start or row >= stop) and distance <= length // 2:
                    labels[row] = min(1.0, labels[row] + np.sqrt(1 - distance / length))
        positive = (truth.sum() + labels.sum()) / 2
        points = [(0.0, 0.0, 1.0)]
        for threshold in sorted(set(scores), reverse=True):
            alarm = scores >= threshold
            hit = labels[alarm].sum()
            found = np.mean([alarm[a:b].any() for a, b in events(labels > 0)])
            recall = min(hit / positive, 1.0) * found
            points.append((recall, (alarm.sum() - hit) / (len(truth) - positive), hit / alarm.sum()))
        precisions.append(sum((b[0] - a[0]) * b[2] for a, b in itertools.pairwise(points)))
        ends = [*((min(fp, 1.0), tp) for tp, fp, _ in points), (1.0, 1.0)]
        rocs.append(sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(ends)))
    return np.mean(rocs), np.mean(precisions)


@pytest.mark.parametrize("seed", range(5))
def test_volumes_are_those_of_the_definition(seed):
    random = np.random.default_rng(seed)
    truth = np.zeros(41, bool)
    truth[7:12] = truth[20:21] = truth[25:30] = True
    scores = np.round(random.normal(size=41) + truth, 1)  # with ties
    assert volumes(scores, truth, 7) == pytest.approx(by_brute_force(scores, truth, 7))


def test_without_a_buffer_and_with_one_anomaly_a_perfect_score_has_the_whole_area():
    truth = np.zeros(17, bool)
    truth[5:9] = True
    assert volumes(truth.astype(float), truth, 0) == pytest.approx((1.0, 1.0))


def test_an_early_alarm_is_worth_more_with_a_buffer():
    truth = np.zeros(60, bool)
    truth[30:35] = True
    early = np.zeros(60)
    early[27:30] = 1.0
    assert volumes(early, truth, 12)[1] > 2 * volumes(early, truth, 0)[1]


def test_unknown_truths_count_for_the_rate_of_alarms_alone():
    found = added([1, 2, 3, 4], [0, 0, 1, 1], [0, np.nan, np.nan, 1], buffer=2).result()
    assert found["alarm_rate"] == 0.5
    assert found["surprise"] == 2.5
    assert found["recall"] == 1.0
    assert found["false_alarm_rate"] == 0.0
    assert added([1.0, 2.0], [0, 1], [np.nan, np.nan], buffer=2).result() == {"surprise": 1.5, "alarm_rate": 0.5}
    assert added([np.nan], [0], [0.0]).result() == {}


def test_rows_that_are_unknown_part_what_stands_beside_them():
    nan = np.nan
    found = added([3, 1, 2, 0], [1, 0, 0, 0], [1, nan, 1, 0], buffer=1).result()
    assert found["event_recall"] == 0.5
    assert found["vus_roc"] == pytest.approx(volumes(np.array([3, nan, 2, 0]), np.array([1, 0, 1, 0], bool), 1)[0])
    # Two alarms, of which the second meets no anomaly.
    assert added([3, nan, 3, 0], [1, 0, 1, 0], [1, 0, 0, 0], buffer=1).result()["event_precision"] == 0.5
    # The truth is known where the score is not: one anomaly, and one that no score could find.
    assert added([0, nan, 3, 0, nan], [0, 0, 1, 0, 0], [1, 1, 1, 0, 1], buffer=1).result()["event_recall"] == 1.0


def test_rows_that_are_not_judged_keep_the_distance_of_those_beside_them():
    truth, scores = np.zeros(40, bool), np.zeros(40)
    truth[20:24] = True
    scores[5:20] = np.nan

    def alarm_at(row):
        given = np.where(np.arange(40) == row, 1.0, scores)
        return added(given, given > 0, truth, buffer=12).result()["vus_pr"]

    assert alarm_at(4) == alarm_at(0)
    assert alarm_at(24) > alarm_at(4)


def test_events_are_counted_by_series_and_no_point_is_adjusted():
    found = added([0, 3, 0, 0, 3, 0], [0, 1, 0, 0, 1, 0], [0, 1, 1, 1, 0, 0], buffer=1)
    other = judged(Index(np.full(2, "b", object), np.arange(2)), np.array([[0, 0.1], [0, 0.2]]), (), 0.5)
    found.add(other, np.array([0.0, 1.0]))
    metrics = found.result()
    assert metrics["event_recall"] == 1 / 2
    assert metrics["event_precision"] == 1 / 2
    assert metrics["recall"] == 1 / 4


def test_whole_sequences_have_no_events_and_scores_of_rivals_are_no_nats():
    metrics = added([1, 2], [0, 1], [0, 1], in_nats=False).result()
    assert not {"event_recall", "vus_pr", "surprise"} & set(metrics)
    assert metrics["auroc"] == 1.0
