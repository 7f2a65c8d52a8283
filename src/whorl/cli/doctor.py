"""`whorl doctor`: does this installation work?"""

import importlib.metadata
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from whorl.cli.output import command as make_command
from whorl.cli.output import is_quiet, show
from whorl.errors import ResourceError

# What developers need, and the bundle of all others, are no advice to a user.
_NOT_FOR_USERS = {"dev", "bench", "all"}
_SHOWN = ("numpy", "click", "msgspec", "safetensors", "torch", "polars", "rich", "scipy", "scikit-learn", "matplotlib")


class Finding(NamedTuple):
    """One line of the report; `is_good` is False where whorl cannot work as installed."""

    name: str
    value: str
    is_good: bool = True


def doctor() -> None:
    """Test this installation: versions, extras, processor, threads, device, native code, disk.

    The exit code is 5 where something that whorl needs does not work; a missing extra is no fault.
    """
    findings = [*_versions(), *_machine(), *_device(), _native(), _disk(), *_extras()]
    is_well = all(finding.is_good for finding in findings)
    lines = [f"{'' if finding.is_good else 'FAILED  '}{finding.name:16}{finding.value}" for finding in findings]
    lines.append("Everything works." if is_well else "Something does not work; see FAILED above.")
    quiet = [line for line in lines if line.startswith("FAILED")]
    result = {finding.name: {"value": finding.value, "ok": finding.is_good} for finding in findings}
    show(result, quiet if is_quiet() else lines)
    if not is_well:
        sys.exit(ResourceError.exit_code)


def _versions() -> Iterator[Finding]:
    import whorl

    yield Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("whorl", whorl.__version__)
    for package in _SHOWN:
        version = _version(package)
        if version is not None:
            yield Finding(package, version)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _machine() -> Iterator[Finding]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("processors", f"{usable} usable of {os.cpu_count()}")


def _device() -> Iterator[Finding]:
    """Where training would run."""
    try:
        import torch

        from whorl.train.device import choose_device

        device = choose_device("auto")
        kind = f" ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else ""
        yield Finding("training", f"on {device}{kind}, {torch.get_num_threads()} threads")
    except ModuleNotFoundError:
        yield Finding("training", 'not possible without torch. Run: pip install "whorl[train]"')
    except Exception as error:  # a broken torch fails in as many ways as there are builds
        yield Finding("training", f"torch does not load: {error}", False)


def _native() -> Finding:
    """A small product against numpy: a build for another processor or another numpy would fail it."""
    try:
        import numpy as np

        from whorl import _native

        random = np.random.default_rng(0)
        x, weight, bias = (random.standard_normal(shape).astype(np.float32) for shape in ((3, 17), (5, 17), (5,)))
        error = float(np.abs(_native.affine(x, _native.pack(weight), bias) - (x @ weight.T + bias)).max())
        return Finding("native code", f"{_native.isa()}, differs from numpy by {error:.1e}", error < 1e-5)
    except Exception as error:  # whatever a wrong build raises is the finding
        return Finding("native code", f"does not work ({error}). Install whorl again.", False)


def _disk() -> Finding:
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"whorl")
            file.flush()
        return Finding("disk", f"{tempfile.gettempdir()} can be written")
    except OSError as error:
        return Finding("disk", f"the folder for temporary files cannot be written ({error}). Set TMPDIR.", False)


def _extras() -> Iterator[Finding]:
    """Which extras are whole, and the command that installs those that are not."""
    extras: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("whorl") or []:
        found = re.match(r"([\w.-]+).*extra == ['\"]([\w-]+)['\"]", requirement)
        if found and found[2] not in _NOT_FOR_USERS:
            extras.setdefault(found[2], []).append(found[1])
    for extra, packages in extras.items():
        absent = [package for package in packages if _version(package) is None]
        told = f'no {", ".join(absent)}. Run: pip install "whorl[{extra}]"' if absent else "installed"
        yield Finding(f"extra {extra}", told)


command = make_command("doctor", doctor, [])
