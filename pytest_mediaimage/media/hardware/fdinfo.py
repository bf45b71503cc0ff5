"""What a command keeps open of a device, and for how long the device worked for it: /proc/PID/fd and fdinfo.

Drivers of DRM tell in /proc/PID/fdinfo/N, for each client of theirs, how long each engine was busy (kernel,
Documentation/gpu/drm-usage-stats.rst): i915 and amdgpu in nanoseconds (`drm-engine-video`, `drm-engine-enc`), xe in
cycles (`drm-cycles-vcs` beside `drm-total-cycles-vcs`). NVIDIA's own driver tells nothing there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

_MOST_DESCRIPTORS = 512
_LOOKS = 4
"""How often a process is looked at before it is taken for another's: a command's number may first be its starter's."""
_KEY = re.compile(r"^drm-(?P<kind>engine|cycles|total-cycles|client-id)(?:-(?P<engine>[\w-]+))?:\s*(?P<value>\d+)")
_CARD_FOLDERS = ("/dev/dri/", "/dev/nvidia")


@dataclass(slots=True)
class _Client:
    seconds: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    _first: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, text: str) -> None:
        """Take over one reading. A counter that is read again may lag behind itself: the greater value counts."""
        cycles: dict[str, int] = {}
        total: dict[str, int] = {}
        for line in text.splitlines():
            match = _KEY.match(line)
            if match is None or match["engine"] is None or match["engine"].startswith("capacity-"):
                continue
            engine, value = match["engine"], int(match["value"])
            if match["kind"] == "engine":
                self.seconds[engine] = max(self.seconds.get(engine, 0.0), value / 1e9)
            else:
                (cycles if match["kind"] == "cycles" else total)[engine] = value
        for engine, value in cycles.items():
            before, since = self._first.setdefault(engine, (value, total.get(engine, 0)))
            passed = total.get(engine, 0) - since
            if passed > 0:
                share = (value - before) / passed
                self.shares[engine] = max(self.shares.get(engine, 0.0), min(share, 1.0))


@dataclass(slots=True)
class Descriptors:
    """Readings of the processes whose command line holds `marker`, and of those that they started, for a `device`.

    `looks` is how often such a process was there and could be read, `opened` whether it ever had the device, or
    another card, open. `denied` says that this user may not see it.
    """

    marker: str
    device: str
    proc: Path = Path("/proc")
    looks: int = 0
    opened: bool = False
    denied: bool = False
    _clients: dict[str, _Client] = field(default_factory=dict)
    _seen: dict[int, int] = field(default_factory=dict)

    @property
    def seconds(self) -> dict[str, float]:
        """Busy seconds by engine, over all clients."""
        found: dict[str, float] = {}
        for client in self._clients.values():
            for engine, value in client.seconds.items():
                found[engine] = found.get(engine, 0.0) + value
        return found

    @property
    def shares(self) -> dict[str, float]:
        """The busiest client's share of each engine, 0 to 1, where a driver counts cycles."""
        found: dict[str, float] = {}
        for client in self._clients.values():
            for engine, value in client.shares.items():
                found[engine] = max(found.get(engine, 0.0), value)
        return found

    def look(self) -> None:
        """Read once more."""
        for pid in self._processes():
            self._read(pid)

    def _processes(self) -> list[int]:
        try:
            pids = [int(path.name) for path in self.proc.iterdir() if path.name.isdigit()]
        except OSError:
            return []
        found = []
        for pid in pids:
            looked = self._seen.get(pid, 0)
            if looked >= _LOOKS:
                continue
            if looked >= 0:
                try:
                    mine = self.marker.encode() in (self.proc / str(pid) / "cmdline").read_bytes()
                except OSError:
                    continue
                self._seen[pid] = -1 if mine else looked + 1
                if not mine:
                    continue
            found.append(pid)
        return list(dict.fromkeys(each for pid in found for each in self._with_children(pid)))

    def _with_children(self, pid: int, depth: int = 4) -> list[int]:
        """A wrapper's ffmpeg may be told other names."""
        try:
            listed = (self.proc / str(pid) / "task" / str(pid) / "children").read_text().split()
        except OSError:
            listed = []
        below = [each for child in listed[:64] for each in self._with_children(int(child), depth - 1)] if depth else []
        return [pid, *below]

    def _read(self, pid: int) -> None:
        folder = self.proc / str(pid)
        try:
            descriptors = list(islice((folder / "fd").iterdir(), _MOST_DESCRIPTORS))
        except PermissionError:
            self.denied = True
            return
        except OSError:
            return
        self.looks += 1
        for descriptor in descriptors:
            try:
                target = str(descriptor.readlink())
                if target != self.device and not target.startswith(_CARD_FOLDERS):
                    continue
                self.opened = True
                text = (folder / "fdinfo" / descriptor.name).read_text(errors="replace")
            except OSError:
                continue
            name = re.search(r"^drm-client-id:\s*(\d+)", text, re.MULTILINE)
            if name:
                # A descriptor that was passed on is the same client in several processes.
                self._clients.setdefault(name[1], _Client()).add(text)
