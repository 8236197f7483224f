"""Execute notebooks with papermill, several at once, and sum up what their checks said."""

from __future__ import annotations

import ast
import difflib
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from introdl import paths

_MIME = "application/vnd.introdl.verdict+json"
#: Marks a line of a source's solution that stands in the learner's copy in place of the solution.
STUB = "### STUB"


@dataclass
class Execution:
    """An executed notebook.

    Attributes
    ----------
    name : str
        The notebook's file name without ending.
    seconds : float
        Wall time.
    error : str
        "" or a sentence: which cell stopped it and with what.
    verdicts : list of dict
        What each check said (see `introdl.checking.report.as_data`).
    output : pathlib.Path
        The executed copy.
    """

    name: str
    seconds: float
    error: str
    output: Path
    verdicts: list[dict] = field(default_factory=list)

    @property
    def earned(self) -> float:
        return sum(v["earned"] for v in self.verdicts)

    @property
    def points(self) -> float:
        return sum(v["points"] for v in self.verdicts)

    @property
    def statuses(self) -> Counter:
        return Counter(v["status"] for v in self.verdicts)


def find(paths: Iterable[Path | str]) -> list[Path]:
    """Return the notebooks to execute: files as they are, folders searched for ``NN_*.ipynb`` and ``NN_*.py``.

    Raises
    ------
    FileNotFoundError
        If a path does not exist, or holds no notebook.
    ValueError
        If two notebooks have one name.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_file() and path.suffix not in (".ipynb", ".py"):
            raise FileNotFoundError(f"{path} is not a notebook: those end in .ipynb, and their sources in .py.")
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            inside = sorted(path.glob("[0-9][0-9]_*/[0-9][0-9]_*.ipynb")) + sorted(path.glob("[0-9][0-9]_*.ipynb"))
            inside += sorted(path.glob("[0-9][0-9]_*.py")) + sorted(path.glob("start.*"))
            if not inside:
                raise FileNotFoundError(f"There is no notebook in {path}.")
            found += inside
        else:
            raise FileNotFoundError(f"{path} does not exist.")
    twice = [path.stem for path in found if sum(path.stem == other.stem for other in found) > 1]
    if twice:
        raise ValueError(f"Two notebooks are called {twice[0]}; their executed copies would overwrite each other.")
    return found


def refuse(found: Iterable[Path], folder: Path, parameters: Iterable[str] = ()) -> None:
    """Refuse what would overwrite a notebook, and parameters that no notebook has.

    Parameters
    ----------
    found : iterable of pathlib.Path
        The notebooks to execute.
    folder : pathlib.Path
        Where executed copies go.
    parameters : iterable of str
        Their names.

    Raises
    ------
    ValueError
        With what to do.
    """
    found, known = list(found), set[str]()
    for path in found:
        if (folder / f"{path.stem}.ipynb").resolve() == path.resolve():
            raise ValueError(
                f"--out {folder} is the folder of {path.name}, and the executed copy would overwrite it. Name another folder."
            )
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out {folder} is a file. Name a folder.")
    for name in parameters:
        known = known or {one for path in found for one in parameters_of(path)}
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"They have: {', '.join(sorted(known)) or 'none'}."
            raise ValueError(f"None of these notebooks has a parameter {name!r}. {hint}")


def parameters_of(path: Path) -> list[str]:
    """Return the names that a notebook's cell tagged ``parameters`` sets; none where it cannot be read."""
    names = []
    try:
        cells = [cell for cell in read(path).cells if "parameters" in cell.metadata.get("tags", [])]
        body = [statement for cell in cells for statement in ast.parse(cell.source).body]
    except Exception:  # executing it will say why
        return []
    for statement in body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names += [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    return names


def read(path: Path):
    """Read a notebook, or a source in percent format, as a notebook with its answers."""
    import nbformat

    if path.suffix == ".ipynb":
        return nbformat.read(path, as_version=4)
    import jupytext

    notebook = without_stubs(jupytext.read(path, fmt="py:percent"))
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata.get("tags", [])}
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return notebook


