"""The instructor's command line: ``autograder``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

app = typer.Typer(
    help="Build the course, run a class with nbgrader, and grade it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _fail(sentence: str) -> typer.Exit:
    from autograder.plain_text import printable

    typer.secho(printable(sentence), fg=typer.colors.RED, err=True)
    return typer.Exit(1)


@app.command()
def build(
    names: Annotated[list[str] | None, typer.Argument(help="Chapters (03) or pages (start); by default all.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if anything is stale.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite notebooks that hold answers.")] = False,
) -> None:
    """Make the notebooks and answer sheets of course/ from solutions/ and autograder/exercises/.

    Example: autograder build 03
    """
    from autograder.authoring.build import build as run
    from autograder.authoring.build import findings

    with _sentences():
        built = run(names, look=check, force=force, tell=lambda name: typer.echo(f"{name} ..."))
        found = findings(names)
    for item in built:
        if item.state != "unchanged":
            typer.echo(f"{item.state}: {item.path}")
    stale = [item for item in built if item.state == "stale"]
    if stale:
        raise _fail(f"{len(stale)} of {len(built)} generated files are stale. Run 'make build' and commit the result.")
    typer.echo(f"{len(built)} files are up to date.")
    for finding in found:
        typer.secho(str(finding), fg=typer.colors.YELLOW, err=True)
    if found and check:
        raise typer.Exit(1)


Title = Annotated[str, typer.Option(help="Its title, in a few words.")]


@app.command()
def lint(
    names: Annotated[list[str] | None, typer.Argument(help="Chapters, for example 03; by default all.")] = None,
) -> None:
    """Say what is wrong with chapters: points, figures, minutes, order, answers, alt texts, headings.

    Every line begins with a file and a line's number. Exit status: 1 where something was found.

    Example: autograder lint 03
    """
    from autograder.authoring.build import findings

    with _sentences():
        found = findings(names)
    for finding in found:
        typer.echo(str(finding))
    if found:
        raise _fail(f"Found {len(found)} in all.")
    typer.echo("Nothing found.")


@app.command()
def mutate(
    names: Annotated[list[str], typer.Argument(help="Chapters or exercises, for example 05 or 05.softmax.")],
    classes: Annotated[int, typer.Option(min=0, help="How many classes' hidden cases are tried as well.")] = 20,
    jobs: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = os.cpu_count() or 1,
) -> None:
    """Change reference solutions one place at a time, and list the changed ones that the cases do not catch.

    Exit status: 1 where one is not caught, or only in some classes.

    Example: autograder mutate 05 06.value
    """
    from autograder.authoring import build, mutate
    from introdl.data import progress

    with _sentences():
        known = mutate.accepted(build.root() / "tests" / "equivalent_mutants.toml")
        todo = mutate.chosen(names)
        found = []
        with progress.bar("mutating", len(todo), "exercises") as tick:
            for source, exercise in todo:
                found.append(mutate.survivors(source, exercise, classes, jobs, known.get(exercise.id, {})))
                tick(len(found))
    for one in found:
        typer.echo("\n".join(one.lines()))
    if left := sum(len(one.survive) + len(one.lucky) for one in found):
        raise _fail(f"{left} of {sum(one.mutants for one in found)} mutants are not caught in every class.")
    typer.echo(f"All {sum(one.mutants for one in found)} mutants are caught.")


@app.command()
def site(
    names: Annotated[list[str] | None, typer.Argument(help="Chapters, for example 03; by default all.")] = None,
    out: Annotated[Path, typer.Option(help="The site is made in its folder html.")] = Path("build/site"),
    jobs: Annotated[int | None, typer.Option(min=1, help="Notebooks that are executed at once.")] = None,
) -> None:
    """Build the course as a site: every chapter executed, hints to fold out, no solutions; glossary, library, search.

    Notebooks that did not change since the last time are not executed again.

    Example: autograder site
    """
    from autograder.errors import AuthorError
    from autograder.site import build as run

    try:
        first = run(out, names, tell=typer.echo, jobs=jobs)
    except (AuthorError, ValueError) as error:
        raise _fail(str(error)) from error
    typer.echo(f"The site begins with {first}")


@app.command("new-exercise")
def new_exercise(
    id: Annotated[str, typer.Argument(help="Chapter and name, for example 04.unpool.")],
    title: Title = "",
    points: Annotated[float, typer.Option(help="Its points; a chapter has about a hundred.")] = 5,
    after: Annotated[
        str, typer.Option(help="The exercise that it follows, for example 04.max_pool2d; by default the last one.")
    ] = "",
) -> None:
    """Write the skeleton of an exercise into its three places: source, exercises and answers. It builds at once.

    Example: autograder new-exercise 04.unpool --title "Undo a pooling" --points 5 --after 04.max_pool2d
    """
    from autograder.authoring import skeleton
    from autograder.authoring.build import root

    with _sentences():
        written = skeleton.new_exercise(root(), id, title, points, after)
    for path in written:
        typer.echo(f"written: {path}")
    typer.echo(f"Next: autograder build {id[:2]}, then look for TODO in these files.")


@app.command("new-chapter")
def new_chapter(
    name: Annotated[str, typer.Argument(help="Number and name, for example 14_attention.")],
    title: Title = "",
) -> None:
    """Write the skeleton of a chapter: source, exercises, answers, figures, and its entry in the list of chapters.

    Example: autograder new-chapter 14_attention --title "Attention"
    """
    from autograder.authoring import skeleton
    from autograder.authoring.build import root

    with _sentences():
        written = skeleton.new_chapter(root(), name, title)
    for path in written:
        typer.echo(f"written: {path}")
    typer.echo(f"Next: autograder build {name[:2]}, then look for TODO in these files.")


def _to_file(path: Path | None) -> Path | None:
    """Refuse, before any work is done, what no file can be written to."""
    if path is None:
        return None
    place = path.expanduser().absolute()
    above = next(one for one in place.parents if one.exists())
    if place.is_dir():
        raise _fail(f"{path} is a folder. Name a file in it.")
    if place.is_relative_to("/dev") or place.is_relative_to("/proc") or (place.exists() and not place.is_file()):
        raise _fail(f"{path} is not an ordinary file. Name one, for example grades.csv.")
    if not above.is_dir():
        raise _fail(f"{path} cannot be written: {above} is a file, not a folder.")
    if not os.access(above, os.W_OK):
        raise _fail(f"{path} cannot be written: you may not write to {above}.")
    return path


_IN = typer.Option("--in", "-C", help="The classroom's folder; by default this one.", show_default=False)
Folder = Annotated[Path, _IN]

classroom_app = typer.Typer(help="Make a classroom: a plain nbgrader course directory.", no_args_is_help=True)
app.add_typer(classroom_app, name="classroom")


@classroom_app.command("init")
def classroom_init(
    folder: Annotated[Path, typer.Argument(help="Where; it must be new or empty.")],
    name: Annotated[str, typer.Option(help="The course's name in nbgrader.")] = "introdl",
) -> None:
    """Make a classroom: folders, nbgrader's configuration and a secret seed.

    Example: autograder classroom init ~/classes/autumn
    """
    from autograder.classroom import Classroom
    from autograder.errors import ClassroomError

    try:
        room = Classroom.init(folder, name)
    except ClassroomError as error:
        raise _fail(str(error)) from error
    typer.echo(f"The classroom is ready in {room.root}. Next: autograder assign 03 --in {quote(str(folder))}")


@contextlib.contextmanager
def _sentences() -> Iterator[None]:
    """Let what an instructor can get wrong end in a sentence."""
    from autograder.errors import AuthorError, ClassroomError

    try:
        yield
    except (ClassroomError, AuthorError) as error:
        raise _fail(str(error)) from error


@contextlib.contextmanager
def _gradebook(room) -> Iterator[None]:
    """The same for what can be wrong with a gradebook or a disk."""
    from autograder.grading.gradebook import sentences

    with _sentences(), sentences(room):
        yield


@app.command()
def assign(
    chapters: Annotated[list[str], typer.Argument(help="Chapters, for example 03, or assignments of your own.")],
    folder: Folder = Path(),
    due: Annotated[
        str | None,
        typer.Option("--due", help='When it is due, for example "2026-12-01 23:59 Europe/Vienna"; or "none".'),
    ] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Take the course's own source again; a copy of yours is kept.")
    ] = False,
) -> None:
    """Put chapters into the classroom and make the copies to hand out (release/).

    What you changed in source/ stays, and is handed out; what differs from the course is shown. Run it again after a
    change, or to set another due date.

    Example: autograder assign 02 03 --due "2026-12-01 23:59 Europe/Vienna" --in ~/classes/autumn
    """
    from autograder.classroom import Classroom
    from autograder.deadlines import parse_due
    from autograder.grading import lock

    with _sentences():
        room = Classroom.open(folder)
        if due and due.strip().lower() != "none":
            parse_due(due)  # before anything is handed out
        with _gradebook(room), lock.hold(room, "assign"):
            set_before = [one for one in chapters if due and room.is_handed_out(one)]
            for chapter in set_before:  # whatever becomes of the rest
                room.set_due(chapter, due or "")
            for chapter in chapters:
                _tell_handout(room.hand_out(chapter, renew), renew)
                if due and chapter not in set_before:
                    room.set_due(chapter, due)
            extended = {chapter: room.extended(room.assignment(chapter)) for chapter in chapters if due}
        if due and due.strip().lower() == "none":
            typer.echo("No due date.")
        elif due:
            percent = room.late.get("percent_per_day")
            cost = f"each started day costs {percent:g} %" if percent else "no penalty; see [late] in classroom.toml"
            typer.echo(f"Due {due}. Late: {cost}.")
            for students in filter(None, extended.values()):
                typer.echo(f"Extensions stand, and count from the new due date: {', '.join(students)}.")
    typer.echo(f"Put submissions into {room.root}/submitted/STUDENT/, each in a folder named as the assignment.")


def _tell_handout(found, renew: bool) -> None:
    if found.kept:
        typer.echo(f"Your source was replaced by the course's own; a copy of yours is {found.kept}")
    elif found.differs:
        typer.echo("\n".join(found.diff))
        typer.secho(
            f"Your source/{found.path.parent.name} differs from the course's: {found.differs}. It was left as it is, and "
            "handed out. --renew takes the course's own and keeps a copy of yours.",
            fg=typer.colors.YELLOW,
        )
    elif renew:
        typer.echo(f"source/{found.path.parent.name} is the course's own already.")
    for remark in found.remarks:
        typer.secho(remark, fg=typer.colors.YELLOW, err=True)
    typer.echo(f"Hand out {found.path}, or with how to begin, as a zip: {found.archive}")


@app.command()
def extend(
    assignment: Annotated[str, typer.Argument(help="The assignment, for example 03.")],
    students: Annotated[list[str], typer.Argument(help="Who gets more time.")],
    folder: Folder = Path(),
    days: Annotated[float, typer.Option("--days", help="Days on top of the due date.")] = 0.0,
    hours: Annotated[float, typer.Option("--hours", help="Hours on top of the due date.")] = 0.0,
) -> None:
    """Give students more time; it counts from the next 'autograder grade' on. Without a time, take it back.

    Example: autograder extend 03 ada grace --days 2
    """
    from autograder.classroom import Classroom
    from autograder.plain_text import printable

    if not (days >= 0 and hours >= 0):
        raise _fail("An extension cannot be negative.")
    if 24 * days + hours > 24 * 3650:
        raise _fail("An extension can be ten years at most.")
    with _sentences():
        room = Classroom.open(folder)
        with _gradebook(room):
            room.extend(room.assignment(assignment), students, 60.0 * (24.0 * days + hours))
    typer.echo(printable(f"Noted for {', '.join(students)}. Next: autograder grade {quote(assignment)}"))


@app.command()
def roster(
    files: Annotated[list[Path], typer.Argument(help="Canvas's gradebook export, or Moodle's participants or grades.")],
    folder: Folder = Path(),
) -> None:
    """Read who is in the class, from Canvas or Moodle; 'collect' and 'export' know students by it.

    Canvas: Grades > Export. Moodle: Participants > Download table data, or Grades > Export; and, where two students have one
    name, an assignment's grading worksheet. Students are added and brought up to date, never removed.

    Example: autograder roster grades.csv --in ~/classes/autumn
    """
    from autograder.classroom import Classroom
    from autograder.grading import lock
    from autograder.plain_text import printable
    from autograder.platforms import rosters
    from introdl.wording import counted

    with _sentences():
        room = Classroom.open(folder)
        with _gradebook(room), lock.hold(room, "roster"):
            for file in files:
                told = rosters.read(room, file)
                known = f"{told.platform.title()}: {counted(told.count, 'student')}, {len(told.new)} of them new."
                typer.echo(printable(" ".join([known, *told.remarks])))


@app.command()
def collect(
    archive: Annotated[
        Path, typer.Argument(metavar="ZIP", help="What Canvas or Moodle lets you download of an assignment.")
    ],
    assignment: Annotated[str, typer.Argument(help="The assignment, for example 03; by default the notebooks'.")] = "",
    folder: Folder = Path(),
    times: Annotated[
        str,
        typer.Option(
            "--times", help="When each was handed in: Moodle's grading worksheet, or a Canvas assignment's address."
        ),
    ] = "",
    zone: Annotated[
        str, typer.Option("--zone", help="The time zone of the worksheet's dates, for example Europe/Vienna.")
    ] = "",
) -> None:
    """Put a class's submissions, as Canvas or Moodle lets you download them, into submitted/STUDENT/ASSIGNMENT/.

    Whose they are is known from the roster (autograder roster FILE). A newer submission takes the place of an older one, which
    is kept in replaced/. Neither platform's zip says when something was handed in; --times does. Exit status: 0; 1 where
    something was not placed, and the table says why.

    Example: autograder collect submissions.zip 03 --in ~/classes/autumn
    """
    from autograder.classroom import Classroom
    from autograder.grading import lock
    from autograder.platforms import collecting
    from autograder.platforms import times as clocks

    with _sentences():
        room = Classroom.open(folder)
        with _gradebook(room), lock.hold(room, "collect"):
            name = room.assignment(assignment) if assignment else ""
            known = clocks.read(room, times, zone) if times else {}
            name, placed = collecting.collect(room, archive, name, known)
    collecting.table(room, name, placed)
    if any(one.state == collecting.NOT_PLACED for one in placed):
        raise typer.Exit(1)


Only = Annotated[list[str] | None, typer.Option("--only", help="For this student alone; may be repeated.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Submissions at once; by default one for each processor.")
]
Unsafe = Annotated[bool, typer.Option("--unsafe", help="Run submissions with your own rights, without the sandbox.")]
Dask = Annotated[
    str | None, typer.Option("--dask", help="A Dask scheduler, tcp://HOST:PORT; its workers get the secret seed.")
]


@app.command()
def grade(
    assignment: Annotated[str, typer.Argument(help="The assignment, for example 03 or 03_convolution.")],
    folder: Folder = Path(),
    only: Only = None,
    force: Annotated[bool, typer.Option("--force", help="Run again what was graded and has not changed.")] = False,
    jobs: Jobs = None,
    dask: Dask = None,
    summary: Annotated[
        Path | None,
        typer.Option("--summary", help="Also write the results to this file, .json or .csv.", callback=_to_file),
    ] = None,
    unsafe: Unsafe = False,
) -> None:
    """Grade the submissions of an assignment on hidden inputs, each in a sandbox (bubblewrap, Linux).

    Only what has changed since is graded. It may be stopped (Ctrl-C) or killed at any moment: run it again, and it
    goes on. Exit status: 0; 1 where something needs a look: a submission or its date could not be read, or it could not
    be graded; 130 where it was stopped.

    Example: autograder grade 03 --in ~/classes/autumn --jobs 4 --only ada --only grace
    """
    if unsafe:
        os.environ["AUTOGRADER_UNSAFE"] = "1"
    from autograder.classroom import Classroom
    from autograder.grading import Stopped, summarize, table
    from autograder.grading import grade as run

    with _sentences():
        room = Classroom.open(folder)
        try:
            with _gradebook(room):
                results = run(room, room.assignment(assignment), only or [], force, jobs, dask)
                if summary:
                    summarize(results, summary)
        except Stopped as stopped:
            typer.secho(str(stopped), fg=typer.colors.YELLOW, err=True)
            raise typer.Exit(130) from stopped
    table(results)
    if any(result.needs_look for result in results):
        raise typer.Exit(1)


@app.command()
def regrade(
    assignment: Annotated[str, typer.Argument(help="The assignment, for example 03.")],
    exercise: Annotated[
        list[str], typer.Option("--exercise", "-e", help="The exercise, for example 03.conv2d; may be repeated.")
    ],
    folder: Folder = Path(),
    only: Only = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    jobs: Jobs = None,
    dask: Dask = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Also write the changes to this CSV file.", callback=_to_file)
    ] = None,
    unsafe: Unsafe = False,
) -> None:
    """Grade one exercise again, after it was mended: no other score moves.

    Scores that a person gave stand.

    Example: autograder regrade 03 --exercise 03.conv2d --dry-run
    """
    if unsafe:
        os.environ["AUTOGRADER_UNSAFE"] = "1"
    from autograder.classroom import Classroom
    from autograder.grading import Stopped
    from autograder.grading import regrade as again

    with _sentences():
        room = Classroom.open(folder)
        try:
            with _gradebook(room):
                name = room.assignment(assignment)
                changes = again.regrade(room, name, exercise, only or [], dry_run, jobs, dask)
                if to:
                    again.write(changes, to)
        except Stopped as stopped:
            typer.secho(str(stopped), fg=typer.colors.YELLOW, err=True)
            raise typer.Exit(130) from stopped
    again.table(changes, dry_run)


@app.command()
def feedback(
    assignment: Annotated[str, typer.Argument(help="The assignment, for example 03.")],
    folder: Folder = Path(),
    only: Only = None,
    jobs: Jobs = None,
) -> None:
    """Write feedback pages (feedback/STUDENT/ASSIGNMENT/*.html), with each check's report.

    A page is one file that shows all it has, formulas too, without a network. Exit status: 0; 1 where a page could not be
    written (the others are); 130 where it was stopped.

    Example: autograder feedback 03 --in ~/classes/autumn
    """
    from autograder.classroom import Classroom
    from autograder.grading import Stopped
    from autograder.grading import feedback as run
    from introdl.wording import counted

    with _sentences():
        room = Classroom.open(folder)
        try:
            with _gradebook(room):
                pages = run(room, room.assignment(assignment), only=only or [], count=jobs)
        except Stopped as stopped:
            typer.secho(str(stopped), fg=typer.colors.YELLOW, err=True)
            raise typer.Exit(130) from stopped
    typer.echo(f"{counted(len(pages), 'feedback page')} in {room.root / 'feedback'}")


@app.command()
def export(
    folder: Folder = Path(),
    to: Annotated[Path, typer.Option("--to", help="The CSV file to write.", callback=_to_file)] = Path("grades.csv"),
    form: Annotated[
        str, typer.Option("--format", help="csv: a row for each exercise. canvas, moodle: a row for each student.")
    ] = "csv",
    assignment: Annotated[
        list[str] | None, typer.Option("--assignment", help="This assignment alone; may be repeated.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file where it is there already.")] = False,
    with_feedback: Annotated[
        bool,
        typer.Option(
            "--with-feedback", help="Give the feedback back, too: as a zip beside the file that the platform takes."
        ),
    ] = False,
    to_canvas: Annotated[
        str,
        typer.Option(
            "--to-canvas", help="Send the scores to this address of an assignment in Canvas instead of to a file."
        ),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --to-canvas: show what would be sent.")] = False,
) -> None:
    """Write scores to a CSV file: for a spreadsheet, or to import into Canvas or Moodle.

    A file that is there already stays as it is, and the scores are written beside it (grades-2.csv).

    With --to-canvas, scores go to Canvas by its API; the token is taken from the environment variable CANVAS_TOKEN. What Canvas
    has already is not sent again, so a run that broke off goes on. Exit status: 1 where something could not be sent.

    Example: autograder export --in ~/classes/autumn --format canvas --assignment 03 --with-feedback --to canvas.csv
    """
    from autograder.classroom import Classroom
    from autograder.export import beside
    from autograder.export import export as run
    from autograder.grading import feedback as pages
    from autograder.plain_text import printable
    from autograder.platforms import returning

    if (with_feedback or to_canvas) and len(assignment or []) != 1:
        raise _fail("Name the one assignment whose feedback or grades go back: --assignment 03")
    place = to if force else beside(to)
    with _sentences():
        room = Classroom.open(folder)
        with _gradebook(room):
            names = [room.assignment(one) for one in assignment or []]
            if with_feedback:
                pages(room, names[0], only=[])
            if to_canvas:
                _to_canvas(room, names[0], to_canvas, with_feedback, dry_run)
                return
            written = run(room, place, form, names)
            if with_feedback:
                archive = place.with_name(f"{place.stem}-feedback.zip")
                archive = archive if force else beside(archive)
                count, remarks = returning.pack(room, names[0], archive)
                written.remarks += remarks
    if place != to:
        typer.echo(f"{to} is there already and was not changed (--force overwrites it).")
    typer.echo(f"{written.rows} rows in {place}")
    if with_feedback:
        typer.echo(f"Feedback for {count} in {archive}")
    for remark in written.remarks:
        typer.secho(printable(remark), fg=typer.colors.YELLOW, err=True)


def _to_canvas(room, name: str, address: str, with_feedback: bool, dry_run: bool) -> None:
    """Send an assignment's scores to Canvas, and print what was sent."""
    from rich.console import Console
    from rich.table import Table

    from autograder.export import totals
    from autograder.plain_text import table_cell
    from autograder.platforms import canvas_api, returning, rosters
    from introdl.data import progress

    roster = rosters.load(room)
    if roster is None or roster.platform != rosters.CANVAS:
        raise _fail("This classroom has no roster of Canvas's. First: autograder roster GRADES.csv")
    grades, pages = totals(room, name), returning.pages(room, name) if with_feedback else {}
    target = canvas_api.Assignment(address)
    with progress.bar(f"sending to {target.name}", len(grades), "students") as tick:
        results = target.send(roster, grades, pages, dry_run, tick)
    shown = Table("student", "in Canvas", "score", "state", "note")
    for one in results:
        if one.state != canvas_api.SAME or one.note:
            before = "-" if one.before is None else f"{one.before:g}"
            state = "would be sent" if dry_run and one.state == canvas_api.SENT else one.state
            shown.add_row(table_cell(one.student), before, f"{one.now:g}", state, table_cell(one.note.strip()))
    console = Console()
    if shown.row_count:
        console.print(shown)
    counts = {
        state: sum(one.state == state for one in results)
        for state in (canvas_api.SENT, canvas_api.SAME, canvas_api.FAILED)
    }
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    console.print(f"{target.name}: {told}{' (nothing was really sent)' if dry_run else ''}.", markup=False)
    if counts[canvas_api.FAILED]:
        raise typer.Exit(1)


@app.command()
def audit(
    assignment: Annotated[str, typer.Argument(help="The assignment, for example 03.")],
    folder: Folder = Path(),
) -> None:
    """List what is worth a look in graded submissions. Nothing of it has changed a grade.

    Exit status: 0 where there is nothing, 1 where there is something.

    Example: autograder audit 03 --in ~/classes/autumn
    """
    from autograder.classroom import Classroom
    from autograder.errors import ClassroomError
    from autograder.examining import audit as audits

    try:
        room = Classroom.open(folder)
        name = room.assignment(assignment)
    except ClassroomError as error:
        raise _fail(str(error)) from error
    records = audits.read(room.root, name)
    worth = {student: findings for student, findings in records.items() if findings}
    if worth:
        audits.table(worth)
    typer.echo(f"{len(worth)} of {len(records)} graded submissions of {name} have something worth a look.")
    if worth:
        raise typer.Exit(1)
