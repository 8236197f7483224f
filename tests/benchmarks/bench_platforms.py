"""From Canvas's zip of a class to grades and feedback in Canvas's format: three commands, and how long each takes.

python -m tests.benchmarks.bench_platforms --students 200
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import zipfile
from pathlib import Path

import nbformat

from autograder import exercises as exercise_bank
from autograder.classroom import Classroom
from autograder.platforms import rosters
from tests import downloads
from tests.benchmarks.bench_grading import KINDS, notebook, timed

LATE_EVERY, RESUBMITTED_EVERY = 10, 7


def main() -> None:
    """Run the benchmark and print its figures as JSON."""
    import sys

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--chapter", default="03")
    options = parser.parse_args()
    name = exercise_bank.chapters()[options.chapter]
    people = [(f"Family{n:03}, Given{n:03}", 1000 + n, f"m{n}", f"s{n:03}") for n in range(options.students)]
    with tempfile.TemporaryDirectory(prefix="bench-platforms-") as temporary:
        folder = Path(temporary)
        room = Classroom.init(folder / "room")
        room.assign(options.chapter)
        rosters.read(room, downloads.canvas_gradebook(folder / "grades.csv", people))
        files = {}
        for number, person in enumerate(people):
            file = f"{name}{'-1' if number % RESUBMITTED_EVERY == 0 else ''}.ipynb"
            entry = downloads.canvas_name(person[0], person[1], 50_000 + number, file, number % LATE_EVERY == 0)
            files[entry] = nbformat.writes(notebook(KINDS[number % 4], options.chapter, number))
        archive = downloads.archive(folder / "submissions.zip", files)
        run = [sys.executable, "-c", "from autograder.cli import app; app()"]
        export = [
            "export",
            "--format",
            "canvas",
            "--assignment",
            options.chapter,
            "--with-feedback",
            "--to",
            "canvas.csv",
        ]
        seconds = {}
        for words in (["collect", str(archive), options.chapter], ["grade", options.chapter], export):
            seconds[words[0]], _ = timed([*run, *words], room.root)
        with (room.root / "canvas.csv").open(newline="") as file:
            scores = [row["03 Convolution (4711)"] for row in csv.DictReader(file)][1:]
        with zipfile.ZipFile(room.root / "canvas-feedback.zip") as opened:
            back = opened.namelist()
        assert all(scores) and len(scores) == options.students and sorted(back) == sorted(files)
        told = {command: round(taken, 1) for command, taken in seconds.items()}
        print(
            json.dumps(
                {"students": options.students, "zip, MB": archive.stat().st_size >> 20, "seconds": told}, indent=1
            )
        )


if __name__ == "__main__":
    main()
