"""Canvas and Moodle: what they let one download goes in, nobody is guessed, nothing is lost, and marks go back by their ids."""

import csv
import os
import stat
import zipfile
from datetime import datetime

import nbformat
import pytest
from typer.testing import CliRunner

import introdl
from autograder import archives, deadlines, grading, handout, sandbox
from autograder.cli import app
from autograder.errors import ClassroomError
from autograder.export import export
from autograder.grading import submissions
from autograder.platforms import canvas, collecting, moodle, returning, rosters, times
from tests import downloads
from tests import small_class as small

ADA, GRACE, LI = (
    ("Lovelace, Ada", 101, "m1", "ada"),
    ("Hopper, Grace", 102, "m2", "grace"),
    ("李, 小龍", 103, "m3", "li@x.edu"),
)
NOTEBOOK = f"{small.NAME}.ipynb"


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    """A classroom with the small chapter handed out."""
    return small.make(tmp_path_factory.mktemp("platforms") / "room")


@pytest.fixture
def room(blank, tmp_path):
    """A copy of it that is one's own."""
    return small.copy_of(blank, tmp_path / "room")


@pytest.fixture
def of_canvas(room, tmp_path):
    rosters.read(room, downloads.canvas_gradebook(tmp_path / "grades.csv", [ADA, GRACE, LI]))
    return room


@pytest.fixture
def of_moodle(room, tmp_path):
    people = [("Ada", "Lovelace", "1", "ada@x"), ("Anna", "Gruber", "2", "a1@x"), ("Anna", "Gruber", "3", "a2@x")]
    rosters.read(room, downloads.moodle_people(tmp_path / "people.csv", people))
    return room


def released(room, mark=""):
    text = (room.root / "release" / small.NAME / NOTEBOOK).read_text()
    return text.replace("# Your code here.", f"# Your code here. {mark}")


def handed(person, file, name=NOTEBOOK, late=False):
    return downloads.canvas_name(person[0], person[1], file, name, late)


def collected(room, tmp_path, files, assignment=small.NAME, **more):
    name, placed = collecting.collect(room, downloads.archive(tmp_path / "in.zip", files), assignment, **more)
    assert name == small.NAME
    return {one.who: one for one in placed}


def files_of(room, student):
    folder = room.root / "submitted" / student / small.NAME
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# --- rosters ------------------------------------------------------------------------------------------------------


def test_canvas_gradebook_becomes_the_roster_and_the_gradebooks_students(of_canvas):
    roster = rosters.load(of_canvas)
    assert set(roster.people) == {"ada", "grace", "li@x.edu"} and roster.test == ["99999"]
    assert roster.columns == downloads.HEAD and roster.assignments == ["03 Convolution (4711)"]
    with of_canvas.gradebook() as book:
        ada = book.find_student("ada")
        assert (ada.first_name, ada.last_name, ada.lms_user_id) == ("Ada", "Lovelace", "m1")


def test_what_the_roster_leaves_out_and_who_is_missing_is_said(of_canvas, tmp_path):
    told = rosters.read(
        of_canvas, downloads.canvas_gradebook(tmp_path / "b.csv", [ADA, ("New, One", 104, "m4", "one")])
    )
    assert told.new == ["one"] and told.count == 2
    assert "Student, Test" in told.remarks[0] and "grace, li@x.edu" in told.remarks[1]
    assert set(rosters.load(of_canvas).people) == {"ada", "grace", "li@x.edu", "one"}


def test_a_student_whose_login_changed_stays_the_same_one(of_canvas, tmp_path):
    renamed = ("Byron, Ada", 101, "m1", "byron")
    told = rosters.read(of_canvas, downloads.canvas_gradebook(tmp_path / "b.csv", [renamed]))
    assert told.new == [] and rosters.load(of_canvas).people["ada"].row["Student"] == "Byron, Ada"


