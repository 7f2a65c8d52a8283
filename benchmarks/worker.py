"""A process that solves one entry with one peer, and sleeps until it is told to.

    python -m benchmarks.worker

Reads commands, one JSON object a line, from standard input and answers each with one line: `build`, `results`,
`prepare`, `sample`, `rates`. What libraries print goes to standard error.
"""

import gc
import itertools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.registry import ENTRIES

# A sample takes at least so long: the clock and the loop are then less than a thousandth of it.
SAMPLE_SECONDS = 0.02
# Before each sample, since other processes have used the caches in between.
WARM_SECONDS = 0.005
# Before the first one: the first calls compile, allocate and start threads.
FIRST_SECONDS = 0.3


class Worker:
    """The commands. `build` comes first."""

    def __init__(self) -> None:
        self._subject: Any = None
        self._calls = 0

    def build(self, entry: str, peer: str) -> dict[str, object]:
        """Takes as many cores as the entry has threads, then imports the peer's library, which counts them."""
        _take_cores(ENTRIES[entry].threads)
        from benchmarks import peers

        self._subject = peers.build(ENTRIES[entry], peer)
        return {"code": self._subject.code}

    def results(self, path: str) -> dict[str, object]:
        """Writes what is compared to a file of numpy."""
        import numpy as np

        found = self._subject.results()
        np.savez(Path(path), **found)
        return {}

    def prepare(self) -> dict[str, object]:
        """Warms up and finds out how many calls a sample takes."""
        warm = self._subject.warm or self._subject.call
        calls, start = 0, time.perf_counter()
        while calls < 3 or time.perf_counter() - start < FIRST_SECONDS:
            warm()
            calls += 1
        # The first calls are slow, so the estimate is that of another round.
        start = time.perf_counter()
        for _ in range(max(1, calls // 4)):
            warm()
        cost = (time.perf_counter() - start) / max(1, calls // 4)
        self._calls = self._subject.calls or max(1, round(SAMPLE_SECONDS / cost))
        return {"calls": self._calls}

    def sample(self, latencies: int) -> dict[str, object]:
        """One sample: the mean time of a call in seconds, and nanoseconds of so many single calls."""
        call, calls = self._subject.call, range(self._calls)
        warm = self._subject.warm or call
        clock = time.perf_counter_ns
        gc.collect()
        gc.disable()
        warm()
        end = time.perf_counter() + WARM_SECONDS
        while time.perf_counter() < end:
            warm()
        start = clock()
        for _ in calls:
            call()
        seconds = (clock() - start) / len(calls) / 1e9
        stamps = [clock()]
        for _ in range(latencies):
            call()
            stamps.append(clock())
        gc.enable()
        return {"seconds": seconds, "latencies": [after - at for at, after in itertools.pairwise(stamps)]}

    def rates(self, sizes: list[int]) -> dict[str, object]:
        """The rates of the machine."""
        _take_cores(2)
        from benchmarks import floors

        return asdict(floors.measure(sizes))


def _take_cores(count: int) -> None:
    # All peers get the same cores, and libraries that start a thread for each core find as many.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def main() -> None:
    """Answers until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        command = json.loads(line)
        method: Callable[..., dict[str, object]] = getattr(worker, command.pop("do"))
        try:
            answer = method(**command)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
