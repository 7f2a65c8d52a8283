"""Threads of tests, and how many torch takes while they run. Only the fixture needs torch."""

import threading
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks as small as those of tests are slowed down many times by a second thread, and by what else runs then."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Runs `work(0)` to `work(count - 1)`, each on a thread of its own, to their ends.

    Raises:
        ExceptionGroup: what the calls raised; an assertion that failed too.
    """
    failed: list[Exception] = []

    def guarded(index: int) -> None:
        try:
            work(index)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise ExceptionGroup("threads failed", failed)
