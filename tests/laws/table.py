"""The laws, which kinds of objects each applies to, and which objects it excuses and why."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

Law = Callable[[Any, st.DataObject], None]

KINDS = (
    "codec",
    "core",
    "backend",
    "network",
    "engine",
    "readout",
    "window batches",
    "strip batches",
    "piece batches",
    "sequence batches",
    "model",
)

BOTH_WAYS = "it reads later steps"
# law -> kind -> trait that excuses an object -> the reason.
TABLE: dict[str, dict[str, dict[str, str]]] = {
    "01 round trip": {"codec": {}},
    "02 chunk": {"codec": {}, "model": {}},
    "03 step": {
        "core": {"both ways": BOTH_WAYS},
        "network": {
            "windowed": "a window is read at once; its program steps, and is an engine's",
            "summarised": "it has no state to hand over; its program steps, and is an engine's",
        },
        "engine": {"both ways": BOTH_WAYS},
    },
    "04 split": {
        "core": {},
        "network": {"windowed": "a window is read at once", "summarised": "it has no state to hand over"},
        "engine": {"both ways": BOTH_WAYS},
    },
    "05 padding": {
        "core": {},
        "network": {"windowed": "windows are never padded", "carried": "strips are never padded within their span"},
        "engine": {},
        "piece batches": {},
        "sequence batches": {},
    },
    "06 batch": {"core": {}, "network": {}, "engine": {}, "readout": {}, "model": {}},
    "07 causality": {
        "codec": {},
        "core": {"both ways": BOTH_WAYS},
        "network": {
            "windowed": "its window ends at the origin; the program is under the law as an engine's",
            "one answer": "it answers at the end of its sequence; the program is under the law as an engine's",
            "both ways": BOTH_WAYS,
        },
        "engine": {"both ways": BOTH_WAYS},
        "window batches": {},
        "strip batches": {},
        "piece batches": {},
    },
    "08 backend": {"backend": {}, "engine": {}},
    "09 parity": {
        "core": {"not in torch": "torch.nn has neither layer norm nor zoneout, nor cells linear in their state"}
    },
    "10 save": {"codec": {}, "core": {}, "network": {}, "engine": {}, "readout": {}, "model": {}},
    "11 seed": {
        "core": {},
        "network": {},
        "window batches": {},
        "strip batches": {},
        "piece batches": {},
        "sequence batches": {},
        "model": {},
    },
    "12 purity": {
        "codec": {},
        "core": {},
        "network": {},
        "engine": {},
        "readout": {},
        "window batches": {},
        "strip batches": {},
        "piece batches": {},
        "sequence batches": {},
        "model": {},
    },
    "13 stream": {"network": {}, "model": {}},
    "14 leak": {"window batches": {}, "strip batches": {}, "piece batches": {}, "model": {}},
    "15 constant stream": {
        "codec": {},
        "engine": {"both ways": BOTH_WAYS},
        "model": {"both ways": BOTH_WAYS},
    },
}


@dataclass(frozen=True)
class Object:
    """One object that the laws hold.

    Args:
        kind: one of KINDS.
        name: unique in its kind.
        build: makes the subject, the value that laws are called with; it is made once a process.
        traits: what it is, where that excuses it from a law.
    """

    kind: str
    name: str
    build: Callable[[], Any]
    traits: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def subject(self) -> Any:
        return self.build()

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


@dataclass(frozen=True)
class Registered:
    """A law for one kind; `examples` is given only where an example fits a model or is a long run."""

    function: Law
    examples: int | None


laws: dict[tuple[str, str], Registered] = {}


def law(name: str, kind: str, *, examples: int | None = None) -> Callable[[Law], Law]:
    """Registers `function(subject, data)` as what a law means for a kind."""
    assert kind in TABLE[name], f"the table does not apply {name} to {kind}"
    assert (name, kind) not in laws, f"{name} of {kind} is written twice"

    def register(function: Law) -> Law:
        laws[name, kind] = Registered(function, examples)
        return function

    return register


def expected(objects: Mapping[str, list[Object]]) -> Iterator[tuple[str, Object]]:
    """Every (law, object) that the table asks for."""
    for name, kinds in TABLE.items():
        for kind, excuses in kinds.items():
            for one in objects.get(kind, []):
                if not one.traits & set(excuses):
                    yield name, one


def check(name: str, kind: str, subject: Any, *, shrink: bool = True) -> None:
    """Tries a law on a subject: hypothesis draws sizes, lengths, cuts and seeds."""
    registered = laws[name, kind]
    phases = tuple(Phase) if shrink else (Phase.explicit, Phase.generate)
    options: dict[str, Any] = {"phases": phases, "report_multiple_bugs": False, "database": None}
    if registered.examples is not None:
        options["max_examples"] = registered.examples

    @settings(**options)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        registered.function(subject, data)

    run()
