"""An image that passes every static check, taken apart so that a plant can change any part of it."""

from __future__ import annotations

import copy
import functools
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import real_files
from support.elf_writer import ElfWriter

from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer

LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
FOLDERS = ("opt/media", "srv/render", "usr/share/studio", "app/data", "var/lib/encoder")
_CONFIGURE = b"--prefix=/usr --enable-shared --enable-nvenc --enable-vaapi"
_REAL = 100_000  # bytes: no FFmpeg is as short as its texts alone
_INTOTO = "application/vnd.in-toto+json"
_ASKS = b"\0The minimum required Nvidia driver for nvenc is %s or newer\n\0"


@dataclass
class Step:
    """An instruction and the layer that it makes."""

    created_by: str
    items: list[Item]
    compression: str = "zstd"
    level: int = 3
    media_type: str = ""

    def build(self) -> BuiltLayer:
        # Most mutants share most layers.
        built = _built(self.created_by, tuple(self.items), self.compression, self.level)
        return (
            built if not self.media_type else BuiltLayer(built.data, built.diff_id, self.media_type, built.created_by)
        )


@functools.lru_cache(maxsize=24)
def _built(created_by: str, items: tuple[Item, ...], compression: str, level: int) -> BuiltLayer:
    return layer(items, created_by, compression=compression, level=level)


@dataclass
class Parts:
    """What the image is made of. `other` changes the arm64 image, which is else the same."""

    chance: random.Random
    steps: list[Step]
    config: dict[str, Any]
    platform: str = "linux/amd64"
    other_platform: str = "linux/arm64"
    claimed: dict[str, str] = field(default_factory=dict)
    attached: list[str] = field(default_factory=lambda: ["https://spdx.dev/Document", "https://slsa.dev/provenance/v1"])
    attached_to: str = ""
    empty_steps: list[tuple[int, str]] = field(default_factory=list)
    other: Callable[[Parts], None] | None = None
    baseline: Callable[[Parts], None] | None = None

    @property
    def env(self) -> list[str]:
        return self.config["Env"]  # type: ignore[no-any-return]

    def set_env(self, name: str, value: str) -> None:
        self.config["Env"] = [line for line in self.env if line.split("=")[0] != name] + [f"{name}={value}"]

    def add(self, *items: Item) -> None:
        """Put the items into a layer by chance: one that is there, or a new one."""
        at = self.chance.randrange(1, len(self.steps) + 1)
        if at == len(self.steps):
            self.top(*items)
        else:
            self.steps[at].items = [*self.steps[at].items, *items]

    def top(self, *items: Item, created_by: str = "COPY plant /") -> None:
        self.steps.append(Step(created_by, list(items), level=self.chance.choice((1, 3, 9))))

    def place(self, name: str) -> str:
        """A path by chance."""
        return f"{self.chance.choice(FOLDERS)}/{name}"

    def replace(self, path: str, item: Item | None) -> None:
        for step in self.steps:
            step.items = [new for old in step.items if (new := item if old.path == path else old) is not None]


def ffmpeg_library(driver: bytes = b"520.56.06", *, names: bytes = b"\0h264_nvenc\0hevc_cuvid\0h264_vaapi\0") -> bytes:
    """A libavcodec that says of itself what real ones do, without their 14 MB of code."""
    texts = b"\0FFmpeg version 6.1.1\0%b\0libavcodec license: LGPL version 2.1 or later\0Lavc60.31.102\0" % _CONFIGURE
    words = ElfWriter(soname=b"libavcodec.so.60", needed=[b"libc.so.6"], symbols=[texts + names + _ASKS + driver])
    return words.write() + bytes(_REAL)


def tool(*needed: bytes, **more: Any) -> bytes:
    """A program that is linked with the image's loader."""
    return ElfWriter(interpreter=LOADER.encode(), needed=[*needed, b"libc.so.6"], **more).write()


def ffmpeg_tool(*, needed: tuple[bytes, ...] = (b"libavcodec.so.60",), **more: Any) -> bytes:
    banner = (
        b"\0%%sversion\0%%s version 6.1.1\0%%sbuilt with %%s\n\0gcc 12 (Debian)\0%%sconfiguration: %b\n\0" % _CONFIGURE
    )
    return tool(*needed, symbols=[banner], **more) + bytes(_REAL)


