"""The instructor's command line: ``autograder``."""

from __future__ import annotations

import os
from pathlib import Path
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
    typer.secho(sentence, fg=typer.colors.RED, err=True)
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
    from autograder.build import build as run
    from autograder.exercise import AuthorError

    try:
        built = run(names, look=check, force=force, tell=lambda name: typer.echo(f"{name} ..."))
    except AuthorError as error:
        raise _fail(str(error)) from error
    for item in built:
        if item.state != "unchanged":
            typer.echo(f"{item.state}: {item.path}")
    stale = [item for item in built if item.state == "stale"]
    if stale:
        raise _fail(
            f"{len(stale)} of {len(built)} files under course/ are stale. Run 'make build' and commit the result."
        )
    typer.echo(f"{len(built)} files are up to date.")


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
    from autograder.classroom import Classroom, ClassroomError

    try:
        room = Classroom.init(folder, name)
    except ClassroomError as error:
        raise _fail(str(error)) from error
    typer.echo(f"The classroom is ready in {room.root}. Next: autograder assign 03 --in {folder}")


@app.command()
def assign(
    chapters: Annotated[list[str], typer.Argument(help="Chapters to hand out, for example 03.")],
    folder: Folder = Path(),
) -> None:
    """Put chapters into the classroom and make the copies to hand out (release/).

    Example: autograder assign 02 03 --in ~/classes/autumn
    """
    from autograder.classroom import Classroom, ClassroomError
    from autograder.exercise import AuthorError

    try:
        room = Classroom.open(folder)
        for chapter in chapters:
            path = room.assign(chapter)
            typer.echo(f"Hand out {path}")
    except (ClassroomError, AuthorError) as error:
        raise _fail(str(error)) from error
    typer.echo(f"Submissions belong into {room.root}/submitted/STUDENT/{path.parent.name}/{path.name}")


@app.command()
def grade(
    assignment: Annotated[str, typer.Argument(help="The assignment, for example 03 or 03_convolution.")],
    folder: Folder = Path(),
    only: Annotated[list[str] | None, typer.Option("--only", help="Grade these students alone.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Grade again what was graded and has not changed.")] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Run submissions with your own rights, without the sandbox.")
    ] = False,
) -> None:
    """Grade the submissions of an assignment on hidden inputs, each in a sandbox (bubblewrap, Linux).

    Example: autograder grade 03 --in ~/classes/autumn
    """
    if unsafe:
        os.environ["AUTOGRADER_UNSAFE"] = "1"
    from autograder.classroom import Classroom, ClassroomError
    from autograder.grading import grade as run
    from autograder.grading import table

    try:
        room = Classroom.open(folder)
        results = run(room, room.assignment(assignment), only=only or [], force=force)
    except ClassroomError as error:
        raise _fail(str(error)) from error
    table(results)


@app.command()
def feedback(
    assignment: Annotated[str, typer.Argument(help="The assignment, for example 03.")],
    folder: Folder = Path(),
    only: Annotated[list[str] | None, typer.Option("--only", help="For these students alone.")] = None,
) -> None:
    """Write feedback pages (feedback/STUDENT/ASSIGNMENT/*.html), with each check's report.

    Example: autograder feedback 03 --in ~/classes/autumn
    """
    from autograder.classroom import Classroom, ClassroomError
    from autograder.grading import feedback as run

    try:
        room = Classroom.open(folder)
        pages = run(room, room.assignment(assignment), only=only or [])
    except ClassroomError as error:
        raise _fail(str(error)) from error
    typer.echo(f"{len(pages)} feedback pages in {room.root / 'feedback'}")


@app.command()
def export(
    folder: Folder = Path(),
    to: Annotated[Path, typer.Option("--to", help="The CSV file to write.")] = Path("grades.csv"),
) -> None:
    """Write every score to a CSV file: one row for each student, assignment and exercise.

    Example: autograder export --in ~/classes/autumn --to grades.csv
    """
    from autograder.classroom import Classroom, ClassroomError
    from autograder.export import export as run

    try:
        rows = run(Classroom.open(folder), to)
    except ClassroomError as error:
        raise _fail(str(error)) from error
    typer.echo(f"{rows} rows in {to}")


@app.command()
def audit(
    assignment: Annotated[str, typer.Argument(help="The assignment, for example 03.")],
    folder: Folder = Path(),
) -> None:
    """List what is worth a look in graded submissions. Nothing of it has changed a grade.

    Example: autograder audit 03 --in ~/classes/autumn
    """
    from autograder import audit as audits
    from autograder.classroom import Classroom, ClassroomError

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
