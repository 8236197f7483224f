"""formgrader's own pages, guarded: what comes in by an address or lies in a submission's folder runs nowhere."""

from __future__ import annotations

import functools
import re

#: nbgrader puts these into its pages as they come: into text, attributes and scripts.
_UNFIT = re.compile(r'[<>"\\\x00-\x1f\x7f]')
#: Of a page with nbgrader's scripts; it loads from its own server alone.
_OF_PAGES = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
#: Of a submission's file: a page of a student's is shown as one of nobody's, without scripts.
_OF_FILES = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'"


def guard() -> None:
    """Guard formgrader in this process; more than once does no more than once.

    nbgrader offers no place for this in its configuration, and formgrader reads a classroom's configuration in the
    process of its server before it answers anybody.
    """
    from nbgrader.server_extensions.formgrader import base, handlers

    if hasattr(base.BaseHandler.render, "__wrapped__"):
        return
    render = base.BaseHandler.render

    @functools.wraps(render)
    def refusing(self, name, **shown):
        from tornado import web

        for key in ("student_id", "assignment_id", "notebook_id"):
            if _UNFIT.search(str(shown.get(key, ""))):
                raise web.HTTPError(404)
        return render(self, name, **shown)

    base.BaseHandler.render = refusing
    base.BaseHandler.content_security_policy = property(lambda self: _OF_PAGES)
    handlers.SubmissionFilesHandler.content_security_policy = property(lambda self: _OF_FILES)
