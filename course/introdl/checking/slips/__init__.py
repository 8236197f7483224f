"""The slips of every beginner, whatever the exercise: what they look like, and one sentence for each.

Two tables go by what came of an answer, and so they serve in a notebook and when a class is graded: `raised` (exceptions) and
`returned` (values). A third one, `mending`, goes by the learner's code: it undoes a slip in a copy, and names it only where
that makes the answer right.
"""

from introdl.checking.slips.context import Context, Slip
from introdl.checking.slips.raised import family, raised
from introdl.checking.slips.returned import may_be_none, returned

__all__ = ["Context", "Slip", "family", "may_be_none", "raised", "returned"]
