"""The sandbox: where a submission's code runs, and what it can see and use there.

`bubblewrap` says what a sandbox is made of, `zygotes` starts them and keeps them warm.
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
    pool,
    program,
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
    "pool",
    "program",
    "trouble",
    "unsafe",
]
