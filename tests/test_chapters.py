"""The chapters, in one place: what the course, its map, the start page and the README say of them is the same."""

import shutil

import pytest

from autograder import exercises as exercise_bank
from autograder.authoring import build, tables
from autograder.errors import AuthorError
from introdl import chapters
from introdl.checking import records
from introdl.figures import course_map


def test_the_list_is_what_there_is():
    assert [one.name for one in chapters.CHAPTERS] == [p.stem for p in build.source_files() if p.stem[:2].isdigit()]


def test_the_tables_in_the_readme_and_on_the_start_page_are_what_the_build_makes():
    for path, text in tables.filled(build.root()).items():
        assert path.read_text() == text, f"{path.name} is stale: run 'make build' and commit the result"


def test_a_table_has_a_row_for_each_chapter_and_their_sums():
    plain, linked = tables.table(links=False), tables.table(links=True)
    assert len(plain) == len(linked) == 3 + len(chapters.CHAPTERS)
    for one, line, link in zip(chapters.CHAPTERS, plain[2:], linked[2:], strict=False):
        count = len(exercise_bank.load(one.number)) - 1
        assert line.startswith(f"| {one.number} {one.title} | {one.builds} |")
        assert line.endswith(f"| {count} and a quiz | {one.minutes} |")
        assert f"({one.name}/{one.name}.ipynb)" in link
    counts = [len(exercise_bank.load(one.number)) - 1 for one in chapters.CHAPTERS]
    assert f"**{sum(counts)} and {len(counts)} quizzes**" in plain[-1]


def test_a_stale_table_is_written_again_with_the_start_page_and_only_told_of_when_looking(tmp_path, monkeypatch):
    for name, *_ in tables.PLACES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((build.root() / name).read_text().replace("| 90 |", "| 91 |", 1))
    for path in (build.root() / "solutions").glob("*.py"):
        if not (tmp_path / "solutions" / path.name).exists():
            shutil.copy(path, tmp_path / "solutions")
    monkeypatch.setattr(build, "root", lambda: tmp_path)
    before = (tmp_path / "README.md").read_text()
    assert {item.path.name: item.state for item in build.build(["start"], look=True)} == {
        "README.md": "stale", "start.py": "stale", "glossary.py": "unchanged", "start.ipynb": "stale",
    }  # fmt: skip
    assert (tmp_path / "README.md").read_text() == before
    assert {item.path.name for item in build.build(["start"]) if item.state == "made"} == {
        "README.md", "start.py", "start.ipynb",
    }  # fmt: skip
    assert "| 91 |" not in (tmp_path / "README.md").read_text() + (tmp_path / "course/start.ipynb").read_text()
    assert {item.state for item in build.build(["start"], look=True)} == {"unchanged"}


def test_a_file_that_has_lost_a_tables_markers_has_its_sentence(tmp_path):
    for name, *_ in tables.PLACES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((build.root() / name).read_text().replace(tables.END, ""))
    with pytest.raises(AuthorError, match="README.md:1: what autograder build makes here has lost its place"):
        tables.filled(tmp_path)


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


def test_a_new_chapter_has_a_place_of_its_own_on_the_map():
    numbers = [one.number for one in chapters.CHAPTERS]
    corners = course_map.places([*numbers, "14", "15", "16", "17"])
    assert len(set(corners.values())) == len(corners) == len(numbers) + 4
    assert corners["14"][1] > max(corners[number][1] for number in numbers)
    assert course_map._color("14") == course_map._color("13")


def test_a_chapter_that_is_not_built_yet_is_not_on_the_map():
    done = {each.name[:2]: each for each in records.overview()}
    del done["13"]
    drawing = course_map.drawn(done)
    assert ">Verification<" not in drawing and ">Fine-tuning<" in drawing
