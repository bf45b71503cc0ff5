"""A run's own directory, and how everything that a run made goes when the run does, however it ends.

A live run holds a lock on its directory's file `lock`; so a directory whose lock is free is a dead run's.
Three clean up: `RunDirectory.close`; the watchdog, a process that sees this one die; and `reap`, at the
start of a later run, for what a power cut left.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ..engine.http import EngineHttp
from ..removal import remove_tree
from ..storage import storage_faults
from .cgroups import remove_groups
from .engine_http import remove_run
from .rootfs import private_directory

GOODBYE = b"\n"
_MARKER = "docker.json"
_GROUPS = "groups"
"""The file that lists the directories of the run's control groups, one a line."""
_HOPELESS = 7 * 24 * 3600
"""Seconds after which a dead run's directory goes though its engine doesn't answer."""
_SETTLED = 60
"""Seconds after which a directory without its final name belongs to no one who is still making it."""

_live: dict[Path, RunDirectory] = {}


class RunDirectory:
    """`CACHE/runs/RUN_ID/`, mode 0700, locked for the life of this process. Each process has its own.

    Raises StorageFault where it can't be made.
    """

    def __init__(self, cache: Path) -> None:
        self._runs = private_directory(cache.resolve() / "runs")
        self.run_id = f"{os.getpid()}-{secrets.token_hex(6)}"
        self.path = self._runs / self.run_id
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._closed = False
        # It gets its name when it is locked, so that no one takes it for a dead run's in between.
        with storage_faults(self._runs):
            unnamed = Path(tempfile.mkdtemp(prefix=".new-", dir=self._runs))
            self._lock = (unnamed / "lock").open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            unnamed.rename(self.path)
        _live[self._runs] = self

    def note_engine(self, endpoint: dict[str, Any]) -> None:
        """Write down that this run uses a Docker engine, and where it is, for those who clean up after it."""
        with storage_faults(self.path):
            (self.path / _MARKER).write_text(json.dumps(endpoint))

    def note_group(self, folder: Path) -> None:
        """Write down that this run makes a control group, for those who clean up after it."""
        with storage_faults(self.path), (self.path / _GROUPS).open("a") as file:
            file.write(f"{folder}\n")

    def close(self) -> None:
        """Remove the directory with all in it, and send the watchdog home. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if _live.get(self._runs) is self:
            del _live[self._runs]
        _clean_groups(self.path)
        _remove(self.path)
        self._lock.close()
        if self._watchdog is not None:
            _dismiss(self._watchdog)


def current(cache: Path) -> RunDirectory | None:
    """The youngest open RunDirectory that this process has in `cache`."""
    return _live.get(cache.resolve() / "runs")


def start_watchdog(run: RunDirectory) -> None:
    """Start the process that cleans up when this one dies without `run.close()`.

    It is in a session of its own, so neither Ctrl-C nor a kill of the process group reaches it, and knows
    of our end by end of file on a pipe. It costs this process the start of another, about 1 ms.
    """
    if run._watchdog is not None:
        return
    code = "import sys; sys.path.append(sys.argv[1]); from pytest_mediaimage.runtime import watchdog; watchdog.main()"
    package = Path(__file__).resolve().parents[2]
    run._watchdog = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code, str(package), str(run.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def _dismiss(watchdog: subprocess.Popen[bytes]) -> None:
    assert watchdog.stdin is not None
    with suppress(OSError):
        watchdog.stdin.write(GOODBYE)
        watchdog.stdin.close()
    try:
        watchdog.wait(2)
    except subprocess.TimeoutExpired:
        watchdog.kill()
        watchdog.wait()


def reap(cache: Path) -> list[str]:
    """Remove what dead runs left below `cache` and in the engines they used; a line for each thing.

    A run whose engine doesn't answer is left for a later time, a week long.
    """
    runs = cache.resolve() / "runs"
    if not runs.is_dir():
        return []
    lines = []
    for path in sorted(runs.iterdir()):
        with suppress(OSError):
            if path.name.startswith(".") and time.time() - path.stat().st_mtime < _SETTLED:
                continue
            lines += bury(path, wait=0, passes=1)
    return lines


def bury(path: Path, *, wait: float, passes: int) -> list[str]:
    """Remove what a run left, if it is dead or dies within `wait` seconds; a line for each thing removed.

    The engine is asked `passes` times, a second apart: a request of the dead run may still be under way.
    """
    lock = _take_lock(path, wait)
    if lock is None:
        return []
    with lock:
        groups = _clean_groups(path)
        lines = _clean_engine(path, passes)
        if lines is None and time.time() - path.stat().st_mtime < _HOPELESS:
            return [*groups, f"left run {path.name}: its Docker engine doesn't answer"]
        _remove(path)
        return [*groups, *(lines or []), f"removed directory {path} of a dead run"]


def _take_lock(path: Path, wait: float) -> IO[bytes] | None:
    deadline = time.monotonic() + wait
    while True:
        try:
            lock = (path / "lock").open("ab")
        except OSError:  # it goes at this moment, or never was a run's
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.05)
        else:
            return lock


def _clean_groups(path: Path) -> list[str]:
    """What was removed of the control groups that a run noted; processes in them are killed."""
    try:
        folders = [Path(line) for line in (path / _GROUPS).read_text().splitlines()]
    except OSError:
        return []
    return [f"removed control group {folder}" for folder in remove_groups(folders)]


def _clean_engine(path: Path, passes: int) -> list[str] | None:
    """What was removed from the run's engine; None where it doesn't answer."""
    try:
        endpoint = json.loads((path / _MARKER).read_text())
    except (OSError, ValueError):
        return []
    lines = []
    try:
        engine = EngineHttp(endpoint)
        for turn in range(passes):
            time.sleep(1 if turn else 0)
            lines += remove_run(engine, path.name)
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return lines


def _remove(path: Path) -> None:
    """Remove a directory in which the last processes of a sandbox may still be writing for a moment."""
    for attempt in range(50):
        try:
            return remove_tree(path)
        except OSError:
            if attempt == 49:
                raise
            time.sleep(0.1)
