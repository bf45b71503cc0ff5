"""Programs that we start and that may not outlive us."""

from __future__ import annotations

import os
import sys

# PR_SET_PDEATHSIG = 1: the kernel kills the program when the thread that started it ends, however we end.
_LAUNCHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def tied_to_us() -> list[str]:
    """What stands before a command, whose first word is an absolute path; nothing where the system can't do it."""
    if sys.platform != "linux" or not sys.executable:
        return []
    return [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
