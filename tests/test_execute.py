"""`introdl execute`: one notebook's trouble is its own, and nothing is overwritten or passed over in silence."""

import nbformat
import pytest
from typer.testing import CliRunner

from introdl import cli


def run(*words):
    result = CliRunner().invoke(cli.app, ["execute", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def notebook(path, *cells, tagged=None):
    """Write a notebook; the cell number `tagged` has the tag ``parameters``."""
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nb.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    if tagged is not None:
        nb.cells[tagged - 1].metadata.tags = ["parameters"]
    nbformat.write(nb, path)
    return path


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b'{"cells": 3, "nbformat": 4}', b"[]"])
def test_an_unreadable_notebook_costs_itself_alone(tmp_path, content, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    good = notebook(tmp_path / "good.ipynb", "1 + 1")
    bad = tmp_path / "bad.ipynb"
    bad.write_bytes(content)
    code, said = run(bad, good, "--out", tmp_path / "out")
    assert code == 1 and "bad.ipynb cannot be read as a notebook" in said and "ran to the end" in said
    assert (tmp_path / "out" / "good.ipynb").exists()


def test_an_older_copys_verdicts_are_not_told_of_an_unreadable_notebook(tmp_path):
    (tmp_path / "out").mkdir()
    notebook(tmp_path / "out" / "bad.ipynb", "1")
    (tmp_path / "bad.ipynb").write_text("{")
    code, said = run(tmp_path / "bad.ipynb", "--out", tmp_path / "out")
    assert code == 1 and "cannot be read" in said


@pytest.mark.parametrize("out", [".", "here/..", "link"])
def test_a_notebooks_own_folder_is_refused_as_the_place_of_its_copy(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    page = notebook(tmp_path / "page.ipynb", "1 + 1")
    before = page.read_bytes()
    code, said = run("page.ipynb", "--out", out)
    assert code == 1 and "would overwrite it. Name another folder." in said and "page.ipynb" in said
    assert page.read_bytes() == before


def test_what_is_no_notebook_is_refused(tmp_path):
    (tmp_path / "README.md").write_text("# Read me")
    code, said = run(tmp_path / "README.md", "--out", tmp_path / "out")
    assert code == 1 and "README.md is not a notebook: those end in .ipynb" in said
    assert not (tmp_path / "out").exists()


def test_a_source_may_be_executed_beside_itself(tmp_path):
    source = tmp_path / "page.py"
    source.write_text("# %%\n1 + 1\n")
    code, _ = run(source, "--out", tmp_path)
    assert code == 0 and (tmp_path / "page.ipynb").exists() and source.read_text() == "# %%\n1 + 1\n"


@pytest.mark.parametrize(
    ("name", "said_of_it"),
    [("sed", "Did you mean seed?"), ("x", "They have: n, seed."), ("Seed", "Did you mean seed?")],
)
def test_a_parameter_that_no_notebook_has_is_refused_with_the_near_name(tmp_path, name, said_of_it):
    page = notebook(tmp_path / "page.ipynb", "seed = 0\nn: int = 3", "print(seed)", tagged=1)
    code, said = run(page, "--out", tmp_path / "out", "-p", f"{name}=1")
    assert code == 1 and f"None of these notebooks has a parameter {name!r}" in said and said_of_it in said
    assert not (tmp_path / "out").exists()


def test_a_parameter_that_one_of_the_notebooks_has_is_taken(tmp_path):
    page = notebook(tmp_path / "page.ipynb", "seed = 0", "assert seed == 7", tagged=1)
    other = notebook(tmp_path / "other.ipynb", "1")
    assert run(page, other, "--out", tmp_path / "out", "-p", "seed=7")[0] == 0


@pytest.mark.parametrize("parameters", [(), ("-p", "seed=1")])
def test_cells_are_counted_from_one_as_the_notebook_has_them(tmp_path, parameters, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    page = notebook(tmp_path / "page.ipynb", "first = 1", "seed = 0", "undefined[0]", tagged=2)
    code, said = run(page, "--out", tmp_path / "out", *parameters)
    assert code == 1 and "cell 3 of page.ipynb stopped with NameError" in said


def test_brackets_in_names_and_errors_are_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    page = notebook(tmp_path / "page [A].ipynb", "raise ValueError('[bold]list[int]')")
    code, said = run(page, "--out", tmp_path / "out [B]")
    assert code == 1 and "ValueError: [bold]list[int]" in said and "page [A]" in said and "out [B]" in said
