"""Which codec an encoder or decoder of FFmpeg is, by its name (`libavcodec/allcodecs.c`, FFmpeg 4.1 to 9.0)."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from .model import PatentData

_NAMES = {
    "h264": "h264 libx264 libx264rgb libx262 libopenh264",
    "hevc": "hevc h265 libx265 libkvazaar libsvt_hevc libde265",
    "vvc": "vvc libvvenc libvvdec",
    "av1": "av1 libaom-av1 libsvtav1 librav1e libdav1d libgav1",
    "vp9": "vp9 libvpx-vp9 libsvt_vp9",
    "vp8": "vp8 libvpx libvpx-vp8",
    "mpeg2video": "mpeg2video mpegvideo mpeg2",
    "mpeg4": "mpeg4 libxvid",
    "vc1": "vc1 vc1image wmv3 wmv3image",
    "lcevc": "lcevc liblcevc_dec",
    "evc": "evc libxeve libxevd",
    "apv": "apv liboapv",
    "jpegxs": "jpegxs libsvtjpegxs",
    "jpeg2000": "jpeg2000 libopenjpeg",
    "prores": "prores prores_aw prores_ks prores_raw",
    "theora": "theora libtheora",
    "avs": "cavs libxavs",
    "avs2": "avs2 libdavs2 libxavs2",
    "avs3": "avs3 libuavs3d",
    "av2": "av2 libavm",
    "aac": "aac aac_fixed aac_latm libfdk_aac libfaac libvo_aacenc libaacplus",
    "mpegh3d": "mpegh_3d_audio libmpeghdec",
    "ac3": "ac3 ac3_fixed",
    "eac3": "eac3",
    "ac4": "ac4",
    "truehd": "truehd mlp",
    "dts": "dca libdcadec",
    "mp3": "mp3 mp3float mp3adu mp3adufloat mp3on4 mp3on4float libmp3lame libshine",
    "mp2": "mp2 mp2fixed mp2float libtwolame",
    "opus": "opus libopus",
    "vorbis": "vorbis libvorbis",
    "flac": "flac",
    "speex": "speex libspeex",
    "amrnb": "amrnb libopencore_amrnb",
    "amrwb": "amrwb libopencore_amrwb libvo_amrwbenc",
}
_CODEC_OF = {name: codec for codec, names in _NAMES.items() for name in names.split()}

# By a GPU, a chip, or the operating system's own codecs: the name ends with the interface to them.
_BY_DEVICE = re.compile(
    r"(.+)_(?:nvenc|cuvid|vaapi|qsv|amf|vulkan|v4l2m2m|videotoolbox|mediacodec|mf|omx|mmal|rkmpp|d3d12va|oh|at|crystalhd"
    r"|vdpau|ni_[a-z]+(?:_enc|_dec)?)"
)
_OLD_NVENC = re.compile(r"nvenc(?:_(h264|hevc))?")  # until FFmpeg 4.4; `nvenc` alone was H.264


class Implementation(NamedTuple):
    """An encoder or decoder: its codec's id, and whether a device or the operating system does its work."""

    codec: str
    device: bool


def implementation_of(
    name: str, side: Literal["encoder", "decoder"], data: PatentData | None = None
) -> Implementation | None:
    """What an encoder or decoder of this name does; None for codecs that nobody told us of.

    `data` may know more names than we do.
    """
    if match := _OLD_NVENC.fullmatch(name):
        return Implementation(match[1] or "h264", True)
    match = _BY_DEVICE.fullmatch(name)
    base = match[1] if match else name
    codec = _CODEC_OF.get(base)
    for row in data.codecs.values() if data else ():
        if name in row.names or base in row.names:
            codec = row.id
    if codec is None:
        return None
    # FFmpeg's own `av1` only drives hardware (libavcodec/av1dec.c).
    return Implementation(codec, match is not None or (name == "av1" and side == "decoder"))
