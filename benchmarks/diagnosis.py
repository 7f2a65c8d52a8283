"""Death in hospital from the first 48 hours of intensive care, beside logistic regression and boosted trees.

    python -m benchmarks.diagnosis DATA [--seeds 0] [--folds 5] [--rival-hours 6 12 24 48] [--out FILE.json]

DATA holds, somewhere below it, set-a (a file for each stay: Time, Parameter, Value) and Outcomes-a.txt of the PhysioNet
challenge of 2012. Rows are what was measured at one time stamp, so most cells are empty and rows come at odd times. The
model is fitted once a fold and read live: its answer after the rows of the first 6, 12, 24 and 48 hours. The rivals
read summaries of these hours and are fitted anew for each of them.
"""

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks import quality
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import whorl

HOURS = (6, 12, 24, 48)
HEADS = ("model", *(f"AUROC after {hour} h" for hour in HOURS), "fit")
TEXT = (
    "Death in hospital from the first 48 hours of intensive care (PhysioNet challenge of 2012, set A, 4,000 stays, "
    "554 deaths), five stratified folds: mean and spread of their areas under the ROC curve. One `whorl.Classifier`"
    " a fold and seed reads rows at the times when something was measured, and answers after each; with prefixes "
    "some of its training stays end early. Its weight decay of 1 and no convolution were set once; 8 epochs, 16 "
    "with prefixes, robust scaling, cells clipped at 3 interquartile ranges, and hours since admission and since "
    "the row before as columns in place of elapsed times were chosen on parts of the training folds. The rivals "
    "read summaries of each variable over the hours so far, and are fitted anew for each number of hours."
)
STATIC = ("Age", "Gender", "Height", "ICUType", "AdmissionWeight")
CHANGING = (
    *("ALP", "ALT", "AST", "Albumin", "BUN", "Bilirubin", "Cholesterol", "Creatinine", "DiasABP", "FiO2", "GCS"),
    *("Glucose", "HCO3", "HCT", "HR", "K", "Lactate", "MAP", "MechVent", "Mg", "NIDiasABP", "NIMAP", "NISysABP"),
    *("Na", "PaCO2", "PaO2", "Platelets", "RespRate", "SaO2", "SysABP", "Temp", "TroponinI", "TroponinT", "Urine"),
    *("WBC", "Weight", "pH"),
)
# Model -> how its training sequences are changed, and its epochs.
OURS = {"whorl.Classifier": ("none", 8), "the same, with prefixes": ("prefixes", 16)}
_DIED = {"0": "survived", "1": "died"}


class Stay:
    """One stay: minutes (T,), values (T, 37) and what does not change (5,); NaN is missing."""

    def __init__(self, path: Path, died: str) -> None:
        self.name, self.died = path.stem, _DIED[died]
        self.static = np.full(len(STATIC), np.nan)
        cells: dict[int, np.ndarray] = {0: np.full(len(CHANGING), np.nan)}
        with open(path, newline="", encoding="utf-8") as file:
            for at, name, cell in list(csv.reader(file))[1:]:
                value = float(cell) if float(cell) != -1 else np.nan
                minute = int(at[:2]) * 60 + int(at[3:])
                known = "AdmissionWeight" if name == "Weight" and not minute else name
                if known in STATIC:
                    self.static[STATIC.index(known)] = value
                if name in CHANGING:
                    row = cells.setdefault(minute, np.full(len(CHANGING), np.nan))
                    row[CHANGING.index(name)] = value
        self.minutes = np.array(sorted(cells))
        self.values = np.array([cells[minute] for minute in sorted(cells)])


def read(folder: Path) -> list[Stay]:
    """All stays, by number."""
    (outcomes,) = folder.rglob("Outcomes-a.txt")
    with open(outcomes, newline="", encoding="utf-8") as file:
        died = {row["RecordID"]: row["In-hospital_death"] for row in csv.DictReader(file)}
    return [Stay(path, died[path.stem]) for path in sorted(folder.rglob("set-a/*.txt"))]


def table(stays: list[Stay]) -> dict[str, object]:
    """A long table: one row a time stamp, whose hours since admission and since the row before are read, too."""
    counts = [len(stay.minutes) for stay in stays]
    columns: dict[str, object] = {
        "stay": np.repeat(np.array([stay.name for stay in stays], object), counts),
        "minute": np.concatenate([stay.minutes for stay in stays]),
        "outcome": np.repeat(np.array([stay.died for stay in stays], object), counts),
    }
    values = np.concatenate([stay.values for stay in stays])
    columns |= {name: values[:, n] for n, name in enumerate(CHANGING)}
    columns["hours"] = np.concatenate([stay.minutes for stay in stays]) / 60
    columns["gap"] = np.concatenate([np.log1p(np.diff(stay.minutes, prepend=0) / 60) for stay in stays])
    static = np.repeat(np.array([stay.static for stay in stays]), counts, axis=0)
    return columns | {name: static[:, n] for n, name in enumerate(STATIC)}


