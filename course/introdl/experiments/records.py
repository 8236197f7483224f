"""Write down the runs of an experiment as they are made, and read them again."""

from __future__ import annotations

import contextlib
import datetime
import json
import platform
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path

from introdl import paths


def path_of(name: str) -> Path:
    """Return where an experiment's runs are kept in the course: ``data/experiments/NAME.json``."""
    return paths.data() / "experiments" / f"{name}.json"


def load(name: str, path: Path | None = None) -> dict:
    """Read the recorded runs of an experiment.

    Parameters
    ----------
    name : str
        As in ``"ablation"``.
    path : pathlib.Path, optional
        Another file to read.

    Returns
    -------
    dict
        ``about``, what all runs share, and ``runs``, a list with one dict for each. A run that was made on another day or
        machine than ``about`` says has a ``machine`` of its own.

    Raises
    ------
    FileNotFoundError, ValueError
        Where there is no such record, or it cannot be read; the message says what to do.
    """
    path = path or path_of(name)
    if not path.is_file():
        raise FileNotFoundError(
            f"There are no recorded runs at {path}. 'python -m introdl.experiments.{name}' makes them."
        )
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        record["about"], record["runs"]  # noqa: B018
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} cannot be read as recorded runs ({error!r}). Delete it to make them again."
        ) from error
    return record


def collect(
    name: str,
    about: dict,
    wanted: Iterable[dict],
    run: Callable[[dict], dict],
    path: Path | None = None,
    quiet: bool = False,
) -> dict:
    """Make the runs that are not recorded yet; each is written down as soon as it is done.

    Parameters
    ----------
    name : str
        Of the experiment.
    about : dict
        What all runs depend on, as plain values. Where a record was made with other values it is refused.
    wanted : iterable of dict
        What tells one run from the others, as in ``{"arm": "no flip", "seed": 1}``.
    run : callable
        Makes one: takes such a dict, returns what was measured, as plain values.
    path : pathlib.Path, optional
        Another file than the course's own.
    quiet : bool
        Show no bar.

    Returns
    -------
    dict
        The record, as `load` returns it.

    Raises
    ------
    ValueError
        Where the file holds runs of another set-up.
    """
    from introdl.data import progress

    path = path or path_of(name)
    record = load(name, path) if path.is_file() else {"about": {}, "runs": []}
    about = json.loads(json.dumps(about))
    kept = {key: value for key, value in record["about"].items() if key != "machine"}
    if record["runs"] and kept != about:
        differ = sorted(key for key in {*kept, *about} if kept.get(key) != about.get(key))
        raise ValueError(
            f"{path} holds runs of another set-up ({', '.join(differ)}). Delete it to make all of them again, or name another file."
        )
    here = machine()
    record["about"] = {**about, "machine": record["about"].get("machine") or here}
    elsewhere = {} if here == record["about"]["machine"] else {"machine": here}
    wanted = list(wanted)
    todo = [key for key in wanted if not any(_is(each, key) for each in record["runs"])]
    shown = contextlib.nullcontext(lambda done: None) if quiet else progress.bar(name, len(todo), "runs")
    with shown as tick:
        for done, key in enumerate(todo, 1):
            record["runs"].append({**key, **run(key), **elsewhere})
            _write(path, record)
            tick(done)
    return record


def spread(values: Iterable[float]) -> tuple[float, float]:
    """Return mean and sample standard deviation (0 for a single value)."""
    values = list(values)
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def machine() -> dict:
    """Return what a reader should know of where the runs were made: date, device, threads, versions."""
    import torch

    from introdl import benchmark

    return {
        "day": datetime.date.today().isoformat(),
        "device": benchmark.device_name("cuda" if torch.cuda.is_available() else "cpu"),
        "cores": benchmark.cores(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _is(run: dict, key: dict) -> bool:
    return all(run.get(name) == value for name, value in key.items())


def _write(path: Path, record: dict) -> None:
    lines = ",\n  ".join(json.dumps(run, ensure_ascii=False) for run in record["runs"])
    about = json.dumps(record["about"], indent=1, ensure_ascii=False).replace("\n", "\n ")
    paths.write_atomically(path, f'{{"about": {about},\n "runs": [\n  {lines}\n]}}\n'.encode())
