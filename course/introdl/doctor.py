"""What the course needs of a machine, looked at."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from introdl import paths

_NEEDED = ("jupyterlab", "ipykernel", "ipywidgets", "numpy", "matplotlib", "torch", "papermill", "jupytext")


#: How a thing stands: as it should; of no harm to the course, but worth knowing; or in the course's way.
OK, NOTE, LOOK = "ok", "note", "LOOK"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what, how it stands (`OK`, `NOTE` or `LOOK`), and a sentence."""

    what: str
    state: str
    sentence: str


def examine() -> list[Finding]:
    """Look at Python, packages, kernel, course files, disk and devices, and at what other installed parts need."""
    ours = [_python(), *(package(name) for name in _NEEDED), _kernel(), _sheets(), _home(), _disk(), _device()]
    return [*ours, *(finding for part in entry_points(group="introdl.doctor") for finding in part.load()())]


def _python() -> Finding:
    have = ".".join(map(str, sys.version_info[:3]))
    fine = sys.version_info >= (3, 11)
    return Finding(
        "Python", OK if fine else LOOK, have if fine else f"{have} is too old; the course needs 3.11 or newer."
    )


def package(name: str) -> Finding:
    """Look whether a package is installed, and in which version."""
    try:
        return Finding(name, OK, version(name))
    except PackageNotFoundError:
        return Finding(name, LOOK, f"missing. Run 'make lab' in a checkout; elsewhere 'pip install {name}'.")


def _kernel() -> Finding:
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

        try:
            spec = KernelSpecManager().get_kernel_spec("python3")
        except NoSuchKernel:
            return Finding("kernel", LOOK, "no 'python3' kernel. Run 'python -m ipykernel install --user'.")
    except ImportError:
        return Finding("kernel", LOOK, "jupyter_client is missing.")
    command = spec.argv[0]
    if os.path.isabs(command) and not os.path.exists(command):
        return Finding(
            "kernel", LOOK, f"it starts {command}, which is gone. Run 'python -m ipykernel install --user' again."
        )
    return Finding("kernel", OK, spec.display_name)


def _sheets() -> Finding:
    from introdl.checking import sheets

    try:
        found = [path.stem for path in sheets.chapters()]
        for path in sheets.chapters():
            sheets.read(path)
    except (FileNotFoundError, ValueError) as error:
        return Finding("answer sheets", LOOK, str(error))
    fine = bool(found)
    return Finding(
        "answer sheets", OK if fine else LOOK, ", ".join(found) if fine else "none. From a checkout: run 'make build'."
    )


def _home() -> Finding:
    home = paths.home()
    try:
        paths.write_atomically(home / "doctor.txt", b"")
        (home / "doctor.txt").unlink()
    except OSError as error:
        return Finding(
            "your folder", LOOK, f"{home} cannot be written ({error.strerror}). Set INTRODL_HOME to another."
        )
    return Finding("your folder", OK, str(home))


def _disk() -> Finding:
    free = shutil.disk_usage(paths.course()).free / 1e9
    return Finding(
        "free disk", OK if free > 1 else LOOK, f"{free:.0f} GB" if free > 1 else f"{free:.1f} GB; free at least 1 GB."
    )


def _device() -> Finding:
    try:
        import torch
    except ImportError:
        return Finding("device", LOOK, "torch is missing, so that no device can be looked for.")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")  # torch says in a warning why it cannot use a GPU
        if torch.cuda.is_available():
            return Finding("device", OK, f"CUDA: {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        return Finding("device", OK, "Apple's MPS")
    processor = f"CPU with {os.cpu_count()} cores (every chapter runs on it)"
    if not nvidia_gpu():
        return Finding("device", OK, processor)
    return Finding("device", NOTE, f"{processor}. There is an NVIDIA GPU, but {_why_unused(torch, said)}")


def nvidia_gpu() -> bool:
    """Whether this machine seems to have an NVIDIA GPU with a driver, whatever torch says."""
    return any(Path(sign).exists() for sign in ("/proc/driver/nvidia/version", "/dev/nvidia0", "/dev/dxg")) or bool(
        shutil.which("nvidia-smi")
    )


def _why_unused(torch, said: list[warnings.WarningMessage]) -> str:
    if torch.version.cuda is None:
        return "this torch is built for the CPU alone. Choose the CUDA build for your driver: https://pytorch.org."
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides it. Unset this variable to use it."
    reason = " ".join(" ".join(str(one.message) for one in said).split())[:300].rstrip(".") or "it gives no reason"
    return f"torch (built for CUDA {torch.version.cuda}) cannot use it: {reason}. Is the driver new enough?"
