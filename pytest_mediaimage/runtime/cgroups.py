"""A control group that limits the memory and CPU of one container of the sandbox."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import EnvironmentFault
from .hierarchies import PREFIX, NoControlGroup, find_hierarchies, leave_refuge, locked, parent_for_groups

_PERIOD = 100_000
"""Microseconds over which CPU is counted: the kernel's default, and Docker's."""
_LARGEST_PAGE = 2 << 20
"""Bytes by which memory may fall short of a limit that stood in the way."""
_PATIENCE = 5.0
"""Seconds that killed processes may take to be gone."""
_ENTER = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo 0 >"$1/cgroup.procs" || exit; shift; n=$((n-1)); done; exec "$@"'


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """A group, or with cgroup v1 one for memory and one for CPU. `versions` has each one's, by its controller."""

    folders: dict[str, Path]
    versions: dict[str, int]

    @property
    def out_of_memory(self) -> bool:
        """Whether a process of it was killed for the group's own limit, and not for lack of memory in the machine.

        Raises NoControlGroup where the group is gone.
        """
        if "memory" not in self.folders:
            return False
        if self.versions["memory"] == 1:
            killed = self._figures("memory.oom_control").get("oom_kill", 0)
            # memory.failcnt would tell more directly, but stays 0 in late kernels (seen with 6.18).
            reached = int(self._read("memory.max_usage_in_bytes")) + _LARGEST_PAGE
            return killed > 0 and reached >= int(self._read("memory.limit_in_bytes"))
        events = self._figures("memory.events")
        return events.get("oom_kill", 0) > 0 and events.get("oom", 0) > 0

    @property
    def peak_memory(self) -> int | None:
        """The most bytes that it held at once, pages of files among them; None where it doesn't limit memory, and
        before Linux 5.19 with cgroup v2."""
        if "memory" not in self.folders:
            return None
        name = "memory.max_usage_in_bytes" if self.versions["memory"] == 1 else "memory.peak"
        return int(self._read(name)) if (self.folders["memory"] / name).exists() else None

    @property
    def memory(self) -> int | None:
        """Bytes that its processes hold now, without pages of files; None where it doesn't limit memory."""
        if "memory" not in self.folders:
            return None
        figures = self._figures("memory.stat")
        return figures.get("total_rss", figures.get("anon", 0)) + figures.get("total_shmem", figures.get("shmem", 0))

    def _figures(self, name: str) -> dict[str, int]:
        words = self._read(name).split()
        return {key: int(value) for key, value in zip(words[::2], words[1::2], strict=False)}

    def _read(self, name: str) -> str:
        try:
            return (self.folders["memory"] / name).read_text()
        except OSError as error:
            raise NoControlGroup(
                f"the control group {self.folders['memory']} lost its limits while a command ran in it: "
                f"{error.strerror}",
                remedy="Run pytest in a scope of its own: `systemd-run --user --scope -p Delegate=yes pytest ...`.",
            ) from error

    def close(self) -> None:
        """Kill what is in it, and remove it. May be called twice. Raises EnvironmentFault where the kernel refuses."""
        try:
            remove_groups(self.folders.values())
        except OSError as error:
            raise EnvironmentFault(
                f"a control group of a container can't be removed: {error}",
                remedy="Look for processes in it that don't end (state D in `ps`).",
            ) from error


def entering(group: ControlGroup | None) -> list[str]:
    """What to write before a command so that it runs in a group, from its first step on."""
    if group is None:
        return []
    places = sorted({str(folder) for folder in group.folders.values()})
    return ["/bin/sh", "-c", _ENTER, "sh", str(len(places)), *places]


def make_group(
    name: str, *, memory: int | None, cpus: float | None, note: Callable[[Path], None] = lambda folder: None
) -> ControlGroup:
    """Make a group with these limits: bytes, swap included, and cores. `note` is told of each directory before.

    Raises NoControlGroup, with what to do, where this machine or user can't.
    """
    found = find_hierarchies()
    wanted = {key: value for key, value in (("memory", memory), ("cpu", cpus)) if value is not None}
    group = ControlGroup({}, {key: found[key].version for key in wanted})
    for key, value in wanted.items():
        try:
            with locked(found[key].own):
                parent = parent_for_groups(found[key])
                folder = group.folders[key] = parent / f"{PREFIX}{name}"
                note(folder)
                folder.mkdir(exist_ok=folder in list(group.folders.values())[:-1])
            (_limit_memory if key == "memory" else _limit_cpu)(folder, found[key].version, value)
        except OSError as error:
            group.close()
            raise NoControlGroup(
                f"the kernel refuses a control group with a limit of {value:g} for {key}: {error}",
                remedy="A group above it may allow less; or use --media-runtime docker.",
            ) from error
        except BaseException:
            group.close()
            raise
    return group


def _limit_memory(folder: Path, version: int, limit: float) -> None:
    if version == 2:
        (folder / "memory.max").write_text(f"{limit:.0f}")
        swap = folder / "memory.swap.max"
        if swap.exists() or _has_swap():
            swap.write_text("0")
        return
    control = folder / "memory.oom_control"
    if "oom_kill_disable 1" in control.read_text():  # as the group above: what needs more would hang
        control.write_text("0")
    (folder / "memory.limit_in_bytes").write_text(f"{limit:.0f}")
    swap = folder / "memory.memsw.limit_in_bytes"
    if swap.exists():
        swap.write_text(f"{limit:.0f}")
    else:  # the kernel doesn't count swap, but can be told to use none
        (folder / "memory.swappiness").write_text("0")


def _has_swap() -> bool:
    """Below the heading of /proc/swaps is a line for each swap space."""
    return len(Path("/proc/swaps").read_text().splitlines()) > 1


def _limit_cpu(folder: Path, version: int, cpus: float) -> None:
    quota = max(round(cpus * _PERIOD), 1000)  # the kernel's least
    if version == 2:
        (folder / "cpu.max").write_text(f"{quota} {_PERIOD}")
        return
    (folder / "cpu.cfs_period_us").write_text(str(_PERIOD))
    (folder / "cpu.cfs_quota_us").write_text(str(quota))


def remove_groups(folders: Iterable[Path]) -> list[Path]:
    """Kill what is in groups of ours, remove those that are there, and return them. Raises OSError."""
    removed = []
    for folder in dict.fromkeys(folders):
        if not folder.name.startswith(PREFIX) or not folder.parent.is_dir():
            continue
        with locked(folder.parent):
            if (folder / "cgroup.procs").exists():
                _remove(folder)
                removed.append(folder)
            with suppress(OSError):  # it limits nothing
                leave_refuge(folder.parent)
    return removed


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while folder.is_dir():
        _kill(folder)
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _kill(folder: Path) -> None:
    for pid in _pids(folder):
        with suppress(OSError):
            # The descriptor holds on to the process: its number can't become another's before the signal.
            descriptor = os.pidfd_open(pid)
            try:
                if pid in _pids(folder):
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)


def _pids(folder: Path) -> set[int]:
    try:
        return {int(word) for word in (folder / "cgroup.procs").read_text().split()} - {0}
    except OSError:
        return set()
