"""Code in a process of its own: forks, and the instruction sets of the native code, chosen when it is loaded."""

import hashlib
import os
import subprocess
import sys


def run_python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def machine_isas() -> list[str]:
    """The instruction sets that this machine can run, the plainest first."""
    best = run_python("from whorl import _native; print(_native.isa())", WHORL_ISA="").stdout.strip()
    order = ["portable", "avx2", "avx512"]
    return order[: order.index(best) + 1]


def check_one_digest(code: str, *arguments: str) -> None:
    """The code, which prints its instruction set and a SHA-256 digest of what it found, finds the same on each set."""
    digests = {}
    for isa in machine_isas():
        result = run_python(code, *arguments, WHORL_ISA=isa)
        assert result.returncode == 0, result.stderr
        name, digest = result.stdout.split()
        assert name == isa
        assert digest != hashlib.sha256().hexdigest()  # that of nothing
        digests[isa] = digest
    assert len(set(digests.values())) == 1, digests
