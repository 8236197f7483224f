"""A renderer of formulas for Sphinx: MathML, which browsers draw themselves; no script and no font is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.pages.mathematics import mathml

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer under the name ``mathml``, as Sphinx asks of an extension."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(writer, node: Element) -> None:
    from docutils.nodes import SkipNode

    writer.body.append(mathml(node.astext()))
    raise SkipNode


def _block(writer, node: Element) -> None:
    from docutils.nodes import SkipNode

    writer.body.append(f'<div class="math">{mathml(node.astext(), block=True)}</div>')
    raise SkipNode