def test_a_folder_that_is_there_already_gives_the_name(room, tmp_path):
    small.hand_in(room, "m2", {})
    rosters.read(room, downloads.canvas_gradebook(tmp_path / "g.csv", [ADA, GRACE]))
    assert set(rosters.load(room).people) == {"ada", "m2"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_moodles_people_are_read_as_spreadsheets_save_them(room, tmp_path, separator, encoding):
    path = downloads.moodle_people(tmp_path / "p.csv", [("Zoë", 'O"Neil, jr', "7", "z@x")], separator)
    path.write_bytes(path.read_text().encode(encoding))
    assert rosters.read(room, path).new == ["7"]
    assert rosters.load(room).people["7"].names() == ("Zoë", 'O"Neil, jr')


def test_moodles_tables_with_other_columns_mean_the_same_people(of_moodle, tmp_path):
    path = tmp_path / "grades.csv"
    path.write_text(
        '"First name",Surname,Username,"Email address","Assignment: 03 Convolution (Real)"\nAda,Lovelace,al,ada@x,-\n'
    )
    assert rosters.read(of_moodle, path).new == []
    assert rosters.load(of_moodle).people["1"].row["Username"] == "al"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "no table of people"),
        ("", "no table of people"),
        ("Vorname,Nachname\nA,B\n", "downloaded in English"),
        ("Student,ID,SIS Login ID,Section\n", "holds no students"),
        ("Student,ID,SIS Login ID,Section\nA,1,x,\nB,2,x,\n", "stands there twice"),
        ("Student,ID,SIS Login ID,Section\nA,1,../x,\n", "no folder can have"),
        ('First name,Last name,"Email address"\nA,B,\n', "to be known by"),
    ],
)
def test_what_is_no_roster_is_said_and_nothing_taken(room, tmp_path, text, said):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ClassroomError, match=said):
        rosters.read(room, tmp_path / "x.csv")
    assert rosters.load(room) is None


def test_one_classroom_has_one_platform(of_canvas, tmp_path):
    with pytest.raises(ClassroomError, match="this classroom's roster is Canvas's"):
        rosters.read(of_canvas, downloads.moodle_people(tmp_path / "p.csv", [("A", "B", "1", "a@b")]))


# --- Canvas's zip -------------------------------------------------------------------------------------------------


def test_each_file_goes_to_its_student(of_canvas, tmp_path):
    files = {
        handed(ADA, 501): released(of_canvas),
        handed(ADA, 502, "helper.py"): "x = 1",
        handed(GRACE, 503, "03_convolution-1.ipynb"): released(of_canvas, "G"),
        handed(LI, 504, "my work.ipynb"): released(of_canvas, "L"),
        downloads.canvas_name("Student, Test", 99999, 505, NOTEBOOK): "{}",
    }
    placed = collected(of_canvas, tmp_path, files, assignment="")
    assert {who: one.state for who, one in placed.items()} == {
        **dict.fromkeys(("ada", "grace", "li@x.edu"), collecting.NEW), "Test Student": collecting.LEFT_OUT
    }  # fmt: skip
    assert files_of(of_canvas, "ada") == {NOTEBOOK, "helper.py"} and files_of(of_canvas, "grace") == {NOTEBOOK}
    assert submissions.read(of_canvas, "li@x.edu", small.NAME).state == submissions.READY


def test_who_cannot_be_placed_is_named_with_why(of_canvas, tmp_path):
    files = {
        downloads.canvas_name("Nobody, New", 777, 1, NOTEBOOK): "{}",
        downloads.canvas_name("Group One", 101, 2, NOTEBOOK): "{}",
        "anon_aB3x9_3_03_convolution.ipynb": "{}",
        "lovelaceada_101_text.html": "<p>",
        "notes.txt": "x",
        handed(GRACE, 9, "timestamp.txt"): "2020-01-01 00:00 UTC",
        handed(LI, 10): released(of_canvas),
    }
    placed = collected(of_canvas, tmp_path, files)
    said = {who: " ".join(one.notes) for who, one in placed.items() if one.state == collecting.NOT_PLACED}
    assert len(said) == 6 and "777 is not in the roster" in said["nobodynew"]
    words = " ".join(said.values())
    for part in (
        "or a group's",
        "anonymous",
        "typed into Canvas",
        "not named as Canvas names",
        "a student does not say that",
    ):
        assert part in words
    assert sorted(path.name for path in (of_canvas.root / "submitted").iterdir()) == ["li@x.edu"]


