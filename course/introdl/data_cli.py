"""``introdl data``: see what data there is, get it ahead of a class, verify it, remove it."""

from __future__ import annotations

import contextlib
import inspect
import shutil
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from introdl import data, paths
from introdl.data import sources
from introdl.data.errors import DataError, in_units
from introdl.data.sources import Source

app = typer.Typer(help="The course's data: list, get, where, verify, remove.", no_args_is_help=True)

_Names = Annotated[list[str] | None, typer.Argument(help="Datasets; by default all that are on this machine.")]


def _fail(sentence: object) -> typer.Exit:
    typer.secho(str(sentence), fg=typer.colors.RED, err=True)
    return typer.Exit(1)


def _sources(names: list[str] | None) -> list[Source]:
    try:
        return [sources.find(name) for name in dict.fromkeys(names)] if names else list(sources.every().values())
    except (LookupError, ValueError, FileNotFoundError) as error:
        raise _fail(error.args[0] if error.args else error) from error


@app.command("list")
def list_() -> None:
    """List the datasets: what each is, its license, its size, and what of it is on this machine.

    Example: introdl data list
    """
    width = shutil.get_terminal_size().columns
    for source in _sources(None):
        facts = f"{_terms(source)}; here: {_state(source)}"
        for text, indent in ((f"{source.name}: {source.title}", ""), (facts, "    ")):
            typer.echo(textwrap.fill(text, width, initial_indent=indent, subsequent_indent="    "))


def _terms(source: Source) -> str:
    """Return a dataset's license, and how much there is to download."""
    size = f"{in_units(source.size)} to download" if source.size else "to download, its size is not published"
    return f"{source.license}; {'comes with the course' if source.embedded else size}"


def _state(source: Source) -> str:
    """Return what of a dataset is on this machine."""
    from introdl.data import cache, download

    where, words = download.folder(source), []
    if source.name == "plates":
        words.append("yes" if (paths.data() / "plates" / "plates.zip").is_file() else "missing")
    if source.files and all(download.is_here(file, where) for file in source.files):
        words.append("downloaded")
    elif source.files:
        came = _size(where / f"{file.name}{ending}" for file in source.files for ending in ("", ".part"))
        words.append(f"{in_units(came)} came so far" if came else "no")
    if kept := _size(path for entry in cache.entries(source.name) for path in entry.iterdir()):
        words.append(f"unpacked, {in_units(kept)}")
    return ", ".join(words) or "yes"


def _size(paths: Iterable[Path]) -> int:
    """Return the bytes of those files that are there."""
    total = 0
    for path in paths:
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


@app.command()
def get(
    names: Annotated[list[str], typer.Argument(help="Datasets, as 'introdl data list' names them.")],
    unpack: Annotated[bool, typer.Option(help="Unpack it too, so that the first call in a notebook is quick.")] = True,
    size: Annotated[int | None, typer.Option(help="Unpack at this height and width in pixels.")] = None,
    classes: Annotated[str | None, typer.Option(help="Unpack only these classes, with commas between.")] = None,
) -> None:
    """Download datasets, and unpack them.

    Example: introdl data get grocery --size 64
    """
    from introdl.data import download

    options = {"size": size, "classes": classes.split(",") if classes else None}
    options = {name: value for name, value in options.items() if value is not None}
    for source in _sources(names):
        loader = getattr(data, source.name, None)  # weights have none: they are used as they came
        _look_at_options(source.name, loader, options)
        typer.echo(f"{source.name}: {_terms(source)}")
        try:
            for file in source.files:
                path = download.fetch(file, download.folder(source))
                noted = download.receipt(file, path.parent) or {}
                typer.echo(f"{path}: sha256 {noted['sha256'][:16]}…, {_compared(noted)}")
            if unpack and loader:
                typer.echo(repr(loader(**options)))
        except (DataError, ValueError, OSError) as error:
            raise _fail(error) from error


def _look_at_options(source: str, loader, options: dict) -> None:
    """Refuse an option that a loader does not take, before anything is downloaded for it."""
    for name in options:
        if loader is None or name not in inspect.signature(loader).parameters:
            raise _fail(f"{source} has no such option: --{name} cannot be given for it.")


def _compared(noted: dict) -> str:
    if noted["checksum"] == "published":
        return "as published"
    return f"pinned at the first download ({noted['day']}); none is published"


