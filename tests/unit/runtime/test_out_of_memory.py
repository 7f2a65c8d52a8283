"""A call that finds no memory: nothing moves, and the next one finds everything in order. Linux only."""

import subprocess
import sys

OUT_OF_MEMORY = """
import resource
import numpy as np
from whorl.runtime import operations as ops
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program

program = Program()
x = program.add(ops.Input(out="x", shape=(1 << 14,)))
window = program.add(ops.Window(x=x, length=17))
program.output = program.add(ops.Slice(x=window, axis=0, start=0, stop=1))
engine = NativeEngine(program, num_threads=1)
slots = [engine.open() for _ in range(128)]  # 128 MB of states, which a long call copies
bound = engine.bind(slots)
bound.inputs["x"][:] = 1.0
before = [engine.read(slot) for slot in (slots[0], slots[-1])]
limits = resource.getrlimit(resource.RLIMIT_AS)
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (32 << 20), limits[1]))
refused = 0
for _ in range(2):
    try:
        bound.step()
    except MemoryError:
        refused += 1
resource.setrlimit(resource.RLIMIT_AS, limits)
assert refused == 2, refused
assert [engine.read(slot) for slot in (slots[0], slots[-1])] == before
bound.step()
assert engine.read(slots[0]) != before[0]
"""


def test_bound_slots_that_found_no_memory_step_once_there_is_some():
    result = subprocess.run([sys.executable, "-c", OUT_OF_MEMORY], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
