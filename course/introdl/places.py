"""The name that `introdl.paths` had before: notebooks that were handed out with it still run."""

from introdl.paths import *  # noqa: F403
