"""A verdict does not depend on how busy the machine is: what counts is the time that an answer itself has worked."""

import multiprocessing
import os
import time

import pytest

from autograder import sandbox
from autograder.examining.worker_client import Died, WorkerClient
from introdl.checking import clock, isolation
from introdl.checking.clock import Budget, Look, used

needs_sandbox = pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")
linux = pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="this kernel does not tell of waiting")


def test_work_counts_sleep_counts_half_and_waiting_for_a_processor_does_not():
    start = Look(100.0, 5.0, 1.0)
    assert used(start, Look(110.0, 15.0, 1.0)) == 10  # worked
    assert used(start, Look(110.0, 5.0, 11.0)) == 0  # waited for a processor all the time
    assert used(start, Look(110.0, 7.0, 9.0)) == 2
    assert used(start, Look(110.0, 5.0, 1.0)) == 5  # slept
    assert used(start, Look(110.0, 25.0, 1.0)) == 20  # two threads
    assert used(start, Look(110.0, 6.0, None)) == pytest.approx(1 + 0.9)  # nobody tells


def test_a_budget_is_used_up_by_work_and_by_nothing_else(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: now[0])
    state = {"cpu": 0.0, "waited": 0.0}
    budget = Budget(10, lambda: Look(now[0], **state))
    assert 0 < budget.left() <= 1
    now[0] = state["waited"] = 1000.0
    assert budget.left() > 0 and budget.used() == 0
    state["cpu"], now[0] = 9.0, 1009.0
    assert 0 < budget.left() <= 1
    state["cpu"], now[0] = 10.0, 1010.0
    assert budget.left() == 0


@linux
def test_a_child_and_its_children_are_seen_wherever_proc_is_of():
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            end = time.process_time() + 0.3
            while time.process_time() < end:
                pass
            os._exit(0)
        os.wait()
        time.sleep(60)
        os._exit(0)
    one = clock.ChildClock(pid)
    try:
        assert one._place == f"/proc/{pid}"
        until = time.monotonic() + 60
        while one.look().cpu < 0.25 and time.monotonic() < until:
            time.sleep(0.05)
        assert one.look().cpu >= 0.25
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert one.look().cpu >= 0.25  # what has ended has worked, too


def _work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return seconds


def _burn():
    while True:
        pass


@pytest.fixture
def busy():
    """Eight processes that leave others a fraction of a processor."""
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_burn, daemon=True) for _ in range(8)]
    for one in processes:
        one.start()
    yield
    for one in processes:
        one.kill()
        one.join()


@linux
def test_on_a_busy_machine_an_answer_has_all_its_time(busy):
    outcome = isolation.run_case(isolation.Task("call"), (_work,), [("seconds", 1.0)], 1.6)
    assert (outcome.kind, outcome.value) == ("returned", 1.0)


@linux
def test_on_a_busy_machine_a_loop_without_end_still_ends(busy):
    assert isolation.run_case(isolation.Task("call"), (lambda x: _burn(),), [("x", 1)], 0.5).kind == "out of time"


def test_what_sleeps_for_ever_ends():
    assert isolation.run_case(isolation.Task("call"), (time.sleep,), [("x", 600)], 0.5).kind == "out of time"


@needs_sandbox
@linux
def test_on_a_busy_machine_a_cell_has_all_its_time(busy, tmp_path):
    cell = "import time\nend = time.process_time() + 1.5\nwhile time.process_time() < end: pass\nprint('done')"
    with sandbox.Pool() as pool, WorkerClient(tmp_path, pool, "bare") as one:
        assert one.run_cell(cell, 2.5)["text"] == "done\n"
        assert 1.4 < one.used < 2.5
        with pytest.raises(Died) as died:
            one.run_cell("while True: pass", 1.0)
    assert died.value.kind == "time" and "of processor time" in str(died.value)


@needs_sandbox
def test_what_a_child_of_a_cell_works_counts(tmp_path):
    cell = "import os\nif os.fork() == 0:\n    while True: pass\nos.wait()"
    with sandbox.Pool() as pool, WorkerClient(tmp_path, pool, "bare") as one, pytest.raises(Died) as died:
        one.run_cell(cell, 1.0)
    assert died.value.kind == "time"
