"""The inside of grading: runs a notebook's cells and drives the learner's objects, on request.

In the sandbox it is a fork of `introdl.checking.zygote` and is spoken to over a socket; without one it is started as
``python -m introdl.checking.worker`` and is spoken to over standard input and output (`introdl.checking.channel`). It holds
no expected output and makes no verdict: whoever writes to its socket in its place has only given other answers.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, cast

from introdl.checking import cells, isolation, missing_libraries
from introdl.checking.channel import Channel, Closed
from introdl.checking.packing import Packed

_TEXT = 20_000
_DISPLAYS = 40
_DISPLAY_BYTES, _ALL_DISPLAY_BYTES = 2 * 2**20, 4 * 2**20


class _Few(list):
    """A list that keeps the first things appended to it, and one more to show that there were more."""

    def append(self, one: Any) -> None:
        if len(self) <= _DISPLAYS:
            super().append(one)


class Shell:
    """An IPython shell whose outputs are kept."""

    def __init__(self):
        from introdl.checking import grading_shell

        os.environ["NBGRADER_EXECUTION"] = "autograde"  # as in nbgrader: an instructor's cells may ask for it
        self.shell = cast(Any, grading_shell.make())

    def run(self, source: str, pictures: bool = True, test: bool = False) -> dict:
        """Run a cell and return its outputs, in nbformat's form, its first error in words, and what was passed over.

        Without `pictures`, its figures are told by their alt texts alone. Of an instructor's `test` it is also told what its
        last expression gave, and what it wrote to standard error: nbgrader counts by these.
        """
        from IPython.core.displayhook import CapturingDisplayHook
        from IPython.core.displaypub import CapturingDisplayPublisher

        from introdl.figures import style

        shell = self.shell
        shell.display_formatter.active_types = ["text/plain", "image/png"] if pictures else ["text/plain"]
        outputs = _Few()
        publisher, hook = shell.display_pub, sys.displayhook
        text = isolation.LimitedText(_TEXT)
        errors, results = (isolation.LimitedText(_TEXT), []) if test else (text, outputs)
        missing_libraries.calls.clear()
        missing_libraries.imports.clear()
        shell.display_pub = CapturingDisplayPublisher()
        shell.display_pub.outputs = outputs
        sys.displayhook = CapturingDisplayHook(shell=shell, outputs=results)
        old_trap = shell.display_trap.hook
        shell.display_trap.hook = sys.displayhook
        readable, left_out = cells.readable(source)
        shell.begin(len(readable) - len(readable.lstrip("\n")), strict=test)
        try:
            with (
                contextlib.redirect_stdout(text),
                contextlib.redirect_stderr(errors),
                contextlib.nullcontext() if pictures else style.undrawn(),
            ):
                result = shell.run_cell(readable if readable.strip() or not left_out else source, store_history=False)
        finally:
            shell.display_pub, sys.displayhook = publisher, hook
            shell.display_trap.hook = old_trap
        error = result.error_before_exec or shell.first_error
        leaned = sorted({*missing_libraries.calls, *missing_libraries.imports})
        # An error of a cell's last statement is its error, and nothing was passed over to go on.
        passed = [[line, why] for line, why, at in shell.passed if why != "error" or at < shell.done]
        return {
            "text": text.value(),
            "displays": _displays(outputs),
            "error": [type(error).__name__[:100], isolation.text_of(error), isolation.line_of(error)[:300]]
            if error
            else [],
            "leaned": leaned[:20],
            "passed": [*([line, "syntax"] for line in left_out), *passed][:20],
        } | (self._of_test(source, results, errors) if test else {})

    @staticmethod
    def _of_test(source: str, results: list, errors: isolation.LimitedText) -> dict:
        from IPython.core.displayhook import DisplayHook

        if results and DisplayHook.semicolon_at_end_of_expression(source):
            results = []
        return {"result": _displays(results[-1:]), "stderr": errors.value()}

    def lookup(self, names: list[str]) -> tuple:
        """Return the learner's objects of these names."""
        space = self.shell.user_ns
        return tuple(space[name] if name in space else isolation.Undefined(name) for name in names)


def _displays(outputs: list[dict]) -> list[dict]:
    """Keep the first displays, as many as there is room for."""
    kept: list[dict] = []
    left = _ALL_DISPLAY_BYTES
    for output in outputs[:_DISPLAYS]:
        plain = _plain(output)
        left -= sum(map(len, plain.values()))
        if left < 0:
            break
        kept.append(plain)
    return kept if len(kept) == len(outputs) else [*kept, {"text/plain": "... (more was shown)"}]


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


def _lay_files(names: list[str], contents: list[Packed]) -> None:
    """Put a submission's own files into the working folder."""
    for name, content in zip(names, contents, strict=True):
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(name, "wb") as file:
                file.write(content.value().tobytes())


def serve(channel: Channel, shell: Shell) -> None:
    """Answer requests until there are no more."""
    sys.path.insert(0, "")  # a submission's own modules
    with contextlib.suppress(Closed):
        while True:
            request, values = channel.receive()
            if request["do"] == "files":
                _lay_files(request["files"], values)
                channel.send({})
            elif request["do"] == "cell":
                channel.send(shell.run(request["source"], request["pictures"], request.get("test", False)))
            elif request["do"] == "probe":
                inputs = _inputs(request, values)
                outcome = isolation.run_case(_task(request), shell.lookup(request["names"]), inputs, request["seconds"])
                channel.send(outcome.head(), [outcome.value])
            elif request["do"] == "series":
                _serve_series(channel, shell, request)


def _task(request: dict) -> isolation.Task:
    return isolation.Task(request["probe"], tuple(request["forbidden"]), request["seconds"])


def _inputs(request: dict, values: list[Packed]) -> list[tuple]:
    return [(name, value.value()) for name, value in zip(request["inputs"], values, strict=True)]


def _serve_series(channel: Channel, shell: Shell, request: dict) -> None:
    """Run an exercise's cases in one process, one at a time as they come, until one brings none back or is the last."""
    if not isolation.isolated():
        channel.send({"started": False})
        return
    with isolation.Series(_task(request), shell.lookup(request["names"])) as series:
        channel.send({"started": True})
        while True:
            asked, values = channel.receive()
            if asked["do"] != "next":
                return
            outcome = series.run(_inputs(asked, values), asked["seconds"])
            if outcome is None:
                channel.send({"kind": "none"})
                return
            channel.send(outcome.head(), [outcome.value])


def serve_socket(descriptor: int, shell: Shell) -> None:
    """Serve over a socket, in a fork of the zygote."""
    serve(Channel(descriptor, descriptor), shell)
    os._exit(0)  # threads that the learner's code left behind must not keep the process


def main() -> None:
    """Take standard input and output for the messages, and give the learner's code empty ones."""
    channel = Channel(os.dup(0), os.dup(1))
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    serve(channel, Shell())
    os._exit(0)  # threads that the learner's code left behind must not keep the process


if __name__ == "__main__":
    main()
