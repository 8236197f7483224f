"""Write the skeletons of exercises and chapters, which build at once, into the places where they are written by hand."""

from __future__ import annotations

import ast
import keyword
import re
from pathlib import Path
from string import Template
from typing import TypeVar

from autograder.authoring import files
from autograder.authoring.exercise import EXERCISE_ID
from autograder.errors import AuthorError

_SKELETONS = Path(__file__).parent / "skeletons"
_CHAPTER = re.compile(r"\d\d_[a-z][a-z0-9_]*")

Node = TypeVar("Node", bound=ast.expr)


def new_exercise(root: Path, id: str, title: str = "", points: float = 5, after: str = "") -> list[Path]:
    """Write the skeleton of an exercise into its chapter's source, exercises and answers: all of them or none.

    Parameters
    ----------
    root : pathlib.Path
        The checkout.
    id : str
        Chapter and name, as in ``"04.unpool"``.
    title : str
        What the learner writes, in a few words; by default made from the name.
    points : float
        More than 0.
    after : str
        The id of the exercise that it follows; by default the last one before the quiz.

    Returns
    -------
    list of pathlib.Path
        What was written.

    Raises
    ------
    AuthorError
        If the id, title or points are not fit, the name is taken, or a file is not written as the others are.
    """
    if not EXERCISE_ID.match(id) or keyword.iskeyword(id[3:]):
        raise AuthorError(
            f"{id!r} is not an exercise's id; write the chapter's two digits and a name, as in 04.unpool."
        )
    sources = sorted((root / "solutions").glob(f"{id[:2]}_*.py"))
    if not sources:
        raise AuthorError(f"There is no chapter {id[:2]}; make it with: autograder new-chapter {id[:2]}_name.")
    paths = files.of_chapter(root, sources[0].stem)
    texts = {kind: paths[kind].read_text(encoding="utf-8") for kind in ("source", "exercises", "answers")}
    texts = _with_exercise(texts, id, title, points, after)
    return _write(root, {paths[kind]: text for kind, text in texts.items()})


def new_chapter(root: Path, name: str, title: str = "") -> list[Path]:
    """Write the skeleton of a chapter: source, exercises, answers and figures, and its entry in the list of chapters.

    Parameters
    ----------
    root : pathlib.Path
        The checkout.
    name : str
        Number and name, as in ``"14_attention"``; the number is the next one.
    title : str
        By default made from the name.

    Returns
    -------
    list of pathlib.Path
        What was written.

    Raises
    ------
    AuthorError
        If the name or the title are not fit, or a file of that name is there.
    """
    if not _CHAPTER.fullmatch(name) or keyword.iskeyword(name[3:]):
        raise AuthorError(f"{name!r} is not a chapter's name; write two digits and a name, as in 14_attention.")
    chapters = (root / files.CHAPTERS).read_text(encoding="utf-8")
    numbers = re.findall(r'^        "(\d\d)_\w+",$', chapters, flags=re.M)
    if name[:2] != (following := f"{int(numbers[-1]) + 1:02}"):
        raise AuthorError(f"Chapter {name[:2]} cannot follow chapter {numbers[-1]}; name it {following}_{name[3:]}.")
    paths = files.of_chapter(root, name)
    for path in paths.values():
        if path.exists():
            raise AuthorError(f"{path.relative_to(root)} is there already; choose another name, or move it away.")
    words = {"chapter": name, "number": name[:2], "topic": name[3:], "before": numbers[-1]}
    words["title"] = _title(title, name[3:])
    texts = {kind: _filled(f"chapter_{kind}", words) for kind in paths}
    texts |= _with_exercise(texts, f"{name[:2]}.first", "The first exercise", 90, "")
    end = chapters.index("\n)\n", chapters.index("\nCHAPTERS = (")) + 1
    chapters = chapters[:end] + _filled("chapter_entry", words) + chapters[end:]
    return _write(root, {paths[kind]: text for kind, text in texts.items()} | {root / files.CHAPTERS: chapters})


