"""Native layers on several threads, instruction sets and processes.

Each thread has sequences of its own, so what belongs to a sequence has the same bits on one thread and on two. What the
weights learn is a sum over sequences, which each thread takes over its own: there the order of the sum differs.
"""

import threading
import time

import pytest
import torch
from tests.unit.nn.judging import CELLS, OPTIONS, Case, results
from tests.unit.processes import machine_isas, run_python
from torch.utils.data import DataLoader, Dataset

import whorl.nn
from whorl.ops import native


@pytest.mark.parametrize("options", ["plain", "two layers both ways", "everything"])
@pytest.mark.parametrize("cell", CELLS)
def test_two_threads_give_the_bits_of_one(cell, options):
    # Large enough for two: less than 40 us a thread would be left to one.
    call = Case(cell=cell, sizes=(40, 37, 9, 33), options=OPTIONS[options], lengths=True, resets=True).call()
    found = []
    for num_threads in (1, 2, 3):
        torch.set_num_threads(num_threads)
        found.append(results(native.run, call))
    num_own = 1 + len(call.state)
    # The proof that torch's number of threads is obeyed: sums over sequences were made in another order.
    assert len({b"".join(one.numpy().tobytes() for one in grads[num_own:]) for _, grads in found}) > 1
    for values, grads in found[1:]:
        for one, other in zip(values + grads[:num_own], found[0][0] + found[0][1][:num_own], strict=True):
            assert torch.equal(one, other)
        for one, other in zip(grads[num_own:], found[0][1][num_own:], strict=True):
            # Sums of up to 1480 numbers; measured: 1.6e-6, where each of the two is up to 1.6e-6 from float64.
            assert (one - other).abs().max() <= 4e-6 * other.abs().max()


ON_EACH_SET = """
import torch
from tests.unit.nn import test_native
from tests.unit.nn.judging import CELLS, OPTIONS, PROJECTED, Case
from whorl import _native
torch.set_num_threads(1)
for cell in CELLS:
    for options in OPTIONS.values():
        for cut in (False, True):
            test_native.check(Case(cell=cell, options=options, lengths=cut, resets=cut))
    for sizes in ((3, 7, 4, 1), (3, 33, 4, 17), (9, 2, 33, 101)):
        test_native.check(Case(cell=cell, sizes=sizes))
for options in PROJECTED.values():
    test_native.check(Case(cell="lstm", options=options))
test_native.test_a_poisoned_sequence_leaves_its_neighbours_alone("lstm", "everything")
print(_native.isa())
"""


@pytest.mark.parametrize("isa", machine_isas())
def test_every_instruction_set_gives_the_values_of_the_reference(isa):
    result = run_python(ON_EACH_SET, WHORL_ISA=isa)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [isa]


FORK = """
import os, warnings
import torch, whorl.nn
warnings.simplefilter("ignore")  # newer Pythons warn of any fork beside threads; that is what is tested here
torch.set_num_threads(2)
torch.manual_seed(0)
layer, x = whorl.nn.LSTM(16, 64), torch.randn(50, 64, 16)
seed = torch.ones(50, 64, 64)  # torch would hang in the child: its own threads do not survive a fork

def learn():
    with whorl.nn.backend("native"):
        output, _ = layer(x)
        found = [output, *torch.autograd.grad(output, list(layer.parameters()), seed)]
        return [one.detach().numpy() for one in found]

before = learn()
child = os.fork()
if child == 0:
    os._exit(0 if all((one == other).all() for one, other in zip(learn(), before)) else 1)
raise SystemExit(os.waitpid(child, 0)[1] != 0)
"""


def test_a_child_process_after_fork_runs_layers_on_threads_of_its_own():
    result = run_python(FORK)
    assert result.returncode == 0, result.stderr


class Encoded(Dataset):
    """Items that a layer has read."""

    def __init__(self):
        torch.manual_seed(0)
        self.layer, self.x = whorl.nn.GRU(3, 33), torch.randn(8, 50, 3)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        with torch.no_grad():
            return self.layer(self.x[index])[0]


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_workers_of_a_data_loader_run_layers():
    torch.set_num_threads(2)
    data = Encoded()
    with whorl.nn.backend("native"):
        expected = [data[index] for index in range(8)]
        found = list(DataLoader(data, batch_size=None, num_workers=2, multiprocessing_context="fork"))
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("backward", [False, True])
def test_other_python_threads_go_on_during_a_long_call(backward):
    layer, x = whorl.nn.LSTM(64, 256), torch.randn(100, 64, 64)
    turns, done = [], threading.Event()
    seed = torch.ones(100, 64, 256)

    def count():
        while not done.is_set():
            turns.append(time.perf_counter())
            time.sleep(1e-4)

    def turns_within_a_call():
        if backward:
            output, _ = layer(x)
        began = time.perf_counter()
        if backward:
            torch.autograd.grad(output, layer.weight_hh_l0, seed)
        else:
            layer(x)
        ended = time.perf_counter()
        return sum(began < turn < ended for turn in turns)

    counter = threading.Thread(target=count)
    with whorl.nn.backend("native"), torch.set_grad_enabled(backward):
        layer(x)
        counter.start()
        # With Python's lock held, the other thread could turn only before and after a call of tens of milliseconds,
        # however often it is tried; without, it may miss its turns in one where other processes have all processors.
        try:
            found = any(turns_within_a_call() >= 10 for _ in range(50))
        finally:
            done.set()
            counter.join()
    assert found


IDLE = """
import sys, time
{load}
import numpy as np
from whorl import _native
T, B, I, H = 50, 64, 16, 64
x, h, out = np.ones((T, B, I), np.float32), np.zeros((B, H), np.float32), np.empty((T, B, H), np.float32)
gates, weight_ih, weight_hh = np.empty((T, B, H), np.float32), np.ones((H, I), np.float32), np.ones((H, H), np.float32)
def run():
    scan = _native.Scan("rnn_tanh", I, H, H, T, B, False, 2)
    scan.weights(weight_ih.ctypes.data, weight_hh.ctypes.data, *[0] * 7)
    scan.forward(x.ctypes.data, B * I, I, gates.ctypes.data, h.ctypes.data, 0, out.ctypes.data)
run()
time.sleep(0.2)  # helpers that spin for a while after work have stopped by then
before = time.process_time()
time.sleep(0.5)
print(time.process_time() - before)
"""


@pytest.mark.parametrize("load", ["", "import torch; torch.set_num_threads(2); torch.ones(2)"])
def test_helpers_use_no_processor_time_while_nothing_is_to_do(load):
    result = run_python(IDLE.format(load=load))
    assert result.returncode == 0, result.stderr
    # Measured: below 1 ms in half a second. A helper that waits in a loop would use all of it.
    assert float(result.stdout) < 0.1


@pytest.mark.parametrize("num_threads", [1, 2])
def test_denormal_numbers_are_flushed_inside_only(num_threads):
    torch.set_num_threads(num_threads)
    # Work for two threads, each of which has a mode of its own.
    tiny, layer = torch.full((100, 64, 9), 1e-40), whorl.nn.RNN(9, 33, nonlinearity="relu", bias=False)
    with torch.no_grad(), whorl.nn.backend("native"):
        layer.weight_ih_l0.fill_(1e30)
        layer.weight_hh_l0.zero_()
        inside, _ = layer(tiny)
    assert (inside == 0.0).all()  # as numbers they would be 9e-10
    assert (tiny * 1.0 != 0.0).all()
