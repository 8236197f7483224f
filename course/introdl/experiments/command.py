"""What the commands of all experiments share: options, and what is said where one cannot go on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def parser(name: str, description: str, options: str = "--out runs.json") -> argparse.ArgumentParser:
    """Return the parser of ``python -m introdl.experiments.NAME``, with the options ``--out`` and ``--quiet``.

    Parameters
    ----------
    name : str
        The experiment's.
    description : str
        What it does, in a sentence.
    options : str
        An example of its options.
    """
    program = f"python -m introdl.experiments.{name}"
    made = argparse.ArgumentParser(prog=program, description=description, epilog=f"Example: {program} {options}")
    made.add_argument("--out", type=Path, help="another file than the course's own record")
    made.add_argument("--quiet", action="store_true", help="show no bar")
    return made


def status(job: Callable[[], object]) -> int:
    """Run a command's job, and return its exit status; what a person can cause is a sentence on standard error."""
    from introdl.data.errors import DataError
    from introdl.training import TrainingError

    try:
        job()
    except (DataError, TrainingError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where it was.", file=sys.stderr)
    else:
        return 0
    return 1
