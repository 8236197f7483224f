"""Probes: how a learner's object is driven, and how its result is read.

`drive` runs beside the learner's code (in a fork of the notebook's process; when grading, in the sandbox), and returns what came
of it. `read` runs where the verdict is made (in the notebook's own process; when grading, outside the sandbox), and turns the
result into what is compared.

A new one goes into the module of its kind, into `PROBES` under the name that exercises give.
"""

from introdl.checking.probes import (  # noqa: F401
    devices,
    effects,
    food,
    functions,
    inspection,
    meals,
    networks,
    photographs,
    splits,
    steps,
    training,
    values,
    verification,
)
from introdl.checking.probes.base import PROBES, Probe, Wrong

__all__ = ["PROBES", "Probe", "Wrong"]
