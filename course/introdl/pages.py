"""Pages: the templates beside a module, filled in. They escape whatever they are given, but what is marked as safe there."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any


@functools.cache
def _templates(folder: Path) -> Any:
    """Return what loads and compiles a folder's templates; Jinja itself is loaded only when a page is wanted."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)


def page(module: str, name: str, /, **shown: Any) -> str:
    """Fill in a template.

    Parameters
    ----------
    module : str
        The ``__file__`` of the module that asks; its templates lie beside it, in ``templates/``.
    name : str
        The template ``name.html.j2``.
    **shown : object
        What stands in it. A name that is missing is an error.

    Returns
    -------
    str
        HTML.
    """
    return _templates(Path(module).parent / "templates").get_template(f"{name}.html.j2").render(**shown)


def part(module: str, name: str, macro: str, *shown: Any) -> str:
    """Fill in one macro of a template, for a page whose parts change one by one; `module` and `name` as in `page`."""
    template = _templates(Path(module).parent / "templates").get_template(f"{name}.html.j2")
    return str(getattr(template.module, macro)(*shown))
