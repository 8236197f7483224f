"""Builds the site: executes what is new, writes Sphinx's sources, and lets Sphinx make the pages."""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat

from autograder.authoring import build as authoring
from autograder.errors import AuthorError
from autograder.site import pages
from introdl import chapters, execute

#: Where the sources will be published. The links to Colab, Binder and Codespaces are made of it.
REPOSITORY = "your-name/introduction-to-deep-learning"
_LIBRARY = (
    "introdl",
    *(f"introdl.{name}" for name in ("data", "figures", "models", "training", "verification", "mealomi", "game")),
)
_TEXTS = {
    "instructors": ("README.md", "For instructors"),
    "authors": ("CONTRIBUTING.md", "A chapter is four files"),
}


def build(
    out: Path, names: Iterable[str] | None = None, tell: Callable[[str], Any] = print, jobs: int | None = None
) -> Path:
    """Build the site of the course.

    Executed notebooks are kept beside it, in ``executed/``: one whose text did not change is not executed again, so that a
    build which was interrupted goes on where it stopped. Where only the library changed, remove that folder first.

    Parameters
    ----------
    out : pathlib.Path
        The site is made in its folder ``html``.
    names : iterable of str, optional
        Numbers of chapters; by default all. Links to those that are left out lead nowhere.
    tell : callable
        Gets a sentence for each notebook that was executed.
    jobs : int, optional
        As for `introdl.execute.execute`.

    Returns
    -------
    pathlib.Path
        The first page.

    Raises
    ------
    AuthorError
        If Sphinx is missing, a notebook stops with an error, or Sphinx warns of something.
    ValueError
        If there is no such chapter.
    """
    try:
        from sphinx.application import Sphinx
        from sphinx.util.console import strip_escape_sequences
    except ImportError as error:
        raise AuthorError("The site is built with Sphinx. Install it: pip install -e '.[site]'") from error
    notebooks = _chosen(names)
    executed = _executed(notebooks, out / "executed", tell, jobs)
    sources = out / "sources"
    _write_sources(sources, notebooks, executed)
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()):
        app = Sphinx(
            srcdir=sources,
            confdir=None,
            outdir=out / "html",
            doctreedir=out / "doctrees",
            buildername="html",
            confoverrides=_settings() | ({"suppress_warnings": ["myst.xref_missing"]} if names else {}),
            status=None,
            warning=said,
        )
        app.build()
    if said.getvalue():
        raise AuthorError(f"Sphinx warns:\n{strip_escape_sequences(said.getvalue())}")
    return out / "html" / "index.html"


def _chosen(names: Iterable[str] | None) -> dict[str, Path]:
    """Return the notebooks that go onto the site, by the names of their pages."""
    every = {Path(name).with_suffix("").as_posix(): path for name, path in chapters.notebooks().items()}
    if names is None:
        return every
    wanted = [chapters.find(name) for name in names]
    return {
        page: path for page, path in every.items() if "/" not in page or any(one.notebook == path for one in wanted)
    }


def _executed(
    notebooks: dict[str, Path], folder: Path, tell: Callable[[str], Any], jobs: int | None
) -> dict[str, Path]:
    """Execute notebooks of which there is no executed copy with the same text; return the copies."""
    copies = {page: copy_of(path, folder) for page, path in notebooks.items()}
    waiting = {path: copies[page] for page, path in notebooks.items() if not copies[page].is_file()}
    if not waiting:
        return copies
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".now-") as now:
        for done in execute.execute(list(waiting), Path(now), jobs):
            if done.error:
                raise AuthorError(done.error)
            tell(f"{done.name}: executed in {done.seconds:.0f} s")
            copy = next(kept for path, kept in waiting.items() if path.stem == done.name)
            copy.parent.mkdir(exist_ok=True)
            done.output.replace(copy)
    return copies


