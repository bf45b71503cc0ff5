"""A good FFmpeg image made in code, and the same with one fault planted."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer
from pytest_mediaimage.image.sources.demo import find_ffmpeg

POLICY = (Path(__file__).parents[2] / "fixtures" / "policies" / "tight.yaml").read_text()

ZEROS = bytes(1_000_000)


@dataclass
class Parts:
    """What the image is made of, for a plant to change."""

    tool: list[Item]
    more: list[BuiltLayer] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)


def good_parts() -> Parts:
    return Parts(
        tool=[Item("usr/local/bin/ffmpeg", find_ffmpeg(), mode=0o755)],
        config={"User": "10001", "Env": ["PATH=/usr/local/bin"], "Entrypoint": ["/usr/local/bin/ffmpeg"]},
    )


def write_image(root: Path, plant: Callable[[Parts], None] = lambda parts: None) -> Path:
    parts = good_parts()
    plant(parts)
    writer = LayoutWriter(root)
    base = [Item("etc/passwd", b"media:x:10001:10001::/:/sbin/nologin\n"), Item.directory("tmp", mode=0o1777)]
    writer.image(
        [layer(base, "COPY base /"), layer(parts.tool, "COPY ffmpeg /usr/local/bin/"), *parts.more],
        config=parts.config,
    )
    return writer.finish()


def patched(*changes: tuple[bytes, bytes]) -> bytes:
    """The static ffmpeg with texts in it exchanged for others of the same length."""
    data = find_ffmpeg().read_bytes()
    for old, new in changes:
        assert len(old) == len(new) and old in data, old
        data = data.replace(old, new)
    return data


def runs_as_root(parts: Parts) -> None:
    parts.config["User"] = "0"


def incompressible(parts: Parts) -> None:
    parts.more = [layer([Item("opt/noise", random.Random(1).randbytes(8_000_000))], "COPY noise /opt/")]


def bulky(parts: Parts) -> None:
    parts.more = [layer([Item("opt/zeros", ZEROS * 14)], "COPY zeros /opt/")]


def fat_layer(parts: Parts) -> None:
    parts.tool.append(Item("opt/zeros", ZEROS * 4))


def many_layers(parts: Parts) -> None:
    parts.more = [layer([Item(f"opt/{n}", b"x")], f"COPY {n} /opt/") for n in range(4)]


def wasteful(parts: Parts) -> None:
    parts.more = [layer([Item("opt/zeros", ZEROS * 2)], "RUN make"), layer([Item("opt/.wh.zeros")], "RUN rm zeros")]


def film(parts: Parts) -> None:
    ftyp = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
    parts.more = [layer([Item("app/intro.dat", ftyp + ZEROS * 3)], "COPY intro.dat /app/")]


def kernel_module(parts: Parts) -> None:
    relocatable = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00\x3e\x00" + bytes(44)
    module = relocatable + b"license=GPL\0vermagic=6.1.0 SMP\0"
    parts.more = [layer([Item("opt/driver/nv.bin", module)], "RUN make -C driver")]


def without_x264(parts: Parts) -> None:
    parts.tool = [Item("usr/local/bin/ffmpeg", patched((b"\0libx264\0", b"\0libx26_\0")), mode=0o755)]


def nonfree(parts: Parts) -> None:
    parts.tool = [Item("usr/local/bin/ffmpeg", patched((b"--enable-version3", b"--enable-nonfree ")), mode=0o755)]


def labelled_lgpl(parts: Parts) -> None:
    parts.config["Labels"] = {"org.opencontainers.image.licenses": "LGPL-2.1-or-later"}


def anonymous(parts: Parts) -> None:
    changes = [(b"%sbuilt with %s\n", b"%sbuilt by's %s\n"), (b" license: GPL version 3", b" licence: GPL version 3")]
    parts.tool = [Item("usr/local/bin/ffmpeg", patched(*changes), mode=0o755)]


def with_wrapper(script: str) -> Callable[[Parts], None]:
    """The real ffmpeg behind a shell script; the shell is a static busybox."""

    def plant(parts: Parts) -> None:
        busybox = shutil.which("busybox")
        assert busybox
        parts.tool = [
            Item("opt/ffmpeg", find_ffmpeg(), mode=0o755),
            Item("usr/local/bin/ffmpeg", f"#!/bin/sh\n{script}\n".encode(), mode=0o755),
        ]
        shell = [Item("bin/busybox", Path(busybox), mode=0o755)]
        shell += [Item.symlink(f"bin/{name}", "busybox") for name in ("sh", "cp")]
        parts.more = [layer(shell, "COPY busybox /bin/")]
        parts.config["Env"] = ["PATH=/usr/local/bin:/bin"]

    return plant


# The quality is lowered behind the caller's back.
COARSE = 'for a in "$@"; do shift; [ "$a" = 23 ] && a=45; set -- "$@" "$a"; done; exec /opt/ffmpeg "$@"'
# The first output is kept and handed out for every later input.
REPLAY = """\
for out in "$@"; do case "$out" in */output.mp4) break;; esac; done
case "$out" in */output.mp4) ;; *) exec /opt/ffmpeg "$@";; esac
[ -f /tmp/kept ] && exec cp /tmp/kept "$out"
/opt/ffmpeg "$@" && cp "$out" /tmp/kept"""
# The sound is lost.
SILENT = 'for a in "$@"; do shift; [ "$a" = 0:a:0 ] && a=0:v:0; set -- "$@" "$a"; done; exec /opt/ffmpeg "$@"'
HANGS = 'case "$*" in *libx264*) while :; do :; done;; esac; exec /opt/ffmpeg "$@"'
LIES = 'case "$*" in *libx264*) exit 0;; esac; exec /opt/ffmpeg "$@"'
DIES = 'case "$*" in *libx264*) echo out of memory >&2; exit 137;; esac; exec /opt/ffmpeg "$@"'
