"""Builds the clean images from their Dockerfiles, on bases of Debian's own packages, as OCI layouts.

The Dockerfiles are what a careful engineer writes; each stands in images/NAME with the files it copies. Nothing is
pulled from a registry of images: the bases are made by mmdebstrap, with what Debian's own slim images leave out.
"""

from __future__ import annotations

import io
import os
import shutil
import ssl
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from support.debian import CannotBuild

IMAGES = Path(__file__).parent / "images"
SUITES = ("bookworm", "trixie")
LARGEST_UNPACKED = 1_500_000_000
"""Bytes of layers; an image above it isn't judged, since others have to do with the disk as well."""

_REPOSITORY = "pytest-mediaimage-clean"
_LEFT_OUT = ("man", "info", "locale", "lintian", "doc")
_DOCKER_CLEAN = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""


@dataclass(frozen=True)
class Recipe:
    """One image. `compression` is gzip or zstd."""

    name: str
    compression: str = "gzip"

    @property
    def folder(self) -> Path:
        return IMAGES / self.name


ZSTD = {"edge-zstd"}
RECIPES = tuple(
    Recipe(folder.name, "zstd" if folder.name in ZSTD else "gzip")
    for folder in sorted(IMAGES.iterdir())
    if (folder / "Dockerfile").is_file()
)


def layout(recipe: Recipe, kept: Path) -> Path:
    """The image as an OCI layout in the directory `kept`, built when it isn't there. Raises CannotBuild."""
    target = kept / recipe.name
    if target.is_dir():
        return target
    tag = f"{_REPOSITORY}/{recipe.name}:1"
    bases = [f"--build-arg={suite.upper()}={_base(suite, kept)}" for suite in SUITES]
    _build(tag, recipe.folder, *bases, *_labels())
    try:
        unpacked = int(_run(_docker(), "image", "inspect", "--format={{.Size}}", tag))
        if unpacked > LARGEST_UNPACKED:
            raise CannotBuild(f"{recipe.name} has {unpacked} bytes of layers, more than the {LARGEST_UNPACKED} allowed")
        with tempfile.TemporaryDirectory(dir=kept) as folder:
            new = Path(folder) / recipe.name
            _run(
                *("skopeo", "copy", "--quiet", f"--dest-compress-format={recipe.compression}"),
                *(f"docker-daemon:{tag}", f"oci:{new}:1"),
            )
            new.rename(target)
    finally:
        _run(_docker(), "image", "rm", tag)
    return target


def _base(suite: str, kept: Path) -> str:
    """The name of Debian's slim image of that suite in the engine, as a base to build on."""
    tag = f"{_REPOSITORY}/debian:{suite}-slim"
    if _run(_docker(), "image", "ls", "--quiet", tag).strip():
        return tag
    with tempfile.TemporaryDirectory(dir=kept) as folder:
        root = Path(folder) / "rootfs.tar"
        excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
        licences = "--dpkgopt=path-include=/usr/share/doc/*/copyright"
        _run("mmdebstrap", "--quiet", "--variant=minbase", "--skip=output/dev", *excluded, licences, suite, str(root))
        with tarfile.open(root, "a") as tar:
            clean = tarfile.TarInfo("./etc/apt/apt.conf.d/docker-clean")
            clean.size = len(_DOCKER_CLEAN)
            tar.addfile(clean, io.BytesIO(_DOCKER_CLEAN.encode()))
        (Path(folder) / "Dockerfile").write_text('FROM scratch\nADD rootfs.tar /\nCMD ["bash"]\n')
        _build(tag, Path(folder))
    return tag


def _labels() -> list[str]:
    """What a CI job adds to each build."""
    labels = {
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "source": "https://example.org/media/images",
        "url": "https://example.org/media/images",
        "version": "1.0.0",
    }
    return [f"--label=org.opencontainers.image.{key}={value}" for key, value in labels.items()]


def _build(tag: str, folder: Path, *more: str) -> None:
    """BuildKit, with this machine's certificates as a secret: pip and npm need them behind a proxy."""
    authorities = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    _run(
        *(_docker(), "build", "--quiet", "--network=host", f"--secret=id=ca,src={authorities}"),
        *(f"--tag={tag}", *more, str(folder)),
        DOCKER_BUILDKIT="1",
    )


def _docker() -> str:
    """A docker program that can build with BuildKit: older ones by themselves, newer ones with buildx."""
    for folder in os.get_exec_path():
        program = shutil.which("docker", path=folder)
        if program is None:
            continue
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        asked = subprocess.run(
            [program, "build", "--help"], env=environment, capture_output=True, text=True, check=False
        )
        if asked.returncode == 0 and "--secret" in asked.stdout:
            return program
    raise CannotBuild("no docker program here can build with BuildKit: apt-get install docker.io (or docker-buildx)")


def _run(program: str, *arguments: str, **environment: str) -> str:
    try:
        done = subprocess.run(
            [program, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise CannotBuild(f"{program} is missing: apt-get install {program}") from None
    if done.returncode:
        raise CannotBuild(f"{program} ended with exit code {done.returncode}: {done.stderr.strip()[-1500:]}")
    return done.stdout