@pytest.mark.parametrize("name", ["Smith_102", "Hopper, Grace_102_9", "102, 102", "LATE_102"])
def test_a_students_own_name_leads_to_nobody_else(room, tmp_path, name):
    """Canvas itself takes the first two numbers of a file's name."""
    evil = (name, 666, "m6", "evil")
    rosters.read(room, downloads.canvas_gradebook(tmp_path / "g.csv", [GRACE, evil]))
    placed = collected(
        room, tmp_path, {handed(evil, 700, "1_2_3.ipynb"): released(room), handed(GRACE, 8): released(room, "g")}
    )
    assert placed["grace"].state == collecting.NEW and files_of(room, "grace") == {NOTEBOOK}
    assert "evil" in placed or any(one.state == collecting.NOT_PLACED for one in placed.values())
    assert "g" in (room.root / "submitted" / "grace" / small.NAME / NOTEBOOK).read_text()


def test_again_a_newer_one_replaces_an_older_one_is_kept_and_the_same_changes_nothing(of_canvas, tmp_path):
    place = of_canvas.root / "submitted" / "ada" / small.NAME / NOTEBOOK
    first = {handed(ADA, 501): released(of_canvas, "first")}
    collected(of_canvas, tmp_path, first)
    assert collected(of_canvas, tmp_path, first)["ada"].state == collecting.UNCHANGED
    newer = collected(of_canvas, tmp_path, {handed(ADA, 600, "03_convolution-1.ipynb"): released(of_canvas, "second")})[
        "ada"
    ]
    assert newer.state == collecting.REPLACED and "second" in place.read_text()
    (kept,) = (of_canvas.root / "replaced" / "submitted" / "ada").glob(f"*/{NOTEBOOK}")
    assert "first" in kept.read_text() and kept.parent.name in newer.notes[0]
    older = collected(of_canvas, tmp_path, first)["ada"]
    assert (
        older.state == collecting.NOT_PLACED and "later than this" in older.notes[0] and "second" in place.read_text()
    )


def test_what_was_put_there_by_hand_is_kept_too(of_canvas, tmp_path):
    small.hand_in(of_canvas, "ada", {}, "by hand")
    assert collected(of_canvas, tmp_path, {handed(ADA, 501): released(of_canvas)})["ada"].state == collecting.REPLACED
    (kept,) = (of_canvas.root / "replaced" / "submitted" / "ada").glob(f"*/{NOTEBOOK}")
    assert "by hand" in kept.read_text()


def test_a_late_mark_without_a_time_is_told_and_grading_tells_it_again(of_canvas, tmp_path):
    files = {handed(ADA, 501, late=True): released(of_canvas)}
    assert "nothing depends on it" in " ".join(collected(of_canvas, tmp_path, files)["ada"].notes)
    assert files_of(of_canvas, "ada") == {NOTEBOOK}
    of_canvas.late = {"percent_per_day": 10.0}
    assert "--times" in " ".join(collected(of_canvas, tmp_path, files)["ada"].notes)
    read = submissions.read(of_canvas, "ada", small.NAME)
    assert read.undated == submissions.UNREADABLE and "LATE" in read.note
    at = datetime.fromisoformat("2026-12-02T10:00:00+01:00")
    assert collected(of_canvas, tmp_path, files, times={"ada": at})["ada"].notes == []
    assert submissions.read(of_canvas, "ada", small.NAME).moment == datetime(2026, 12, 2, 9)


