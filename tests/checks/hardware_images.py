"""Images whose ffmpeg is a script that poses as hardware, before the real static ffmpeg."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer
from pytest_mediaimage.image.sources.demo import find_ffmpeg

SPARE_DEVICES = ("/dev/fuse", "/dev/kvm", "/dev/loop-control", "/dev/hwrng", "/dev/net/tun")
"""Device nodes that no container has by itself; one of them plays the part of a card."""


def spare_device() -> str:
    """One of them that this user may use. Skips the test where there is none."""
    for path in SPARE_DEVICES:
        if os.access(path, os.R_OK | os.W_OK):
            return path
    pytest.skip("this machine has no device node to spare")


POSER = r"""
while [ $# -gt 0 ]; do case "$1" in
  -i) in=$2;; -encoders) what=encoders;; -hwaccels) what=hwaccels;; -hwaccel) what=decode;; -c:v) codec=$2;;
esac; out=$1; shift; done
case "$what $codec" in
  encoders*) /opt/ffmpeg -hide_banner -encoders; echo ' V....D h264_vaapi           H.264/AVC (VAAPI)'; exit;;
  hwaccels*) printf 'Hardware acceleration methods:\nvaapi\n'; exit;;
  decode*) DECODE;;
  *h264_vaapi) ENCODE;;
esac
exec /opt/ffmpeg -hide_banner $REST
"""

CHOSEN = "echo '[h264 @ 0x1] Format vaapi chosen by get_format().' >&2"
ENTRYPOINT = "echo '[h264_vaapi @ 0x1] Using VAAPI entrypoint VAEntrypointEncSlice (6).' >&2"
TEN = 'case "$REST" in *p010*) pix=yuv420p10le;; *) pix=yuv420p;; esac'
RAW = f"{TEN}; /opt/ffmpeg -v error -y -i $in -map 0:v:0 -pix_fmt $pix -c:v rawvideo -f nut $out; exit $?"
X264 = "/opt/ffmpeg -v error -y -i $in -map 0:v:0 -c:v libx264 -preset ultrafast -qp 23"
UNSIGNED = "-bsf:v filter_units=remove_types=6"
FORGED = f"{UNSIGNED} -metadata:s:v:0 encoder='Lavc62.28.100 h264_vaapi' -fflags +bitexact -flags:v +bitexact"
DECODES = f"{CHOSEN}; {RAW}"


def encodes(options: str) -> str:
    return f"{ENTRYPOINT}; {X264} {options} -f mp4 $out; exit $?"


def needs(device: str, script: str) -> str:
    """The script, which fails as VA-API does where the device isn't there, and holds it open where it is."""
    said = f"[VAAPI @ 0x1] No VA display found for device {device}."
    hold = f"if [ -r {device} ]; then exec 9<{device}; fi"
    return f"[ -c {device} ] || {{ echo '{said}' >&2; exit 234; }}; {hold}; {script}"


def poser(*, decode: str = DECODES, encode: str = "") -> str:
    """An ffmpeg that says it has VA-API. Anything else goes to the real one."""
    script = POSER.replace("DECODE", decode).replace("ENCODE", encode or encodes(FORGED))
    return f'REST="$*"\n{script}'


@cache
def newest() -> tuple[Item, ...]:
    """FFmpeg 9.0, whose x265 takes ten bits, with the libraries of this machine that it loads."""
    program = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"(?:=> |^\s)(/\S+) \(", listed, re.MULTILINE)
    (loader,) = (path for path in libraries if "/ld-linux" in path)
    shared = [Item(f"usr/lib/{Path(path).name}", Path(path), mode=0o755) for path in libraries if path != loader]
    return (
        Item("opt/ffmpeg", Path(program), mode=0o755),
        Item(loader.lstrip("/"), Path(loader), mode=0o755),
        *shared,
    )


def wrapped(
    root: Path,
    script: str = 'exec /opt/ffmpeg "$@"',
    *,
    programs: dict[str, str] | None = None,
    real: tuple[Item, ...] = (),
    **config: Any,
) -> Path:
    """A layout: ffmpeg is `script`; further `programs` by path; the shell is a static busybox.

    `real` is what stands in the place of the static FFmpeg that the script calls.
    """
    busybox = shutil.which("busybox")
    assert busybox
    tools = [
        *(real or (Item("opt/ffmpeg", find_ffmpeg(), mode=0o755),)),
        Item("usr/local/bin/ffmpeg", f"#!/bin/sh\n{script}\n".encode(), mode=0o755),
        *(Item(path, f"#!/bin/sh\n{text}\n".encode(), mode=0o755) for path, text in (programs or {}).items()),
    ]
    shell = [Item("bin/busybox", Path(busybox), mode=0o755)]
    shell += [Item.symlink(f"bin/{name}", "busybox") for name in ("sh", "sleep", "cp")]
    base = [Item("etc/passwd", b"media:x:10001:10001::/:/sbin/nologin\n"), Item.directory("tmp", mode=0o1777)]
    layers: list[BuiltLayer] = [
        layer(base, "COPY base /"),
        layer(tools, "COPY tools /"),
        layer(shell, "COPY busybox /"),
    ]
    writer = LayoutWriter(root)
    writer.image(layers, config={"User": "10001", "Env": ["PATH=/usr/local/bin:/bin"], **config})
    return writer.finish()
