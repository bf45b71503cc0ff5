"""Finds FFmpeg's registries among the lists of pointers in a file, each by what its structures look like."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..elf import ElfFile
from ..elf.pointers import Pointers
from ..identity import FFmpegIdentity
from .codecs import is_codec, read_codecs
from .holders import HOLDERS
from .lists import PointerList, Structures
from .shapes import BUFFERS, is_bitstream_filter, is_demuxer, is_device, is_filter, is_muxer, is_protocol

Shape = Callable[[Structures, int], bool]
Names = tuple[str, ...]
_MUXER_CLASS, _DEMUXER_CLASS = 56, 40  # where a format holds its AVClass
# Each build has this one: libavcodec selects it (`configure`: avcodec_select="null_bsf").
_NULL = "null"
# One of these is in any list of protocols, muxers or demuxers; other software has lists that look alike.
_PROTOCOLS = {
    "async", "cache", "concat", "crypto", "data", "fd", "ffrtmphttp", "file", "ftp", "gopher", "hls", "http",
    "httpproxy", "https", "pipe", "rtmp", "rtp", "srtp", "subfile", "tcp", "tls", "udp", "unix",
}  # fmt: skip
_FORMATS = {
    "3gp", "ac3", "adts", "aac", "aiff", "asf", "avi", "concat", "dash", "data", "dv", "f32le", "ffmetadata",
    "flac", "flv", "framemd5", "gif", "h264", "hash", "hevc", "hls", "image2", "image2pipe", "ipod", "ivf", "lavfi",
    "matroska", "matroska,webm", "md5", "mjpeg", "mov", "mov,mp4,m4a,3gp,3g2,mj2", "mp2", "mp3", "mp4", "mpeg",
    "mpegts", "mxf", "null", "nut", "obu", "ogg", "opus", "png_pipe", "rawvideo", "rtp", "rtsp", "s16le", "segment",
    "spdif", "srt", "tee", "vob", "w64", "wav", "webm", "webvtt", "yuv4mpegpipe",
}  # fmt: skip


def find_tables(elf: ElfFile, pointers: Pointers, identity: FFmpegIdentity) -> dict[str, Names | None]:
    """By the name of the table; None where none was found, or its layout isn't known. Raises ElfError."""
    tables = _find(elf, pointers, identity)
    if identity.kind != "library":
        return tables
    # What looks like another library's list is a coincidence.
    own = set(identity.licenses)
    return {name: names if _holders(name) & own else None for name, names in tables.items()}


def _holders(table: str) -> set[str]:
    return {HOLDERS[table], "libavdevice"} if table in ("muxers", "demuxers") else {HOLDERS[table]}


def _find(elf: ElfFile, pointers: Pointers, identity: FFmpegIdentity) -> dict[str, Names | None]:
    structures = Structures(elf, pointers)
    lists = list(structures.lists())
    codecs = None
    if registry := _longest(structures, lists, is_codec):
        codecs = read_codecs(structures, registry, identity.libraries.get("libavcodec"))
    filters = _longest(structures, lists, is_filter, lambda names: names >= BUFFERS)
    protocols = _longest(structures, lists, is_protocol, lambda names: not names.isdisjoint(_PROTOCOLS))
    bitstream_filters = _longest(structures, lists, is_bitstream_filter, lambda names: _NULL in names)
    return {
        "encoders": codecs.encoders if codecs else None,
        "decoders": codecs.decoders if codecs else None,
        "filters": _names(structures, filters),
        "muxers": _formats(structures, lists, is_muxer, _MUXER_CLASS, identity),
        "demuxers": _formats(structures, lists, is_demuxer, _DEMUXER_CLASS, identity),
        "protocols": _names(structures, protocols),
        "bitstream_filters": _names(structures, bitstream_filters),
    }


def _formats(
    structures: Structures, lists: Iterable[PointerList], shape: Shape, class_at: int, identity: FFmpegIdentity
) -> Names | None:
    """libavformat's, and the devices of libavdevice, which FFmpeg lists with them."""
    devices: set[int] = set()
    longest: tuple[int, ...] = ()
    for members in _shaped(structures, lists, shape):
        if is_device(structures, structures.pointer(members[-1] + class_at)):
            devices.update(members)
        elif len(members) > len(longest) and not _FORMATS.isdisjoint(_names(structures, members) or ()):
            longest = members
    if not longest and (not devices or "libavformat" in identity.licenses):
        return None
    return _names(structures, (*longest, *devices))


def _longest(
    structures: Structures,
    lists: Iterable[PointerList],
    shape: Shape,
    accept: Callable[[frozenset[str]], bool] = bool,
) -> tuple[int, ...]:
    best: tuple[int, ...] = ()
    for members in _shaped(structures, lists, shape):
        if len(members) > len(best) and accept(frozenset(_names(structures, members) or ())):
            best = members
    return best


def _shaped(structures: Structures, lists: Iterable[PointerList], shape: Shape) -> Iterable[tuple[int, ...]]:
    """The lists of structures of this shape; what stands before one, and has another, isn't part of it."""
    for one in lists:
        first = len(one.members)
        while first and structures.name(one.members[first - 1]) and shape(structures, one.members[first - 1]):
            first -= 1
        if first < len(one.members):
            yield one.members[first:]


def _names(structures: Structures, members: Iterable[int]) -> Names | None:
    names = {name for member in members if (name := structures.name(member)) is not None}
    return tuple(sorted(names)) or None
