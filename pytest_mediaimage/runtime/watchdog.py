"""The process that `rundir.start_watchdog` starts: it waits for the end of a run, and cleans up after it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from .rundir import GOODBYE, bury


def main() -> None:
    """Wait on stdin; at its end without a good-bye, remove what the run in `sys.argv[2]` left.

    The signals by which a CI system ends a job are ignored: this process ends by itself within seconds.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if os.read(0, 1) != GOODBYE:
        bury(Path(sys.argv[2]), wait=10, passes=3)