def fitted(stays: list[Stay], seed: int, augmentation: str, epochs: int) -> whorl.Classifier:
    """A classifier of such tables: nothing of it is warped in time, and cells that are far out may be mistyped."""
    model = whorl.Classifier(
        target="outcome",
        time="minute",
        series="stay",
        static=STATIC,
        table=whorl.Table(on_gap="ignore", elapsed="off", scaling="robust", clip=3.0, kinds={"ICUType": "category"}),
        augmentation=augmentation,
        convolution=0,
        training=whorl.Training(seed=seed, epochs=epochs, patience=None, weight_decay=1.0),
    )
    return model.fit(table(stays), verbose=False)


def running(model: whorl.Classifier, stays: list[Stay]) -> dict[int, np.ndarray]:
    """The probability of death after the rows of the first hours, of each stay."""
    answer = model.predict(table(stays), every_row=True)
    assert answer.probabilities is not None
    assert answer.classes is not None
    death = answer.probabilities[:, answer.classes.tolist().index("died")]
    starts = np.cumsum([0, *(len(stay.minutes) for stay in stays)])
    found = {}
    for hour in HOURS:
        rows = [int(np.searchsorted(stay.minutes, hour * 60, "right")) - 1 for stay in stays]
        found[hour] = death[starts[:-1] + rows]
    return found


def auroc(stays: list[Stay], death: np.ndarray) -> float:
    """Share of pairs of one who died and one who did not that are in order."""
    return float(roc_auc_score([stay.died == "died" for stay in stays], death))


def summaries(stays: list[Stay], hour: int) -> np.ndarray:
    """Of each variable first, last, mean, least, greatest, spread and number of values; beside them what is static."""
    made = []
    for stay in stays:
        values = stay.values[stay.minutes <= hour * 60]
        rows = []
        for column in values.T:
            known = column[~np.isnan(column)]
            if len(known):
                rows += [known[0], known[-1], known.mean(), known.min(), known.max(), known.std(), len(known)]
            else:
                rows += [np.nan] * 6 + [0]
        made.append([*stay.static, *(stay.static[3] == kind for kind in (1, 2, 3, 4)), *rows])
    return np.array(made, float)


def rivals(train: list[Stay], test: list[Stay], seed: int, hours: list[int]) -> dict[str, dict[int, float]]:
    """AUROC of rivals that are fitted on summaries of the first hours, for each of them anew."""
    found: dict[str, dict[int, float]] = {"logistic regression": {}, "boosted trees": {}}
    y = np.array([stay.died == "died" for stay in train])
    for hour in hours:
        x, new = summaries(train, hour), summaries(test, hour)
        models = {
            "logistic regression": make_pipeline(
                SimpleImputer(strategy="median", add_indicator=True),
                StandardScaler(),
                LogisticRegression(C=0.01, max_iter=2000),
            ),
            "boosted trees": HistGradientBoostingClassifier(
                learning_rate=0.05, max_iter=200, l2_regularization=1.0, random_state=seed
            ),
        }
        for name, model in models.items():
            found[name][hour] = auroc(test, model.fit(x, y).predict_proba(new)[:, 1])
    return found


def run(stays: list[Stay], folds: int, seed: int, hours: list[int]) -> list[dict[str, Any]]:
    """A record for each fold and model; of the rivals, which are fitted after each of `hours`, one for a fold."""
    splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
    runs: list[dict[str, Any]] = []
    for fold, (inside, outside) in enumerate(splitter.split(stays, [stay.died for stay in stays])):
        train, test = [stays[n] for n in inside], [stays[n] for n in outside]
        for name, (augmentation, epochs) in OURS.items():
            started = time.perf_counter()
            model = fitted(train, seed, augmentation, epochs)
            told = {
                "fit_seconds": round(time.perf_counter() - started, 1),
                "threads": torch.get_num_threads(),
                "parameters": model.model_.card["parameters"],
                "validation": model.model_.card["scores"]["metrics"],  # type: ignore[index]
            }
            curve = {hour: auroc(test, death) for hour, death in running(model, test).items()}
            print(fold, seed, name, {hour: round(value, 4) for hour, value in curve.items()}, flush=True)
            runs.append({"model": name, "fold": fold, "seed": seed, **told, "auroc": curve})
        for name, curve in rivals(train, test, seed, hours).items() if hours else ():
            runs.append({"model": name, "fold": fold, "seed": seed, "auroc": curve})
    return runs


def section(runs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Rows of the table on the page: a model each."""
    rows = []
    for name in dict.fromkeys(one["model"] for one in runs):
        of_model = [one for one in runs if one["model"] == name]
        curves = [one["auroc"] for one in of_model]
        cells = [quality.spread([curve[hour] for curve in curves]) if hour in curves[0] else "" for hour in HOURS]
        rows.append([name, *cells, quality.duration(of_model) if name in OURS else ""])
    return rows


def main() -> None:
    """Prints a line for each fold and the means, and writes everything as JSON."""
    parser = quality.arguments(__doc__, seeds=(0,))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--rival-hours", nargs="+", type=int, default=HOURS, choices=HOURS)
    chosen = parser.parse_args()
    stays = read(chosen.data)
    runs = []
    for seed in chosen.seeds:
        runs += run(stays, chosen.folds, seed, chosen.rival_hours if seed == chosen.seeds[0] else [])
    quality.finish(chosen.out, title="Diagnosis", text=TEXT, heads=HEADS, rows=section(runs), runs=runs)


if __name__ == "__main__":
    main()
