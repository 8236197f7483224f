"""Checking answers: answer sheets, probes, comparison, diagnosis, reports and progress.

A learner meets `check`, `hint` and `progress`. The grader uses the same parts from outside:
`introdl.checking.isolation` beside the learner's code, `introdl.checking.judge` away from it.
"""

from introdl.checking.notebook import check, explain_undefined_names, hint, progress

__all__ = ["check", "hint", "progress"]

explain_undefined_names()
