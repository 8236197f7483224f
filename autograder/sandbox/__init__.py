"""The sandbox: where a submission's code runs, and what it can see and use there.

`base` says what a sandbox must do, `bubblewrap` is one, `zygotes` starts them and keeps them warm.
"""

from autograder.sandbox.bubblewrap import exposes
from autograder.sandbox.zygotes import (
    UNSAFE,
    Bounds,
    Pool,
    SandboxError,
    Worker,
    Zygote,
    environment,
    found,
    pool,
    trouble,
    unsafe,
)

__all__ = [
    "UNSAFE",
    "Bounds",
    "Pool",
    "SandboxError",
    "Worker",
    "Zygote",
    "environment",
    "exposes",
    "found",
    "pool",
    "trouble",
    "unsafe",
]
