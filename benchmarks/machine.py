"""Which machine and which versions a run was made with."""

import importlib.metadata
import os
import platform
from pathlib import Path

LIBRARIES = ("whorl", "torch", "numpy", "jax", "jaxlib", "onnxruntime")

# The flags of a processor that its arithmetic depends on.
FLAGS = ("avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8",
         "amx_bf16", "asimd", "asimddp", "sve", "bf16", "i8mm")  # fmt: skip


def describe() -> dict[str, object]:
    """Processor, cores, flags, memory, load, and versions; None for what is not installed."""
    fields = _processor()
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": fields.get("model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
    }


def version(distribution: str) -> str | None:
    """The version that is installed; None without."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> dict[str, str]:
    """The first processor's fields in /proc/cpuinfo."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    lines = path.read_text().partition("\n\n")[0].splitlines()
    return {key.strip(): text.strip() for key, _, text in (line.partition(":") for line in lines)}
