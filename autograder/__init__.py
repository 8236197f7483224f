"""autograder: builds the course from its sources, and grades classes with nbgrader."""

import os
import sys

# nbgrader starts the program "alembic" by name, and fails where this environment was not activated.
_programs = os.path.dirname(sys.executable)
if _programs not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([_programs, os.environ.get("PATH", "")])
