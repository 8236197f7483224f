"""How long grading takes, side by side with stock ``nbgrader autograde``: the same notebooks, machine and run.

    python -m tests.benchmarks.bench_grading --ours 200 --stock 10
    python -m tests.benchmarks.bench_grading --ours 1000 --stock 0

Stock nbgrader starts a kernel for each submission, and runs every cell of it, demonstrations too. It takes its score from
what a check cell returns, and the course's return nothing (they show a report), so that stock nbgrader would give everybody
full marks. Here its check cells run the same check on the visible cases, show no report, and return the points. ``autograder grade`` leaves out demonstrations
that stand as they were handed out, draws no figure of such cells, and checks hidden cases in a sandbox. On honest
submissions (right, blank, or right in some exercises and untouched in the others) both must give the same score in every
exercise; a wrong answer may be right on other cases in the one than in the other, so wrong ones are not compared.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat

from autograder import exercises as exercise_bank
from autograder.authoring import build, release
from autograder.classroom import Classroom
from autograder.export import export
from introdl import execute
from tests.classwork import as_code, hand_in

KINDS = ("full marks", "partly right", "blank", "written differently")


_RETURNING = r"from introdl.checking import notebook, sheets\nnotebook.examine(sheets.find(\1), (\2,)).earned"


def notebook(kind: str, chapter: str, number: int) -> nbformat.NotebookNode:
    """Return an honest submission; the number makes each a little different."""
    import cloudpickle

    source, exercises = build.read(build.source_files([chapter])[0])
    solved = execute.without_stubs(release.source_notebook(source, exercises))
    blank = nbformat.read(Path("course") / source.name / f"{source.name}.ipynb", as_version=4)
    answers = {cell.id: cell.source for cell in solved.cells}
    ids = list(exercises)
    done = {"full marks": ids, "partly right": ids[: 1 + number % (len(ids) - 1)], "blank": []}.get(kind, ids)
    module = importlib.import_module(f"tests.answers.ch{source.name}")
    for cell in blank.cells:
        for id in done:
            if cell.id != release.grade_id(id):
                continue
            cell.source = answers[cell.id] + f"\n# {number}"
            if kind == "written differently":
                cloudpickle.register_pickle_by_value(module)
                made = module.ANSWERS[id][number % len(module.ANSWERS[id])]
                objects = made if isinstance(made, tuple) else (made,)
                cell.source = as_code(exercises[id].names, objects)
                cloudpickle.unregister_pickle_by_value(module)
    return blank


def make_class(folder: Path, chapter: str, count: int) -> Classroom:
    """Make a classroom with `count` submissions of all kinds, in turn."""
    room = Classroom.init(folder)
    room.assign(chapter)
    name = exercise_bank.chapters()[chapter]
    for number in range(count):
        hand_in(room, f"s{number:03}", name, notebook(KINDS[number % 4], chapter, number))
    return room


def make_stock(folder: Path, room: Classroom, chapter: str, count: int) -> None:
    """Make a stock nbgrader course with the first submissions of a classroom: no class of ours is plugged in."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    name = exercise_bank.chapters()[chapter]
    (folder / "source" / name).mkdir(parents=True)
    source = nbformat.read(room.root / "source" / name / f"{name}.ipynb", as_version=4)
    for cell in source.cells:
        if cell.id.startswith("check-"):
            cell.source = re.sub(r"^check\((.*?), (.*)\)$", _RETURNING, cell.source, flags=re.S)
    (folder / "source" / name / f"{name}.ipynb").write_bytes(release.write_notebook(source))
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.db_url = f"sqlite:///{folder}/gradebook.db"
    config.GenerateAssignment.preprocessors = release.preprocessors()
    config.NbGraderAPI.log_level = "ERROR"
    result = NbGraderAPI(config=config).generate_assignment(name)
    assert result["success"], result
    settings = "c = get_config()\nc.CourseDirectory.course_id = 'stock'\n"
    settings += "c.Execute.timeout = 600\nc.Execute.iopub_timeout = 600\n"  # by default it gives up on a busy machine
    (folder / "nbgrader_config.py").write_text(settings)
    for number in range(count):
        place = folder / "submitted" / f"s{number:03}" / name
        place.mkdir(parents=True)
        (place / f"{name}.ipynb").write_bytes(
            (room.root / "submitted" / place.parent.name / name / f"{name}.ipynb").read_bytes()
        )


