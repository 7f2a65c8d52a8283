"""The pieces of training by themselves: schedule, optimizer, budget, history, progress, seeds, nests, signals."""

import io
import signal
import threading
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from tests.unit.conftest import Clock
from tests.unit.train.tiny import plan
from torch import Tensor, nn

from whorl.errors import DataError
from whorl.train import EpochRecord, History, Interrupted, TerminalProgress
from whorl.train import interrupt as interrupt_module
from whorl.train.budget import affordable_steps, seconds_each
from whorl.train.device import private_randomness, seed_batch
from whorl.train.history import best_epoch, kept_epoch
from whorl.train.interrupt import Signals
from whorl.train.objective import Carried, leaves, map_tensors, refilled
from whorl.train.optim import clip, gradient_norm, learning_rate, make_optimizer


def test_the_cosine_rises_for_a_twentieth_and_falls_to_zero() -> None:
    training = plan(learning_rate=2.0)
    rates = [learning_rate(step, 100, training) for step in range(101)]
    assert rates[:5] == pytest.approx([2 * k / 6 for k in range(1, 6)])
    assert rates[5] == 2.0
    assert rates[5 + 95 // 2] == pytest.approx(1.0, abs=0.02)
    assert rates[100] == pytest.approx(0.0, abs=1e-12)
    assert rates[99] > 0
    assert rates[5:] == sorted(rates[5:], reverse=True)


def test_a_long_warm_up_ends_after_a_hundred_steps_and_a_short_run_has_none() -> None:
    training = plan(learning_rate=1.0)
    assert learning_rate(100, 10**6, training) == 1.0 > learning_rate(99, 10**6, training)
    assert learning_rate(0, 1, training) == learning_rate(0, 19, training) == 1.0


def test_the_constant_schedule_stays() -> None:
    training = plan(schedule="constant", learning_rate=0.3)
    assert {learning_rate(step, 50, training) for step in range(50)} == {0.3}


def test_weight_decay_makes_it_adamw_and_spares_vectors() -> None:
    network = nn.Linear(2, 3)
    assert type(make_optimizer(network, plan())) is torch.optim.Adam
    optimizer = make_optimizer(network, plan(weight_decay=0.1))
    assert type(optimizer) is torch.optim.AdamW
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert decays == {id(network.weight): 0.1, id(network.bias): 0.0}


def test_clipping_scales_all_gradients_to_the_norm_allowed() -> None:
    parameters = [nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))]
    parameters[0].grad, parameters[1].grad = torch.tensor([3.0]), torch.tensor([0.0, 4.0])
    norm = gradient_norm(parameters)
    assert norm.item() == 5.0
    clip(parameters, norm, 1.0)
    assert gradient_norm(parameters).item() == pytest.approx(1.0, abs=1e-5)
    assert parameters[0].grad.item() == pytest.approx(0.6, abs=1e-5)


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [
        (100.0, 90),  # nine epochs of 10 x 1 s + 0.5 s = 94.5 s; the half second left begins no tenth
        (12.0, 10),  # 11.4 s: one epoch, and too little for another
        (13.7, 12),  # 13.015 s: one epoch of 10.5 s, then two steps and the end of the epoch
        (5.0, 4),  # 4.75 s: four steps and an end
        (0.1, 1),
        (-3.0, 1),
    ],
)
def test_a_budget_pays_for_steps_and_for_the_end_of_every_epoch(seconds: float, steps: int) -> None:
    assert affordable_steps(seconds, step_s=1.0, epoch_end_s=0.5, steps_per_epoch=10) == steps


def test_timing_leaves_out_the_first_call_and_keeps_to_its_allowance(clock: Clock) -> None:
    calls: list[int] = []

    def task(index: int) -> None:
        calls.append(index)
        clock.now += 0.05 if len(calls) == 1 else 0.002

    assert seconds_each(task, 10, allowance=0.1) == pytest.approx(0.002)
    assert calls == [0, *range(10)]
    calls.clear()
    assert seconds_each(task, 10, allowance=0.01) == pytest.approx(0.05)  # one call says enough
    assert calls == [0]
    calls.clear()
    assert seconds_each(task, 10, allowance=0.013) == pytest.approx(0.002)  # but not one that is a little too long
    assert calls == [0, *range(7)]


def record(valid_loss: float, seconds: float = 1.0) -> EpochRecord:
    return EpochRecord(
        train_loss=1 / 3, valid_loss=valid_loss, learning_rate=1e-3, gradient_norm=2.0, clipped_fraction=0.5,
        seconds=seconds,
    )  # fmt: skip


