"""Grading on a Dask cluster: a real scheduler and two workers on this machine; one of them is killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from autograder import grading
from tests import small_class as small
from tests.test_grading import finish, start, verdict_count, wait_for

pytest.importorskip("distributed", reason="Dask is not installed: pip install 'introdl[cluster]'")


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers; yields its address and the workers."""
    facts = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True, "cwd": tmp_path}
    words = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(facts)]
    scheduler = subprocess.Popen([*dask, *words], **quiet)
    workers = []
    try:
        deadline = time.monotonic() + 180
        while not facts.exists() or not facts.read_text().strip():
            assert time.monotonic() < deadline and scheduler.poll() is None
            time.sleep(0.1)
        address = json.loads(facts.read_text())["address"]
        for number in range(2):
            words = ["worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"]
            words += ["--name", f"w{number}", "--local-directory", str(tmp_path)]
            workers.append(subprocess.Popen([*dask, *words], **quiet))
        yield address, workers
    finally:
        for one in [*workers, scheduler]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGTERM)
        for one in [*workers, scheduler]:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.wait(20)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()


def test_a_cluster_gives_the_same_grades_though_a_worker_dies(cluster, tmp_path):
    address, workers = cluster
    there, here = small.make(tmp_path / "there"), small.make(tmp_path / "here")
    for room in (there, here):
        small.fill(room, 6)
    process = start(there, "--dask", address)
    wait_for(lambda: verdict_count(there) >= 1, process, 300)
    os.killpg(workers[0].pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert "6 graded" in output and "left" in output
    grading.grade(here, small.NAME, [], count=2)
    # the seeds differ, so a wrong answer may be right in other cases; who is right, blank or half is the same
    mine, theirs = ({one.student: one for one in grading.grade(room, small.NAME, [])} for room in (there, here))
    assert {one.state for one in [*mine.values(), *theirs.values()]} == {"unchanged"}
    for student, one in mine.items():
        if int(student[1:]) % 4 != 2:
            assert one.exercises == theirs[student].exercises
    code, output = finish(there, "--dask", address)
    assert code == 0 and "6 unchanged" in output
