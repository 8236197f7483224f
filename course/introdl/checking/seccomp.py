"""A few system calls that no answer needs are refused to a learner's code (seccomp, see its manual page).

Namespaces and resource limits carry the sandbox. This closes what they leave open: programs of one's own (a second
Python could bring back what a check has put away), memory that no limit counts, and rarely used doors of the kernel.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _REFUSE, _NO_MEMORY = 0x7FFF_0000, 0x0005_0000 | 1, 0x0005_0000 | 12  # EPERM, ENOMEM
_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06

#: Each call's number on x86-64 and on arm64 (asm/unistd_64.h, asm-generic/unistd.h).
REFUSED = {
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "mq_open": (240, 180),
    "shmget": (29, 194),
}
#: A call that is refused for some of its arguments: memory that processes share and no file holds. It would stay, uncounted,
#: when nobody has it mapped any more.
_MMAP, _FLAGS, _SHARED_OR_NOT, _SHARED = (9, 222), 16 + 8 * 3, 0x2F, 0x21
_ARCHITECTURES = {"x86_64": (0xC000_003E, 0), "aarch64": (0xC000_00B7, 1)}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def program(machine: str) -> bytes | None:
    """Return the filter for a machine as classic BPF, or None where we do not know its numbers."""
    if machine not in _ARCHITECTURES:
        return None
    code, column = _ARCHITECTURES[machine]
    numbers = [pair[column] for pair in REFUSED.values()]
    count = len(numbers)
    steps = [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_EQUAL, 0, count + 7, code),  # another architecture's call: refuse
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
        (_AT_LEAST, count + 5, 0, 0x4000_0000),  # x32 calls: refuse
    ]
    steps += [(_EQUAL, count + 4 - at, 0, number) for at, number in enumerate(numbers)]
    steps += [
        (_EQUAL, 0, 3, _MMAP[column]),
        (_LOAD, 0, 0, _FLAGS),  # seccomp_data.args[3], its lower half
        (_AND, 0, 0, _SHARED_OR_NOT),
        (_EQUAL, 2, 0, _SHARED),
    ]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _NO_MEMORY)]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


class CannotFilter(Exception):
    """The system calls cannot be refused here; the text says why."""


def install() -> None:
    """Refuse the calls of `REFUSED` to this process and its children.

    Raises
    ------
    CannotFilter
        If the kernel, or our list of numbers, does not reach this machine. What runs then must not be a stranger's.
    """
    filter_ = program(platform.machine())
    if filter_ is None:
        raise CannotFilter(f"the numbers of its system calls are not known for the processor {platform.machine()}")
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(filter_, len(filter_))
    whole = _Program(len(filter_) // 8, ctypes.addressof(held))
    steps = ((_PR_SET_NO_NEW_PRIVS, 1, 0), (_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(whole)))
    for option, value, argument in steps:
        if libc.prctl(option, value, argument, 0, 0) != 0:
            raise CannotFilter(f"prctl({option}): {os.strerror(ctypes.get_errno())}")
