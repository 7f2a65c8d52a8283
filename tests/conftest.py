"""What holds for every test: poisoned memory, fixed threads, and no silent skips."""

import os
import signal
import sys
import zlib
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

# A shell that starts a job in the background lets it ignore Ctrl-C, and everything that it starts too; the tests of
# interrupts need what a user has.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# One thread per worker: two workers with two threads each on two cores take longer than one after the other. Set before
# anything imports torch. A test about threads sets its own number.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# Time limits and the "too slow" check measure the machine, not the code. The quick tier draws the same examples every
# time, so that a red run can be repeated; the long one (WHORL_TEST_PROFILE=long) draws new ones.
relaxed = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=25, derandomize=True, **relaxed)
settings.register_profile("long", max_examples=200, print_blob=True, **relaxed)
settings.load_profile(os.environ.get("WHORL_TEST_PROFILE", "quick"))

NO_GPU = "gpu: this machine has no accelerator"
NO_DATA = "WHORL_DATA is not set"
ALLOWED_SKIPS = {NO_GPU, NO_DATA}


def pytest_addoption(parser):
    parser.addoption(
        "--slow-part",
        metavar="K/N",
        help="of the tests marked slow, run only the K-th of N parts (K from 0); the others are deselected",
    )


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipPolicy(), "whorl-skip-policy")


def has_gpu():
    import torch

    return torch.cuda.is_available()


def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.get_closest_marker("gpu") and not has_gpu():
            item.add_marker(pytest.mark.skip(reason=NO_GPU))
        if item.get_closest_marker("data") and not os.environ.get("WHORL_DATA"):
            item.add_marker(pytest.mark.skip(reason=NO_DATA))
    part = config.getoption("--slow-part")
    if part:
        index, count = (int(number) for number in part.split("/"))
        keep = [
            item
            for item in items
            if not item.get_closest_marker("slow") or zlib.crc32(item.nodeid.encode()) % count == index
        ]
        if len(keep) < len(items):
            config.hook.pytest_deselected(items=[item for item in items if item not in keep])
            items[:] = keep


def pytest_collection_finish(session):
    # torch.empty gives NaN from here on, so that a value nobody wrote is seen in the answer.
    if "torch" in sys.modules:
        import torch

        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = True


class SkipPolicy:
    """Fails a run in which a test was skipped for a reason that is not in ALLOWED_SKIPS, and counts at the end."""

    def __init__(self):
        self.reasons = Counter()
        self.forbidden = []
        self.passed = 0

    def note_skip(self, report):
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = text.removeprefix("Skipped: ")
        self.reasons[reason] += 1
        if reason not in ALLOWED_SKIPS:
            self.forbidden.append(f"{report.nodeid}: {reason}")

    def pytest_collectreport(self, report):
        self.note_skip(report)

    def pytest_runtest_logreport(self, report):
        self.note_skip(report)
        self.passed += report.when == "call" and report.passed

    def pytest_sessionfinish(self, session, exitstatus):
        if self.forbidden and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if self.forbidden:
            terminalreporter.section("forbidden skips", red=True)
            for line in self.forbidden:
                terminalreporter.line(line, red=True)
        reasons = "".join(f"; {count} x {reason}" for reason, count in sorted(self.reasons.items()))
        terminalreporter.line(f"{self.passed} passed, {sum(self.reasons.values())} skipped{reasons}")
