"""IPython's shell, changed so that only what a learner's code itself does stops a cell (see `introdl.checking.cells`)."""

from __future__ import annotations

import contextlib
import warnings

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import LSString, SList
from traitlets.config import Config

from introdl.checking import cells, not_installed

#: How many lines are told that were passed over.
MOST_PASSED = 20
_INSTALLERS = ("conda", "mamba", "micromamba", "pip", "uv")


class GradingShell(InteractiveShell):
    """A shell that runs a cell statement by statement, and goes on after one that raised.

    Whether a statement would have raised on the learner's machine too cannot be known here, and what stands below it may
    be an answer. `SystemExit` alone ends a cell: whoever raises it wants that.
    """

    def begin(self, ahead: int, strict: bool = False) -> None:
        """Begin a cell; `ahead` is the number of its lines that IPython does not see at its beginning.

        An error ends a `strict` one, as an instructor's tests are.
        """
        self.strict = strict
        self.ahead, self.line, self.done = ahead, 1, 0
        self.passed: list[tuple[int, str, int]] = []
        self.first_error: BaseException | None = None

    def pass_over(self, reason: str) -> None:
        """Note that the statement that runs now was not done, or not whole."""
        if len(self.passed) < MOST_PASSED and self.line not in [line for line, _, _ in self.passed]:
            self.passed.append((self.line, reason, self.done))

    async def run_code(self, code_obj, result=None, *, async_=False):
        self.line = code_obj.co_firstlineno + self.ahead
        self.done += 1
        with not_installed.cell_runs():
            failed = await super().run_code(code_obj, result, async_=async_)
        error = result.error_in_exec if failed and result is not None else None
        if error is None:
            return failed
        self.first_error = self.first_error or error
        if self.strict or isinstance(error, SystemExit):
            return True
        if isinstance(error, ImportError):
            for package, name in not_installed.names_of_imports(code_obj):
                self.user_ns.setdefault(name, not_installed.NotInstalled(package))
        self.pass_over(cells.reason_of(error))
        return False

    def run_line_magic(self, magic_name, line, _stack_depth=1):
        if magic_name in _INSTALLERS:
            return self.pass_over("program")
        if magic_name == "timeit":  # once is enough, nobody reads the time
            line = f"-n1 -r1 {line}"
        try:
            return super().run_line_magic(magic_name, line, _stack_depth + 1)
        except Exception as error:
            return self.pass_over(cells.reason_of(error))

    def magic(self, line):
        """As IPython had it for long."""
        name, _, rest = line.lstrip("%").partition(" ")
        return self.run_line_magic(name, rest, _stack_depth=2)

    def run_cell_magic(self, magic_name, line, cell):
        self.ahead += 1  # where the body is run as a cell
        if magic_name in ("time", "prun") or self._find_with_lazy_load("cell", magic_name) is None:
            text, left_out = cells.readable(cell)
            if text.strip() and not left_out:
                return self.run_cell(text, store_history=False) and None
            return self.pass_over("magic")
        try:
            return super().run_cell_magic(magic_name, f"-n1 -r1 {line}" if magic_name == "timeit" else line, cell)
        except Exception as error:
            self.pass_over(cells.reason_of(error))

    def system(self, _cmd):
        self.pass_over("program")
        self.user_ns["_exit_code"] = 1

    def getoutput(self, _cmd, split=True, depth=0):
        self.pass_over("program")
        return SList() if split else LSString()

    def enable_matplotlib(self, gui=None):
        return gui or "inline", "inline"

    def enable_gui(self, gui=None):
        pass

    def ask_exit(self):
        pass

    def showtraceback(self, *args, **kwargs):
        pass

    def showsyntaxerror(self, *args, **kwargs):
        pass

    def _tee(self, channel):
        return contextlib.nullcontext()  # IPython's keeps all that is printed, without bound


def make() -> GradingShell:
    """Return this process's shell."""
    config = Config()
    config.HistoryManager.enabled = False  # it would write a database, in a thread of its own
    config.InteractiveShell.colors = "nocolor"
    shell = GradingShell.instance(config=config)
    shell.ast_transformers.append(cells.OneImportEach())
    shell.builtin_trap.activate()  # what a function calls when it is checked (display) is there then too
    shell.begin(0)
    warnings.filterwarnings("ignore", "To exit: use", UserWarning)
    return shell
