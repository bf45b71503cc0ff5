"""The processes in a sandbox, read from its /proc by this machine's."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FIELD = re.compile(r"^(Name|RssAnon|RssShmem|Threads|NSpid|State):\s+(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Task:
    """A process by its number in the container; `memory` is in bytes, without the pages of files."""

    pid: int
    name: str
    memory: int
    threads: int


def tasks_of(root: Path) -> Iterator[Task]:
    """What runs in the container whose root is `root`, `/proc/PID/root`, zombies left out; nothing after its end."""
    try:
        numbers = sorted(int(path.name) for path in (root / "proc").iterdir() if path.name.isdigit())
    except OSError:
        return
    for number in numbers:
        fields = _status(root / "proc" / str(number))
        if fields and not fields.get("State", "Z").startswith("Z"):
            memory = sum(int(fields.get(key, "0 kB").split()[0]) for key in ("RssAnon", "RssShmem")) * 1024
            yield Task(number, fields.get("Name", ""), memory, int(fields.get("Threads", "0")))


def kill_named(first: int, name: str) -> None:
    """Send SIGKILL to the processes of this name in the pid namespace whose process 1 is `first` here; not to that."""
    namespace = _namespace(first)
    for path in Path("/proc").iterdir():
        number = int(path.name) if path.name.isdigit() else first
        if number == first or namespace is None or _namespace(number) != namespace:
            continue
        with suppress(OSError):
            # The descriptor holds on to this process: its number can't become another's before the signal.
            descriptor = os.pidfd_open(number)
            try:
                if _namespace(number) == namespace and _status(path).get("Name") == name:
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)


def _namespace(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/ns/pid").readlink()
    except OSError:
        return None


def _status(folder: Path) -> dict[str, str]:
    try:
        return dict(_FIELD.findall((folder / "status").read_text(errors="replace")))
    except OSError:
        return {}
