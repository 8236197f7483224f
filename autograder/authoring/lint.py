"""Tell an author what is wrong with a chapter, by file and line, and what to do about it.

Two sorts of rules: `slips` keep a source from being built; `habits` are what the course promises its learners
(points, figures, minutes, order, answers, alt texts), and a chapter under way may break them until it is finished.
What only a run can show is looked at by `executed`.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.authoring import files
from autograder.authoring.exercise import Exercise
from autograder.authoring.source import BEGIN, END, ROLES, Cell, Finding, Source, solution_region
from introdl.chapters import Chapter

LEAST_POINTS, MOST_POINTS = 95, 105
FEWEST_FIGURES, FEWEST_INTERACTIVE, FEWEST_ANSWERS = 3, 1, 3
#: An alt text is a sentence: shorter ones say nothing.
SHORTEST_ALT = 20


# ----------------------------------------------------------------------------------------------------------
# Slips: a source with one of these is not built
# ----------------------------------------------------------------------------------------------------------


def slips(source: Source, exercises: dict[str, Exercise]) -> Iterator[Finding]:
    """Yield what keeps a source from being built.

    Parameters
    ----------
    source : Source
    exercises : dict of str to Exercise
        The chapter's exercises by id.
    """
    seen: dict[str, dict[str, Cell]] = {role: {} for role in ROLES}
    for cell in source.cells:
        marks = {role: id for role in ROLES if (id := getattr(cell, role))}
        if len(marks) > 1:
            yield source.wrong(cell.line, f"a cell is one thing: {' or '.join(marks.values())}.")
        elif not marks and (BEGIN in cell.source or END in cell.source):
            yield source.wrong(
                cell.line, "a solution stands in a cell that is not an exercise, and would be handed out."
            )
        else:
            for role, id in marks.items():
                yield from _marked(source, cell, role, id, exercises, seen)
                seen[role].setdefault(id, cell)
    for id, cell in seen["exercise"].items():
        if id not in seen["check"]:
            yield source.wrong(cell.line, f"exercise {id} has no check cell.")
    for id in exercises:
        if id not in seen["exercise"]:
            yield source.wrong(1, f"exercise {id} is defined, and the notebook has no cell for it.")
    if source.chapter and not any("parameters" in cell.tags for cell in source.cells):
        yield source.wrong(1, "there is no parameters cell; add '# %% tags=[\"parameters\"]'.")


def _marked(source: Source, cell: Cell, role: str, id: str, exercises: dict, seen: dict) -> Iterator[Finding]:
    """What is wrong with a cell that is an exercise, a check or a written answer."""
    if id in seen[role]:
        what = "check cell" if role == "check" else "cell"
        yield source.wrong(cell.line, f"{id} has a {what} already, in line {seen[role][id].line}.")
    if role == "written":
        if cell.kind != "markdown" or cell.points <= 0:
            yield source.wrong(cell.line, "a written answer is a [markdown] cell with points=N.")
        if id in exercises:
            yield source.wrong(cell.line, f"{id} is an exercise already; give the written answer another name.")
        return
    if id not in exercises:
        known = ", ".join(exercises) or "none"
        yield source.wrong(cell.line, f"there is no exercise {id!r} in this chapter; there are: {known}.")
    elif cell.kind != "code":
        yield source.wrong(cell.line, f"{id} is marked on a markdown cell; it needs a code cell.")
    elif role == "check":
        if id not in seen["exercise"]:
            yield source.wrong(cell.line, f"{id} is checked before its exercise cell, or has none.")
        yield from _check_call(source, cell, exercises[id])
    if role == "exercise":
        try:
            solution_region(source, cell)
        except Finding as finding:
            yield finding


def _check_call(source: Source, cell: Cell, exercise: Exercise) -> Iterator[Finding]:
    """The check cell must be the one call, so that the learner sees what is graded and grading what is checked."""
    wanted = f'check("{exercise.id}", {", ".join(exercise.names)})'
    try:
        found = ast.unparse(ast.parse(cell.source)).replace("'", '"')
    except SyntaxError as error:
        yield source.wrong(cell.line + (error.lineno or 1), "the check cell is not Python.")
    else:
        if found != wanted:
            yield source.wrong(cell.line, f"the check cell should hold {wanted} and nothing else.")


# ----------------------------------------------------------------------------------------------------------
# Habits: what the course promises
# ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """A chapter as the rules see it.

    Attributes
    ----------
    source : Source
        Its notebook.
    exercises : dict of str to Exercise
        By id, in their order.
    root : pathlib.Path
        The checkout.
    chapter : Chapter or None
        Its entry in `introdl.chapters`.
    """

    source: Source
    exercises: dict[str, Exercise]
    root: Path
    chapter: Chapter | None
    files: dict[str, Path] = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "files", files.of_chapter(self.root, self.source.name))

    def at(self, kind: str, text: str, sentence: str) -> Finding:
        """Return a finding in the first line of one of the chapter's files that holds a text."""
        path = self.files[kind]
        return Finding(path.relative_to(self.root), files.line_of(path, text), sentence)

    def code(self, *kinds: str) -> Iterator[tuple[Path, int, str]]:
        """Yield some of the chapter's files and the notebook's cells: a path, the lines above, and the Python."""
        for kind in kinds:
            yield self.files[kind].relative_to(self.root), 0, _text(self.files[kind])
        for cell in self.source.cells:
            if cell.kind == "code":
                yield self.source.path, cell.line, _code(cell)

    def prose(self) -> Iterator[tuple[int, str]]:
        """Yield the lines of the notebook's prose outside of code, with their numbers in the file."""
        for cell in self.source.cells:
            fenced = False
            for number, line in enumerate(cell.source.splitlines(), start=cell.line + 1):
                fenced ^= line.startswith("```")
                if cell.kind == "markdown" and not fenced:
                    yield number, line


