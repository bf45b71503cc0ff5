"""Where this process may make control groups: read from /proc, for cgroup v1, v2 and both at once."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import EnvironmentFault

PREFIX = "pytest-mediaimage."
"""How the name of every group that we make begins."""
REFUGE = f"{PREFIX}refuge"
"""A group below this process's own (v2), where its processes are while the own one has groups with limits."""
CONTROLLERS = ("memory", "cpu")
_OTHERWISE = "or use --media-runtime docker"
_DELEGATED = f"Run it as `systemd-run --user --scope -p Delegate=yes pytest ...`, or as root, {_OTHERWISE}."


class NoControlGroup(EnvironmentFault):
    """No group that limits memory and CPU can be made here."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A mounted tree of control groups: the group that this process is in, and the uppermost that can be seen."""

    version: int
    own: Path
    top: Path

    def upwards(self) -> Iterator[Path]:
        """The own group first."""
        place = self.own
        while True:
            yield place
            if place == self.top:
                return
            place = place.parent


def find_hierarchies(proc: Path = Path("/proc")) -> dict[str, Hierarchy]:
    """The hierarchy of each of CONTROLLERS. Raises NoControlGroup where one is in none."""
    mounts = _mounts(proc)
    found: dict[str, Hierarchy] = {}
    for line in _lines(proc / "self/cgroup"):
        _, names, path = line.split(":", 2)
        for name in set(names.split(",")).intersection(CONTROLLERS):
            hierarchy = _visible(1, path, [mount for mount in mounts if name in mount.controllers])
            if hierarchy is not None:
                found[name] = hierarchy
        if names == "" and (unified := _visible(2, path, [mount for mount in mounts if mount.version == 2])):
            for name in set(_words(unified.top / "cgroup.controllers")).intersection(CONTROLLERS):
                found.setdefault(name, unified)
    if missing := [name for name in CONTROLLERS if name not in found]:
        raise _lacking(missing, seen=any((Path(mount.place) / "cgroup.procs").exists() for mount in mounts), proc=proc)
    return found


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone, of all runs on this machine, to make and remove groups in a group."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def parent_for_groups(hierarchy: Hierarchy) -> Path:
    """The group in which groups with limits can be made; with v2 its controllers are switched on.

    v1: this process's own. v2 allows no group both processes and limited children: the nearest group upwards that has
    limited children already, or has no processes; else the own one, whose processes move to REFUGE below it until
    `leave_refuge`. Hold `locked(hierarchy.own)` meanwhile. Raises NoControlGroup.
    """
    if hierarchy.version == 1:
        _require_writable(hierarchy.own, f"Run it as root, {_OTHERWISE}.")
        return hierarchy.own
    wanted = set(CONTROLLERS)
    places = [place for place in hierarchy.upwards() if _is_writable(place)]
    for place in places:
        if wanted <= set(_words(place / "cgroup.subtree_control")):
            return place
    for place in places:
        if wanted <= set(_words(place / "cgroup.controllers")) and _switch_on(place):
            return place
    _require_writable(hierarchy.own, _DELEGATED)
    _take_refuge(hierarchy.own)
    return hierarchy.own


def leave_refuge(parent: Path) -> None:
    """Undo what `parent_for_groups` did to a process's own group, once no group of ours is in it. Hold `locked`."""
    refuge = parent / REFUGE
    if not refuge.is_dir() or any(place.name != REFUGE for place in parent.glob(f"{PREFIX}*/")):
        return
    (parent / "cgroup.subtree_control").write_text(" ".join(f"-{name}" for name in CONTROLLERS))
    move_all(refuge, parent)
    refuge.rmdir()


def move_all(source: Path, target: Path) -> None:
    """Move every process of a group to another. Raises OSError where some stay."""
    for _ in range(20):  # a process that is being moved may start another
        pids = _words(source / "cgroup.procs")
        if not pids:
            return
        for pid in set(pids) - {"0"}:  # 0 is one that this process can't see; written, it would mean ourselves
            with suppress(ProcessLookupError):
                (target / "cgroup.procs").write_text(pid)
    raise OSError(f"processes stay in {source}")


def _take_refuge(own: Path) -> None:
    refuge = own / REFUGE
    try:
        refuge.mkdir(exist_ok=True)
        move_all(own, refuge)
        (own / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in CONTROLLERS))
    except OSError as error:
        with suppress(OSError):
            move_all(refuge, own)
            refuge.rmdir()
        raise NoControlGroup(
            f"the kernel refuses groups with limits below {own}: {error.strerror or error}", remedy=_DELEGATED
        ) from error


def _switch_on(place: Path) -> bool:
    try:
        (place / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in CONTROLLERS))
    except OSError:  # EBUSY: it has processes
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Mount:
    version: int
    root: str
    place: str
    controllers: frozenset[str]


def _mounts(proc: Path) -> list[_Mount]:
    found = []
    for line in _lines(proc / "self/mountinfo"):
        # proc(5): number, parent, device, root, mount point, options, any tags, "-", type, source, options of the type
        fields = line.split()
        kind, _, options = fields[fields.index("-") + 1 :][:3]
        if kind in ("cgroup", "cgroup2"):
            root, place = (re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), word) for word in fields[3:5])
            controllers = frozenset(options.split(",")) if kind == "cgroup" else frozenset()
            found.append(_Mount(1 if kind == "cgroup" else 2, root, place, controllers))
    return found


def _visible(version: int, path: str, mounts: list[_Mount]) -> Hierarchy | None:
    """The mount of a hierarchy in which a process's group can be seen: a container may see a part of it only."""
    for mount in mounts:
        root = mount.root.rstrip("/")
        if (path == mount.root or path.startswith(f"{root}/")) and "/.." not in path:
            own = Path(mount.place + path.removeprefix(root))
            if own.name == REFUGE:
                own = own.parent
            if own.is_dir():
                return Hierarchy(version, own, Path(mount.place))
    return None


def _lacking(missing: list[str], *, seen: bool, proc: Path) -> NoControlGroup:
    names = " and ".join(missing)
    if not seen:
        return NoControlGroup("no control groups can be seen here", remedy=f"Mount /sys/fs/cgroup, {_OTHERWISE}.")
    for line in _lines(proc / "cgroups"):
        name, *_, enabled = line.split()
        if name in missing and enabled == "0":
            return NoControlGroup(
                f"the kernel's control groups are switched off for {name}",
                remedy=f"Boot with `cgroup_enable={name}` on the kernel's command line, {_OTHERWISE}.",
            )
    return NoControlGroup(f"the control groups that can be seen here lack {names}", remedy=_DELEGATED)


def _require_writable(place: Path, remedy: str) -> None:
    if _is_writable(place):
        return
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        raise NoControlGroup(
            f"control groups are mounted read-only ({place}), as in most containers",
            remedy=f"Start the container with `--privileged`, {_OTHERWISE}.",
        )
    raise NoControlGroup(f"user {os.geteuid()} may not make control groups in {place}", remedy=remedy)


def _is_writable(place: Path) -> bool:
    return os.access(place, os.W_OK) and os.access(place / "cgroup.procs", os.W_OK)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
