"""The learner's command line: ``introdl``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from introdl import data_cli

app = typer.Typer(
    help="Introduction to Deep Learning, on a plate: the learner's commands.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(data_cli.app, name="data")


def _fail(sentence: str) -> typer.Exit:
    typer.secho(sentence, fg=typer.colors.RED, err=True)
    return typer.Exit(1)


@app.command()
def lab(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Where; by default the course of a checkout, and this folder in an installed copy."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8888,
) -> None:
    """Open JupyterLab on the start page, or on a folder of yours.

    Example: introdl lab
    """
    import os
    import sys

    from introdl import paths
    from introdl.data.photographs import MOST_BYTES

    if folder is not None and not folder.is_dir():
        raise _fail(f"There is no folder {folder}. Make it first, or name another.")
    # What lies in an installed copy goes with its next version: nobody should work there.
    place = (folder or (paths.course() if paths.is_checkout() else Path())).resolve()
    begins = (place / "start.ipynb").is_file()
    if place == paths.course() and not begins:
        raise _fail(f"The start page is missing in {place}. From a checkout: run 'make build'.")
    words = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={place}", f"--port={port}"]
    words += [f"--LabApp.default_url=/lab{'/tree/start.ipynb' if begins else ''}"]
    if not browser:
        words.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words.append("--allow-root")
    # A photo goes to the kernel in one message, and a server closes the connection where one has more than 10 MiB.
    words.append(f"--ServerApp.tornado_settings={{'websocket_max_message_size': {MOST_BYTES + 2**20}}}")
    os.environ["INTRODL_MOST_UPLOAD"] = str(MOST_BYTES)
    # Our settings come on top of the person's own: an instructor's panels and news are no business of a learner's.
    settings = str(Path(__file__).parent / "jupyter")
    before = os.environ.get("JUPYTER_CONFIG_PATH")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([settings, before] if before else [settings])
    os.execv(sys.executable, words)


_FOLDER = Path("deep-learning")  # where `start` begins, if no other folder is named


@app.command()
def start(
    folder: Annotated[Path, typer.Argument(help="Your own folder; it is made where it is missing.")] = _FOLDER,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open JupyterLab there.")] = True,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8888,
) -> None:
    """Copy the notebooks into a folder of your own, and open JupyterLab there. What you wrote there stays.

    Example: introdl start deep-learning
    """
    from introdl import workspace

    changes = _in_folder(workspace.start, folder)
    new = sum(change.state == "new" for change in changes)
    typer.echo(
        f"{folder}: {new} notebooks copied" + (f", {len(changes) - new} were there." if new < len(changes) else ".")
    )
    if any(change.state == "older" for change in changes):
        typer.echo(f"The course has newer notebooks. To bring yours up to date, answers kept: introdl update {folder}")
    if open_:
        lab(folder, browser, port)


@app.command()
def update(folder: Annotated[Path, typer.Argument(help="Your own folder.")] = _FOLDER) -> None:
    """Bring your notebooks up to date with the installed course. Your answers and notes are kept.

    Example: introdl update deep-learning
    """
    from introdl import workspace

    changes = [change for change in _in_folder(workspace.update, folder) if change.state != "unchanged"]
    for change in changes:
        typer.echo(f"{change.state:8} {change.name}" + (f"\n         {change.note}." if change.note else ""))
    typer.echo(
        "Your notebooks are up to date." if not changes else f"What was there before is in {folder / '.introdl'}."
    )


@app.command()
def reset(
    exercise: Annotated[str, typer.Argument(help="The exercise, such as 03.conv2d.")],
    folder: Annotated[Path, typer.Argument(help="Your own folder.")] = _FOLDER,
) -> None:
    """Begin an exercise again: its cell becomes what it was. Close the notebook in JupyterLab first.

    Example: introdl reset 03.conv2d
    """
    from introdl import workspace

    before = _in_folder(workspace.reset, folder, exercise)
    typer.echo(f"{exercise} is as it was handed out. The notebook with your answer is kept: {before}")


def _in_folder(work: Callable[..., Any], folder: Path, *asked: str) -> Any:
    """Do something in a learner's folder; what goes wrong is a sentence."""
    try:
        return work(folder, *asked)
    except (ValueError, OSError) as error:
        raise _fail(str(error)) from error


