"""Records of a run, as the JSON file has them, with times chosen by hand."""

from benchmarks import targets
from benchmarks.registry import ENTRIES


def times(median):
    return {"median": median, "p10": 0.9 * median, "p90": 1.2 * median}


def peer(median=None, *, red=None, code="some code"):
    """A peer that takes `median` seconds, is wrong (`red`), or was not measured."""
    found = {"code": code, "red": red, "differences": {"output": 3e-7, "state": 2e-7, "gradient": 4e-6}}
    return found if median is None else {**found, "calls": 3, "seconds": times(median)}


def record(name, *, floor=1e-3, latency=False, **peers):
    """The record of an entry; peers by name, spaces as underscores."""
    entry = ENTRIES[name]
    found = {who.replace("_", " "): what for who, what in peers.items()}
    if latency:
        for what in found.values():
            what["latency"] = {"p50": 1e-6, "p99": 2e-6, "p99.9": 3e-6, "steps": 100_000}
    made = {
        **entry.described(),
        "samples": 20,
        "floor_seconds": floor,
        "idle_share": 0.0,
        "peers": found,
    }
    return {**made, "targets": targets.judge(entry, made)}


MACHINE = {
    "processor": "Some processor",
    "cores": 2,
    "flags": ["avx2"],
    "memory_gib": 24,
    "system": "Linux",
    "load": 0.1,
    "python": "3.11",
    "versions": {"whorl": "0.1.0", "jax": None},
}
RATES = {"flops": {"1": 1.6e11, "2": 2.9e11}, "narrow": {"int8": 5e11}, "read": {"73728": 1e11}}


def results(*entries):
    return {"machine": MACHINE, "rates": RATES, "whole": True, "entries": list(entries)}
