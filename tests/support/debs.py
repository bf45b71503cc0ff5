"""Programs out of Debian's packages of another release, which the machine's own packages needn't know of.

They are fetched into an apt directory of our own; nothing is installed.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from .debian import cache_directory

SUITE = os.environ.get("MEDIAIMAGE_DOCKER_SUITE", "trixie")
"""Debian's release that programs are taken from; later ones have later programs, as long as these run here."""
_MIRROR = "http://deb.debian.org/debian"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class CannotFetch(Exception):
    """This machine lacks what it takes; the text is the reason."""


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """A directory of this name in the tests' cache, made once: `make` fills it. Raises CannotFetch."""
    folder = cache_directory() / f"{name}-{SUITE}"
    with (cache_directory() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=cache_directory()) as work:
                made = Path(work) / "made"
                made.mkdir()
                make(made)
                made.rename(folder)
    return folder


def unpack(packages: Sequence[str], folder: Path, suite: str = SUITE) -> None:
    """The files of each package of a release below `folder`. Raises CannotFetch."""
    with tempfile.TemporaryDirectory(dir=cache_directory()) as work:
        state = Path(work)
        for path in (state / "lists" / "partial", state / "archives" / "partial"):
            path.mkdir(parents=True)
        (state / "status").touch()
        (state / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {_MIRROR} {suite} main\n")
        options = {
            "Dir::State": state,
            "Dir::State::status": state / "status",
            "Dir::Cache": state,
            "Dir::Etc::sourcelist": state / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
        run([*apt, "update"], state)
        run([*apt, "download", *packages], state)
        for deb in sorted(state.glob("*.deb")):
            run(["dpkg", "-x", str(deb), str(folder)], state)


def run(argv: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    """Raises CannotFetch where the program is missing or fails."""
    try:
        done = subprocess.run(
            argv, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}
        )
    except FileNotFoundError as error:
        raise CannotFetch(f"{argv[0]} is missing") from error
    if done.returncode:
        raise CannotFetch(f"{argv[0]} {argv[-1]} failed: {done.stderr.strip()[-400:]}")
