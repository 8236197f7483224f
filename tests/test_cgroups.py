"""The kernel's own bound on memory: found where it is to be had, and set before anything starts in it."""

import shutil

import pytest

from autograder import sandbox
from autograder.sandbox import cgroups

needs_sandbox = pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")


@pytest.fixture(autouse=True)
def fresh():
    """What was found out about this machine is forgotten before and after."""
    for one in (cgroups.parent, cgroups._systemd):
        one.cache_clear()
    yield
    for one in (cgroups.parent, cgroups._systemd):
        one.cache_clear()


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A tree of groups as the kernel shows it: ours is app.slice/terminal.scope."""
    mount = tmp_path / "cgroup"
    own = mount / "app.slice" / "terminal.scope"
    own.mkdir(parents=True)
    for folder, controllers in ((own, ""), (own.parent, "cpu memory pids"), (mount, "cpu memory pids")):
        (folder / "cgroup.subtree_control").write_text(controllers + "\n")
        (folder / "cgroup.procs").write_text("")
    (tmp_path / "self").write_text("1:name=systemd:/x\n0::/app.slice/terminal.scope\n")
    (tmp_path / "mounts").write_text(
        f"24 1 0:22 / /proc rw - proc proc rw\n30 24 0:26 / {mount} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
    )
    monkeypatch.setattr(cgroups, "SELF", tmp_path / "self")
    monkeypatch.setattr(cgroups, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(cgroups, "_systemd", lambda: "")
    monkeypatch.setattr(cgroups._systemd, "cache_clear", lambda: None, raising=False)
    return own


def test_a_group_is_made_beside_our_own_and_bounded_before_anything_is_in_it(tree):
    made = cgroups.group(2**30, 100)
    assert made.folder.parent == tree.parent
    held = {path.name: path.read_text() for path in made.folder.iterdir()}
    assert held == {"memory.max": str(2**30), "memory.swap.max": "0", "pids.max": "100"}
    assert made.words[-1] == str(made.folder) and "kernel bounds" in cgroups.describe()


def test_a_command_enters_its_group_before_it_starts(tree):
    import subprocess

    made = cgroups.group(2**30, 100)
    done = subprocess.run([*made.words, "echo", "a b", "c"], capture_output=True, text=True)
    assert done.stdout == "a b c\n"
    assert (made.folder / "cgroup.procs").read_text() == "0\n"


def test_a_group_that_cannot_be_entered_starts_nothing(tree):
    import subprocess

    made = cgroups.group(2**30, 100)
    shutil.rmtree(made.folder)
    assert subprocess.run([*made.words, "echo", "on"], capture_output=True).stdout == b""


@pytest.mark.parametrize("controllers", ["", "cpu", "memory", "pids"])
def test_where_the_kernel_does_not_count_both_there_is_no_group(tree, controllers):
    (tree.parent / "cgroup.subtree_control").write_text(controllers)
    assert cgroups.parent() is None and cgroups.group(1, 1) == cgroups.Group()
    assert "no cgroup can be had" in cgroups.describe()


def test_where_there_is_no_cgroup_at_all_there_is_no_group(tree, tmp_path):
    (tmp_path / "mounts").write_text("30 24 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
    assert cgroups.group(1, 1) == cgroups.Group()
    (tmp_path / "mounts").unlink()
    cgroups.parent.cache_clear()
    assert cgroups.group(1, 1) == cgroups.Group()


def test_who_ran_out_of_memory_is_known(tree):
    made = cgroups.group(2**30, 100)
    assert not made.out_of_memory()
    (made.folder / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n")
    assert made.out_of_memory()
    (made.folder / "memory.events").write_text("low 0\noom_kill 0\n")
    assert not made.out_of_memory()
    assert not cgroups.Group().out_of_memory()


@needs_sandbox
def test_a_group_in_which_nothing_starts_is_done_without(monkeypatch):
    monkeypatch.setattr(cgroups, "group", lambda *given: cgroups.Group(("/bin/false",)))
    zygote = sandbox.Zygote("trial", sandbox.Bounds())
    zygote.start()
    zygote.close()


@needs_sandbox
def test_the_kernel_ends_what_takes_more_than_its_group_may(tmp_path):
    from autograder.examining.worker_client import Died, WorkerClient

    if not cgroups.parent():
        pytest.skip(f"On this machine {cgroups.describe()}.")
    bounds = sandbox.Bounds(memory=2**26, scratch=2**20)
    with sandbox.Pool(bounds) as pool, WorkerClient(tmp_path, pool, "bare") as one:
        with pytest.raises(Died) as died:
            one.run_cell("import os\nhold = []\nfor _ in range(1000): hold.append(bytearray(os.urandom(2**22)))", 20)
        assert died.value.kind == "memory"
