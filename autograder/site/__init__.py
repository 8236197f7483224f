"""The course as a site of static pages: read anywhere, with figures as pictures and without solutions."""

from autograder.site.building import build

__all__ = ["build"]