Rule = Callable[[Work], Iterator[Finding]]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    """Add a rule to those that `habits` goes through."""
    RULES.append(function)
    return function


def habits(work: Work) -> list[Finding]:
    """Return where a chapter breaks what the course promises, in the order of the rules.

    Where something is not Python, that alone is said: the rules could not read it.
    """
    return list(_no_python(work)) or [finding for one in RULES for finding in one(work)]


def _no_python(work: Work) -> Iterator[Finding]:
    for path, before, code in work.code("exercises", "answers", "figures"):
        try:
            ast.parse(code)
        except SyntaxError as error:
            yield Finding(path, before + (error.lineno or 1), f"this is not Python: {error.msg}; mend it first.")
            return
    try:
        _answers(work.files["answers"])
    except Exception as error:
        sentence = f"importing it fails with {type(error).__name__}: {error}; mend it first."
        yield Finding(work.files["answers"].relative_to(work.root), 1, sentence)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _code(cell: Cell) -> str:
    """A cell's Python, with blank lines for what is IPython's own (``%matplotlib``)."""
    return re.sub(r"^[%!].*", "", cell.source, flags=re.M)


def course(root: Path, chapters: Sequence[Chapter]) -> Iterator[Finding]:
    """Yield what is wrong with the list of chapters: entries without a source, out of order, or that lean on later ones."""
    before: list[str] = []
    for one in chapters:
        line = files.line_of(root / files.CHAPTERS, f'"{one.name}"')
        if not files.of_chapter(root, one.name)["source"].is_file():
            yield Finding(
                Path(files.CHAPTERS), line, f"there is no solutions/{one.name}.py; write it or remove the entry."
            )
        if before and one.number <= before[-1]:
            yield Finding(Path(files.CHAPTERS), line, f"chapter {one.number} stands after {before[-1]}; sort them.")
        if unknown := sorted(set(one.needs) - set(before)):
            sentence = f"chapter {one.number} needs {', '.join(unknown)}, which does not come before it; change needs."
            yield Finding(Path(files.CHAPTERS), line, sentence)
        if before and not one.needs:
            yield Finding(Path(files.CHAPTERS), line, f"chapter {one.number} needs nothing; name the one before it.")
        before.append(one.number)


@rule
def title(work: Work) -> Iterator[Finding]:
    """The chapter is in the list of chapters, and its notebook begins with the title that stands there."""
    first = work.source.cells[0].source.split("\n")[0]
    if work.chapter is None:
        sentence = f"{work.source.name} is not in CHAPTERS; add its entry there."
        yield Finding(Path(files.CHAPTERS), files.line_of(work.root / files.CHAPTERS, "CHAPTERS ="), sentence)
    elif first != (wanted := f"# {work.chapter.number} {work.chapter.title}"):
        yield work.source.wrong(work.source.cells[0].line + 1, f"the title should be {wanted!r}, as in chapters.py.")


@rule
def minutes(work: Work) -> Iterator[Finding]:
    """The notebook says how long it takes, and says what the list of chapters says."""
    said = [(number, int(m[1])) for number, line in work.prose() if (m := re.search(r"[Aa]bout (\d+) minutes", line))]
    wanted = work.chapter.minutes if work.chapter else None
    if wanted and wanted not in [each for _, each in said]:
        line = said[0][0] if said else work.source.cells[0].line
        yield work.source.wrong(line, f"write 'about {wanted} minutes', as in chapters.py, or change the number there.")
    elif wanted and wanted > 120 and not any("resting point after section" in line for _, line in work.prose()):
        yield work.source.wrong(said[0][0], "the chapter takes two sittings: name a 'resting point after section N'.")


