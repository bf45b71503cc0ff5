"""Files out of real Debian packages, fetched by apt once and kept in the tests' cache directory."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.debian import CannotBuild, cache_directory

_KERNEL = "linux-image-cloud-amd64"
_PACKAGES = (
    *("libc6", "zlib1g", "libdrm2", "libdrm-intel1", "libpciaccess0", "libva2", "i965-va-driver"),
    *("busybox-static", "binutils-x86-64-linux-gnu"),
)


@functools.cache
def tree() -> Path:
    """A directory into which the packages are unpacked. Raises CannotBuild without apt or its network."""
    kept = cache_directory() / "corpus-packages"
    if kept.is_dir():
        return kept
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise CannotBuild("the corpus is made from Debian's packages, and this machine has no apt")
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        downloads, root = Path(folder) / "downloads", Path(folder) / "root"
        downloads.mkdir()
        kernel = re.search(r"linux-image-\d\S+", _run(downloads, "apt-cache", "depends", _KERNEL))
        if kernel is None:
            raise CannotBuild(f"apt knows no {_KERNEL}")
        _run(downloads, "apt-get", "-qq", "download", *_PACKAGES, kernel[0])
        for package in sorted(downloads.glob("*.deb")):
            _run(downloads, "dpkg-deb", "-x", str(package), str(root))
        try:
            root.rename(kept)
        except OSError:  # another process was faster
            if not kept.is_dir():
                raise
    return kept


def _run(folder: Path, *argv: str) -> str:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBuild(f"{argv[0]} ended with exit code {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def library(name: str) -> bytes:
    """The library of that file name, links followed."""
    return next(path for path in sorted(tree().rglob(name)) if path.is_file()).read_bytes()


def program(name: str) -> bytes:
    return next(path for path in sorted(tree().rglob(name)) if path.is_file() and "bin" in path.parts).read_bytes()


def kernel_module() -> bytes:
    """The shortest module of the kernel package."""
    return min(tree().rglob("*.ko"), key=lambda path: path.stat().st_size).read_bytes()


def kernel() -> bytes:
    """The first 2 MB of a kernel, which is what tells it."""
    with next(tree().glob("boot/vmlinuz-*")).open("rb") as file:
        return file.read(2_000_000)
