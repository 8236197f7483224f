"""The inside of grading: runs a notebook's cells and drives the learner's objects, on request.

Started as ``python -m introdl.checking.worker``. Requests come on standard input and answers leave on standard
output, each a length and a message of `introdl.checking.wire`. It holds no expected output and makes no verdict.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys

from introdl.checking import guard, wire

_LENGTH = struct.Struct("<Q")
_TEXT = 20_000
_DISPLAYS = 40
_DISPLAY_BYTES = 2 * 2**20


def read_message(file) -> tuple | None:
    """Read a message from a binary file; None at its end."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = file.read(length)
    return wire.from_bytes(body) if len(body) == length else None


def write_message(file, tree, arrays=()) -> None:
    """Write a message to a binary file."""
    body = wire.to_bytes(tree, list(arrays))
    file.write(_LENGTH.pack(len(body)))
    file.write(body)
    file.flush()


class _Shell:
    """An IPython shell whose outputs are kept."""

    def __init__(self):
        from IPython.core.interactiveshell import InteractiveShell

        self.shell = InteractiveShell.instance()
        self.shell.showtraceback = lambda *args, **kwargs: None
        self.shell.showsyntaxerror = lambda *args, **kwargs: None
        self.shell.ask_exit = lambda: None

    def run(self, source: str) -> dict:
        """Run a cell and return its outputs, in nbformat's form, and its error in words."""
        from IPython.core.displayhook import CapturingDisplayHook
        from IPython.core.displaypub import CapturingDisplayPublisher

        shell = self.shell
        outputs: list = []
        publisher, hook = shell.display_pub, sys.displayhook
        text = guard.LimitedText(_TEXT)
        shell.display_pub = CapturingDisplayPublisher()
        shell.display_pub.outputs = outputs
        sys.displayhook = CapturingDisplayHook(shell=shell, outputs=outputs)
        old_trap = shell.display_trap.hook
        shell.display_trap.hook = sys.displayhook
        try:
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                result = shell.run_cell(source, store_history=False)
        finally:
            shell.display_pub, sys.displayhook = publisher, hook
            shell.display_trap.hook = old_trap
        error = result.error_before_exec or result.error_in_exec
        return {
            "text": text.value(),
            "displays": [_plain(output) for output in outputs[:_DISPLAYS]],
            "error": [type(error).__name__, guard.text_of(error), guard.place(error)] if error else [],
        }

    def lookup(self, names: list[str]) -> tuple:
        space = self.shell.user_ns
        return tuple(space[name] if name in space else guard.Undefined(name) for name in names)


def _plain(output: dict) -> dict:
    """Keep a display's text, HTML and pictures where they are not too large."""
    import base64

    kept = {}
    for mime, value in (output.get("data") or {}).items():
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode()
        if mime in ("text/plain", "text/html", "image/png", "image/svg+xml", "text/markdown", "text/latex"):
            text = str(value)
            if len(text) <= _DISPLAY_BYTES:
                kept[mime] = text
    return kept


def serve(source, sink) -> None:
    """Answer requests until there are no more."""
    shell = _Shell()
    while True:
        message = read_message(source)
        if message is None:
            return
        request, arrays = message
        if request["do"] == "cell":
            write_message(sink, shell.run(request["source"]))
        elif request["do"] == "probe":
            task = guard.Task(request["probe"], tuple(request["forbidden"]), request["seconds"])
            objects = shell.lookup(request["names"])
            inputs = [(name, tree) for name, tree in request["inputs"]]
            outcome, out = guard.run_case(task, objects, inputs, arrays, request["seconds"])
            write_message(sink, outcome.to_tree(), out)


def main() -> None:
    """Take standard input and output for the messages, and give the learner's code empty ones."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    serve(source, sink)
    os._exit(0)  # threads that the learner's code left behind must not keep the process


if __name__ == "__main__":
    main()
