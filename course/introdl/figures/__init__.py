"""Figures of the course: `style` for all of them, `interactive` for those that move, one module a subject."""

from introdl.figures.interactive import explore
from introdl.figures.style import picture, show, use_style

__all__ = ["explore", "picture", "show", "use_style"]
