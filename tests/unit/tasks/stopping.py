"""Somebody who presses Ctrl-C while a network is trained."""

import signal

from whorl.train import SilentProgress


class StopAfter(SilentProgress):
    """Presses Ctrl-C after a number of steps of all runs together."""

    def __init__(self, steps):
        self.left = steps

    def step(self, loss):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
