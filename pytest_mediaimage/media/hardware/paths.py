"""Hardware paths: which devices each needs, and the commands that prove it.

A command keeps its frames on the device till `hwdownload`, or uploads them before the encoder: where FFmpeg falls back
to software no filter graph can be made, and the command fails ("Impossible to convert between the formats").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .devices import AMD, INTEL, HostDevices, Node

_BEGIN = ("{ffmpeg}", "-nostdin", "-hide_banner", "-nostats", "-y", "-v", "debug")
# 8-bit 4:2:0 lies on every device as NV12; taking its chroma apart loses nothing.
_DOWNLOAD = ("-vf", "hwdownload,format=nv12,format=yuv420p", "-c:v", "rawvideo", "-f", "nut", "{output}")
_RATE = ("-g", "50", "-f", "mp4", "{output}")


@dataclass(frozen=True, slots=True)
class Probe:
    """One command. `kind` is `decode`, whose output holds the pictures raw, `encode`, or `own`.

    `encoder` must be in the output's encoder tag, and be listed by FFmpeg, as must `decoder` and `hwaccel`. `proof`
    must match in what is printed; of a decoder's `Format ... chosen` lines the last must name `surface`.
    """

    kind: str
    argv: tuple[str, ...]
    output: str
    proof: re.Pattern[str] | None = None
    surface: str = ""
    encoder: str = ""
    decoder: str = ""
    hwaccel: str = ""


@dataclass(frozen=True, slots=True)
class HardwarePath:
    """`backend` is the word that the diagnosis goes by. `why_absent` completes "there is no ..."."""

    name: str
    backend: str
    why_absent: str
    vendors: tuple[str, ...] = ()

    def nodes(self, host: HostDevices) -> tuple[Node, ...]:
        """The nodes of this machine that the path can use; none: the hardware is absent."""
        if self.backend == "cuda":
            return host.nvidia
        render = tuple(node for node in host.render if not self.vendors or node.vendor in self.vendors)
        if self.name == "vulkan":
            return render or host.nvidia
        return render

    def probes(self, device: str) -> tuple[Probe, ...]:
        """What is run to prove it, on the node `device`."""
        return _PROBES[self.name](device)


PATHS = {
    path.name: path
    for path in (
        HardwarePath("nvenc", "cuda", "NVIDIA card (/dev/nvidia0)"),
        HardwarePath("nvdec", "cuda", "NVIDIA card (/dev/nvidia0)"),
        # Render nodes of NVIDIA's own driver have no VA-API, those of nouveau next to none.
        HardwarePath("vaapi", "vaapi", "render node of Intel or AMD (/dev/dri/renderD128)", (INTEL, AMD, "")),
        HardwarePath("qsv", "qsv", "render node of Intel (/dev/dri/renderD128)", (INTEL,)),
        HardwarePath("vulkan", "vulkan", "render node (/dev/dri/renderD128) or NVIDIA card"),
    )
}


def own_probe(arguments: Sequence[str], proof: str, device: str) -> Probe:
    """A path that a team declared: FFmpeg's arguments, with `{device}`, and `{input}` and `{output}` where they aren't
    simply the first and the last."""
    words = [word.replace("{device}", device) for word in arguments]
    if not any("{input}" in word for word in words):
        words = ["-i", "{input}", *words]
    if not any("{output}" in word for word in words):
        words = [*words, "{output}"]
    return Probe("own", (*_BEGIN, *words), "output.mp4", re.compile(proof))


def _nvenc(device: str) -> tuple[Probe, ...]:
    options = ("-c:v", "h264_nvenc", "-preset", "p4", "-rc", "constqp", "-qp", "23")
    return (_encode(("-i", "{input}"), "", options, r"Loaded Nvenc version", "h264_nvenc"),)


def _nvdec(device: str) -> tuple[Probe, ...]:
    return (_decode(("-hwaccel", "cuda", "-hwaccel_output_format", "cuda"), "cuda"),)


def _vaapi(device: str) -> tuple[Probe, ...]:
    before = ("-hwaccel", "vaapi", "-hwaccel_device", device, "-hwaccel_output_format", "vaapi")
    upload = ("-init_hw_device", f"vaapi=v:{device}", "-filter_hw_device", "v", "-i", "{input}")
    options = ("-c:v", "h264_vaapi", "-qp", "23")
    return (
        _decode(before, "vaapi"),
        _encode(upload, "format=nv12,hwupload", options, r"Using VAAPI entrypoint", "h264_vaapi"),
    )


def _qsv(device: str) -> tuple[Probe, ...]:
    init = ("-init_hw_device", f"vaapi=va:{device}", "-init_hw_device", "qsv=q@va")
    before = (*init, "-hwaccel", "qsv", "-hwaccel_device", "q", "-hwaccel_output_format", "qsv", "-c:v", "h264_qsv")
    upload = (*init, "-filter_hw_device", "q", "-i", "{input}")
    options = ("-c:v", "h264_qsv", "-global_quality", "23", "-forced_idr", "1")
    return (
        _decode(before, "qsv", decoder="h264_qsv"),
        _encode(upload, "format=nv12,hwupload=extra_hw_frames=64", options, r"Initialize MFX session", "h264_qsv"),
    )


def _vulkan(device: str) -> tuple[Probe, ...]:
    init = ("-init_hw_device", "vulkan=vk:0")
    before = (*init, "-hwaccel", "vulkan", "-hwaccel_device", "vk", "-hwaccel_output_format", "vulkan")
    upload = (*init, "-filter_hw_device", "vk", "-i", "{input}")
    options = ("-c:v", "h264_vulkan", "-qp", "23")
    return (
        _decode(before, "vulkan"),
        _encode(upload, "format=nv12,hwupload", options, r"Encoder capabilities for", "h264_vulkan"),
    )


_PROBES = {"nvenc": _nvenc, "nvdec": _nvdec, "vaapi": _vaapi, "qsv": _qsv, "vulkan": _vulkan}


def _decode(before: tuple[str, ...], surface: str, *, decoder: str = "") -> Probe:
    argv = (*_BEGIN, *before, "-i", "{input}", "-map", "0:v:0", *_DOWNLOAD)
    return Probe("decode", argv, "output.nut", surface=surface, decoder=decoder, hwaccel=surface)


def _encode(before: tuple[str, ...], filters: str, options: tuple[str, ...], proof: str, encoder: str) -> Probe:
    upload = ("-vf", filters) if filters else ("-pix_fmt", "yuv420p")
    argv = (*_BEGIN, *before, "-map", "0:v:0", *upload, *options, *_RATE)
    return Probe("encode", argv, "output.mp4", re.compile(proof), encoder=encoder)
