"""The worker processes, as the process that takes the samples sees them."""

import contextlib
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent

# The longest command is the reference of the largest entry in float64.
PATIENCE = 300.0


class WorkerError(Exception):
    """A worker died, hung, or its peer raised an error."""


class Process:
    """A worker; use it in a `with` block.

    Args:
        name: for messages.
        log: file that gets what the worker and its libraries print.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self._log = log.open("a", encoding="utf-8")
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout, self._log):
            # What was written and never read is lost with its reader.
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()

    def send(self, do: str, **arguments: object) -> None:
        """Gives a command; several workers may be at it at the same time."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(f"`{self.name}` has died; {self._log.name} says why") from None

    def receive(self) -> dict[str, Any]:
        """Waits for the answer to the last command."""
        assert self._child.stdout is not None
        ready, _, _ = select.select([self._child.stdout], [], [], PATIENCE)
        line = self._child.stdout.readline() if ready else ""
        if not line:
            what = "has died" if ready else f"did not answer in {PATIENCE:.0f} s"
            raise WorkerError(f"`{self.name}` {what}; {self._log.name} says why")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"`{self.name}`: {answer['error']}")
        return answer

    def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """A command and its answer."""
        self.send(do, **arguments)
        return self.receive()

    def processor_seconds(self) -> float:
        """Time that the process has computed so far, all threads together."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
