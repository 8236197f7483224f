"""The site: what is read there, and that it needs neither a kernel nor anything from elsewhere."""

import re
import shutil

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from typer.testing import CliRunner

from autograder.cli import app
from autograder.errors import AuthorError
from autograder.site import build, building, pages
from introdl import chapters
from introdl.checking import sheets

WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "VBox()"}


def notebook(*cells):
    meta = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}
    return new_notebook(cells=list(cells), metadata={**meta, "papermill": {"duration": 1}})


def shown(data):
    return new_output("display_data", data=data)


def test_hints_fold_out_and_no_kernel_is_missed():
    check = new_code_cell('check("02.relu", relu)', id="check-02-relu", outputs=[shown({"text/html": "not started"})])
    figure = new_code_cell("figs.f()", outputs=[shown({"text/html": "<svg/>", "text/plain": "a curve"}), shown(WIDGET)])
    hint = new_code_cell('# Take the # away and run this cell:\n# hint("02.relu")')
    title = new_markdown_cell("# 02 Neurons\nMealoMi")
    read = pages.readable(notebook(title, figure, check, hint), "[elsewhere](x)")
    assert read.cells[0].source == "# 02 Neurons\n\n[elsewhere](x)\nMealoMi" and "papermill" not in read.metadata
    assert [list(one.data) for one in read.cells[1].outputs] == [["text/html", "text/plain"]]
    assert read.cells[2].source == check.source and read.cells[2].outputs == []
    hints = sheets.find("02.relu").hints
    folds = re.findall(r"<details><summary>Hint (\d) of (\d)</summary><p>", read.cells[3].source)
    assert len(read.cells) == 4 and read.cells[3].cell_type == "markdown"
    assert folds == [(str(n), str(len(hints))) for n in range(1, len(hints) + 1)]


def test_a_section_is_a_page_of_its_own():
    text = "# Top\n## One\na\n### Deep\nb\n## Two\nc\n"
    assert pages.section(text, "One") == "# One\na\n## Deep\nb\n"
    with pytest.raises(ValueError, match="Three"):
        pages.section(text, "Three")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of chapter 06, whose notebook counts as executed: the others of this run do that."""
    pytest.importorskip("sphinx", reason="Sphinx is not installed")
    out = tmp_path_factory.mktemp("site")
    notebooks = building._chosen(["06"])
    for path in notebooks.values():
        place = building.copy_of(path, out / "executed")
        place.parent.mkdir(parents=True)
        shutil.copyfile(path, place)
    told = []
    first = build(out, ["06"], told.append)
    assert told == [] and first.is_file(), "what counts as executed is not executed again"
    return first.parent


def test_the_site_has_the_chapter_the_words_the_library_and_a_search(site):
    chapter = (site / "06_backpropagation" / "06_backpropagation.html").read_text()
    assert "<math" in chapter and "Hint 1 of" in chapter and "BEGIN SOLUTION" not in chapter
    assert "colab.research.google.com" in chapter and "mybinder.org" in chapter and "codespaces.new" in chapter
    assert "backpropagation" in (site / "glossary.html").read_text()
    library = (site / "library.html").read_text()
    assert "introdl.check" in library and "introdl.data.folder" in library
    assert (site / "search.html").is_file() and "autograder collect" in (site / "instructors.html").read_text()
    assert chapters.find("06").title in (site / "index.html").read_text()


def test_the_pages_load_nothing_from_elsewhere(site):
    """Links may lead anywhere; what a page loads by itself lies beside it."""
    loads = re.compile(
        r"<(?:script|img|iframe|source)[^>]*\ssrc=\"(?:https?:)?//|<link[^>]*href=\"(?:https?:)?//|@import\s|url\([\"']?(?:https?:)?//"
    )
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        assert not loads.search(path.read_text(errors="replace")), path


def test_a_wrong_chapter_and_a_missing_sphinx_are_sentences(tmp_path, monkeypatch):
    told = CliRunner().invoke(app, ["site", "77", "--out", str(tmp_path)])
    assert told.exit_code == 1 and "no chapter '77'" in told.output
    monkeypatch.setitem(__import__("sys").modules, "sphinx.application", None)
    with pytest.raises(AuthorError, match=r"\[site\]"):
        build(tmp_path)
