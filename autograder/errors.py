"""Every error that the autograder tells a person about: its text says what is wrong, where, and what to do."""


class AuthorError(Exception):
    """A slip of an author's, in a source, an exercise or a figure."""


class ClassroomError(Exception):
    """Something is wrong with a classroom, its gradebook, the disk or a cluster."""


class SandboxError(Exception):
    """There is no sandbox here, or it does not start."""


class JobError(Exception):
    """A submission cannot be examined here."""


class NotJudged(JobError):
    """Not the submission is at fault, but what examined it."""


class NotWritten(Exception):
    """nbgrader could not take a submission. The others are not concerned."""


class Stopped(Exception):
    """A run was stopped by the instructor; the text says how far it came."""


class Unreadable(Exception):
    """A submitted file is no notebook; the text says why."""


class Unbearable(Exception):
    """A stranger's file is not read: it is no plain file, or too large. The text says what it is."""
