"""The devices of this machine that FFmpeg can transcode on, read from /dev and /sys."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# PCI vendor IDs, as in /sys/class/drm/*/device/vendor (pci.ids).
INTEL, AMD, NVIDIA = "0x8086", "0x1002", "0x10de"
_MOST_NODES = 64


@dataclass(frozen=True, slots=True)
class Node:
    """A device node. `vendor` is a PCI vendor ID or empty, `group` the number of the group that owns it."""

    path: str
    vendor: str = ""
    group: int = 0
    for_everybody: bool = False


@dataclass(frozen=True, slots=True)
class HostDevices:
    """`nvidia` are nodes of NVIDIA's cards (/dev/nvidia0, ...), `render` those of DRM (/dev/dri/renderD128, ...)."""

    nvidia: tuple[Node, ...] = ()
    render: tuple[Node, ...] = ()


def discover(root: Path = Path("/")) -> HostDevices:
    """What lies below `root`, sorted by number. Nothing is opened, and no driver is asked."""
    nvidia = sorted(_character_devices(root, "dev/nvidia[0-9]*"), key=_number)
    render = sorted(_character_devices(root, "dev/dri/renderD*"), key=_number)
    return HostDevices(
        tuple(_node(path, root, NVIDIA) for path in nvidia),
        tuple(_node(path, root, _vendor(root, path.name)) for path in render),
    )


def matching(pattern: str, root: Path = Path("/")) -> tuple[Node, ...]:
    """The device nodes that an absolute glob matches, at most 64."""
    found = sorted(_character_devices(root, pattern.lstrip("/")))[:_MOST_NODES]
    return tuple(_node(path, root, "") for path in found)


def _character_devices(root: Path, pattern: str) -> Iterator[Path]:
    for path in root.glob(pattern):
        try:
            if stat.S_ISCHR(path.stat().st_mode):
                yield path
        except OSError:
            continue


def _number(path: Path) -> int:
    return int((re.findall(r"\d+", path.name) or ["0"])[-1])


def _vendor(root: Path, name: str) -> str:
    """Empty for what isn't on PCI: the codecs of an ARM board, a virtual device."""
    try:
        return (root / "sys/class/drm" / name / "device/vendor").read_text(encoding="ascii").strip().lower()
    except (OSError, UnicodeDecodeError):
        return ""


def _node(path: Path, root: Path, vendor: str) -> Node:
    status = path.stat()
    inside = "/" + os.path.relpath(path, root)
    return Node(inside, vendor, status.st_gid, bool(status.st_mode & 0o006 == 0o006))


def groups_of(nodes: Sequence[Node]) -> tuple[int, ...]:
    """The groups that a user who isn't root must be in to open all of them."""
    return tuple(dict.fromkeys(node.group for node in nodes if not node.for_everybody and node.group != 0))
