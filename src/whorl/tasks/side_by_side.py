"""Work in several processes: results as they are done, and a word where a process dies."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from whorl.errors import ResourceError

T = TypeVar("T")


def side_by_side(
    function: Callable[..., T], tasks: Sequence[tuple[object, ...]], workers: int, advice: str
) -> Iterator[T]:
    """Calls a function with each of several lists of arguments, in processes, and yields results in any order.

    Args:
        function: of a module.
        tasks: arguments.
        workers: processes.
        advice: what to do where one of them dies.

    Raises:
        ResourceError: a process died, killed or out of memory.
    """
    from joblib import Parallel, delayed

    found: Iterable[T] = Parallel(n_jobs=workers, return_as="generator_unordered")(
        delayed(function)(*arguments) for arguments in tasks
    )
    try:
        yield from found
    except BrokenProcessPool:
        raise ResourceError(f"a process that fitted a network died, killed or out of memory. {advice}") from None