def test_a_folder_that_a_browser_unpacked_does_as_well(of_canvas, tmp_path):
    folder = tmp_path / "unpacked" / "submissions"
    folder.mkdir(parents=True)
    (folder / handed(ADA, 501)).write_text(released(of_canvas))
    (folder / ".DS_Store").write_text("x")
    _, placed = collecting.collect(of_canvas, tmp_path / "unpacked", small.NAME)
    assert [(one.who, one.state) for one in placed] == [("ada", collecting.NEW)]


def test_without_a_roster_or_an_assignment_nothing_is_placed(room, of_canvas, tmp_path):
    path = downloads.archive(tmp_path / "x.zip", {handed(ADA, 501): "{}"})
    with pytest.raises(ClassroomError, match="Name the assignment"):
        collecting.collect(of_canvas, path)
    (of_canvas.root / ".graded" / "roster.json").unlink()
    with pytest.raises(ClassroomError, match="no roster"):
        collecting.collect(of_canvas, path, small.NAME)
    assert not list((of_canvas.root / "submitted").iterdir())


# --- Moodle's zip -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace_5001_assignsubmission_file_/03_convolution.ipynb",
        "Ada Lovelace_5001_assignsubmission_file/03_convolution.ipynb",
        "Ada Lovelace_5001_assignsubmission_file_03_convolution.ipynb",
        "Lovelace Ada_5001_assignsubmission_file_/03_convolution.ipynb",
    ],
)
def test_moodles_names_in_all_their_forms(of_moodle, tmp_path, name):
    assert collected(of_moodle, tmp_path, {name: released(of_moodle)}, "")["1"].state == collecting.NEW
    assert files_of(of_moodle, "1") == {NOTEBOOK}


def test_two_students_of_one_name_need_the_worksheet(of_moodle, tmp_path):
    files = {f"Anna Gruber_{n}_assignsubmission_file_/a.ipynb": released(of_moodle, str(n)) for n in (7, 8)}
    files["Ada Lovelace_9_assignsubmission_onlinetext_/onlinetext.html"] = "<p>"
    placed = collected(
        of_moodle, tmp_path, files | {"Ada Lovelace_9_assignsubmission_file_/a.ipynb": released(of_moodle)}
    )
    assert "2 students are called Anna Gruber" in placed["Anna Gruber (7)"].notes[0]
    assert "typed into Moodle" in placed["1"].notes[0] and placed["1"].state == collecting.NEW
    sheet = [(7, "Anna Gruber", "a2@x", "Tuesday, 1 December 2026, 11:59 PM"), (8, "Anna Gruber", "a1@x", "-")]
    when = times.read(of_moodle, str(downloads.moodle_worksheet(tmp_path / "w.csv", sheet)), "Europe/Vienna")
    assert when == {"3": datetime.fromisoformat("2026-12-01T23:59:00+01:00")}
    placed = collected(of_moodle, tmp_path, files, times=when)
    assert placed["3"].state == placed["2"].state == collecting.NEW
    assert submissions.read(of_moodle, "3", small.NAME).moment == datetime(2026, 12, 1, 22, 59)
    assert "7" in (of_moodle.root / "submitted" / "3" / small.NAME / "a.ipynb").read_text()


def test_a_date_that_is_not_certain_is_refused(of_moodle, tmp_path):
    sheet = downloads.moodle_worksheet(tmp_path / "w.csv", [(7, "Ada Lovelace", "ada@x", "1.12.2026, 23:59")])
    with pytest.raises(ClassroomError, match="not a date as Moodle writes it"):
        times.read(of_moodle, str(sheet), "Europe/Vienna")
    with pytest.raises(ClassroomError, match="--zone"):
        times.read(of_moodle, str(sheet), "")
    assert moodle.date("Monday, 31 November 2026, 1:00 AM") is None


# --- hostile archives ---------------------------------------------------------------------------------------------


