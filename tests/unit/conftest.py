"""What tests of several packages need: a clock that does not depend on the machine."""

import time
from collections.abc import Callable

import pytest


class Clock:
    """Stands in for `time.perf_counter`: time passes when a test says so, and `tick` seconds at every look."""

    def __init__(self) -> None:
        self.now, self.tick = 0.0, 0.0

    def __call__(self) -> float:
        self.now += self.tick
        return self.now

    def takes(self, function: Callable[..., object], seconds: Callable[..., float]) -> Callable[..., object]:
        """The function, whose calls take `seconds(*arguments)`."""

        def call(*arguments: object) -> object:
            self.now += seconds(*arguments)
            return function(*arguments)

        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "perf_counter", made)
    return made
