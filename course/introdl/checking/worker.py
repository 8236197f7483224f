"""The inside of grading: runs a notebook's cells and drives the learner's objects, on request.

In the sandbox it is a fork of `introdl.checking.zygote` and is spoken to over a socket; without one it is started as
``python -m introdl.checking.worker`` and is spoken to over standard input and output. A message is a length and what
`introdl.checking.wire` makes. It holds no expected output and makes no verdict: whoever writes to its socket in its
place has only given other answers.
"""

from __future__ import annotations

import ast
import contextlib
import os
import struct
import sys

from introdl.checking import absent, guard, wire

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


class Shell:
    """An IPython shell whose outputs are kept."""

    def __init__(self):
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        config = Config()
        config.HistoryManager.enabled = False  # it would write a database, in a thread of its own
        self.shell = InteractiveShell.instance(config=config)
        self.shell.showtraceback = lambda *args, **kwargs: None
        self.shell.showsyntaxerror = lambda *args, **kwargs: None
        self.shell.ask_exit = lambda: None
        self.shell._tee = lambda channel: contextlib.nullcontext()  # IPython's keeps all that is printed, without bound

    def run(self, source: str, pictures: bool = True) -> dict:
        """Run a cell and return its outputs, in nbformat's form, and its error in words.

        Without `pictures`, its figures are told by their alt texts alone.
        """
        from IPython.core.displayhook import CapturingDisplayHook
        from IPython.core.displaypub import CapturingDisplayPublisher

        from introdl.figures import style

        shell = self.shell
        shell.display_formatter.active_types = ["text/plain", "image/png"] if pictures else ["text/plain"]
        outputs: list = []
        publisher, hook = shell.display_pub, sys.displayhook
        text = guard.LimitedText(_TEXT)
        absent.calls.clear()
        absent.imports.clear()
        shell.display_pub = CapturingDisplayPublisher()
        shell.display_pub.outputs = outputs
        sys.displayhook = CapturingDisplayHook(shell=shell, outputs=outputs)
        old_trap = shell.display_trap.hook
        shell.display_trap.hook = sys.displayhook
        try:
            with (
                contextlib.redirect_stdout(text),
                contextlib.redirect_stderr(text),
                contextlib.nullcontext() if pictures else style.undrawn(),
            ):
                result = shell.run_cell(source, store_history=False)
        finally:
            shell.display_pub, sys.displayhook = publisher, hook
            shell.display_trap.hook = old_trap
        error = result.error_before_exec or result.error_in_exec
        leaned = sorted({*absent.calls, *absent.imports})
        if leaned and result.error_in_exec:
            self._run_by_statement(source)
        return {
            "text": text.value(),
            "displays": [_plain(output) for output in outputs[:_DISPLAYS]],
            "error": [type(error).__name__, guard.text_of(error), guard.place(error)] if error else [],
            "leaned": leaned[:20],
        }

    def _run_by_statement(self, source: str) -> None:
        """Run each statement of a cell that failed for want of what was put away: what can be defined, is."""
        try:
            body = ast.parse(self.shell.transform_cell(source)).body
        except SyntaxError:
            return
        text = guard.LimitedText(0)
        for statement in body:
            with contextlib.suppress(Exception), contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                exec(compile(ast.Module([statement], []), "<cell>", "exec"), self.shell.user_ns)

    def lookup(self, names: list[str]) -> tuple:
        """Return the learner's objects of these names."""
        space = self.shell.user_ns
        return tuple(space[name] if name in space else guard.Undefined(name) for name in names)


def _plain(output: dict) -> dict:
    """Keep a display's text and picture where they are not too large."""
    import base64

    kept = {}
    for mime, value in (output.get("data") or {}).items():
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode()
        if mime in ("text/plain", "image/png"):
            text = str(value)
            if len(text) <= _DISPLAY_BYTES:
                kept[mime] = text
    return kept


def _lay_files(names: list[str], arrays: list) -> None:
    """Put a submission's own files into the working folder."""
    for name, content in zip(names, arrays, strict=True):
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(name, "wb") as file:
                file.write(content.tobytes())


def serve(source, sink, shell: Shell) -> None:
    """Answer requests until there are no more."""
    sys.path.insert(0, "")  # a submission's own modules
    while True:
        message = read_message(source)
        if message is None:
            return
        request, arrays = message
        if request["do"] == "files":
            _lay_files(request["names"], arrays)
            write_message(sink, {})
        elif request["do"] == "cell":
            write_message(sink, shell.run(request["source"], request["pictures"]))
        elif request["do"] == "probe":
            task, inputs = _task(request)
            outcome, out = guard.run_case(task, shell.lookup(request["names"]), inputs, arrays, request["seconds"])
            write_message(sink, outcome.to_tree(), out)
        elif request["do"] == "series":
            _serve_series(source, sink, shell, request)


def _task(request: dict) -> tuple[guard.Task, list[tuple]]:
    task = guard.Task(request["probe"], tuple(request["forbidden"]), request["seconds"])
    return task, [(name, tree) for name, tree in request["inputs"]]


def _serve_series(source, sink, shell: Shell, request: dict) -> None:
    """Run an exercise's cases in one process, one at a time as they come, until one brings none back or is the last."""
    if not guard.isolated():
        write_message(sink, None)
        return
    task, _ = _task(request | {"inputs": []})
    with guard.Series(task, shell.lookup(request["names"])) as series:
        write_message(sink, True)
        while (message := read_message(source)) is not None:
            asked, arrays = message
            if asked["do"] != "next":
                return
            found = series.run([(name, tree) for name, tree in asked["inputs"]], arrays, asked["seconds"])
            if found is None:
                write_message(sink, None)
                return
            outcome, out = found
            write_message(sink, outcome.to_tree(), out)


def serve_socket(descriptor: int, shell: Shell) -> None:
    """Serve over a socket, in a fork of the zygote."""
    serve(os.fdopen(os.dup(descriptor), "rb"), os.fdopen(descriptor, "wb"), shell)
    os._exit(0)  # threads that the learner's code left behind must not keep the process


def main() -> None:
    """Take standard input and output for the messages, and give the learner's code empty ones."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    serve(source, sink, Shell())
    os._exit(0)  # threads that the learner's code left behind must not keep the process


if __name__ == "__main__":
    main()
