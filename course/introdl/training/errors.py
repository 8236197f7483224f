"""What can go wrong while training: each error is a sentence that says what, where, and what to do."""

from __future__ import annotations


class TrainingError(RuntimeError):
    """Training cannot begin or go on; the message says why and what to change."""


class Diverged(TrainingError):
    """The loss is no longer a number."""
