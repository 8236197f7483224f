"""A gradebook in PostgreSQL: a real server, started for this test alone."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from autograder import grading
from tests import small_class as small
from tests.test_grading import examiners_of, finish, start, verdict_count, wait_for

pytest.importorskip("psycopg", reason="The driver is not installed: pip install 'introdl[postgres]'")


def _programs() -> Path | None:
    found = [Path(path).resolve() for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    whole = [
        path.parent for path in found if (path.parent / "createdb").exists() and (path.parent / "postgres").exists()
    ]
    return whole[-1] if whole else None


@pytest.fixture(scope="module")
def address():
    """The address of a database in a fresh server."""
    programs = _programs()
    if programs is None:
        pytest.skip("There is no PostgreSQL server here: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="introdl-postgres-"))
    as_user = {}
    if os.geteuid() == 0:  # a PostgreSQL server refuses to run as root
        as_user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(folder, "nobody", "nogroup")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    run = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL, **as_user}
    server = None
    try:
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", "teacher", "-A", "trust", "-E", "UTF8"], **run
        )
        words = ["-D", folder / "data", "-k", folder, "-h", "127.0.0.1", "-p", str(port), "-c", "fsync=off"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        server = subprocess.Popen([programs / "postgres", *words], **quiet, **as_user)
        create = [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "teacher", "grades"]
        deadline = time.monotonic() + 120
        while subprocess.run(create, stderr=subprocess.DEVNULL).returncode:
            assert server.poll() is None and time.monotonic() < deadline, "The server does not come up."
            time.sleep(0.2)
        yield f"postgresql+psycopg://teacher:secret@127.0.0.1:{port}/grades"
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(20)
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_class_is_graded_into_postgres_though_the_writer_is_killed(address, tmp_path):
    room, plain = small.make(tmp_path / "postgres", address), small.make(tmp_path / "sqlite")
    (plain.root / "classroom.toml").write_text(
        (room.root / "classroom.toml").read_text().replace(f'db_url = "{address}"\n', "")
    )
    plain = type(plain).open(plain.root)
    assert room.db_url == address and room.seed == plain.seed and plain.db_url.startswith("sqlite")
    for one in (room, plain):
        small.fill(one, 4)
    process = start(room, "--jobs", "2")
    wait_for(lambda: verdict_count(room) >= 1 and examiners_of(process.pid), process)
    process.kill()
    process.communicate()
    code, output = finish(room, "--jobs", "2")
    assert code == 0 and "4 " in output, output
    grading.grade(plain, small.NAME, [], count=1)
    assert small.meaning(room) == small.meaning(plain)
    assert {one.state for one in grading.grade(room, small.NAME, [])} == {"unchanged"}


def test_a_server_that_is_away_has_its_sentence_without_the_password(tmp_path):
    room = small.make(tmp_path / "room")
    small.hand_in(room, "ada", {})
    path = room.root / "classroom.toml"
    path.write_text(path.read_text() + 'db_url = "postgresql+psycopg://teacher:secret@127.0.0.1:9/grades"\n')
    code, output = finish(room)
    said = " ".join(output.split())
    assert code == 1 and "The database server of postgresql+psycopg://teacher:***@127.0.0.1:9/grades does not" in said
    assert "secret" not in output and "Traceback" not in output
