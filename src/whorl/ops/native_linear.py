"""Recurrences that are linear in their state in native code, on CPU in float32: gates and state in one pass each way.

Axes: B batch, T time, G stacked gates, S numbers of a state.
"""

from typing import Any

import torch
from torch import Tensor

from whorl import _native
from whorl.cells import LINEAR_CELLS, LinearName
from whorl.errors import ArgumentError
from whorl.ops import linear, native
from whorl.ops.linear import LinearPass
from whorl.ops.native_bounds import addresses, check_numbers, check_option
from whorl.ops.native_scan import dense, empty


def refuse(layer: LinearPass) -> str | None:
    """Says why native code cannot run this call; None if it can."""
    given = (layer.gates_BTG, layer.decay_S, layer.state_BS)
    if torch.compiler.is_compiling():
        return "a compiled graph has the reference"
    return native.refuse_tensors([tensor for tensor in given if tensor is not None])


def run(layer: LinearPass) -> tuple[Tensor, Tensor]:
    """The state after each step (B, T, S), 0 at padding, and the one after the last step that was read."""
    given = (layer.gates_BTG, layer.decay_S, layer.state_BS)
    # Copies: the backward pass reads them again, and the memory may be that of an array of numpy, which changes without
    # a word.
    lengths_B = None if layer.lengths_B is None else _copy(layer.lengths_B, torch.int64)
    resets_BT = None if layer.resets_BT is None else _copy(layer.resets_BT, torch.bool)
    if torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in given):
        how = (layer.cell, layer.reverse, layer.owned)
        h_BTS, final_BS = LinearFunction.apply(how, lengths_B, resets_BT, *given)  # type: ignore[no-untyped-call]
        return h_BTS, final_BS
    return _forward(layer._replace(lengths_B=lengths_B, resets_BT=resets_BT))