@rule
def headings(work: Work) -> Iterator[Finding]:
    """Headings go down one level at a time, and each exercise has one above it."""
    level, lines = 0, []
    for number, line in work.prose():
        if found := re.match(r"(#+) ", line):
            if len(found[1]) > level + 1:
                yield work.source.wrong(number, f"{line!r} skips a level; use {'#' * (level + 1)}.")
            level = len(found[1])
            lines.append(number)
    before = 0
    for cell in work.source.cells:
        if cell.exercise:
            if not any(before < number < cell.line for number in lines):
                yield work.source.wrong(cell.line, f"{cell.exercise} has no heading above it; add '### Exercise: ...'.")
            before = cell.line


@rule
def wrapped(work: Work) -> Iterator[Finding]:
    """No sentence is wrapped so that its next line begins a list, as "since\\n1. Now" would."""
    before, last = "", 0
    for number, line in work.prose():
        ran_on = number == last + 1 and before.strip() and not re.match(r"\s*(\d+[.)]|[-+*|#>$]|<)", before)
        if ran_on and not before.startswith("  ") and re.match(r"(\d+[.)]|[-+*]) ", line):
            yield work.source.wrong(
                number, f"{line[:20]!r} begins a list in the middle of a sentence; wrap it elsewhere."
            )
        before, last = line, number


@rule
def order(work: Work) -> Iterator[Finding]:
    """Exercises stand in the notebook in the order of `EXERCISES`, and a quiz is among them."""
    there = [cell for cell in work.source.cells if cell.exercise]
    for cell, id in zip(there, work.exercises, strict=False):
        if cell.exercise != id:
            sentence = f"{cell.exercise} stands where EXERCISES has {id}; put both into one order."
            yield work.source.wrong(cell.line, sentence)
            break
    if f"{work.source.chapter}.quiz" not in work.exercises:
        yield work.at("exercises", "EXERCISES =", f"there is no quiz; add one with the id {work.source.chapter}.quiz.")


@rule
def check_follows(work: Work) -> Iterator[Finding]:
    """The check cell stands right below its exercise."""
    for cell, below in zip(work.source.cells, [*work.source.cells[1:], None], strict=True):
        if cell.exercise and (below is None or below.check != cell.exercise):
            yield work.source.wrong(cell.line, f"put the check cell of {cell.exercise} right below it.")


@rule
def points(work: Work) -> Iterator[Finding]:
    """A chapter has about a hundred points, written answers included."""
    total = sum(one.points for one in work.exercises.values()) + sum(cell.points for cell in work.source.cells)
    if not LEAST_POINTS <= total <= MOST_POINTS:
        sentence = f"the chapter has {total:g} points; change them so that the sum is {LEAST_POINTS} to {MOST_POINTS}."
        yield work.at("exercises", "EXERCISES =", sentence)


@rule
def teaching(work: Work) -> Iterator[Finding]:
    """Every exercise knows a mistake, and has a sentence for it."""
    for id, one in work.exercises.items():
        if not one.misconceptions:
            yield work.at("exercises", f'"{id}"', f"{id} knows no mistake; add one to its misconceptions.")
        for mistake in one.misconceptions:
            if not mistake.explanation.strip():
                sentence = f"{mistake.name!r} of {id} explains nothing; say what happened and where to look."
                yield work.at("exercises", f'"{mistake.name}"', sentence)
        if not all(hint.strip() for hint in one.hints):
            yield work.at("exercises", f'"{id}"', f"{id} has an empty hint; write it.")


@rule
def answers(work: Work) -> Iterator[Finding]:
    """Every exercise but the quiz has right answers that are written differently."""
    found = _answers(work.files["answers"])
    for id, one in work.exercises.items():
        count = len(found.get(id, ()))
        if one.probe != "answers" and count < FEWEST_ANSWERS:
            sentence = f"{id} has {count} right answers; write {FEWEST_ANSWERS}, each in another way."
            yield work.at("answers", f'"{id}"' if id in found else "ANSWERS =", sentence)
    for id in found:
        if id not in work.exercises:
            yield work.at("answers", f'"{id}"', f"there is no exercise {id}; remove its answers or mend the id.")


def _answers(path: Path) -> dict[str, list]:
    """Return the table `ANSWERS` of a module of right answers; an empty one where there is no such file."""
    if not path.is_file():
        return {}
    spec = importlib.util.spec_from_file_location(f"_answers_{path.stem}", path)
    assert spec is not None and spec.loader is not None  # it is a file of Python
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ANSWERS


@rule
def figures(work: Work) -> Iterator[Finding]:
    """A chapter has figures, and one that moves."""
    drawn, moving = Counter[str](), _moving(work)
    for cell in work.source.cells:
        if cell.kind == "code" and not cell.exercise:
            drawn.update(_figures(_code(cell), moving))
    if drawn.total() < FEWEST_FIGURES:
        yield work.source.wrong(1, f"the notebook shows {drawn.total()} figures; show at least {FEWEST_FIGURES}.")
    if drawn["moving"] < FEWEST_INTERACTIVE:
        yield work.source.wrong(1, "no figure moves; add one that is made with introdl.figures.explore.")