def without_stubs(notebook):
    """Take the stubs' lines out of a notebook with its answers, in place, and return it: they would undo the answers."""
    for cell in notebook.cells:
        cell.source = "\n".join(line for line in cell.source.split("\n") if STUB not in line)
    return notebook


def verdicts(notebook) -> list[dict]:
    """Return what the checks of an executed notebook said, in their order."""
    return [
        output["data"][_MIME]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if _MIME in output.get("data", {})
    ]


def execute_one(path: Path, folder: Path, parameters: dict | None = None, timeout: float = 600.0) -> Execution:
    """Execute one notebook and write the executed copy to `folder`.

    Parameters
    ----------
    path : pathlib.Path
        A notebook, or a source in percent format.
    folder : pathlib.Path
        Where the copy goes, under the same name with ending ``.ipynb``.
    parameters : dict, optional
        For papermill: values that replace those of the cell tagged ``parameters``.
    timeout : float
        Seconds that a cell may take.
    """
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    folder.mkdir(parents=True, exist_ok=True)
    output = folder / f"{path.stem}.ipynb"
    source = folder / f".{path.stem}.source.ipynb"
    try:
        nbformat.write(read(path), source)
    except Exception as failure:  # nbformat raises many kinds
        why = str(failure).splitlines()[0][:200] if str(failure) else type(failure).__name__
        return Execution(path.stem, 0.0, f"{path.name} cannot be read as a notebook: {why}", output)
    begun, error = time.monotonic(), ""
    try:
        papermill.execute_notebook(
            source,
            output,
            parameters=parameters or {},
            cwd=path.resolve().parent,
            progress_bar=False,
            kernel_name="python3",
            execution_timeout=int(timeout),
            log_output=False,
            extra_arguments=["--log-level=CRITICAL"],
        )
    except PapermillExecutionError as failure:
        number = _numbered(source, failure.cell_index, bool(parameters))
        error = f"cell {number} of {path.name} stopped with {failure.ename}: {failure.evalue}"
    except Exception as failure:  # a kernel that dies or hangs is a result too
        error = f"{path.name}: {type(failure).__name__}: {failure}"
    finally:
        source.unlink(missing_ok=True)
    seconds = time.monotonic() - begun
    said = verdicts(nbformat.read(output, as_version=4)) if output.exists() else []
    return Execution(path.stem, seconds, error, output, said)


def _numbered(source: Path, index: int, injected: bool) -> int:
    """Return a cell's number in the notebook as it was, counted from 1; papermill puts a cell with parameters in."""
    if not injected:
        return index + 1
    tags = [cell.metadata.get("tags", []) for cell in read(source).cells]
    put_in = next((n + 1 for n, one in enumerate(tags) if "parameters" in one), 0)
    return index if index > put_in else index + 1


def execute(
    paths: Iterable[Path | str],
    folder: Path,
    jobs: int | None = None,
    parameters: dict | None = None,
    timeout: float = 600.0,
) -> Iterator[Execution]:
    """Execute notebooks, several at once, and yield each as it ends.

    Parameters
    ----------
    paths : iterable of path
        Files, or folders to search.
    folder : pathlib.Path
        Where executed copies go.
    jobs : int, optional
        How many at once; by default one for each core.
    parameters, timeout
        As for `execute_one`.

    Raises
    ------
    ValueError
        See `refuse`.

    Notes
    -----
    The learner's own progress is left alone: the notebooks keep theirs in `folder`.
    """
    found = find(paths)
    refuse(found, folder, parameters or {})
    jobs = max(1, min(jobs or os.cpu_count() or 1, len(found)))
    with ProcessPoolExecutor(jobs, initializer=_apart, initargs=(str(folder), jobs)) as pool:
        waiting = [pool.submit(execute_one, path, folder, parameters, timeout) for path in found]
        try:
            for done in as_completed(waiting):
                yield done.result()
        except BaseException:
            for one in waiting:
                one.cancel()
            raise


def _apart(folder: str, jobs: int) -> None:
    """Set up a worker: its own progress folder, and its share of the cores."""
    os.environ["INTRODL_HOME"] = str(Path(folder) / ".introdl")
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // jobs))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, threads)


def default_paths() -> list[Path]:
    """Return what is executed by default: the learner's notebooks."""
    return [paths.course()]
