"""``introdl data``: list, get, where, verify, remove."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from introdl import data
from introdl.data import cache, download, sources
from introdl.data_cli import app
from tests.test_data_datasets import CHECKED, idx, own_cache, plates_archive, sources_with  # noqa: F401
from tests.test_data_datasets import server as server  # a fixture

MNIST = {
    "train-images-idx3-ubyte.gz": idx(np.zeros((20, 28, 28))), "train-labels-idx1-ubyte.gz": idx(np.arange(20) % 10),
    "t10k-images-idx3-ubyte.gz": idx(np.ones((10, 28, 28))), "t10k-labels-idx1-ubyte.gz": idx(np.arange(10)),
}  # fmt: skip


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*words, **more):
        return CliRunner().invoke(app, list(words), **more)

    return invoke


@pytest.fixture
def mnist_here(server, tmp_path, monkeypatch):  # noqa: F811
    files = [(name, server.put(f"/{name}", content), content, CHECKED) for name, content in MNIST.items()]
    sources_with(tmp_path, monkeypatch, "mnist", files)
    return server


def listed(run):
    """What is listed of each dataset, in one line."""
    entries = re.split(r"\n(?=\S)", run("list").stdout.strip())
    return {entry.split(":")[0]: " ".join(entry.split()) for entry in entries}


def test_list_tells_of_each_dataset_its_license_size_and_whether_it_is_here(run):
    lines = listed(run)
    assert list(lines) == list(sources.every())
    assert "MIT" in lines["grocery"] and "size is not published" in lines["grocery"] and "here: no" in lines["grocery"]
    assert "5.0 GB" in lines["food101"] and "CC BY-SA 3.0" in lines["mnist"] and "12 MB" in lines["mnist"]
    data.digits()
    assert "unpacked, " in listed(run)["digits"]


def test_list_cuts_nothing_at_80_columns_or_fewer(run, monkeypatch):
    wide = listed(run)
    for columns in (80, 50):
        monkeypatch.setenv("COLUMNS", str(columns))
        shown = run("list").stdout
        assert max(map(len, shown.splitlines())) <= columns and listed(run) == wide
        assert not re.search("…", shown)


def test_get_downloads_and_unpacks_and_a_second_time_has_nothing_to_do(run, mnist_here):
    done = run("get", "mnist")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"mnist: {sources.find('mnist').license}; to download, its size is not published\n")
    assert "as published" in done.stdout and "mnist: 30 pictures of 28 x 28" in done.stdout
    assert run("get", "mnist").exit_code == 0 and len(mnist_here.asked) == 4
    assert "downloaded, unpacked" in run("list").stdout


def test_get_without_unpacking_leaves_the_files_only(run, mnist_here):
    assert run("get", "mnist", "--no-unpack").exit_code == 0
    assert cache.entries("mnist") == [] and download.is_here(
        sources.find("mnist").files[0], download.folder(sources.find("mnist"))
    )


def test_get_says_in_a_sentence_what_is_wrong(run, mnist_here):
    assert "There is no dataset 'mnits'. There are: mnist." in run("get", "mnits").output
    refused = run("get", "mnist", "--size", "64")
    assert refused.exit_code == 1 and "mnist has no such option: --size" in refused.output and mnist_here.asked == []


def test_get_fails_with_a_sentence_where_what_comes_is_wrong(run, mnist_here):
    name = "/t10k-labels-idx1-ubyte.gz"
    mnist_here.pages[name] = (bytes(len(mnist_here.pages[name][0])), mnist_here.pages[name][1])
    done = run("get", "mnist")
    assert done.exit_code == 1 and "Nothing was kept" in done.output and "Traceback" not in done.output
    assert not any(entry for entry in cache.entries("mnist"))


def test_where_names_folders_that_are_there(run, mnist_here, own_cache):  # noqa: F811
    assert run("where").stdout.strip() == str(own_cache)
    run("get", "mnist")
    lines = run("where", "mnist").stdout.split()
    assert lines == [str(own_cache / "downloads" / "mnist"), str(cache.entries("mnist")[0])]


def test_verify_finds_a_changed_download_and_a_changed_entry(run, mnist_here, own_cache):  # noqa: F811
    assert "Nothing to verify" in run("verify").stdout
    run("get", "mnist")
    done = run("verify", "mnist")
    assert done.exit_code == 0 and done.stdout.count("ok") == 5 and "WRONG" not in done.stdout
    path = own_cache / "downloads" / "mnist" / "t10k-labels-idx1-ubyte.gz"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = run("verify")
    assert done.exit_code == 1 and done.stdout.count("WRONG") == 1 and "introdl data remove mnist" in done.stdout
    path.write_bytes(content)
    with (cache.entries("mnist")[0] / "images.npy").open("r+b") as file:
        file.seek(1000)
        file.write(b"\x07")
    assert run("verify").stdout.count("WRONG") == 1


def test_verify_looks_at_the_embedded_plates(run, tmp_path, monkeypatch):
    folder = plates_archive(tmp_path / "embedded", 1)
    monkeypatch.setenv("INTRODL_DATA", str(folder))
    assert run("verify", "plates").exit_code == 0
    about = json.loads((folder / "plates" / "plates.json").read_text())
    (folder / "plates" / "plates.json").write_text(json.dumps(about | {"sha256": "0" * 64}))
    done = run("verify", "plates")
    assert done.exit_code == 1 and "WRONG" in done.stdout and "Install the course again" in done.stdout


def test_remove_asks_and_takes_away_what_was_downloaded_and_unpacked(run, mnist_here, own_cache):  # noqa: F811
    run("get", "mnist")
    assert run("remove", "mnist", input="n\n").exit_code == 1 and data.mnist().parts == ("train", "test")
    done = run("remove", "mnist", "--yes")
    assert done.exit_code == 0, done.output
    assert cache.entries("mnist") == []
    assert [
        path.name for path in (own_cache / "downloads" / "mnist").iterdir() if not path.name.endswith(".lock")
    ] == []
    assert "Nothing to remove" in run("remove", "mnist", "-y").stdout


def test_remove_of_downloads_only_keeps_what_is_unpacked(run, mnist_here):
    run("get", "mnist")
    assert run("remove", "mnist", "--downloads-only", "--yes").exit_code == 0
    mnist_here.close()
    assert len(data.mnist()) == 30


def test_remove_leaves_what_someone_has_open(run):
    digits = data.digits()
    assert run("remove", "digits", "--yes").exit_code == 0
    assert digits.images.sum() > 0 and cache.entries("digits") == []


def test_the_learners_command_has_it():
    from introdl.cli import app as learners

    assert "verify" in CliRunner().invoke(learners, ["data", "--help"]).stdout


@pytest.mark.parametrize("command", ["list", "get", "where", "verify", "remove"])
def test_every_command_has_an_example(command, run):
    assert f"Example: introdl data {command}" in run(command, "--help").stdout
