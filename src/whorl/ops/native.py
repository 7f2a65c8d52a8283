"""Layers in native code, on CPU in float32: one call forward and one backward over all steps of a layer.

Axes: B batch, T time, D features.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import Parameter

from whorl.ops import fused, native_compiled, native_scan
from whorl.ops.call import Call, State
from whorl.ops.native_scan import ScanFunction, Sequences
from whorl.ops.stack import Pass, run_layers

_PLAIN = (Tensor, Parameter)
# Where torch's RNN and GRU overtook native code, on one thread of an Ice Lake, batches of 1 to 64, H from 16 to 512.
_FEW_STEPS = 2
_WEIGHTS_PER_STEP = 32_768  # of a gate


def refuse(call: Call) -> str | None:
    """Says why native code cannot run this call; None if it can."""
    if call.cell not in native_scan.NUM_GATES:
        return f"native code has no cell {call.cell!r}"
    return refuse_tensors(_tensors(call))


def refuse_tensors(tensors: list[Tensor]) -> str | None:
    """Says why native code cannot read these tensors, or not now; None if it can."""
    for tensor in tensors:
        if not tensor.is_cpu or tensor.dtype is not torch.float32:
            return f"native code runs on a CPU in float32, not on {tensor.device.type} in {_short(tensor.dtype)}"
        if type(tensor) not in _PLAIN:
            return f"native code reads plain tensors, not a {type(tensor).__name__}"
    if torch.is_autocast_enabled("cpu"):
        return "native code takes no part in autocast"
    if torch.compiler.is_exporting() or torch._C._get_tracing_state() is not None:
        return "an exported or traced program must run without whorl"
    if torch._C._are_functorch_transforms_active():
        return "native code cannot be transformed by torch.func"
    return None if torch.compiler.is_compiling() else _refuse_mode()


def _refuse_mode() -> str | None:
    """Native code reads and writes memory behind torch's back, which not every mode of torch bears."""
    if torch.autograd.forward_ad._current_level >= 0:
        return "native code has no forward-mode gradients"
    if torch._C._len_torch_dispatch_stack() > 0:
        return "a torch dispatch mode must see every operation, and native code hides them"
    return None


def decline(call: Call) -> str | None:
    """Says why torch is faster on a call that native code can run; None if it is not.

    Native code lays the weights out anew at each call and torch's simple cells do not, so they win where few steps
    share large weights. Its kernel for LSTM does so too.
    """
    steps = len(call.x_TBD)
    if call.cell == "lstm" or torch.compiler.is_compiling():
        return None
    few = steps <= _FEW_STEPS and call.cell != "gru" and _learns(call)
    weights = max([own.weight_ih.numel() + own.weight_hh.numel() for own in call.weights])
    large = weights >= steps * _WEIGHTS_PER_STEP * native_scan.NUM_GATES[call.cell]
    if not (few or large) or call.lengths_B is not None or fused.refuse(call) is not None:
        return None
    if few:
        return f"torch is faster in training on at most {_FEW_STEPS} steps, which do not pay for one more function"
    return f"torch is faster on {steps} steps with {weights} weights, which are laid out anew at each call"


def run(call: Call) -> tuple[Tensor, State]:
    """Runs a call; returns the output (T, B, directions * H) and the final state, each part (L, B, H)."""
    if call.lengths_B is not None or call.resets_TB is not None:
        # Copies: the backward pass reads them again, and the memory may be that of an array of numpy, which changes
        # without a word.
        lengths_B = None if call.lengths_B is None else _copy(call.lengths_B, torch.int64)
        resets_TB = None if call.resets_TB is None else _copy(call.resets_TB, torch.bool)
        call = replace(call, lengths_B=lengths_B, resets_TB=resets_TB)
    learns = _learns(call)
    if torch.compiler.is_compiling():
        return run_layers(call, _compiled_learning if learns else _compiled)
    draws = call.training and (call.recurrent_dropout > 0 or call.zoneout > 0)
    if len(call.weights) == 1 and not learns and not draws:
        return _run_alone(call)
    return run_layers(call, _learning if learns else _plain)


def _copy(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.empty(tensor.shape, dtype=dtype, device="cpu").copy_(tensor)


def _run_alone(call: Call) -> tuple[Tensor, State]:
    """One layer without gradients, where each operation around the kernel would take as long as a short sequence."""
    sequences = Sequences(False, call.zoneout, call.lengths_B, call.resets_TB, None, None, None)
    output, final, _ = native_scan.forward(call.cell, sequences, call.weights[0], call.x_TBD, call.state, save=False)
    return output, final


def _tensors(call: Call) -> list[Tensor]:
    found = [call.x_TBD, *call.state]
    for weights in call.weights:
        found += [weight for weight in weights if weight is not None]
    return found


def _learns(call: Call) -> bool:
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in _tensors(call))


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _sequences(layer: Pass) -> Sequences:
    hold_h, hold_c, hold = None, None, 0.0
    if isinstance(layer.hold, float):
        hold = layer.hold
    elif layer.hold is not None:
        hold_h, hold_c = (*layer.hold, None)[:2]
    return Sequences(layer.reverse, hold, layer.lengths_B, layer.resets_TB, layer.mask_BH, hold_h, hold_c)


def _plain(layer: Pass) -> tuple[Tensor, State]:
    output, final, _ = native_scan.forward(
        layer.cell, _sequences(layer), layer.weights, layer.x_TBD, layer.state, save=False
    )
    return output, final


def _learning(layer: Pass) -> tuple[Tensor, State]:
    equation = (layer.input_gates, layer.step)
    outputs = ScanFunction.apply(  # type: ignore[no-untyped-call]
        layer.cell, equation, _sequences(layer), layer.x_TBD, *layer.weights, *layer.state
    )
    return outputs[0], outputs[1:]


def _compiled(layer: Pass) -> tuple[Tensor, State]:
    return native_compiled.scan(layer.cell, _sequences(layer), layer.weights, layer.x_TBD, layer.state, save=False)


def _compiled_learning(layer: Pass) -> tuple[Tensor, State]:
    return native_compiled.scan(layer.cell, _sequences(layer), layer.weights, layer.x_TBD, layer.state, save=True)