@app.command()
def progress() -> None:
    """Show how far you are, chapter by chapter.

    Example: introdl progress
    """
    from introdl.checking import records, report

    typer.echo(report.progress_text(records.overview()))


@app.command()
def doctor() -> None:
    """Check whether this machine has what the course needs, and say what to do where it has not.

    Example: introdl doctor
    """
    from introdl.doctor import LOOK, NOTE, OK, examine

    findings = examine()
    colors = {OK: typer.colors.GREEN, NOTE: typer.colors.YELLOW, LOOK: typer.colors.RED}
    for finding in findings:
        mark = typer.style(f"{finding.state:4}", fg=colors[finding.state])
        typer.echo(f"{mark}  {finding.what}: {finding.sentence}")
    if any(finding.state == LOOK for finding in findings):
        raise typer.Exit(1)


@app.command()
def execute(
    paths: Annotated[list[Path] | None, typer.Argument(help="Notebooks or folders; by default the course's.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Where executed copies go.")] = Path("build/executed"),
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="How many at once; by default one a core.")] = None,
    parameter: Annotated[list[str] | None, typer.Option("--parameter", "-p", help="NAME=VALUE for papermill.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds that a cell may take.")] = 600.0,
    expect: Annotated[
        str, typer.Option(help="Fail unless every exercise is: 'passed', 'not started', or 'any'.")
    ] = "any",
) -> None:
    """Execute notebooks from top to bottom, keep the executed copies, and sum up what the checks said.

    Example: introdl execute course --out build/executed
    """
    from introdl import execute as runner

    if expect not in ("any", "passed", "not started"):
        raise _fail(f"--expect is {expect!r}; it should be 'any', 'passed' or 'not started'.")
    chosen = paths or runner.default_paths()
    try:
        found = runner.find(chosen)
        values = _parameters(parameter or [])
        runner.refuse(found, out, values)
    except (FileNotFoundError, ValueError) as error:
        raise _fail(str(error)) from error
    if not _run(runner, chosen, len(found), out, jobs, values, timeout, expect):
        raise typer.Exit(1)


def _parameters(words: list[str]) -> dict:
    """Read NAME=VALUE; values are Python literals where they can be read as such, else texts."""
    import ast

    values = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.isidentifier():
            raise ValueError(f"--parameter {word!r} is not of the form NAME=VALUE.")
        try:
            values[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            values[name] = value
    return values


def _run(runner, chosen, count: int, out: Path, jobs, values: dict, timeout: float, expect: str) -> bool:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from introdl.data import progress

    console = Console()
    runs = []
    with progress.bar("Executing", count, "notebooks") as tick:
        for run in runner.execute(chosen, out, jobs, values, timeout):
            runs.append(run)
            tick(len(runs), f"{run.name} done")
    table = Table("notebook", "seconds", "exercises", "points", "verdict")
    fine = True
    for run in sorted(runs, key=lambda r: r.name):
        off = [v for v in run.verdicts if expect != "any" and v["status"] != expect]
        good = not run.error and not off
        fine &= good
        told = ", ".join(f"{n} {status}" for status, n in sorted(run.statuses.items())) or "-"
        wrong = run.error or "; ".join(f"{v['exercise']} is {v['status']}" for v in off)
        color = "green" if good else "red"
        points = f"{run.earned:g} of {run.points:g}" if run.verdicts else "-"
        wrong = escape(wrong or "ran to the end")
        table.add_row(escape(run.name), f"{run.seconds:.1f}", told, points, f"[{color}]{wrong}[/]")
    console.print(table)
    console.print(f"Executed copies: {out}", markup=False)
    return fine
