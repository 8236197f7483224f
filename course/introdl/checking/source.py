"""The source of a learner's answer, as it stands in the notebook's cell."""

from __future__ import annotations

import inspect
import textwrap

#: More than this is no answer to an exercise.
_LONGEST = 20_000


def of(objects: tuple) -> str:
    """Return the source of functions and classes, one below the other; what has none is passed over."""
    found = []
    for one in objects:
        try:
            found.append(textwrap.dedent(inspect.getsource(one)))
        except Exception:  # a learner's object may be anything, and may come from anywhere
            continue
    code = "\n".join(found)
    return code if len(code) <= _LONGEST else ""
