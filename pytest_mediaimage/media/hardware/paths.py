"""Hardware paths: which devices each needs, and the commands that prove it.

A command keeps its frames on the device till `hwdownload`, or uploads them before the encoder: where FFmpeg falls back
to software no filter graph can be made, and the command fails ("Impossible to convert between the formats").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .decoders import decoder_of, download
from .devices import AMD, INTEL, NVIDIA, HostDevices, Node
from .encoders import Encoder, encoder_of

_BEGIN = ("{ffmpeg}", "-nostdin", "-hide_banner", "-nostats", "-y", "-v", "debug")
_RAW = ("-c:v", "rawvideo", "-f", "nut", "{output}")
_RATE = ("-g", "50", "-f", "mp4", "{output}")


DECODING = ("nvdec", "vaapi", "qsv", "vulkan")
"""The packaged paths that decode."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One command. `kind` is `decode`, whose output holds the pictures raw, `encode`, or `own`.

    `encoder` must be in the output's encoder tag, and be listed by FFmpeg, as must `decoder` and `hwaccel`. `proof`
    must match in what is printed; of a decoder's `Format ... chosen` lines the last must name `surface`. `codec` and
    `bits` are those of the clip that it is given.
    """

    kind: str
    argv: tuple[str, ...]
    output: str
    proof: re.Pattern[str] | None = None
    surface: str = ""
    encoder: str = ""
    decoder: str = ""
    hwaccel: str = ""
    codec: str = "h264"
    bits: int = 8

    @property
    def name(self) -> str:
        """What it is called beside others: `decode`, `decode hevc`, `decode hevc 10-bit`, `encode`, `own`."""
        words = (self.kind, "" if self.codec == "h264" else self.codec, "" if self.bits == 8 else f"{self.bits}-bit")
        return " ".join(filter(None, words))


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
            # NVIDIA's driver comes into a container by `--gpus` alone; without it its render node is nouveau's.
            return (*(node for node in render if node.vendor != NVIDIA or not host.nvidia), *host.nvidia)
        return render

    def probes(self, device: str) -> tuple[Probe, ...]:
        """What is run to prove it, on the node `device`: what it can of a decode and an encode."""
        decode = [_decode(self.name, "h264", 8, device)] if self.name in DECODING else []
        encode = [_encode(encoder_of(self.name, "h264", device))] if self.name != "nvdec" else []
        return (*decode, *encode)

    def further(self, device: str) -> tuple[Probe, ...]:
        """What a card may lack: decoding of HEVC, with eight and with ten bits."""
        return tuple(_decode(self.name, "hevc", bits, device) for bits in (8, 10) if self.name in DECODING)


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


def _decode(path: str, codec: str, bits: int, device: str) -> Probe:
    decoder = decoder_of(path, codec, device)
    argv = (*_BEGIN, *decoder.before, "-i", "{input}", "-map", "0:v:0", "-vf", download(bits), *_RAW)
    return Probe(
        "decode",
        argv,
        "output.nut",
        surface=decoder.surface,
        decoder=decoder.name,
        hwaccel=decoder.surface,
        codec=codec,
        bits=bits,
    )


def _encode(encoder: Encoder) -> Probe:
    upload = ("-vf", encoder.filters) if encoder.filters else ()
    argv = (*_BEGIN, *encoder.before, "-i", "{input}", "-map", "0:v:0", *upload, "-c:v", encoder.name)
    return Probe("encode", (*argv, *encoder.options, *_RATE), "output.mp4", encoder.proof, encoder=encoder.name)
