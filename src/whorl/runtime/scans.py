"""What `Scan` does, in numpy: one step after the other, each element by itself."""

import numpy as np

from whorl.runtime import operations as ops

Array = np.ndarray


def fresh(op: ops.Scan, shape: ops.Shape) -> dict[str, Array]:
    """The state of one fresh stream: field -> zeros."""
    begun = {} if op.initial is None else {"begun": np.zeros(1, np.float32)}
    return {"state": np.zeros(shape, np.float32), **begun}


def over_stream(
    op: ops.Scan, operands: tuple[Array, ...], state: dict[str, Array], valid: Array | None
) -> tuple[Array, dict[str, Array]]:
    """A scan over the stream.

    Args:
        op: the operation.
        operands: a and b, (B, T, ...), and the state that is given, (B, T, ...), where there is one.
        state: (B, ...), by field.
        valid: which steps are real, (B, T); None where all are.

    Returns:
        The state after each step (B, T, ...), and the one after the last real step.
    """
    a, b, *initial = operands
    h, begun = state["state"], {}
    rows = (len(b), *(1 for _ in b.shape[2:]))
    if initial:
        # A sequence of length 0 has not begun.
        begins = np.ones(len(b), bool) if valid is None else valid[:, 0]
        first = begins & (state["begun"][:, 0] == 0)
        h = np.where(first.reshape(rows), initial[0][:, 0], h)
        begun = {"begun": np.where(begins[:, None], np.float32(1.0), state["begun"])}
    result = np.empty(b.shape, np.float32)
    steps = range(b.shape[1])
    for t in reversed(steps) if op.reverse else steps:
        new = _next(op, a[:, t], h, b[:, t])
        h = new if valid is None else np.where(valid[:, t].reshape(rows), new, h)
        result[:, t] = h
    return result, {"state": h, **begun}


def over_value(op: ops.Scan, a: Array, b: Array, initial: Array | None) -> Array:
    """Over axis -2 of a value: a and b (..., S, D), initial (..., D) -> the state after each step, (..., S, D)."""
    h = np.zeros((*b.shape[:-2], b.shape[-1]), np.float32) if initial is None else initial
    result = np.empty(b.shape, np.float32)
    steps = range(b.shape[-2])
    for s in reversed(steps) if op.reverse else steps:
        h = _next(op, a[..., s, :], h, b[..., s, :])
        result[..., s, :] = h
    return result


def _next(op: ops.Scan, a: Array, h: Array, b: Array) -> Array:
    """The next state, a h + b."""
    if op.numbers == "real":
        return a * h + b
    half = a.shape[-1] // 2
    a_re, a_im, h_re, h_im = a[..., :half], a[..., half:], h[..., :half], h[..., half:]
    return np.concatenate([a_re * h_re - a_im * h_im, a_re * h_im + a_im * h_re], axis=-1) + b
