"""What the course needs of a machine, looked at."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from introdl import places

_NEEDED = ("jupyterlab", "ipykernel", "ipywidgets", "numpy", "matplotlib", "torch", "papermill", "nbgrader", "jupytext")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what, whether it is fine, and a sentence."""

    what: str
    fine: bool
    sentence: str


def examine() -> list[Finding]:
    """Look at Python, packages, kernel, course files, disk and devices."""
    return [_python(), *(_package(name) for name in _NEEDED), _kernel(), _sheets(), _home(), _disk(), _device()]


def _python() -> Finding:
    have = ".".join(map(str, sys.version_info[:3]))
    fine = sys.version_info >= (3, 11)
    return Finding("Python", fine, have if fine else f"{have} is too old; the course needs 3.11 or newer.")


def _package(name: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, "missing. Run 'make lab', or 'pip install -e . -c constraints.txt'.")


def _kernel() -> Finding:
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

        try:
            spec = KernelSpecManager().get_kernel_spec("python3")
        except NoSuchKernel:
            return Finding("kernel", False, "no 'python3' kernel. Run 'python -m ipykernel install --user'.")
    except ImportError:
        return Finding("kernel", False, "jupyter_client is missing.")
    command = spec.argv[0]
    if os.path.isabs(command) and not os.path.exists(command):
        return Finding(
            "kernel", False, f"it starts {command}, which is gone. Run 'python -m ipykernel install --user' again."
        )
    return Finding("kernel", True, spec.display_name)


def _sheets() -> Finding:
    from introdl.checking import sheets

    try:
        found = [path.stem for path in sheets.chapters()]
        for path in sheets.chapters():
            sheets.read(path)
    except (FileNotFoundError, ValueError) as error:
        return Finding("answer sheets", False, str(error))
    fine = bool(found)
    return Finding("answer sheets", fine, ", ".join(found) if fine else "none. From a checkout: run 'make build'.")


def _home() -> Finding:
    home = places.home()
    try:
        places.write_atomically(home / "doctor.txt", b"")
        (home / "doctor.txt").unlink()
    except OSError as error:
        return Finding(
            "your folder", False, f"{home} cannot be written ({error.strerror}). Set INTRODL_HOME to another."
        )
    return Finding("your folder", True, str(home))


def _disk() -> Finding:
    free = shutil.disk_usage(places.course()).free / 1e9
    return Finding("free disk", free > 1, f"{free:.0f} GB" if free > 1 else f"{free:.1f} GB; free at least 1 GB.")


def _device() -> Finding:
    try:
        import torch
    except ImportError:
        return Finding("device", False, "torch is missing, so that no device can be looked for.")
    if torch.cuda.is_available():
        return Finding("device", True, f"CUDA: {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Finding("device", True, "Apple's MPS")
    return Finding("device", True, f"CPU with {os.cpu_count()} cores (every chapter runs on it)")
