"""Writing a file so that a reader finds all of the old one or all of the new one, even after a power cut."""

import os
from contextlib import suppress
from pathlib import Path

PARTIAL = ".partial"


def write(path: Path, data: bytes) -> None:
    """Replaces the file at `path` by one with these bytes; OSError leaves the old file or the new one, whole."""
    # In the same folder, because a rename is atomic only within a file system.
    partial = path.with_name(path.name + PARTIAL)
    try:
        _write_and_sync(partial, data)
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _write_and_sync(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        # Without it the rename can reach the disk before the bytes do.
        os.fsync(file)
    finally:
        os.close(file)


def _sync_folder(path: Path) -> None:
    if os.name == "nt":  # Windows opens no folders and orders renames by itself.
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def lock(folder: Path) -> int | None:
    """Locks a folder against other processes and returns what `unlock` takes; BlockingIOError where one holds it."""
    if os.name == "nt":  # Windows opens no folders.
        return None
    import fcntl

    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened


def unlock(locked: int | None) -> None:
    """Lets go of a folder."""
    if locked is not None:
        os.close(locked)