def _moving(work: Work) -> set[str]:
    """Names of the functions, in the chapter's figures and in introdl, that show something that moves."""
    found = {"explore", "show_live", "play"}
    tree = ast.parse(_text(work.files["figures"]))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for _ in functions:  # a function that calls one that moves something moves something
        found |= {one.name for one in functions if found & {_called(node) for node in ast.walk(one)}}
    return found


def _called(node: ast.AST) -> str:
    """The last name of what is called: `show` of ``figures.show(...)``; "" where a node is no call."""
    function = node.func if isinstance(node, ast.Call) else None
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _figures(code: str, moving: set[str]) -> Iterator[str]:
    """Yield "moving" or "still" for each statement of a cell that shows a figure."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if _called(node.value) in moving:
                yield "moving"
            elif ast.unparse(node.value.func).split(".")[0] in ("figs", "figures"):
                yield "still"


@rule
def alt_texts(work: Work) -> Iterator[Finding]:
    """Every figure and picture has a sentence for those who do not see it."""
    for number, line in work.prose():
        if re.search(r"!\[\s*\]\(", line) or re.search(r"<img(?![^>]*alt=\"[^\"])", line):
            yield work.source.wrong(number, "a picture without alt text; say in a sentence what it shows.")
    for path, before, code in work.code("figures"):
        for within, sentence in _without_alt(code):
            yield Finding(path, before + within, sentence)


def _without_alt(code: str) -> Iterator[tuple[int, str]]:
    """Yield line and sentence for each call that shows a figure and says too little of it."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in ("plt.show", "display.Image", "IPython.display.Image"):
            yield node.lineno, f"{called} shows a figure without alt text; use figures.show."
        place = {"figures.show": 1, "style.show": 1, "svg.show": 1, "style.picture": 1}.get(called)
        place = 2 if called.split(".")[-1] == "explore" else place
        if place is None or any(isinstance(argument, ast.Starred) for argument in node.args):
            continue
        given = node.args[place : place + 1] + [word.value for word in node.keywords if word.arg == "alt"]
        short = given and isinstance(given[0], ast.Constant) and len(str(given[0].value).strip()) < SHORTEST_ALT
        if not given or short:
            yield node.lineno, f"{called} has no alt text; say in a sentence what the figure shows."


@rule
def further_reading(work: Work) -> Iterator[Finding]:
    """A chapter says where to read on."""
    if not any("http" in line for _, line in work.prose()):
        yield work.source.wrong(work.source.cells[-1].line, "no further reading; add a link or two.")


@rule
def unfinished(work: Work) -> Iterator[Finding]:
    """Nothing is left of a skeleton."""
    for path in work.files.values():
        for number, line in enumerate(_text(path).splitlines(), start=1):
            if "TODO" in line or re.search(r"@[A-Z]{2,}@", line):
                yield Finding(path.relative_to(work.root), number, f"still to be written: {line.strip(' #')}")
    if "TODO" in str(work.chapter):
        number = files.line_of(work.root / files.CHAPTERS, f'"{work.source.name}"')
        yield Finding(Path(files.CHAPTERS), number, "the chapter's entry is still to be written, where it says TODO.")


# ----------------------------------------------------------------------------------------------------------
# What a run shows
# ----------------------------------------------------------------------------------------------------------


def executed(notebook, path: Path, chapter: bool) -> Iterator[Finding]:
    """Yield what is wrong with a notebook's outputs; the line is the cell's number, counted from 0.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        An executed notebook.
    path : pathlib.Path
        What to call it.
    chapter : bool
        Whether it is a chapter, which has to have figures.
    """
    shown = Counter[str]()
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            page = str(output.get("data", {}).get("text/html", ""))
            shown["moving"] += "introdl-still-" in page
            shown["any"] += "<img" in page or "<svg" in page
            if output.get("name") == "stderr":
                yield Finding(path, number, f"the cell wrote to stderr: {output['text']}")
            if "image/png" in output.get("data", {}):
                yield Finding(path, number, "the cell shows a figure without alt text; use figures.show.")
            if not all(re.search(r'alt="[^"]+"', picture) for picture in re.findall(r"<img[^>]*>", page)):
                yield Finding(path, number, "a picture has no alt text; say in a sentence what it shows.")
    if chapter and shown["any"] < FEWEST_FIGURES:
        yield Finding(path, 0, f"it shows {shown['any']} figures; show at least {FEWEST_FIGURES}.")
    if chapter and shown["moving"] < FEWEST_INTERACTIVE:
        yield Finding(path, 0, "no figure moves; add one that is made with introdl.figures.explore.")
