"""What is measured: the entries, the libraries that each is compared with, and what is asked of the result.

An entry is a problem that every peer solves with the same numbers. This module knows sizes and names only; it imports
nothing but the standard library, so that the process that takes the time starts no threads.
"""

from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Literal

Kind = Literal["train", "step", "streams"]
Option = Literal[
    "", "lengths", "resets", "layer norm", "zoneout", "recurrent dropout", "projection", "new lengths", "written"
]
Weights = Literal["fp32", "bf16", "int8"]
Measure = Literal["ratio", "cost", "extra", "seconds", "rate", "floor"]

GATES = {"rnn": 1, "gru": 3, "lstm": 4}

# Settings of the options; each is usual in the literature that introduced it.
ZONEOUT = 0.1
RECURRENT_DROPOUT = 0.25
RESET_EVERY = 50


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a result must reach.

    Args:
        measure: 'ratio' peer's time / ours; 'cost' ours / that of whorl without the option; 'extra' ours - the peer's,
            in seconds; 'seconds' ours; 'rate' steps of all streams in a second; 'floor' floor / ours.
        limit: the value, a minimum for 'ratio', 'rate' and 'floor', a maximum for the others.
        against: the peer of 'ratio' and 'extra'; 'torch or jax' for the faster of the two.
        bar: True where it must hold, False for a goal.
    """

    measure: Measure
    limit: float
    against: str = ""
    bar: bool = False

    @property
    def at_least(self) -> bool:
        """Whether the limit is a minimum."""
        return self.measure in ("ratio", "rate", "floor")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One problem.

    Args:
        kind: 'train' is forward and backward with all gradients, 'step' one step from Python, 'streams' one step of
            `batch` independent streams.
        cell: 'rnn' (tanh), 'gru' or 'lstm'.
        steps: T; 1 for a step.
        batch: B.
        inputs: I, features of a step.
        hidden: H.
        option: what is added to the plain layer. 'new lengths': no two calls have the same T. 'written': the row is
            copied into the bound buffer before each step.
        weights: how whorl's engine keeps them; the peers have fp32.
        peers: what is measured, whorl first.
        targets: goals and bars.
        quick: belongs to the subset of `--quick`.
    """

    kind: Kind
    cell: str
    steps: int = 1
    batch: int = 1
    inputs: int
    hidden: int
    option: Option = ""
    weights: Weights = "fp32"
    peers: tuple[str, ...]
    targets: tuple[Target, ...] = ()
    quick: bool = False

    @property
    def name(self) -> str:
        """Unique; what `--only` is matched with."""
        sizes = {
            "train": f"{self.steps}x{self.batch}x{self.inputs}x{self.hidden}",
            "step": f"{self.inputs}x{self.hidden}",
            "streams": f"{self.batch}x{self.inputs}x{self.hidden}",
        }[self.kind]
        extra = [self.option] if self.option else []
        return " ".join([self.kind, self.cell, sizes, *extra, *([self.weights] if self.kind != "train" else [])])

    def described(self) -> dict[str, object]:
        """As the JSON file of results tells it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "cell": self.cell,
            "sizes": {"T": self.steps, "B": self.batch, "I": self.inputs, "H": self.hidden},
            "option": self.option,
            "weights": self.weights,
            "threads": self.threads,
        }

    @property
    def plain(self) -> "Entry":
        """The entry of the same sizes without the option."""
        return ENTRIES[replace(self, option="").name]

    def solved_by(self, peer: str) -> "Entry":
        """The entry that a peer solves: the comparison without the option solves the plain one."""
        return self.plain if peer == "whorl plain" else self

    @property
    def projection(self) -> int:
        """Width that h is projected to, 0 without."""
        return self.hidden // 2 if self.option == "projection" else 0

    @property
    def threads(self) -> int:
        """Threads, and cores, that every peer gets."""
        return 2 if self.kind == "train" else 1


PLAIN_SIZES = (
    (100, 32, 16, 32),
    (100, 32, 64, 64),
    (100, 32, 128, 128),
    (100, 64, 256, 256),
    (50, 256, 64, 128),
    (1000, 1, 16, 64),
)

# Speed-up over torch.nn that must hold.
BARS = {
    ("gru", 100, 64): 5.0,
    ("gru", 100, 128): 3.0,
    ("gru", 100, 256): 1.6,
    ("gru", 1000, 64): 40.0,
    ("rnn", 100, 64): 4.0,
    ("rnn", 100, 128): 2.5,
    ("rnn", 100, 256): 1.3,
    ("rnn", 1000, 64): 20.0,
    ("lstm", 100, 32): 1.5,
    ("lstm", 100, 64): 1.3,
    ("lstm", 100, 128): 1.1,
    ("lstm", 100, 256): 1.0,
}

# Speed-up over torch.nn that is aimed at: (largest H, value), ascending.
GOALS = {
    "gru": ((64, 6.0), (128, 4.0), (256, 1.7)),
    "rnn": ((64, 5.0), (128, 2.7), (256, 1.5)),
    "lstm": ((32, 2.0), (64, 1.4), (128, 1.15), (256, 1.05)),
}

LOOPED: tuple[Option, ...] = ("resets", "layer norm", "zoneout", "recurrent dropout")
"""Options that no layer of torch has."""
OPTIONS: tuple[Option, ...] = ("lengths", *LOOPED, "projection")


Size = tuple[int, int, int, int]
"""T, B, I, H."""


def _bar(measure: Measure, limit: float, against: str = "") -> Target:
    return Target(measure=measure, limit=limit, against=against, bar=True)


def _goal(measure: Measure, limit: float, against: str = "") -> Target:
    return Target(measure=measure, limit=limit, against=against)


def _train(
    cell: str, size: Size, peers: tuple[str, ...], targets: list[Target], *, option: Option = "", quick: bool = False
) -> Entry:
    steps, batch, inputs, hidden = size
    sizes = {"steps": steps, "batch": batch, "inputs": inputs, "hidden": hidden}
    return Entry(kind="train", cell=cell, **sizes, option=option, peers=peers, targets=tuple(targets), quick=quick)


def _plain(cell: str, size: Size) -> Entry:
    steps, _, _, hidden = size
    goal, bar = next(value for largest, value in GOALS[cell] if hidden <= largest), BARS.get((cell, steps, hidden))
    # A goal below the bar would ask for nothing.
    targets = [_goal("ratio", goal, "torch")] if bar is None or goal > bar else []
    if bar is not None:
        targets.append(_bar("ratio", bar, "torch"))
    targets.append(_bar("ratio", 1.2, "jax"))
    if cell != "lstm":
        targets.append(_goal("ratio", 1.5, "torch or jax"))
    if hidden >= 128:
        targets.append(_goal("floor", 0.8))
    return _train(cell, size, ("whorl", "torch", "jax"), targets, quick=size == PLAIN_SIZES[1])


def _with_option(cell: str, option: Option, size: Size) -> Entry:
    narrow = size[-1] <= 64
    # Where torch's layer lacks the option there are two ways to write it: as most users do, and as fast as can be.
    looped = option in LOOPED
    judged = narrow and option != "projection"
    targets = [_goal("ratio", 8.0 if narrow else 1.5, "torch")] if looped or not judged else []
    if judged:
        targets.append(_bar("ratio", 8.0, "torch cell" if looped else "torch"))
    targets.append(_goal("cost", 1.3))
    peers = ("whorl", "whorl plain", "torch", *(["torch cell"] if looped else []))
    quick = narrow and (cell, option) in (("gru", "layer norm"), ("lstm", "lengths"))
    return _train(cell, size, peers, targets, option=option, quick=quick)


def _training() -> list[Entry]:
    entries = [_plain(cell, size) for size in PLAIN_SIZES for cell in GATES]
    small, large = PLAIN_SIZES[1], PLAIN_SIZES[3]
    for option in OPTIONS:
        cells = ("lstm",) if option == "projection" else tuple(GATES)
        entries += [_with_option(cell, option, small) for cell in cells]
        entries.append(_with_option(cells[-1] if option == "projection" else "gru", option, large))
    # Lengths around T, as many below as above it: the mean cost is that of T, and 5 % is noise.
    new, same = ("whorl", "whorl plain", "torch"), [_goal("cost", 1.05)]
    entries += [_train(cell, small, new, same, option="new lengths") for cell in ("gru", "lstm")]
    tiny = [_goal("extra", 6e-6, "torch")]
    return entries + [_train(cell, (5, 1, 8, 16), ("whorl", "torch", "jax"), tiny) for cell in GATES]


def _steps() -> list[Entry]:
    peers = ("whorl", "torch", "torch cell", "onnxruntime")
    judged = (
        _goal("seconds", 1.2e-6),
        _bar("seconds", 1.5e-6),
        _goal("ratio", 50.0, "torch"),
        _bar("ratio", 8.0, "onnxruntime"),
    )
    entries = []
    for cell in ("lstm", "gru"):
        for hidden in (16, 64, 128, 256):
            entry = Entry(kind="step", cell=cell, inputs=8, hidden=hidden, peers=peers, quick=hidden == 64)
            entries.append(replace(entry, targets=judged) if (cell, hidden) == ("lstm", 64) else entry)
    small = (_bar("seconds", 7e-6), _bar("ratio", 3.0, "whorl fp32"))
    wide = Entry(kind="step", cell="lstm", inputs=256, hidden=256, peers=("whorl", "whorl fp32"))
    return [
        *entries,
        Entry(kind="step", cell="lstm", inputs=8, hidden=64, option="written", peers=peers),
        replace(wide, weights="bf16"),
        replace(wide, weights="int8", peers=(*wide.peers, *peers[1:]), targets=small),
    ]


def _streams() -> list[Entry]:
    rates: dict[Weights, tuple[Target, ...]] = {
        "fp32": (_bar("rate", 85_000.0),),
        "bf16": (),
        "int8": (_goal("rate", 300_000.0), _bar("rate", 250_000.0)),
    }
    entries = []
    for batch in (64, 256):
        for weights, targets in rates.items():
            peers = ("whorl", "torch cell", "onnxruntime") if weights == "fp32" else ("whorl", "whorl fp32")
            entry = Entry(kind="streams", cell="lstm", batch=batch, inputs=256, hidden=256, peers=peers)
            entries.append(replace(entry, weights=weights, targets=targets, quick=batch == 64))
    return entries


ENTRIES: dict[str, Entry] = {entry.name: entry for entry in [*_training(), *_steps(), *_streams()]}


def select(*, quick: bool = False, only: str | None = None) -> list[Entry]:
    """The entries of a run.

    Args:
        quick: those of the fast subset only.
        only: a pattern as in a shell, matched with any part of the name.
    """
    return [
        entry
        for entry in ENTRIES.values()
        if (entry.quick or not quick) and (only is None or fnmatch(entry.name, f"*{only}*"))
    ]