@app.command()
def where(name: Annotated[str | None, typer.Argument(help="A dataset; by default the folder of all.")] = None) -> None:
    """Print the folders that hold the data on this machine.

    Example: introdl data where grocery
    """
    from introdl.data import cache, download

    if name is None:
        typer.echo(paths.cache())
        return
    (source,) = _sources([name])
    if source.embedded and source.name == "plates":
        typer.echo(paths.data() / "plates")
    if not source.embedded:
        typer.echo(download.folder(source))
    for entry in cache.entries(source.name):
        typer.echo(entry)


@app.command()
def verify(names: _Names = None) -> None:
    """Read everything again and compare it with its checksums.

    Example: introdl data verify grocery
    """
    from introdl.data import download

    seen = wrong = 0
    for source in _sources(names):
        for file in source.files:
            if names and not (download.folder(source) / file.name).exists():
                typer.echo(f"{source.name}: {file.name} is not on this machine")
        for path, trouble, fine in _looked_over(source):
            seen, wrong = seen + 1, wrong + bool(trouble)
            mark = typer.style("WRONG", fg=typer.colors.RED) if trouble else typer.style("ok   ", fg=typer.colors.GREEN)
            typer.echo(f"{mark}  {path}: {trouble or fine}")
    if not seen:
        typer.echo("Nothing to verify: none of it is on this machine.")
    if wrong:
        raise typer.Exit(1)


def _looked_over(source: Source) -> Iterator[tuple[Path, str, str]]:
    """Go through what is here of a dataset: give where it is, what is wrong with it or "", and what to say if nothing is."""
    from introdl.data import cache, download, embedded

    where, remedy = download.folder(source), f"Run 'introdl data remove {source.name}' and get it again."
    for file in source.files:
        path, noted = where / file.name, download.receipt(file, where)
        if path.exists():
            good = noted is not None and download.sha256_of(path) == download.expected(file, where)
            yield path, "" if good else remedy, _compared(noted) if noted and good else ""
    for entry in cache.entries(source.name):
        trouble = cache.verify(entry)
        yield entry, trouble and f"{trouble}. {remedy}", "as it was unpacked"
    if source.name == "plates":
        trouble = ""
        try:
            embedded.verified_plates()
        except (DataError, OSError) as error:
            trouble = str(error)
        yield paths.data() / "plates", trouble, "as published"


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(help="Datasets, as 'introdl data list' names them.")],
    downloads_only: Annotated[bool, typer.Option(help="Keep what is unpacked, and the checksums.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove what was downloaded and unpacked; it can be got again. What comes with the course stays.

    Example: introdl data remove food101 --downloads-only
    """
    chosen = [(source, _removable(source, downloads_only)) for source in _sources(names)]
    every = [path for _, paths in chosen for path in paths]
    if not every:
        typer.echo(f"Nothing to remove: of {', '.join(names)} nothing is in the cache.")
        return
    if not yes:
        typer.confirm(f"Remove {', '.join(names)} ({in_units(_size(every))}) from the cache?", abort=True)
    for source, found in chosen:
        _remove(source, found, downloads_only)
        typer.echo(f"{source.name}: removed.")


def _removable(source: Source, downloads_only: bool) -> list[Path]:
    from introdl.data import cache, download

    where, paths = download.folder(source), []
    for file in source.files:
        endings = ("", ".part", ".part.json") if downloads_only else ("", ".part", ".part.json", ".json")
        paths += [where / f"{file.name}{ending}" for ending in endings]
    if not downloads_only:
        paths += [path for entry in cache.entries(source.name) for path in entry.iterdir()]
    return [path for path in paths if path.exists()]


def _remove(source: Source, paths: list[Path], downloads_only: bool) -> None:
    from introdl.data import cache, download, locks

    where = download.folder(source)

    def busy() -> None:
        typer.echo(f"Another process is downloading {source.name}; waiting for it.")

    try:
        for file in source.files:
            if where.is_dir():
                with locks.alone(download.lock_of(where, file), busy):
                    for path in paths:
                        if path.parent == where and path.name.startswith(file.name):
                            path.unlink(missing_ok=True)
        if not downloads_only:
            for entry in cache.entries(source.name):
                cache.remove(entry)
            cache.clean(source.name)
    except OSError as error:
        raise _fail(f"{error.filename or where} cannot be removed ({error.strerror or error}).") from error
