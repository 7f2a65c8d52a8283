"""Whether a command may write where it was told to, found out before the work and not after it."""

import tempfile
from pathlib import Path

from whorl.errors import ArgumentError, ResourceError


def check_output(path: Path, flag: str, *inputs: str | Path | None) -> None:
    """Raises unless a file can be written there, and nothing that is read would be replaced by it.

    Args:
        path: what is to be written.
        flag: the option that named it.
        inputs: what the command reads, and what else it writes.

    Raises:
        ArgumentError: the path is that of an input, or lies in a folder that is one.
        ResourceError: the folder cannot be written to: hours of training must not end in a refusal.
    """
    target = path.resolve()
    for given in inputs:
        source = None if given is None else Path(given).resolve()
        if source is not None and (target == source or (source.is_dir() and source in target.parents)):
            does = "would replace" if target == source else "lies in the folder that is read,"
            raise ArgumentError(f"`{flag}` is `{path}`, which {does} `{given}`. Choose another path.")
    if path.is_dir():
        raise ResourceError(f"`{flag}` is the path of a file, but `{path}` is a folder. Add a file name.")
    if path.exists() and not path.is_file():
        raise ResourceError(
            f"`{flag}` is `{path}`, a device or a pipe, which a file would replace. Choose another path."
        )
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ResourceError(
            f"`{flag}` is `{path}`, but nothing can be written into folder `{path.parent}` ({error.strerror}). "
            "Make the folder, or choose another."
        ) from None