def timed(command: list[str], folder: Path, watch=None) -> tuple[float, float]:
    """Run a command; return its seconds, and the processor seconds of it and all that it waited for."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    over = threading.Event()
    if watch:
        threading.Thread(target=watch, args=(process.pid, over), daemon=True).start()
    output, _ = process.communicate()
    over.set()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{output[-3000:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - started, used


class Memory:
    """The most memory (PSS: shared pages counted in proportion) of each examining process and what it started.

    Also what the grader itself takes: its memory every two seconds, and its processor seconds so far.
    """

    def __init__(self):
        self.most: dict[int, int] = {}
        self.own: list[int] = []
        self.seconds = 0.0

    def __call__(self, root: int, over: threading.Event) -> None:
        while not over.wait(2.0):
            self.own.append(_pss(root) // 1024)
            self.seconds = _processor_seconds(root) or self.seconds
            parents, words = {}, {}
            for path in Path("/proc").glob("[0-9]*"):
                try:
                    parents[int(path.name)] = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
                    words[int(path.name)] = (path / "cmdline").read_text()
                except OSError:
                    continue
            slots = [pid for pid, parent in parents.items() if parent == root and "multiprocessing.spawn" in words[pid]]
            for slot in slots:
                family = {slot}
                while True:
                    more = {pid for pid, parent in parents.items() if parent in family} - family
                    if not more:
                        break
                    family |= more
                self.most[slot] = max(self.most.get(slot, 0), sum(map(_pss, family)))


def grade_and_time_the_gradebook(chapter: str, told: str, jobs: int) -> None:
    """Grade as ``autograder grade`` does; write the processor seconds of the gradebook's writer to a file."""
    import functools

    from autograder.cli import app
    from autograder.grading.gradebook import Writer

    # The rows are a part of `write`, which writes the graded notebook too.
    spent = dict.fromkeys(("write", "_write_rows", "graded_of", "scores", "graded"), 0.0)

    def timed(name: str):
        whole = getattr(Writer, name)

        @functools.wraps(whole)
        def measured(*args):
            before = time.thread_time()
            try:
                return whole(*args)
            finally:
                spent[name] += time.thread_time() - before

        return measured

    for name in spent:
        setattr(Writer, name, timed(name))
    try:
        app(["grade", chapter, *(["--jobs", str(jobs)] if jobs else [])])
    finally:
        Path(told).write_text(json.dumps(spent))


def _processor_seconds(pid: int) -> float:
    """Return the processor time of a process by itself, without its children's."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def scores(db_url: str, name: str, students: list[str]) -> dict:
    """Return every automatic score in a gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(db_url) as book:
        return {
            (student, grade.name): grade.auto_score
            for student in students
            for one in book.find_submission(name, student).notebooks
            for grade in one.grades
        }


def main() -> None:
    """Run the benchmark and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chapter", default="03")
    parser.add_argument("--ours", type=int, default=200, help="submissions that autograder grades")
    parser.add_argument(
        "--stock", type=int, default=10, help="of these, submissions that stock nbgrader grades, too; 0: none"
    )
    parser.add_argument("--jobs", type=int, default=0, help="submissions at once; 0: as many as processors")
    options = parser.parse_args()
    name = exercise_bank.chapters()[options.chapter]
    with tempfile.TemporaryDirectory(prefix="bench-grading-") as temporary:
        folder = Path(temporary)
        room = make_class(folder / "ours", options.chapter, options.ours)
        stock = stock_used = 0.0
        if options.stock:
            make_stock(folder / "stock", room, options.chapter, options.stock)
            stock, stock_used = timed([sys.executable, "-m", "nbgrader", "autograde", name], folder / "stock")
        memory = Memory()
        call = (
            f"bench_grading.grade_and_time_the_gradebook({options.chapter!r}, {str(folder / 'told')!r}, {options.jobs})"
        )
        code = (
            f"import sys; sys.path.insert(0, {str(Path.cwd())!r}); from tests.benchmarks import bench_grading; {call}"
        )
        ours, ours_used = timed([sys.executable, "-c", code], room.root, memory)
        gradebook = json.loads((folder / "told").read_text())
        students = [f"s{number:03}" for number in range(options.stock)]
        theirs = scores(f"sqlite:///{folder}/stock/gradebook.db", name, students) if students else {}
        mine = scores(room.db_url, name, students)
        other = {
            str(key): (theirs[key], mine[key]) for key in theirs if abs((theirs[key] or 0) - (mine[key] or 0)) > 1e-6
        }
        export(room, folder / "all.csv")
        per = {"stock": stock / max(options.stock, 1), "ours": ours / options.ours}
        used = {"stock": stock_used / max(options.stock, 1), "ours": ours_used / options.ours}
        told = {
            "submissions": {"stock": options.stock, "ours": options.ours, "kinds": KINDS},
            "seconds": {"stock": round(stock, 1), "ours": round(ours, 1)},
            "seconds a submission": {key: round(value, 3) for key, value in per.items()},
            "times faster": round(per["stock"] / per["ours"], 1),
            "processor seconds a submission": {key: round(value, 3) for key, value in used.items()},
            "processor time, times less": round(used["stock"] / used["ours"], 1),
            "the grader itself (reads, plans, writes)": {
                "processor seconds a submission": round(memory.seconds / options.ours, 3),
                "share of all processor time": round(memory.seconds / ours_used, 3),
                "its gradebook's share of all processor time": {
                    name: round(seconds / ours_used, 3) for name, seconds in gradebook.items()
                },
                "memory, MB (PSS): at a tenth, the middle and the end": [
                    memory.own[int(part * (len(memory.own) - 1))] for part in (0.1, 0.5, 1.0) if memory.own
                ],
            },
            "scores compared": len(theirs),
            "scores that differ": other,
            "most memory of an examining process and its sandbox (PSS, MB)": sorted(
                v // 1024 for v in memory.most.values()
            ),
        }
        print(json.dumps(told, indent=1))
        print(
            f"Stock graded {options.stock} of the {options.ours} submissions, one after the other; figures are per "
            "submission. Both include starting up."
        )
        if other:
            sys.exit("Scores differ.")


if __name__ == "__main__":
    main()
