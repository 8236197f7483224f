"""The name that `introdl.inspection` had before: notebooks that were handed out with it still run."""

from introdl.inspection import *  # noqa: F403
