"""How each path decodes each codec, so that what falls back to software can't succeed."""

from __future__ import annotations

from dataclasses import dataclass

CODECS = ("h264", "hevc")
"""What decoding is tried with; HEVC with eight and with ten bits."""

_SHAPES = {8: ("nv12", "yuv420p"), 10: ("p010le", "yuv420p10le")}
"""4:2:0 as it lies on every device, and as planes: taking chroma apart, and moving ten bits down, loses nothing (seen
with FFmpeg 5.1, 8.1 and 9.0: the same md5)."""


@dataclass(frozen=True, slots=True)
class Decoder:
    """`before` are options before the input; with them frames stay on the device, in the format `surface`.

    `name` is what FFmpeg must list and be told by `-c:v`, where its own decoder of the codec doesn't do it.
    """

    surface: str
    before: tuple[str, ...]
    name: str = ""


def decoder_of(path: str, codec: str, device: str) -> Decoder:
    """How the packaged `path` decodes `codec` (h264, hevc, av1, vp9) on the node `device`."""
    if path == "nvdec":
        return Decoder("cuda", ("-hwaccel", "cuda", "-hwaccel_output_format", "cuda"))
    if path == "vaapi":
        return Decoder("vaapi", ("-hwaccel", "vaapi", "-hwaccel_device", device, "-hwaccel_output_format", "vaapi"))
    if path == "qsv":
        name = f"{codec}_qsv"
        made = ("-init_hw_device", f"vaapi=va:{device}", "-init_hw_device", "qsv=q@va")
        onto = ("-hwaccel", "qsv", "-hwaccel_device", "q", "-hwaccel_output_format", "qsv", "-c:v", name)
        return Decoder("qsv", (*made, *onto), name)
    vulkan = ("-hwaccel", "vulkan", "-hwaccel_device", "vk", "-hwaccel_output_format", "vulkan")
    return Decoder("vulkan", ("-init_hw_device", "vulkan=vk:0", *vulkan))


def download(bits: int) -> str:
    """The filters that bring 4:2:0 pictures back from the device as planes. They fail where a picture isn't there."""
    there, here = _SHAPES[bits]
    return f"hwdownload,format={there},format={here}"
