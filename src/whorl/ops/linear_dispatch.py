"""Which code runs a recurrence that is linear in its state: native code where it can, else the reference.

Axes: B batch, T time, S numbers of a state.
"""

from torch import Tensor

from whorl.errors import ArgumentError
from whorl.ops import dispatch, linear, native_linear
from whorl.ops.linear import LinearPass


def run(layer: LinearPass) -> tuple[Tensor, Tensor]:
    """The state after each step (B, T, S), 0 at padding, and the one after the last step that was read.

    Raises:
        ArgumentError: `whorl.nn.backend` forces a backend that cannot run the call.
    """
    forced = dispatch.forced_name()
    if forced == "torch":
        raise ArgumentError(
            f"`backend('torch')` must be able to run the call, but torch has no cell {layer.cell!r}. "
            "Leave the `with whorl.nn.backend(...)` block or choose 'reference'."
        )
    if forced == "reference":
        return linear.scan(layer)
    reason = native_linear.refuse(layer)
    if reason is None:
        return native_linear.run(layer)
    if forced == "native":
        raise ArgumentError(
            f"`backend('native')` must be able to run the call, but {reason}. "
            "Leave the `with whorl.nn.backend(...)` block or choose 'reference'."
        )
    return linear.scan(layer)
