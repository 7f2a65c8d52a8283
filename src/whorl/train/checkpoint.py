"""A folder of checkpoints: at every instant it holds a complete one, and no file in it can run code.

    latest                        the name of the file to load, one line
    step-00001234.safetensors     tensors; the run's record as JSON and a digest of both in the metadata

A checkpoint is written under a new name and made durable before `latest` is replaced, so whatever fails in between
(a full disk, a power cut, kill -9) leaves `latest` naming a complete file. The two newest are kept.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from whorl.errors import ModelFileError, ResourceError
from whorl.train import durable

FORMAT = "whorl-checkpoint-1"
NAME = re.compile(r"step-\d{8,}\.safetensors")


class Checkpoint(NamedTuple):
    """Tensors on the CPU, contiguous and sharing no memory, and a record in JSON."""

    tensors: dict[str, Tensor]
    text: str


class CheckpointFolder:
    """Saves and loads the checkpoints of one training run.

    Args:
        given: the folder that a user named.
        part: the folder of this run in it, where a fit has several runs.
    """

    def __init__(self, given: Path, part: str = "") -> None:
        self.given = given
        self.path = given / part

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other runs out of the folder; the system lets go of it however this process ends.

        Raises:
            ResourceError: another run is using the folder, or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = durable.lock(self.path)
        except BlockingIOError:
            raise ResourceError(
                f"`checkpoint` folder '{self.path}' is in use by another run. Give each run a folder of its own."
            ) from None
        except OSError as error:
            raise ResourceError(
                f"`checkpoint` folder '{self.path}' cannot be used: {error.strerror or error}. Give another folder."
            ) from error
        try:
            yield
        finally:
            durable.unlock(lock)

    def save(self, step: int, checkpoint: Checkpoint) -> None:
        """Adds the checkpoint of that step and makes it the one that `load` returns.

        Raises:
            ResourceError: the disk refused; the checkpoint before is untouched and still loads.
        """
        name = f"step-{step:08d}.safetensors"
        metadata = {"format": FORMAT, "text": checkpoint.text, "sha256": _digest(checkpoint)}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            before = self.latest()
            durable.write(self.path / name, to_bytes(checkpoint.tensors, metadata))
            durable.write(self.path / "latest", f"{name}\n".encode())
        except OSError as error:
            raise ResourceError(
                f"`checkpoint` folder '{self.path}' could not take the checkpoint of step {step}: "
                f"{error.strerror or error}. Checkpoints that were there before are intact. "
                "Make room or give another folder, then resume."
            ) from error
        self._prune({name, before})

    def load(self) -> Checkpoint | None:
        """Returns the newest checkpoint, or None where there is none.

        Raises:
            ModelFileError: the checkpoint is damaged, or the folder holds something else.
            ResourceError: the disk refused to be read.
        """
        try:
            name = self.latest()
            return None if name is None else _read(self.path / name)
        except OSError as error:
            raise ResourceError(
                f"`checkpoint` folder '{self.path}' cannot be read: {error.strerror or error}. "
                "Give a folder that this user may read."
            ) from error

    def clear(self) -> None:
        """Removes all checkpoints; nothing where there are none.

        Raises:
            ResourceError: the disk refused.
        """
        try:
            (self.path / "latest").unlink(missing_ok=True)
        except OSError as error:
            raise ResourceError(
                f"`checkpoint` folder '{self.path}' holds checkpoints of an earlier fit that cannot be removed: "
                f"{error.strerror or error}. Remove it, or give another folder."
            ) from error
        self._prune(set())

    def latest(self) -> str | None:
        """The name of the newest checkpoint; None where there is none, ModelFileError where something else stands."""
        try:
            name = (self.path / "latest").read_bytes().decode("ascii", "replace").strip()
        except FileNotFoundError:
            return None
        if not NAME.fullmatch(name):
            raise ModelFileError(
                f"'{self.path / 'latest'}' holds the name of a checkpoint such as step-00000100.safetensors, "
                f"but reads {name[:80]!r}. Write the name of the newest one into it, or give another folder."
            )
        return name

    def _prune(self, keep: set[str | None]) -> None:
        # A file that cannot be removed costs room, not safety.
        with suppress(OSError):
            for path in self.path.glob("step-*.safetensors*"):
                if path.name not in keep and NAME.fullmatch(path.name.removesuffix(durable.PARTIAL)):
                    path.unlink(missing_ok=True)


def _read(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise _damaged(path, f"its format is {metadata.get('format')!r}, not {FORMAT!r}")
            # The file is mapped, not read: a copy stays valid when the file is replaced.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise _damaged(path, "`latest` names it, but it is not there") from None
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error
    checkpoint = Checkpoint(tensors, metadata.get("text", ""))
    if metadata.get("sha256") != _digest(checkpoint):
        raise _damaged(path, "its content does not have the digest it was saved with")
    return checkpoint


def _damaged(path: Path, why: str) -> ModelFileError:
    others = sorted(other.name for other in path.parent.glob("step-*.safetensors") if other != path)
    advice = f"Write '{others[-1]}' into 'latest' to go on from there" if others else "Start over"
    return ModelFileError(f"The checkpoint '{path}' cannot be used: {why}. {advice}, or give another folder.")


def _digest(checkpoint: Checkpoint) -> str:
    digest = hashlib.sha256(checkpoint.text.encode())
    for name, tensor in sorted(checkpoint.tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
