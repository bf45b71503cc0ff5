"""What is begun before its turn: the next cases' encodes run while the judge looks at the last one's output.

Who runs the checks says with `expect` what comes next, and each check takes its own with `take`. What wasn't begun the
check does itself, so all works without `expect` too. No more is done at once than there are cores: the thread that
takes counts for one, but not while it waits.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

MOST = 4
"""More encodes at once would only wait for the judge, which is one thread, and takes a third of their time."""

_CLOSING = 10.0
"""Seconds that ended work may take to come back. What doesn't is a daemon thread's and ends with the process."""


class Outcome(Protocol):
    """What is made ahead."""

    def discard(self) -> None:
        """Nobody will take it. Raises OSError."""


@dataclass(eq=False)
class _Job:
    make: Callable[[], Any]
    thread: threading.Thread | None = None
    ended: bool = False
    value: Outcome | None = None
    error: BaseException | None = None
    wanted: bool = True


@dataclass(eq=False)
class Ahead:
    """`cores` is how many this process may keep busy; with one nothing is begun ahead. Only one thread may take."""

    cores: int
    _jobs: dict[Hashable, _Job] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _running: set[_Job] = field(default_factory=set)
    _waiting: bool = False
    _closed: bool = False

    @property
    def depth(self) -> int:
        """How many jobs to expect."""
        return min(self.cores, MOST) if self.cores > 1 else 0

    def expect(self, jobs: Mapping[Hashable, Callable[[], Any]], *, now: Hashable = None) -> None:
        """What will be taken, in this order, and is begun as cores are free; what isn't named any more is dropped.

        `now` is what is taken first: it stays where it was begun, and isn't begun here, since who takes it is about to.
        """
        with self._changed:
            begun = self._jobs.get(now)
            kept = {now: begun} if begun is not None and begun.thread is not None else {}
            for key, job in self._jobs.items():
                if key not in kept and key not in jobs:
                    self._drop(job)
            self._jobs = kept | {key: self._jobs.get(key) or _Job(make) for key, make in jobs.items() if key != now}
            self._begin()

    def take(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What was begun under this key, once it is there, or what `make` gives. Raises what that raised."""
        with self._changed:
            job = self._jobs.pop(key, None)
            if job is not None and job.thread is not None:
                self._waiting = True
                try:
                    self._begin()
                    while not job.ended:
                        self._changed.wait()
                except BaseException:
                    self._drop(job)
                    raise
                finally:
                    self._waiting = False
                if job.error is not None:
                    raise job.error
                return job.value
        return make()

    def idle(self) -> None:
        """Begin nothing more and wait for what runs: what comes next is measured, or needs the machine for itself."""
        self.expect({})
        with self._changed:
            while self._running:
                self._changed.wait()

    def close(self) -> None:
        """Begin nothing more and drop everything. What runs is ended by who owns the containers, see `join`."""
        with self._changed:
            self._closed = True
        self.expect({})

    def join(self) -> None:
        """Wait for the threads of what was ended."""
        with self._changed:
            self._changed.wait_for(lambda: not self._running, _CLOSING)

    def _begin(self) -> None:
        room = min(self.cores, MOST) - (0 if self._waiting else 1)
        for job in self._jobs.values():
            if self._closed or len(self._running) >= room:
                return
            if job.thread is None:
                job.thread = threading.Thread(target=self._run, args=(job,), name="mediaimage-ahead", daemon=True)
                self._running.add(job)
                job.thread.start()

    def _run(self, job: _Job) -> None:
        try:
            value, error = job.make(), None
        except BaseException as raised:
            value, error = None, raised
        with self._changed:
            job.value, job.error, job.ended = value, error, True
            self._running.discard(job)
            if not job.wanted:
                self._drop(job)
            self._begin()
            self._changed.notify_all()

    def _drop(self, job: _Job) -> None:
        job.wanted = False
        if job.ended and job.value is not None:
            with suppress(OSError):
                job.value.discard()


def usable_cores() -> int:
    """Those that this process may run on, by its affinity and by its control group's quota."""
    return max(1, min(len(os.sched_getaffinity(0)), _quota(Path("/sys/fs/cgroup"))))


def _quota(root: Path) -> int:
    """cgroup v2 (`cpu.max`: quota and period in microseconds, or `max`), else v1."""
    try:
        if (root / "cpu.max").exists():
            quota, period = (root / "cpu.max").read_text().split()
        else:
            quota, period = ((root / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) // int(period) if int(quota) > 0 else MOST
    except (OSError, ValueError):  # none is set, or there are no such files
        return MOST