def entry(name, mode=None, **more):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (mode or stat.S_IFREG | 0o644) << 16
    for key, value in more.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([entry("../../x.ipynb")], "leads out of it"),
        ([entry("a/../../x.ipynb")], "leads out of it"),
        ([entry("/etc/x.ipynb")], "no path of its own"),
        ([entry("C:/x.ipynb")], "no path of its own"),
        ([entry("Ada Lovelace_1_assignsubmission_file_//etc/x.ipynb")], "no path of its own"),
        ([entry("a/./x.ipynb")], "no path of its own"),
        ([entry("a\\..\\x.ipynb")], "no path of its own"),
        ([entry("lovelaceada_101_5_x.ipynb", stat.S_IFLNK | 0o777)], "is a link"),
        ([entry("lovelaceada_101_5_x.ipynb", stat.S_IFIFO | 0o644)], "no plain file"),
        ([entry("a.ipynb"), entry("a.ipynb")], "occurs twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_dishonest_archive_is_refused_as_a_whole(of_canvas, tmp_path, entries, said):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(handed(GRACE, 1), released(of_canvas))
        for one in entries:
            archive.writestr(one, "/etc/passwd")
    with pytest.raises(ClassroomError, match=said):
        collecting.collect(of_canvas, path, small.NAME)
    assert not list((of_canvas.root / "submitted").iterdir())


def test_a_bomb_is_left_out_before_it_is_unpacked(of_canvas, tmp_path, monkeypatch):
    path = downloads.archive(
        tmp_path / "bomb.zip", {handed(ADA, 1, "zeros.bin"): bytes(40 * 2**20), handed(GRACE, 2): released(of_canvas)}
    )
    _, placed = collecting.collect(of_canvas, path, small.NAME)
    states = {one.who: (one.state, " ".join(one.notes)) for one in placed}
    assert states["ada"][0] == collecting.NOT_PLACED and "40 MiB; 32 MiB is the most" in states["ada"][1]
    assert states["grace"][0] == collecting.NEW
    monkeypatch.setattr(archives, "MOST_BYTES", 2**20)
    with pytest.raises(ClassroomError, match="would unpack to more"):
        collecting.collect(of_canvas, path, small.NAME)
    monkeypatch.setattr(archives, "MOST_ENTRIES", 1)
    with pytest.raises(ClassroomError, match="1 is the most"):
        collecting.collect(of_canvas, path, small.NAME)


def test_a_size_that_is_a_lie_costs_one_student(of_canvas, tmp_path):
    path = downloads.archive(
        tmp_path / "lie.zip", {handed(ADA, 1): bytes(10**6), handed(GRACE, 2): released(of_canvas)}
    )
    path.write_bytes(path.read_bytes().replace((10**6).to_bytes(4, "little"), (10**3).to_bytes(4, "little")))
    _, placed = collecting.collect(of_canvas, path, small.NAME)
    assert {one.who: one.state for one in placed} == {"ada": collecting.NOT_PLACED, "grace": collecting.NEW}


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06"])
def test_what_is_no_zip_is_said(of_canvas, tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ClassroomError, match="cannot be read as a zip"):
        collecting.collect(of_canvas, tmp_path / "x.zip", small.NAME)


def test_links_in_the_classroom_are_not_followed(of_canvas, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (of_canvas.root / "submitted" / "ada").symlink_to(tmp_path / "elsewhere")
    assert collected(of_canvas, tmp_path, {handed(ADA, 1): released(of_canvas)})["ada"].state == collecting.NOT_PLACED
    assert not os.listdir(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "inside", ["/etc/passwd", "sub/../x.ipynb", "sub//x.ipynb", "sub/.ssh/x", ".x.ipynb", "x\n.ipynb", "a" * 300]
)
def test_no_file_of_a_student_lands_anywhere_else(of_moodle, tmp_path, inside):
    """Not even where an archive that was refused as a whole came through."""
    assert collecting._unfit(inside, 1)
    assert not list(canvas.readings(f"lovelaceada_101_5_{inside}")) if "/" in inside else True


def test_canvas_has_no_folders(of_canvas, tmp_path):
    placed = collected(
        of_canvas, tmp_path, {"lovelaceada_101_5_/tmp/x.ipynb": "{}", handed(GRACE, 1): released(of_canvas)}
    )
    assert placed["lovelaceada_101_5_/tmp/x.ipynb"].state == collecting.NOT_PLACED


def test_our_own_zips_have_the_same_bytes_for_the_same_files(tmp_path):
    for name in ("a.zip", "b.zip"):
        archives.write(tmp_path / name, {"b/x": b"1", "a": b"2"})
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


# --- what is handed out and what goes back ------------------------------------------------------------------------


def test_a_zip_to_hand_out_says_how_to_begin(room):
    (room.root / "release" / small.NAME / "table.csv").write_text("1")
    found = handout.pack(room.root, small.NAME, room.install)
    first = found.read_bytes()
    with zipfile.ZipFile(found) as opened:
        assert opened.namelist() == [f"{small.NAME}/{name}" for name in (NOTEBOOK, "README.txt", "table.csv")]
        assert opened.read(f"{small.NAME}/{NOTEBOOK}").decode() == found.with_suffix("").joinpath(NOTEBOOK).read_text()
        lines = opened.read(f"{small.NAME}/README.txt").decode().splitlines()
    assert len(lines) == 3 and f"pip install introdl=={introdl.__version__}" in lines[1]
    assert handout.pack(room.root, small.NAME, room.install).read_bytes() == first
    assert room.assignment("03") == small.NAME and room.api().get_source_assignments() == {small.NAME}


def test_classroom_toml_says_how_students_install_and_what_a_platform_calls_assignments(room):
    from autograder.classroom import Classroom

    toml = room.root / "classroom.toml"
    toml.write_text(
        toml.read_text() + 'install = "pip install https://x.edu/a.whl"\n[columns]\n"03_convolution" = "H (1)"\n'
    )
    again = Classroom.open(room.root)
    assert again.install == "pip install https://x.edu/a.whl" and again.columns == {"03_convolution": "H (1)"}
    toml.write_text(toml.read_text().replace('"H (1)"', "7"))
    with pytest.raises(ClassroomError, match="table of texts"):
        Classroom.open(room.root)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_marks_go_back_under_canvas_ids_and_columns(of_canvas, tmp_path):
    written = export(of_canvas, tmp_path / "c.csv", "canvas")
    assert written.remarks == []
    points, ada, *_ = rows(tmp_path / "c.csv")
    assert points["03 Convolution (4711)"] == "36.0" and points["Student"] == "    Points Possible"
    assert ada == {"Student": "Lovelace, Ada", "ID": "101", "SIS User ID": "m1", "SIS Login ID": "ada",
                   "Section": "Section A and Section B", "03 Convolution (4711)": ""}  # fmt: skip


def test_a_column_that_is_not_certain_is_asked_for(of_canvas, tmp_path):
    titles = ("Homework 3 (1)", "Convolution (2)", "03 Convolution (3)")
    rosters.read(of_canvas, downloads.canvas_gradebook(tmp_path / "g.csv", [ADA], titles))
    with of_canvas.gradebook() as book:
        book.add_student("stranger")
    written = export(of_canvas, tmp_path / "c.csv", "canvas")
    assert "below [columns]" in written.remarks[0] and written.remarks[1] == "Not in the roster: stranger."
    of_canvas.columns = {small.NAME: "Homework 3 (1)"}
    export(of_canvas, tmp_path / "c.csv", "canvas")
    assert "Homework 3 (1)" in rows(tmp_path / "c.csv")[0]


def test_moodle_gets_its_own_columns(of_moodle, tmp_path):
    export(of_moodle, tmp_path / "m.csv", "moodle")
    ada, *_ = rows(tmp_path / "m.csv")
    assert (
        ada["Email address"] == "ada@x" and ada["ID number"] == "1" and ada[f"Assignment: {small.NAME} (Real)"] == "-"
    )


def test_feedback_goes_back_under_the_names_that_came(of_moodle, tmp_path):
    folder = "Ada Lovelace_5001_assignsubmission_file_"
    collected(of_moodle, tmp_path, {f"{folder}/03_convolution.ipynb": released(of_moodle)})
    page = of_moodle.root / "feedback" / "1" / small.NAME / f"{small.NAME}.html"
    page.parent.mkdir(parents=True)
    page.write_text("page")
    assert returning.pack(of_moodle, small.NAME, tmp_path / "f.zip") == (1, [])
    with zipfile.ZipFile(tmp_path / "f.zip") as opened:
        assert opened.namelist() == [f"{folder}/feedback_{small.NAME}.html"]
    assert (
        returning._for_moodle("A B_7_assignsubmission_file_x_1.ipynb", "03")
        == "A B_7_assignsubmission_file_feedback_03.html"
    )


@pytest.mark.parametrize("command", ["roster", "collect", "export"])
def test_every_command_has_help_with_an_example(command):
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0 and "Example:" in result.output


def test_the_commands_say_what_they_did_and_end_with_1_where_something_was_not_placed(room, tmp_path):
    def run(*words):
        return CliRunner().invoke(app, [*map(str, words), "--in", str(room.root)])

    done = run("roster", downloads.canvas_gradebook(tmp_path / "g.csv", [ADA, GRACE]))
    assert done.exit_code == 0 and "Canvas: 2 students, 2 of them new." in done.output, done.output
    fine = downloads.archive(tmp_path / "a.zip", {handed(ADA, 1): released(room)})
    done = run("collect", fine, "03")
    assert done.exit_code == 0 and "1 new" in done.output and "Next: autograder grade 03" in done.output
    bad = downloads.archive(tmp_path / "b.zip", {handed(ADA, 1): released(room), handed(LI, 2): "\x1b[31m"})
    done = run("collect", bad)
    assert done.exit_code == 1 and "NOT PLACED" in done.output and "103 is not in the" in done.output
    assert run("export", "--with-feedback", "--to", tmp_path / "x.csv").exit_code == 1


def test_dates_of_moodle_and_ours_agree():
    assert moodle.date("Tuesday, 1 December 2026, 11:59 PM") == deadlines.parse_due("2026-12-01 23:59 UTC")


@pytest.mark.slow
@pytest.mark.skipif(bool(sandbox.trouble()), reason=sandbox.trouble() or "there is a sandbox")
def test_from_canvas_zip_to_canvas_grades_and_feedback(of_canvas, tmp_path):
    collected(
        of_canvas,
        tmp_path,
        {handed(ADA, 501): released(of_canvas), handed(GRACE, 502, "a-1.ipynb"): released(of_canvas)},
    )
    grading.grade(of_canvas, small.NAME, [], count=1)
    words = ["export", "--in", str(of_canvas.root), "--to", str(tmp_path / "c.csv"), "--format", "canvas"]
    done = CliRunner().invoke(app, [*words, "--assignment", "03", "--with-feedback"])
    assert done.exit_code == 0, done.output
    assert [row["03 Convolution (4711)"] for row in rows(tmp_path / "c.csv")] == ["36.0", "0.0", "0.0", ""]
    with zipfile.ZipFile(tmp_path / "c-feedback.zip") as opened:
        assert set(opened.namelist()) == {handed(ADA, 501), handed(GRACE, 502, "a-1.ipynb")}
        notebook = nbformat.reads(opened.read(handed(ADA, 501)).decode(), as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source == "# 0 of 36 points"
    assert any("**0 of 8 points.**" in cell.source for cell in notebook.cells)
