"""Over how many rows a detector should average: series with labels, from a spacecraft and from servers and machines.

    python -m benchmarks.averages DATA [--sets MSL NAB] [--seeds 0] [--out FILE.json]

DATA holds anomaly_detection/msl_telemetry (channels, labeled_anomalies.csv) and anomaly_detection/nab (data, labels).
A detector is fitted for each series, of MSL for the first column of each channel, and its scores are averaged over
several numbers of rows afterwards. Of NAB the first 15 % of a real series, at most 750 rows, are taken as normal.
Series without an anomaly behind their normal rows are left out, and those whose normal rows are constant or too few.
"""

import csv
import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks import quality
from benchmarks.detection import smoothed

import whorl
from whorl.runtime.detection_metrics import DetectionScores
from whorl.runtime.prediction import Index, judged
from whorl.runtime.surprise_readout import threshold_of

ROWS = (1, 10, 30, 60, 120)
HEADS = ("set", "series", "median rows of an anomaly", *(f"VUS-PR of {rows}" for rows in ROWS))
TEXT = (
    "`whorl.Detector()` on each of many series with labels: the telemetry of a spacecraft (MSL, the first column of "
    "each channel), and real series of servers, traffic and machines (NAB, of which the first 15 % are taken as "
    "normal). Scores are averaged over 1 to 120 rows (`whorl.Alarm(smooth=...)`); the table has the mean volume under "
    "the precision-recall surface of the series, with a buffer of 100 rows. One fit a series, on one core; on two, "
    "which round otherwise, means were 0.024 higher for MSL and 0.002 lower for NAB on average, and rose alike."
)
_BUFFER, _LEAST = 100, 150
_VALIDATION = 0.2

# Name, normal rows (N, 1), rows to judge (T, 1) and their labels (T,).
Labelled = tuple[str, np.ndarray, np.ndarray, np.ndarray]


def msl(folder: Path) -> Iterator[Labelled]:
    """The first column of each channel."""
    base = folder / "anomaly_detection" / "msl_telemetry"
    with open(base / "labeled_anomalies.csv", newline="", encoding="utf-8") as file:
        spans = {row["chan_id"]: json.loads(row["anomaly_sequences"]) for row in csv.DictReader(file)}
    for path in sorted((base / "channels").glob("*.npz")):
        with np.load(path) as parts:
            train, test = (parts[part][:, :1].astype(np.float64) for part in ("train", "test"))
        labels = np.zeros(len(test))
        for first, last in spans.get(path.stem, []):
            labels[first : last + 1] = 1.0
        yield path.stem, train, test, labels


def nab(folder: Path) -> Iterator[Labelled]:
    """Each real series; the windows that are labelled are its anomalies."""
    base = folder / "anomaly_detection" / "nab"
    windows = json.loads((base / "labels" / "combined_windows.json").read_text("utf-8"))
    for path in sorted((base / "data").glob("real*/*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        values = np.array([[float(row["value"])] for row in rows])
        times = np.array([row["timestamp"] for row in rows])
        labels = np.zeros(len(rows))
        for first, last in windows[f"{path.parent.name}/{path.name}"]:
            labels[(times >= first[:19]) & (times <= last[:19])] = 1.0
        cut = min(int(0.15 * len(rows)), 750)
        yield path.stem, values[:cut], values[cut:], labels[cut:]


SETS: dict[str, Callable[[Path], Iterator[Labelled]]] = {"MSL": msl, "NAB": nab}


def run(name: str, series: Labelled, seed: int) -> dict[str, Any] | None:
    """Volumes of one series by rows of the average; None where it cannot be learned from or scored."""
    key, normal, test, labels = series
    if not labels.any() or len(normal) < _LEAST or normal.std() == 0:
        return None
    training = whorl.Training(seed=seed, validation=_VALIDATION)
    model = whorl.Detector(alarm=whorl.Alarm(smooth=1), training=training).fit([normal], verbose=False)
    raw = np.asarray(model.predict([np.concatenate([normal, test])]).score)
    index = Index(np.full(len(test), key, object), np.arange(len(test)))
    volumes = {}
    for rows in ROWS:
        scores = smoothed(raw, (rows - 1) / (rows + 1))
        threshold = threshold_of(scores[round((1 - _VALIDATION) * len(normal)) : len(normal)], 0.01)
        told = np.stack([scores[len(normal) :] > threshold, scores[len(normal) :]], axis=1)
        total = DetectionScores(buffer=_BUFFER, in_nats=False)
        total.add(judged(index, told, (), threshold), labels)
        volumes[str(rows)] = total.result()["vus_pr"]
    edges = np.flatnonzero(np.diff(np.concatenate([[0.0], labels, [0.0]])))
    lengths = (edges[1::2] - edges[::2]).tolist()
    return {
        "set": name,
        "series": key,
        "seed": seed,
        "threads": torch.get_num_threads(),
        "anomalies": lengths,
        "vus_pr": volumes,
    }


def section(runs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Rows of the table on the page: a set each."""
    rows = []
    for name in dict.fromkeys(one["set"] for one in runs):
        of_set = [one for one in runs if one["set"] == name]
        lengths = [length for one in of_set for length in one["anomalies"]]
        means = [f"{statistics.mean(one['vus_pr'][str(count)] for one in of_set):.3f}" for count in ROWS]
        rows.append([name, str(len({one["series"] for one in of_set})), f"{statistics.median(lengths):.0f}", *means])
    return rows


def main() -> None:
    """Prints a line for each series and the means, and writes everything as JSON."""
    chosen = quality.arguments(__doc__, seeds=(0,), sets=list(SETS)).parse_args()
    runs = []
    for name in chosen.sets:
        for series in SETS[name](chosen.data):
            for found in filter(None, (run(name, series, seed) for seed in chosen.seeds)):
                print(found["series"], {rows: round(one, 3) for rows, one in found["vus_pr"].items()}, flush=True)
                runs.append(found)
    quality.finish(chosen.out, title="Averages of a detector", text=TEXT, heads=HEADS, rows=section(runs), runs=runs)


if __name__ == "__main__":
    main()
