"""Filters that our pages and formgrader's render with, in nbconvert's templates: what they return is clean HTML.

`nbgrader_plugin.configure` gives them to every HTML exporter of a classroom, under nbconvert's own names.
"""

from __future__ import annotations

import html
import re
import secrets
from functools import lru_cache

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath

from autograder.examining import markup
from autograder.pages.mathematics import mathml

#: A formula within a line that has more letters may be wider than a telephone; the page lets it scroll by itself.
_LONG = 20
#: What is longer is nobody's prose, and takes a reader of markdown more than twice as long for each doubling.
_MOST_LETTERS = 20_000


class _Renderer(IPythonRenderer):
    """nbconvert's, which keeps formulas aside, so that what it returns can be cleaned before they are put in."""

    def __init__(self, attachments: dict):
        super().__init__(escape=False, attachments=attachments, exclude_anchor_links=True)
        self.mark, self.formulas = secrets.token_hex(8), []  # type: tuple[str, list[str]]

    def _formula(self, tex: str, block: bool) -> str:
        shown = mathml(tex, block)
        if not block and len(re.sub("<[^>]*>", "", shown)) > _LONG:
            shown = f'<span class="long">{shown}</span>'
        self.formulas.append(shown)
        return f'<var title="{self.mark}-{len(self.formulas) - 1}"></var>'

    def inline_math(self, body: str) -> str:
        return self._formula(body, block=False)

    def block_math(self, body: str) -> str:
        return self._formula(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return self._formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def block_mermaidjs(self, code: str) -> str:
        return f"<pre><code>{html.escape(code)}</code></pre>"

    def _embed_image_or_attachment(self, src: str) -> str:
        try:
            return super()._embed_image_or_attachment(src)
        except InvalidNotebook:  # an attachment that is not there
            return ""

    def put_in(self, cleaned: str) -> str:
        """Put the formulas into HTML that was cleaned."""
        return re.sub(rf'<var title="{self.mark}-(\d+)"></var>', lambda match: self.formulas[int(match[1])], cleaned)


def markdown(source: str, attachments: dict | None = None) -> str:
    """Render markdown as clean HTML, its formulas as MathML."""
    return _markdown(source, attachments) if attachments else _without_attachments(source)


def _markdown(source: str, attachments: dict) -> str:
    if len(markup.without_pictures(source)[0]) > _MOST_LETTERS:
        return f"<pre>{html.escape(source)}</pre>"
    renderer = _Renderer(attachments)
    return renderer.put_in(markup.clean_html(MarkdownWithMath(renderer=renderer).render(source)))


@lru_cache(maxsize=500)  # a chapter's own cells are the same in everybody's notebook
def _without_attachments(source: str) -> str:
    return _markdown(source, {})


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """As nbconvert's filter of this name, with `markdown`."""
    return markdown(source, context.get("cell", {}).get("attachments"))


def clean_html(text: str) -> str:
    """As nbconvert's filter of this name."""
    return markup.clean_html(str(text))


#: By nbconvert's names, as its configuration takes them (``HTMLExporter.filters``).
FILTERS = {name: f"autograder.pages.rendering.{name}" for name in ("markdown2html", "clean_html")}
