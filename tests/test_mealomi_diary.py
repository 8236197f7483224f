"""MealoMi's diary: what is written stays, is summed by the day, and whatever is wrong with the file is a sentence."""

import csv
import io
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from introdl import mealomi
from introdl.mealomi import Diary, DiaryError

MONDAY = date(2026, 11, 23)


def at(day, hour=12, minute=0):
    return datetime(day.year, day.month, day.day, hour, minute)


@pytest.fixture
def diary(tmp_path):
    return Diary(tmp_path / "own" / "diary.sqlite", patience=0.05)


def test_what_is_written_is_read_again_by_another_diary(diary):
    embedding = np.arange(4, dtype=np.float32)
    entry = diary.add("pizza", 300.5, at(MONDAY, 12, 30), liked=True, photo="a.jpg", embedding=embedding)
    (found,) = Diary(diary.path).entries()
    assert (found.id, found.eaten_at, found.dish, found.grams) == (entry.id, at(MONDAY, 12, 30), "pizza", 300.5)
    assert found.liked and found.photo == "a.jpg" and np.array_equal(found.embedding, embedding)
    assert found.nutrients == mealomi.nutrients("pizza", 300.5)


def test_it_outlives_the_kernel(diary):
    code = "import sys; from introdl.mealomi import Diary; Diary(sys.argv[1]).add('apple', 150)"
    subprocess.run([sys.executable, "-c", code, str(diary.path)], check=True)
    assert [one.dish for one in diary.entries()] == ["apple"]


def test_by_default_it_lies_in_the_learners_own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("INTRODL_HOME", str(tmp_path / "home"))
    assert Diary().entries() == [] and not (tmp_path / "home").exists(), "reading makes no file"
    Diary().add("soup", 250)
    assert (tmp_path / "home" / "mealomi.sqlite").is_file()


def test_a_correction_changes_what_is_given_and_nothing_else(diary):
    entry = diary.add("pizza", 300, at(MONDAY), photo="a.jpg")
    assert diary.correct(entry.id, grams=200).grams == 200
    changed = diary.correct(entry.id, dish="soup", liked=True, when=at(MONDAY, 8))
    assert (changed.dish, changed.grams, changed.liked, changed.eaten_at, changed.photo) == (
        "soup", 200, True, at(MONDAY, 8), "a.jpg",
    )  # fmt: skip
    assert diary.correct(entry.id) == changed
    assert diary.entries() == [changed]


def test_what_is_deleted_is_gone_and_its_number_is_not_given_again(diary):
    first, second = diary.add("pizza", 300), diary.add("soup", 200)
    diary.delete(second.id)
    assert [one.id for one in diary.entries()] == [first.id]
    assert diary.add("salad", 100).id > second.id


@pytest.mark.parametrize("act", [lambda d: d.delete(9), lambda d: d.correct(9, grams=5), lambda d: d.correct(9)])
def test_a_number_that_is_not_there_is_a_sentence(diary, act):
    diary.add("pizza", 300)
    with pytest.raises(KeyError, match="no entry 9"):
        act(diary)


def test_days_begin_and_end_at_midnight(diary):
    diary.add("apple", 100, at(MONDAY, 0, 0))
    diary.add("banana", 100, at(MONDAY, 23, 59))
    diary.add("soup", 100, at(MONDAY + timedelta(days=1), 0, 0))
    assert diary.day(MONDAY)["kcal"] == pytest.approx(52 + 89)
    assert diary.day(MONDAY)["grams"] == 200
    assert diary.day(MONDAY - timedelta(days=1))["kcal"] == 0


def test_a_week_is_seven_days_that_end_with_the_given_one(diary):
    for back in (0, 3, 6, 7):
        diary.add("apple", 100 * (back + 1), at(MONDAY - timedelta(days=back)))
    week = diary.week(MONDAY)
    assert list(week) == [MONDAY - timedelta(days=back) for back in range(6, -1, -1)]
    assert [round(sums["kcal"]) for sums in week.values()] == [364, 0, 0, 208, 0, 0, 52]


def test_entries_come_by_time_not_by_number(diary):
    diary.add("soup", 100, at(MONDAY, 20))
    diary.add("apple", 100, at(MONDAY, 8))
    assert [one.dish for one in diary.entries(MONDAY, MONDAY)] == ["apple", "soup"]


