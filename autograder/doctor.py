"""What grading needs of a machine, looked at: ``introdl doctor`` shows it where the grader is installed."""

from __future__ import annotations

from autograder import sandbox
from autograder.sandbox import cgroups
from introdl.doctor import NOTE, OK, Finding, package


def examine() -> list[Finding]:
    """Look at nbgrader and at the sandbox: is there one, and if not, why."""
    return [package("nbgrader"), _sandbox()]


def _sandbox() -> Finding:
    if reason := sandbox.trouble():
        return Finding("sandbox", NOTE, f"Only grading a class needs it. {reason}")
    how = f"submissions can be graded here ({sandbox.found().name}); {cgroups.describe()}"
    return Finding("sandbox", OK, how)
