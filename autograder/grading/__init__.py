"""Grade a class: many submissions side by side, one writer, and nothing lost.

- `submissions`: what was handed in. `job`: what it takes to examine one submission, as plain data, and the verdict.
- `pool`: where jobs run. `store`: what is done already, on disk.
- `gradebook`: the one writer of the gradebook. `by_hand`: grades that a person gave. `penalties`: what lateness costs.
- `lock`: one command at a time.
- `run`: all this together. `report`: what the instructor sees. `regrade`, `feedback`: the other commands.
"""

from autograder.errors import Stopped
from autograder.grading.feedback import feedback
from autograder.grading.report import summarize, table
from autograder.grading.result import FAILED, Result
from autograder.grading.run import grade

__all__ = ["FAILED", "Result", "Stopped", "feedback", "grade", "summarize", "table"]
