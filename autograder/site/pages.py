"""What stands on the site's pages: executed notebooks made ready to be read, and pages of texts that lie elsewhere."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from autograder.authoring.release import exercise_of
from introdl.checking import sheets

_WIDGET = "application/vnd.jupyter.widget-view+json"
_HINT = re.compile(r"^# hint\(\"[\w.]+\"\)$", re.M)


def readable(notebook: NotebookNode, links: str) -> NotebookNode:
    """Make an executed notebook ready to be read without a kernel.

    Hints fold out below each check. What needs a kernel, and the checks' words that nothing is started, are left out.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        As it was handed out, executed. It is changed.
    links : str
        A line in Markdown that goes below the title.
    """
    cells = []
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
        if cell.cell_type != "code":
            cells.append(cell)
            continue
        if _HINT.search(cell.source):
            continue
        exercise = exercise_of(cell.id)
        cell.outputs = [] if exercise else [one for one in cell.outputs if _shows(one)]
        cells.append(cell)
        if exercise and (hints := sheets.find(exercise).hints):
            cells.append(new_markdown_cell(_fold_outs(hints), id=f"hints-{cell.id}"))
    if links and cells and cells[0].cell_type == "markdown":
        title, _, rest = cells[0].source.partition("\n")
        cells[0].source = f"{title}\n\n{links}\n{rest}"
    notebook.cells, notebook.metadata = cells, {key: notebook.metadata[key] for key in ("kernelspec", "language_info")}
    return notebook


def _shows(output: NotebookNode) -> bool:
    """Whether an output is seen without a kernel: a widget stands beside its still picture, which is."""
    data = output.get("data", {})
    return output.output_type != "error" and (_WIDGET not in data or "text/html" in data)


def _fold_outs(hints: Sequence[str]) -> str:
    return "\n".join(
        f"<details><summary>Hint {number} of {len(hints)}</summary><p>{html.escape(hint)}</p></details>"
        for number, hint in enumerate(hints, 1)
    )


def section(text: str, heading: str) -> str:
    """Return a section of a page in Markdown, its headings one level higher.

    Raises
    ------
    ValueError
        If the page has no such section.
    """
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found:
        raise ValueError(f"There is no section {heading!r}.")
    return f"# {heading}\n" + re.sub(r"^#(#+ )", r"\1", found[1], flags=re.M)


def api(modules: list[str]) -> str:
    """Return a page that has Sphinx write what modules offer, from their docstrings."""
    parts = ["# The library", "What `introdl` offers to a notebook, from its docstrings."]
    for module in modules:
        parts += [
            f"## `{module}`",
            f"```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n   :imported-members:\n```",
        ]
    return "\n\n".join(parts) + "\n"


def written(path: Path, content: str) -> None:
    """Write a page where it is new or changed, so that Sphinx reads again only what is."""
    if not path.exists() or path.read_text(encoding="utf-8") != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
