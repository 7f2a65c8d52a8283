"""Work in several processes: results as they are done, and a word where a process dies."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import torch

from whorl.errors import ResourceError

T = TypeVar("T")


def side_by_side(
    function: Callable[..., T], tasks: Sequence[tuple[object, ...]], workers: int, advice: str
) -> Iterator[tuple[int, T]]:
    """Calls a function with each of several lists of arguments, in processes, which share the threads of torch.

    Args:
        function: of a module.
        tasks: arguments.
        workers: processes.
        advice: what to do where one of them dies.

    Yields:
        The number of a task, and what came of it, in any order.

    Raises:
        ResourceError: a process died, killed or out of memory.
    """
    from joblib import Parallel, delayed

    threads = max(1, torch.get_num_threads() // workers)
    found: Iterable[tuple[int, T]] = Parallel(n_jobs=workers, return_as="generator_unordered")(
        delayed(_numbered)(number, function, arguments, threads) for number, arguments in enumerate(tasks)
    )
    try:
        yield from found
    except BrokenProcessPool:
        raise ResourceError(f"a process that fitted a network died, killed or out of memory. {advice}") from None


def _numbered(number: int, function: Callable[..., T], arguments: tuple[object, ...], threads: int) -> tuple[int, T]:
    torch.set_num_threads(threads)
    return number, function(*arguments)
