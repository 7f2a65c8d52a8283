"""Recurrences that are linear in their state: the same bits whatever instruction set runs them."""

from tests.unit.processes import check_one_digest

FINGERPRINT = """
import hashlib
import torch
from whorl import _native
from whorl.ops import native_linear
from whorl.ops.linear import LinearPass
torch.manual_seed(0)
digest, units = hashlib.sha256(), 37
lengths, resets = torch.tensor([19, 7]), torch.rand(2, 19) < 0.2
for cell, gates, parts in (("mingru", 2, 1), ("minlstm", 3, 1), ("lru", 2, 2)):
    given = [3 * torch.randn(2, 19, gates * units), torch.randn(2, parts * units)]
    if cell == "lru":
        given.append(0.5 * torch.randn(2 * units))
    products, state, *decay = [one.requires_grad_() for one in given]
    layer = LinearPass(cell, products, decay[0] if decay else None, state, lengths, resets, True)
    found = native_linear.run(layer)
    found += torch.autograd.grad(found, given, [torch.randn(one.shape) for one in found])
    for one in found:
        digest.update(one.detach().contiguous().numpy().tobytes())
print(_native.isa(), digest.hexdigest())
"""


def test_every_instruction_set_gives_the_same_bits_of_states_and_gradients():
    check_one_digest(FINGERPRINT)