def test_the_export_is_the_diary(diary, tmp_path):
    diary.add("ice_cream", 120, at(MONDAY, 15), liked=True)
    diary.add("soup", 250, at(MONDAY, 19))
    path = diary.export(tmp_path / "out" / "diary.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [(row["eaten_at"], row["dish"], row["grams"], row["liked"]) for row in rows] == [
        ("2026-11-23T15:00:00", "ice_cream", "120", "1"), ("2026-11-23T19:00:00", "soup", "250", "0")
    ]  # fmt: skip
    assert float(rows[0]["kcal"]) == pytest.approx(1.2 * 207)
    assert [p.name for p in path.parent.iterdir()] == ["diary.csv"], "nothing half-written beside it"


def test_an_export_to_a_folder_is_refused(diary, tmp_path):
    with pytest.raises(DiaryError, match="is a folder"):
        diary.export(tmp_path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (("pizzza", 100), "pizza"), (("pizza", 0), "over 0"), (("pizza", float("inf")), "cannot be"), (("pizza", "lots"), "number"),
        (("pizza", 100, "today"), "datetime"), (("pizza", 100, datetime.now(UTC)), "time zone"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_written(diary, values, words):
    with pytest.raises(ValueError, match=words):
        diary.add(*values)
    assert diary.entries() == []


def test_what_goes_wrong_in_the_middle_changes_nothing(diary):
    entry = diary.add("pizza", 300)
    with pytest.raises(ZeroDivisionError), diary._open(write=True) as file:
        file.execute("DELETE FROM entries")
        raise ZeroDivisionError
    assert diary.entries() == [entry]


# --- files that are not right ---------------------------------------------------------------------------------------


def test_a_damaged_file_is_a_sentence_and_stays(diary):
    diary.path.parent.mkdir()
    diary.path.write_bytes(b"this is no database" * 100)
    before = diary.path.read_bytes()
    for act in (diary.entries, lambda: diary.add("pizza", 100), lambda: diary.week(MONDAY)):
        with pytest.raises(DiaryError, match="damaged or is no diary.*Move it away"):
            act()
    assert diary.path.read_bytes() == before


def test_a_file_that_was_cut_off_is_a_sentence(diary):
    for _ in range(300):
        diary.add("pizza", 100, embedding=np.zeros(64))
    content = diary.path.read_bytes()
    diary.path.write_bytes(content[: len(content) // 2 - 100])
    with pytest.raises(DiaryError, match="Move it away"):
        diary.entries()


def test_another_programs_database_is_refused_and_stays(diary):
    diary.path.parent.mkdir()
    with sqlite3.connect(diary.path) as file:
        file.execute("CREATE TABLE entries (id INTEGER)")
    file.close()
    before = diary.path.read_bytes()
    for act in (diary.entries, lambda: diary.add("pizza", 100)):
        with pytest.raises(DiaryError, match="another program"):
            act()
    assert diary.path.read_bytes() == before


def test_a_later_version_is_refused(diary):
    diary.add("pizza", 100)
    with sqlite3.connect(diary.path) as file:
        file.execute("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(DiaryError, match="form 99.*Update the course"):
        diary.entries()


def test_a_locked_file_is_a_sentence_and_works_again_after(diary):
    diary.add("pizza", 100)
    other = sqlite3.connect(diary.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DiaryError, match="Another program is writing"):
        diary.add("soup", 100)
    other.execute("ROLLBACK")
    other.close()
    assert diary.add("soup", 100).dish == "soup"


def test_a_folder_in_its_place_is_a_sentence(tmp_path):
    with pytest.raises(DiaryError, match="cannot be opened"):
        Diary(tmp_path).add("pizza", 100)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_a_sentence(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(DiaryError, match="cannot be opened or written"):
            Diary(tmp_path / "diary.sqlite").add("pizza", 100)
    finally:
        tmp_path.chmod(0o700)


def test_an_empty_file_becomes_a_diary(diary):
    diary.path.parent.mkdir()
    diary.path.touch()
    assert diary.entries() == []
    assert diary.add("pizza", 100).id == 1
