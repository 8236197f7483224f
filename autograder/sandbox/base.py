"""What a sandbox must do. A new kind is a module with one subclass, and its name in `autograder.sandbox.zygotes.KINDS`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Sandbox(ABC):
    """A way to run Python where it sees and reaches nothing but what it needs.

    Attributes
    ----------
    name : str
        What to call it where it fails.
    install : str
        A sentence: how to come by it.
    """

    name: str
    install: str

    @classmethod
    @abstractmethod
    def candidates(cls) -> list[Sandbox]:
        """Return those that may work on this machine, the one to try first at the front."""

    @abstractmethod
    def command(self, program: Sequence[str], absent: Sequence[str], scratch: int) -> list[str]:
        """Return the command that starts a program inside, as process 1 with the right to make namespaces.

        Parameters
        ----------
        program : sequence of str
            The program and its arguments.
        absent : sequence of str
            Forbidden names (``"torch.*"``); the packages among them are not there.
        scratch : int
            Bytes that may be written in each folder that can be written to.
        """

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """Return the variables that tell Python inside where libraries and data lie."""

    @abstractmethod
    def in_scratch(self) -> list[str]:
        """Return what is shown inside of the folders that a submission may write to."""
