"""Which backend runs a recurrent module on given data, and why not the others.

'native' is whorl's own code, for CPUs in float32; 'torch' are torch's kernels; 'reference' is the plain loop in
PyTorch, which runs everything and defines what is correct. `whorl.nn.backend` forces one.
"""

from collections.abc import Sequence

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from whorl.errors import ArgumentError
from whorl.nn.recurrent import RecurrentCore
from whorl.nn.stack import RecurrentStack
from whorl.ops import dispatch
from whorl.ops.dispatch import Decision


def explain(
    module: RecurrentStack | RecurrentCore,
    x: Tensor | PackedSequence,
    *,
    lengths: Tensor | Sequence[int] | None = None,
    resets: Tensor | None = None,
    measure: bool = True,
) -> Decision:
    """Returns the decision that the module takes when it is called with these arguments.

    Args:
        module: an `RNN`, `LSTM` or `GRU`, or a core made of one.
        x: the input, as for the module.
        lengths: as for the module.
        resets: as for the module.
        measure: fills in `cost_ms`, the median time of some runs (forward, and backward where gradients are on), of
            each backend that can run the call.

    Example:
        >>> import torch, whorl.nn
        >>> layer = whorl.nn.GRU(3, 5)
        >>> explain(layer, torch.zeros(7, 2, 3), lengths=[7, 0], measure=False)
        Decision(backend='native', rejected=(Rejection(backend='torch', reason='torch cannot pack a sequence of \
length 0', cost_ms=None), Rejection(backend='reference', reason="'native' is preferred", cost_ms=None)), cost_ms=None)
    """
    stack = module.stack if isinstance(module, RecurrentCore) else module
    if not isinstance(stack, RecurrentStack):
        raise ArgumentError(
            f"`module` must be an RNN, LSTM, GRU or RecurrentCore, but is a {type(module).__name__}. A LinearCore runs "
            "in native code on a CPU in float32, and by the reference elsewhere."
        )
    call = stack.call(x, lengths=lengths, resets=resets)
    decision = dispatch.decide(call)
    return dispatch.measure(decision, call) if measure else decision
