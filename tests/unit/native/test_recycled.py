"""Memory that a forward pass leaves to a later one."""

import gc
import os
import signal
import threading

import numpy as np
import pytest
from tests.threads import in_threads

from whorl import _native

MIB = 1 << 20


@pytest.fixture(autouse=True)
def empty_pool():
    """Pushes out what earlier tests left: the largest array that is kept takes the place of all others."""
    gc.collect()
    _native.recycled_array(127, MIB // 4, 1)
    yield
    gc.collect()


def address(array):
    return array.__array_interface__["data"][0]


def test_an_array_of_the_same_size_gets_the_memory_of_one_that_has_gone():
    first = _native.recycled_array(10, MIB // 4, 1)
    at = address(first)
    del first
    second = _native.recycled_array(MIB // 4, 1, 10)
    assert address(second) == at
    assert second.shape == (MIB // 4, 1, 10)


def test_arrays_that_live_at_the_same_time_share_nothing():
    del_first = _native.recycled_array(3, 1000, 1)
    del del_first
    arrays = [_native.recycled_array(3, 1000, 1) for _ in range(4)]
    for n, array in enumerate(arrays):
        array[:] = n
    assert [set(np.unique(array)) for array in arrays] == [{0.0}, {1.0}, {2.0}, {3.0}]


def test_a_view_keeps_the_memory():
    array = _native.recycled_array(1, 1000, 1)
    array[:] = 7.0
    view = array[0, 10:]
    del array
    other = _native.recycled_array(1, 1000, 1)
    other[:] = 0.0
    assert (view == 7.0).all()


def test_memory_starts_on_a_border_of_64_bytes():
    arrays = [_native.recycled_array(1, size, 1) for size in (1, 3, 1000, MIB)]
    assert {address(array) % 64 for array in arrays} == {0}


def test_memory_much_larger_than_what_is_wanted_waits_for_another():
    large = _native.recycled_array(20, MIB // 4, 1)
    at = address(large)
    del large
    small = _native.recycled_array(1, MIB // 4, 1)
    assert address(small) != at
    assert address(_native.recycled_array(20, MIB // 4, 1)) == at


def test_no_more_is_kept_than_the_limit():
    arrays = [_native.recycled_array(30, MIB // 4, 1) for _ in range(7)]
    del arrays
    assert 90 * MIB <= _native.recycled_bytes() <= 128 * MIB
    huge = _native.recycled_array(200, MIB // 4, 1)
    kept = _native.recycled_bytes()
    del huge
    assert _native.recycled_bytes() == kept


def test_an_array_without_numbers_is_fine():
    assert _native.recycled_array(0, 5, 3).shape == (0, 5, 3)


@pytest.mark.parametrize("sizes", [(2**31, 2**30, 2), (2**62, 1, 1), (2**40, 1, 1)])
def test_more_than_there_is_is_an_error(sizes):
    with pytest.raises(MemoryError):
        _native.recycled_array(*sizes)


def test_threads_take_and_give_at_the_same_time():
    def work(mark):
        for size in range(1000, 3000):
            array = _native.recycled_array(1, size, 1)
            array[:] = mark
            assert (array == mark).all()

    in_threads(4, work)


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_child_of_a_fork_has_memory_too():
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            _native.recycled_array(1, 1000, 1)

    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:  # another thread may have held the lock; none here will ever give it back
                failed = True
                try:
                    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # pytest's own may wait for what hangs
                    signal.alarm(20)
                    _native.recycled_array(1, 1000, 1)[:] = 1.0
                    failed = False
                finally:  # whatever happens, no second pytest goes on
                    os._exit(failed)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