def _with_exercise(texts: dict[str, str], id: str, title: str, points: float, after: str) -> dict[str, str]:
    """Return a chapter's source, exercises and answers with one exercise more."""
    name = id[3:]
    if not points > 0:
        raise AuthorError(f"Exercise {id} would have {points:g} points; give it more than 0.")
    names = [f"_{name}_cases", f"_{name}_oracle", f"{name}_loop", f"{name}_product", f"{name}_float32", name.upper()]
    taken = rf'"{re.escape(id)}"|\b({"|".join(names)})\b'
    for kind in ("source", "exercises", "answers"):
        found = re.search(f'exercise="{re.escape(id)}"' if kind == "source" else taken, texts[kind])
        if found:
            raise AuthorError(f"{found[0]} is there already, in the chapter's {kind}; choose another name than {id}.")
    there = re.findall(r'^# %% exercise="([^"]+)"', texts["source"], flags=re.M)
    if after and after not in there:
        raise AuthorError(f"There is no exercise {after} to follow; there are: {', '.join(there)}.")
    quiz = f"{id[:2]}.quiz"
    others = [one for one in there if one != quiz]
    after = after or (others[-1] if others else "")
    words = {"id": id, "name": name, "title": _title(title, name), "constant": name.upper(), "points": f"{points:g}"}
    return {
        "source": _in_source(texts["source"], _filled("exercise_source", words), after, quiz),
        "exercises": _in_exercises(texts["exercises"], _filled("exercise_exercises", words), words["constant"], after),
        "answers": _in_answers(texts["answers"], _filled("exercise_answers", words), id, after),
    }


def _in_source(text: str, cells: str, after: str, quiz: str) -> str:
    """Put cells below the check of an exercise or, where there is none yet, above the quiz's questions."""
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line.startswith("# %%")] + [len(lines)]
    wanted = f'check="{after}"' if after else f'exercise="{quiz}"'
    place = next((k for k, start in enumerate(starts[:-1]) if wanted in lines[start]), None)
    if place is None:
        raise AuthorError(f"The chapter's source has no cell with {wanted}; add it, then try again.")
    start = starts[place + 1] if after else starts[place - 1]
    above = "".join(lines[:start]).rstrip("\n") + "\n\n"
    return (above + cells + "".join(lines[start:])).rstrip("\n") + "\n"


def _in_exercises(text: str, definition: str, constant: str, after: str) -> str:
    """Put a definition below that of the exercise before it, and its name into the list EXERCISES."""
    found, listed_now = _assigned(text, "EXERCISES", ast.List, "exercises")
    names = [node.id for node in listed_now.elts if isinstance(node, ast.Name)]
    if len(names) < len(listed_now.elts):
        raise AuthorError(
            "EXERCISES in the chapter's exercises should be a list of names; write it so, then try again."
        )
    place, start = 0, found.lineno - 1
    for node in ast.parse(text).body:
        if after and isinstance(node, ast.Assign) and repr(after) in ast.unparse(node.value):
            name = ast.unparse(node.targets[0])
            if name in names:
                place, start = names.index(name) + 1, node.end_lineno or node.lineno
    if after and not place:
        raise AuthorError(f"No name of EXERCISES is defined as {after}; write it as the others are, then try again.")
    names.insert(place, constant)
    listed = "EXERCISES = [\n" + "".join(f"    {name},\n" for name in names) + "]\n"
    lines = text.splitlines(keepends=True)
    between = "".join(lines[start : found.lineno - 1]) or "\n"
    above = "".join(lines[:start]).rstrip("\n") + "\n"
    return above + definition + between + listed + "".join(lines[found.end_lineno :])


def _in_answers(text: str, functions: str, id: str, after: str) -> str:
    """Put answers above the table ANSWERS, and their names into it."""
    found, table = _assigned(text, "ANSWERS", ast.Dict, "answers")
    lines = text.splitlines(keepends=True)
    entry = f'    "{id}": [{", ".join(f"{id[3:]}_{how}" for how in ("loop", "product", "float32"))}],\n'
    ends = {
        key.value: value.end_lineno
        for key, value in zip(table.keys, table.values, strict=True)
        if isinstance(key, ast.Constant)
    }
    start = ends.get(after) or found.lineno
    above = "".join(lines[: found.lineno - 1]).rstrip("\n") + "\n\n\n"
    return above + functions + "".join(lines[found.lineno - 1 : start]) + entry + "".join(lines[start:])


def _assigned(text: str, name: str, kind: type[Node], where: str) -> tuple[ast.Assign, Node]:
    """Return the statement that gives a module's table or list its name, and that table or list."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name and isinstance(node.value, kind):
            return node, node.value
    raise AuthorError(f"The chapter's {where} have no {name}; add it as other chapters have it, then try again.")


def _title(title: str, name: str) -> str:
    title = title.strip() or name.replace("_", " ").capitalize()
    if re.search(r'["\\\n]', title):
        raise AuthorError(f"The title {title!r} holds a quotation mark, a backslash or a new line; leave them out.")
    return title


def _filled(skeleton: str, words: dict[str, str]) -> str:
    text = (_SKELETONS / f"{skeleton}.py.txt").read_text(encoding="utf-8")
    return Template(text).substitute(words)


def _write(root: Path, texts: dict[Path, str]) -> list[Path]:
    for text in texts.values():
        ast.parse(text)  # a skeleton that does not fit its place is found before anything is written
    files.write_together(texts)
    return [path.relative_to(root) for path in texts]