def copy_of(path: Path, folder: Path) -> Path:
    """Return where the executed copy of a notebook with the text that it now has is kept."""
    text = [(cell.cell_type, cell.source) for cell in nbformat.read(path, as_version=4).cells]
    return folder / hashlib.sha256(repr(text).encode()).hexdigest()[:16] / path.name


def _write_sources(folder: Path, notebooks: dict[str, Path], executed: dict[str, Path]) -> None:
    kept = set()
    for page in notebooks:
        notebook = pages.readable(nbformat.read(executed[page], as_version=4), _links(page) if "/" in page else "")
        kept.add(folder / f"{page}.ipynb")
        pages.written(folder / f"{page}.ipynb", nbformat.writes(notebook))
    texts = {
        name: pages.section((authoring.root() / file).read_text("utf-8"), head) for name, (file, head) in _TEXTS.items()
    }
    texts["library"] = pages.api(list(_LIBRARY))
    texts["index"] = _index([page for page in notebooks if "/" in page])
    for name, text in texts.items():
        kept.add(folder / f"{name}.md")
        pages.written(folder / f"{name}.md", text)
    picture = folder / "plates.png"
    kept.add(picture)
    shutil.copyfile(authoring.root() / "data" / "plates" / "contact_sheet.png", picture)
    for path in folder.rglob("*.*"):
        if path.is_file() and path not in kept:  # a page of an earlier build
            path.unlink()


def _index(names: list[str]) -> str:
    def tree(title: str, entries: Iterable[str]) -> str:
        return f"```{{toctree}}\n:caption: {title}\n:hidden:\n\n" + "\n".join(entries) + "\n```"

    rows = []
    for name in names:
        one = chapters.find(name[:2])
        rows.append(f"| [{one.number} {one.title}]({name}.ipynb) | {one.builds} | {one.minutes} |")
    parts = [
        "# Introduction to Deep Learning, on a plate",
        "A first course in deep learning, told through food: you write every part of a deep network yourself, and end with an "
        "app that looks at your plate. Read it here. To do the exercises and to move the figures, "
        "[begin on your own machine](start.ipynb).",
        "![Rendered plates, a row for each dish, such as pizza, sushi and doughnuts](plates.png)",
        "\n".join(["| chapter | what you build | minutes |", "|---|---|---|", *rows]),
        tree("Begin", ["Start page <start>"]),
        tree("Chapters", names),
        tree("Look up", ["glossary", "library"]),
        tree("For those who teach", ["instructors", "authors"]),
    ]
    return "\n\n".join(parts) + "\n"


def _links(page: str) -> str:
    path = f"course/{page}.ipynb"
    return " · ".join(
        [
            f"[Open in Colab](https://colab.research.google.com/github/{REPOSITORY}/blob/main/{path})",
            f"[Open in Binder](https://mybinder.org/v2/gh/{REPOSITORY}/main?labpath={path})",
            f"[Open in Codespaces](https://codespaces.new/{REPOSITORY})",
        ]
    )


def _settings() -> dict[str, Any]:
    return {
        "project": "Introduction to Deep Learning, on a plate",
        "html_title": "Introduction to Deep Learning, on a plate",
        "language": "en",
        "extensions": ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "autograder.site.mathematics"],
        "html_math_renderer": "mathml",
        "html_theme": "furo",
        "html_show_sphinx": False,
        "html_show_copyright": False,
        "html_copy_source": False,
        "nb_execution_mode": "off",
        "nb_ipywidgets_js": {},  # figures stand as pictures: no script is loaded for them
        "nb_merge_streams": True,
        "myst_enable_extensions": ["dollarmath", "amsmath"],
        "myst_heading_anchors": 3,
        "myst_dmath_allow_space": False,
        "autodoc_typehints": "none",
        "autodoc_member_order": "bysource",
        "napoleon_google_docstring": False,
        "napoleon_use_ivar": True,
        "html_show_sourcelink": False,
        "html_domain_indices": False,
    }
