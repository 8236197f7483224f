"""Pretended machines: every way to ask or to wait is replaced, under any name, and put back; forks that cannot work."""

import os
import time
import timeit
from time import perf_counter as renamed

import pytest
import torch
from torch.cuda import is_available as has_cuda

from introdl.checking import isolation, simulated_machine
from tests.answers.ch08_cuda import train_step_amp_asks_the_machine
from tests.standing import SEEDS, exercise, verdict


def asks(clock=timeit.default_timer):
    return has_cuda(), torch.cuda.is_available(), renamed(), time.perf_counter_ns(), clock()


def test_functions_are_replaced_under_every_name_and_put_back():
    before = (time.perf_counter, timeit.default_timer, torch.cuda.is_available, has_cuda, renamed, asks.__defaults__)
    clock = simulated_machine.Clock()
    with simulated_machine.replaced((asks,), simulated_machine.devices(gpus=2, built=True) + clock.substitutes()):
        clock.work(0.5, 0)
        assert asks() == (True, True, 100.5, 100_500_000_000, 100.5)
        assert timeit.timeit(lambda: clock.work(0.25, 0), number=2) == 0.5
    assert (time.perf_counter, timeit.default_timer, torch.cuda.is_available, has_cuda, renamed, asks.__defaults__) == before  # fmt: skip


def test_everything_is_put_back_after_an_error():
    before = time.perf_counter, has_cuda
    with (
        pytest.raises(KeyError),
        simulated_machine.replaced(
            (asks,), simulated_machine.devices(gpus=1) + simulated_machine.Clock().substitutes()
        ),
    ):
        raise KeyError
    assert (time.perf_counter, has_cuda) == before


@pytest.mark.parametrize("gpu", [False, True])
def test_a_step_in_mixed_precision_is_judged_alike_on_every_machine(monkeypatch, gpu):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert verdict("08.train_step_amp", SEEDS[0], (train_step_amp_asks_the_machine,)).passed
    for name in ("autocast for CUDA only", "autocast for the CPU only"):
        wrong = next(one.wrong for one in exercise("08.train_step_amp").misconceptions if one.name == name)
        assert [one.name for one in verdict("08.train_step_amp", SEEDS[0], (wrong,)).diagnoses] == [name]


def test_the_device_works_beside_the_processor():
    clock = simulated_machine.Clock()
    clock.work(1, 10)
    clock.work(1, 10)
    assert clock.now == 102
    clock.wait()
    assert clock.now == 121  # the second piece waited for the first
    clock.wait()
    assert clock.now == 121


@pytest.mark.skipif(not isolation.isolated(), reason="cases run in place here")
@pytest.mark.parametrize("words", ["Cannot re-initialize CUDA in forked subprocess. To use CUDA ...", "Unable to handle autograd's threading in combination with fork-based multiprocessing. See ..."])  # fmt: skip
def test_what_torch_cannot_do_in_a_fork_is_done_in_place(words):
    parent = os.getpid()

    def answer(x):
        if os.getpid() != parent:
            raise RuntimeError(words)
        return x + 1

    outcome = isolation.run_case(isolation.Task("call"), (answer,), [("x", 1)], 5)
    assert (outcome.kind, outcome.value) == ("returned", 2)
