"""How streams are watched: answers compared bit for bit, and a signal at any line of a push."""

import gc
import sys

import numpy as np


def same(one, other):
    """Two lists of answers, bit for bit."""
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.value.shape == b.value.shape
        assert a.value.tobytes() == b.value.tobytes()
        assert (a.quantiles is None) == (b.quantiles is None)
        assert a.quantiles is None or a.quantiles.tobytes() == b.quantiles.tobytes()
        for part, twin in zip(a.index, b.index, strict=True):
            assert np.array_equal(part, twin)


def interrupted(call, at, within=None):
    """Raises KeyboardInterrupt before the line numbered `at` of those that the call runs, or before the operation of
    the function `within`, which stand finer; whether it came so far.
    """
    seen = 0

    def on_line(frame, event, _):
        nonlocal seen
        if within is not None and frame.f_code is within.__code__:
            frame.f_trace_opcodes = True
        if event == "line" if within is None else event == "opcode":
            seen += 1
            if seen > at:
                raise KeyboardInterrupt
        return on_line

    before = sys.gettrace()
    # What is collected now is garbage of whatever ran before, and Python ignores what its callbacks raise.
    gc.disable()
    sys.settrace(on_line)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
        gc.enable()
    return False
