"""A learner's own folder: made with `start`, renewed with `update`, and an exercise begun again with `reset`."""

from introdl.workspace.folder import Change, reset, start, update

__all__ = ["Change", "reset", "start", "update"]
