"""What all peers that move streams share: a row goes in, a step is taken, a row comes out."""

import itertools
from collections.abc import Callable

import numpy as np
from benchmarks.peers import Subject
from benchmarks.problems import rows
from benchmarks.registry import Entry

Step = Callable[[], object]
Write = Callable[[np.ndarray], object]


def stepper(entry: Entry, code: str, *, step: Step, write: Write, read: Callable[[], np.ndarray]) -> Subject:
    """Streams that stand after their last row; the state stays where the peer keeps it.

    With the option 'written', a call copies the next row into the peer's buffer and takes the step; else it takes the
    step with the row that is there.

    Args:
        entry: what is computed.
        code: what runs.
        step: takes a step.
        write: copies rows (B, I) to where the peer reads its input.
        read: returns the output of the last step, (B, H).
    """
    given = rows(entry)

    def results() -> dict[str, np.ndarray]:
        outputs = []
        for row in given:
            write(row)
            step()
            outputs.append(np.array(read(), np.float32))
        return {"output": np.stack(outputs)}

    # `step` as it is: a function around it would take a tenth of the shortest steps.
    return Subject(code=code, results=results, call=_writing(step, write, given) if entry.option == "written" else step)


def _writing(step: Step, write: Write, given: np.ndarray) -> Step:
    following = itertools.cycle(list(given)).__next__

    def call() -> None:
        write(following())
        step()

    return call


def into(target: np.ndarray) -> Write:
    """A function that copies rows into an array."""

    def write(row: np.ndarray) -> None:
        target[...] = row

    return write
