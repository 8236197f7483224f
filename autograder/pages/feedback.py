"""The page of feedback that a student gets."""

from __future__ import annotations

from nbconvert.exporters import HTMLExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
from pygments.formatters import HtmlFormatter


class FeedbackPage(HTMLExporter):
    """nbconvert's exporter under a name of its own, with the colors of code for light and for dark screens.

    Its template (see `autograder.nbgrader_plugin.configure`) is set for this class alone: formgrader's page, on which a
    person grades by hand, is an HTMLExporter's too.
    """

    def from_notebook_node(self, nb, resources=None, **kw):
        """Convert a notebook, as HTMLExporter does, which then reads its own page again to put words behind pictures.

        Our template has those words, and reading pages is what takes longest.
        """
        resources = self._init_resources(resources)
        known = {"notebook_metadata": self._nb_metadata, "resources": resources, "parent": self}
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=self))
        self.register_filter("filter_data_type", WidgetsDataTypeFilter(**known))
        return super(HTMLExporter, self).from_notebook_node(nb, resources, **kw)

    def _init_resources(self, resources):
        resources = super()._init_resources(resources)
        resources["colors"] = {
            name: HtmlFormatter(style=style).get_style_defs(".highlight")
            for name, style in (("light", "xcode"), ("dark", "github-dark"))
        }
        return resources