def _copy(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.empty(tensor.shape, dtype=dtype, device="cpu").copy_(tensor)


def _like(x_BTG: Tensor, size: int) -> Tensor:
    """Memory for (B, T, size), with the steps or the rows outside as x has them."""
    rows, steps, _ = x_BTG.shape
    if x_BTG.stride(0) < x_BTG.stride(1):
        return empty(x_BTG, steps, rows, size).transpose(0, 1)
    return empty(x_BTG, rows, steps, size)


def _rows(x_BTG: Tensor) -> Tensor:
    """Steps and rows may lie anywhere, but the numbers of a row side by side."""
    x_BTG = x_BTG.resolve_neg()
    return x_BTG if x_BTG.stride(2) == 1 or x_BTG.shape[2] == 1 else x_BTG.contiguous()


def _open(layer: LinearPass) -> _native.LinearScan:
    """The recurrence, with everything that both passes read of a call."""
    cell, gates_BTG = layer.cell, layer.gates_BTG
    rows, steps, num_gates = gates_BTG.shape
    known = LINEAR_CELLS[cell]
    size = layer.state_BS.shape[-1]
    hidden = size // known.state_parts
    wanted = size if layer.decay_S is not None else known.num_gates * hidden
    sound = size == hidden * known.state_parts and layer.state_BS.shape == (rows, size) and num_gates == wanted
    if not sound or (layer.decay_S is None) != (known.state_parts == 1):
        raise ArgumentError(
            f"the input products of a {cell!r} cell and its state must be of as many rows and units, but have shapes "
            f"{tuple(gates_BTG.shape)} and {tuple(layer.state_BS.shape)}. Correct one of them."
        )
    check_numbers((gates_BTG, layer.decay_S, layer.state_BS))
    check_option("decay", layer.decay_S, (size,), torch.float32)
    check_option("lengths", layer.lengths_B, (rows,), torch.int64)
    check_option("resets", layer.resets_BT, (rows, steps), torch.bool)
    scan = _native.LinearScan(cell, layer.reverse, steps, rows, hidden, torch.get_num_threads())
    gates_at, *others = addresses((gates_BTG, layer.decay_S, layer.lengths_B, layer.resets_BT))
    row, step, _ = gates_BTG.stride()
    scan.reads(gates_at, step, row, *others)
    return scan


def _forward(layer: LinearPass) -> tuple[Tensor, Tensor]:
    decay_S = None if layer.decay_S is None else dense(layer.decay_S)
    final_BS = dense(layer.state_BS.clone(memory_format=torch.contiguous_format))
    layer = layer._replace(gates_BTG=_rows(layer.gates_BTG), decay_S=decay_S, state_BS=final_BS)
    scan = _open(layer)
    out_BTS = _like(layer.gates_BTG, final_BS.shape[1])
    row, step, _ = out_BTS.stride()
    scan.forward(final_BS.data_ptr(), out_BTS.data_ptr(), step, row)
    return out_BTS, final_BS


def _backward(
    layer: LinearPass, out_BTS: Tensor, d_out: Tensor | None, d_final: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Gradients of the gates, of the decay of each row (B, S) where there is one, and of the initial state."""
    decay_S = None if layer.decay_S is None else dense(layer.decay_S)
    layer = layer._replace(gates_BTG=_rows(layer.gates_BTG), decay_S=decay_S, state_BS=dense(layer.state_BS))
    scan = _open(layer)
    check_numbers((out_BTS, d_out, d_final))
    row, step, _ = out_BTS.stride()
    scan.remembers(layer.state_BS.data_ptr(), out_BTS.data_ptr(), step, row)
    d_out = None if d_out is None else _rows(d_out)
    d_state = torch.zeros_like(layer.state_BS) if d_final is None else dense(d_final.clone())
    d_gates = layer.gates_BTG if layer.owned else _like(layer.gates_BTG, layer.gates_BTG.shape[2])
    d_decay = None if layer.decay_S is None else layer.state_BS.new_empty(layer.state_BS.shape)
    out_at, state_at, gates_at, decay_at = addresses((d_out, d_state, d_gates, d_decay))
    (row, step, _), (gates_row, gates_step, _) = (0, 0, 0) if d_out is None else d_out.stride(), d_gates.stride()
    scan.backward(out_at, step, row, state_at, gates_at, gates_step, gates_row, decay_at)
    return d_gates, d_decay, d_state


def _may_overwrite(gates_BTG: Tensor) -> bool:
    """Whether a backward pass that owns the gates may leave their gradients in the same memory: not where they will be
    read once more, and not where they are somebody's parameter.
    """
    return not gates_BTG.is_leaf and not torch._C._autograd._get_current_graph_task_keep_graph()


class LinearFunction(torch.autograd.Function):
    """Both passes for autograd; differentiable twice, the second time through plain PyTorch.

    `apply((cell, reverse, owned), lengths, resets, gates, decay, state)` returns the states and the final one.
    """

    @staticmethod
    def forward(
        ctx: Any,
        how: tuple[LinearName, bool, bool],
        lengths_B: Tensor | None,
        resets_BT: Tensor | None,
        gates_BTG: Tensor,
        decay_S: Tensor | None,
        state_BS: Tensor,
    ) -> tuple[Tensor, Tensor]:
        cell, reverse, _ = how
        layer = LinearPass(cell, gates_BTG, decay_S, state_BS, lengths_B, resets_BT, reverse)
        out_BTS, final_BS = _forward(layer)
        # All tensors go this way, so that torch frees them after the backward pass and notices changes in place.
        ctx.save_for_backward(gates_BTG, decay_S, state_BS, lengths_B, resets_BT, out_BTS)
        ctx.set_materialize_grads(False)
        ctx.how = how
        return out_BTS, final_BS

    @staticmethod
    def backward(ctx: Any, d_out: Tensor | None, d_final: Tensor | None) -> tuple[Tensor | None, ...]:
        cell, reverse, owned = ctx.how
        gates_BTG, decay_S, state_BS, lengths_B, resets_BT, out_BTS = ctx.saved_tensors
        layer = LinearPass(cell, gates_BTG, decay_S, state_BS, lengths_B, resets_BT, reverse)
        # Somebody wants the gradient of the gradient, or many gradients at once: wrapped tensors have no memory.
        is_wrapped = any(grad is not None and not torch._C._has_storage(grad) for grad in (d_out, d_final))
        if torch.is_grad_enabled() or is_wrapped:
            return None, None, None, *_backward_in_torch(layer, ctx.needs_input_grad[3:], d_out, d_final)
        if owned and _may_overwrite(gates_BTG):
            layer = layer._replace(gates_BTG=gates_BTG.detach(), owned=True)
            # Whoever else kept them is told by torch, and does not read gradients in their place.
            torch.autograd.graph.increment_version(gates_BTG)
        d_gates, d_decay, d_state = _backward(layer, out_BTS, d_out, d_final)
        total = None if d_decay is None else d_decay.sum(0)
        return None, None, None, d_gates, total, d_state


def _backward_in_torch(
    layer: LinearPass, needs: tuple[bool, ...], d_out: Tensor | None, d_final: Tensor | None
) -> list[Tensor | None]:
    """Gradients of the gates, the decay and the state, themselves differentiable."""
    create_graph = torch.is_grad_enabled()
    with torch.autocast("cpu", enabled=False):
        with torch.enable_grad():
            # Each input gets a name of its own, so that autograd stops there.
            inputs = [
                None if one is None else one.view_as(one) for one in (layer.gates_BTG, layer.decay_S, layer.state_BS)
            ]
            named = layer._replace(gates_BTG=inputs[0], decay_S=inputs[1], state_BS=inputs[2])  # type: ignore[arg-type]
            outputs = linear.scan(named)
        given = [(one, grad) for one, grad in zip(outputs, (d_out, d_final), strict=True) if grad is not None]
        wanted = [one for one, needed in zip(inputs, needs, strict=True) if one is not None and needed]
        if not given or not wanted:
            return [None] * len(inputs)
        said, seeds = zip(*given, strict=True)
        found = iter(torch.autograd.grad(said, wanted, seeds, create_graph=create_graph, allow_unused=True))
    return [next(found) if one is not None and needed else None for one, needed in zip(inputs, needs, strict=True)]