@functools.cache
def _base() -> tuple[Item, ...]:
    names = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libz.so.1", "libdrm.so.2", "libdrm_intel.so.1")
    items = [
        Item.directory("tmp", mode=0o1777),
        Item.directory("data"),
        Item("etc/passwd", b"root:x:0:0::/root:/bin/sh\nmedia:x:10001:10001::/:/sbin/nologin\n"),
        Item("etc/group", b"root:x:0:\nmedia:x:10001:\n"),
        Item("bin/busybox", real_files.program("busybox"), mode=0o755),
        Item.symlink("bin/sh", "busybox"),
        Item(LOADER[1:], real_files.library("ld-linux-x86-64.so.2"), mode=0o755),
    ]
    items += [
        Item(f"{LIBRARIES}/{name}", real_files.library(name)) for name in (*names, "libpciaccess.so.0", "libva.so.2")
    ]
    return tuple(items)


@functools.cache
def _codecs() -> tuple[Item, ...]:
    return (
        Item("usr/bin/ffmpeg", ffmpeg_tool(), mode=0o755),
        Item(f"{LIBRARIES}/libavcodec.so.60", ffmpeg_library()),
        Item(f"{LIBRARIES}/dri/i965_drv_video.so", real_files.library("i965_drv_video.so")),
    )


def clean(chance: random.Random) -> Parts:
    """The image without a fault."""
    app = [Item("app/encode", b'#!/bin/sh\nexec ffmpeg "$@"\n', mode=0o755), Item("app/profile.json", b"{}\n")]
    config = {
        "User": "10001:10001",
        "Env": [
            "PATH=/usr/bin:/bin",
            "NVIDIA_DRIVER_CAPABILITIES=compute,utility,video",
            "NVIDIA_VISIBLE_DEVICES=all",
        ],
        "Entrypoint": ["/app/encode"],
        "Labels": {
            "org.opencontainers.image.source": "https://git.example.com/media/ffmpeg",
            "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
            "org.opencontainers.image.licenses": "GPL-2.0-or-later AND MIT",
        },
    }
    steps = [
        Step("ADD rootfs.tar /", list(_base()), compression=chance.choice(("zstd", "gzip"))),
        Step("RUN /bin/sh -c apt-get install -y ffmpeg", list(_codecs())),
        Step("COPY app /app", app, level=chance.choice((1, 3, 9))),
    ]
    return Parts(chance, steps, config)


def write(root: Path, parts: Parts) -> Path:
    """The layout of an index with an image for each platform and what is attached to them."""
    writer = LayoutWriter(root)
    other = copy.copy(parts)
    other.steps, other.config = copy.deepcopy(parts.steps), copy.deepcopy(parts.config)
    other.platform = parts.other_platform
    if parts.other:
        parts.other(other)
    images = [_image(writer, parts)] + ([_image(writer, other)] if other.platform else [])
    for image in images:
        name = f"{image['platform']['os']}/{image['platform']['architecture']}"
        if name in parts.claimed:
            image["platform"]["architecture"] = parts.claimed[name]
    attached = [_attached(writer, predicate, parts.attached_to or images[0]["digest"]) for predicate in parts.attached]
    writer.index([*images, *attached])
    return writer.finish()


def _image(writer: LayoutWriter, parts: Parts) -> dict[str, Any]:
    built = [step.build() for step in parts.steps]
    history: list[dict[str, Any]] = [{"created_by": item.created_by} for item in built]
    for at, text in parts.empty_steps:
        history.insert(at, {"created_by": text, "empty_layer": True})
    return writer.image(built, platform=parts.platform, config=parts.config, history=history, listed=False)


def _attached(writer: LayoutWriter, predicate: str, digest: str) -> Mapping[str, Any]:
    """An attestation as BuildKit keeps it."""
    statement = b'{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"%b"}' % predicate.encode()
    content = {**writer.blob(statement, _INTOTO), "annotations": {"in-toto.io/predicate-type": predicate}}
    kind = "application/vnd.oci.image.manifest.v1+json"
    unknown = {"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}
    nothing = writer.blob(json.dumps(unknown).encode(), "application/vnd.oci.image.config.v1+json")
    document = {"schemaVersion": 2, "mediaType": kind, "config": nothing, "layers": [content]}
    notes = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest}
    return {
        **writer.blob(json.dumps(document).encode(), kind),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": notes,
    }
