"""Hardware paths: which devices each needs, and the commands that prove it.

A command keeps its frames on the device till `hwdownload`, or uploads them before the encoder: where FFmpeg falls back
to software no filter graph can be made, and the command fails ("Impossible to convert between the formats").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .devices import AMD, INTEL, HostDevices, Node
from .encoders import Encoder, encoder_of

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
        """What is run to prove it, on the node `device`: what it can of a decode and an encode."""
        decode = [_DECODERS[self.name](device)] if self.name in _DECODERS else []
        encode = [_encode(encoder_of(self.name, "h264", device))] if self.name != "nvdec" else []
        return (*decode, *encode)


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


def _nvdec(device: str) -> Probe:
    return _decode(("-hwaccel", "cuda", "-hwaccel_output_format", "cuda"), "cuda")


def _vaapi(device: str) -> Probe:
    return _decode(("-hwaccel", "vaapi", "-hwaccel_device", device, "-hwaccel_output_format", "vaapi"), "vaapi")


def _qsv(device: str) -> Probe:
    init = ("-init_hw_device", f"vaapi=va:{device}", "-init_hw_device", "qsv=q@va")
    before = (*init, "-hwaccel", "qsv", "-hwaccel_device", "q", "-hwaccel_output_format", "qsv", "-c:v", "h264_qsv")
    return _decode(before, "qsv", decoder="h264_qsv")


def _vulkan(device: str) -> Probe:
    init = ("-init_hw_device", "vulkan=vk:0")
    return _decode((*init, "-hwaccel", "vulkan", "-hwaccel_device", "vk", "-hwaccel_output_format", "vulkan"), "vulkan")


_DECODERS = {"nvdec": _nvdec, "vaapi": _vaapi, "qsv": _qsv, "vulkan": _vulkan}


def _decode(before: tuple[str, ...], surface: str, *, decoder: str = "") -> Probe:
    argv = (*_BEGIN, *before, "-i", "{input}", "-map", "0:v:0", *_DOWNLOAD)
    return Probe("decode", argv, "output.nut", surface=surface, decoder=decoder, hwaccel=surface)


def _encode(encoder: Encoder) -> Probe:
    upload = ("-vf", encoder.filters) if encoder.filters else ()
    argv = (*_BEGIN, *encoder.before, "-i", "{input}", "-map", "0:v:0", *upload, "-c:v", encoder.name)
    return Probe("encode", (*argv, *encoder.options, *_RATE), "output.mp4", encoder.proof, encoder=encoder.name)