def test_a_history_survives_json_bit_for_bit() -> None:
    history = History(epochs=(record(0.1), record(1e-300)), best_epoch=2, kept_epoch=2, num_steps=7, stopped="patience")
    back = History.from_json(history.to_json())
    assert back == history
    assert [epoch.seconds for epoch in back.epochs] == [1.0, 1.0]
    with pytest.raises(DataError, match="reads what `to_json` wrote"):
        History.from_json(history.to_json().replace("patience", "boredom"))


def test_histories_are_compared_without_the_clock() -> None:
    assert record(0.1, seconds=1.0) == record(0.1, seconds=2.0) != record(0.2, seconds=1.0)


def test_the_epoch_that_is_kept_is_the_best_one_where_patience_watches_and_else_the_last() -> None:
    epochs = [record(2.0), record(1.0), record(1.5)]
    assert (kept_epoch(epochs, plan(patience=4)), kept_epoch(epochs, plan(patience="auto"))) == (2, 2)
    assert kept_epoch(epochs, plan(patience=None)) == 3
    assert kept_epoch([], plan(patience=None)) == kept_epoch([], plan(patience=4)) == 0


def test_the_best_epoch_is_counted_from_one() -> None:
    assert best_epoch([]) == 0
    assert best_epoch([record(2.0), record(1.0), record(1.0)]) == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def tell(progress: TerminalProgress) -> None:
    progress.start(8, 2)
    progress.step(0.5)
    progress.epoch(1, record(0.25), 0.25)
    progress.done()


def test_the_bar_is_drawn_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # asks rich to take anything for a terminal
    terminal, file = Terminal(), io.StringIO()
    tell(TerminalProgress(terminal))
    assert "3/8" in terminal.getvalue()
    assert "best 0.25" in terminal.getvalue()
    tell(TerminalProgress(file))
    tell(TerminalProgress())
    assert file.getvalue() == ""
    assert capsys.readouterr() == ("", "")


def test_each_batch_has_random_numbers_of_its_own() -> None:
    cpu = torch.device("cpu")
    with private_randomness(cpu):
        drawn = {}
        for key in [(s, e, i) for s in (0, 1) for e in (-1, 0, 1) for i in (0, 1, 2)] * 2:
            seed_batch(cpu, *key)
            drawn.setdefault(key, []).append(tuple(torch.rand(3).tolist()))
    assert all(first == again for first, again in drawn.values())
    assert len({first for first, _ in drawn.values()}) == len(drawn) == 18


class Pair(NamedTuple):
    h: Tensor
    rest: Carried


def test_a_nest_keeps_its_form() -> None:
    nest: Carried = (Pair(torch.zeros(1), [torch.ones(2), None]), ())
    doubled = map_tensors(lambda tensor: 2 * tensor, nest)
    assert [leaf.tolist() for leaf in leaves(doubled)] == [[0.0], [2.0, 2.0]]
    back = refilled(nest, [torch.full((1,), 5.0), torch.full((2,), 6.0)])
    assert isinstance(back, tuple)
    assert isinstance(back[0], Pair)
    assert back[0].h.item() == 5.0
    assert isinstance(back[0].rest, list)
    assert back[0].rest[1] is None
    assert back[1] == ()


def test_a_signal_is_noted_and_raised_at_the_next_check() -> None:
    with Signals() as signals:
        signals.check()
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # as wrappers do that pass on what the terminal sent to all
        with pytest.raises(Interrupted, match="SIGTERM") as stopped:
            signals.check()
    assert (stopped.value.signal_number, stopped.value.exit_code) == (15, 143)
    assert isinstance(stopped.value, KeyboardInterrupt)


def test_whoever_asks_again_later_is_not_made_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt_module, "REPEAT_AFTER_S", -1.0)
    with Signals():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt) as stopped:
            signal.raise_signal(signal.SIGINT)
    assert type(stopped.value) is KeyboardInterrupt


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGINT)
            signals.check()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_install_no_handlers() -> None:
    outcome: list[object] = []

    def work() -> None:
        with Signals():
            outcome.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert outcome == [signal.getsignal(signal.SIGINT)]


def test_training_is_imported_without_rich() -> None:
    import subprocess
    import sys

    import whorl.train

    source = Path(whorl.train.__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(source)!r}); import whorl.train; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
