"""The page of feedback that a student gets."""

from nbconvert.exporters import HTMLExporter


class FeedbackPage(HTMLExporter):
    """nbconvert's exporter under a name of its own.

    Its template (see `classroom.configure`) is set for this class alone. Set for every HTMLExporter, it would also take the
    place of formgrader's page, on which a person grades by hand.
    """
