"""The page of feedback that a student gets."""

from __future__ import annotations

from nbconvert.exporters import HTMLExporter
from pygments.formatters import HtmlFormatter


class FeedbackPage(HTMLExporter):
    """nbconvert's exporter under a name of its own, with the colours of code for light and for dark screens.

    Its template (see `autograder.nbgrader_plugin.configure`) is set for this class alone: formgrader's page, on which a
    person grades by hand, is an HTMLExporter's too.
    """

    def _init_resources(self, resources):
        resources = super()._init_resources(resources)
        resources["colours"] = {
            name: HtmlFormatter(style=style).get_style_defs(".highlight")
            for name, style in (("light", "xcode"), ("dark", "github-dark"))
        }
        return resources
