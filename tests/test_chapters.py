"""The chapters, in one place: what the course, its map, the start page and the README say of them is the same."""

import nbformat
import pytest

from autograder import build
from introdl import chapters
from introdl.checking import records
from introdl.figures import course_map


def test_the_list_is_what_there_is():
    assert [one.name for one in chapters.CHAPTERS] == [p.stem for p in build.source_files() if p.stem[:2].isdigit()]


def test_a_chapter_needs_only_what_comes_before_it():
    for position, one in enumerate(chapters.CHAPTERS):
        before = {each.number for each in chapters.CHAPTERS[:position]}
        assert set(one.needs) <= before and (one.needs or position == 0)


@pytest.mark.parametrize("one", chapters.CHAPTERS, ids=lambda one: one.number)
def test_a_notebook_begins_with_its_title(one):
    notebook = nbformat.read(build.notebook_path(one.name, build.root() / "course"), as_version=4)
    assert notebook.cells[0].source.split("\n")[0] == f"# {one.number} {one.title}"


@pytest.mark.parametrize(("file", "links"), [("README.md", False), ("solutions/start.py", True)])
def test_the_table_stands_in_the_readme_and_on_the_start_page(file, links):
    text = (build.root() / file).read_text()
    for line in chapters.table(links):
        assert line in text, f"{file} should have the line {line!r}"


def test_the_map_shows_every_chapter_its_exercises_and_how_far_you_are(capsys):
    records.note_check("00.one_hot", 1.0, passed=True)
    done = {each.name[:2]: each for each in records.overview()}
    drawing = course_map.drawn(done)
    for one in chapters.CHAPTERS:
        assert f">{one.short}<" in drawing
    assert f">1 of {len(done['00'].exercises)}<" in drawing
    assert drawing.count("<polyline") == sum(len(one.needs) for one in chapters.CHAPTERS)
    course_map.course_map()
    assert "[figure: A map of the course. 00 Why deep learning?: 1 of" in capsys.readouterr().out
    assert set(course_map.PLACES) == {one.number for one in chapters.CHAPTERS}


@pytest.mark.parametrize("one", chapters.CHAPTERS, ids=lambda one: one.number)
def test_a_notebook_says_how_long_it_takes_as_the_list_does(one):
    assert f"about {one.minutes} minutes" in (build.root() / "solutions" / f"{one.name}.py").read_text()
