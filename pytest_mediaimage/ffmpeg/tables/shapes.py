"""What FFmpeg's listed structures look like, by their first fields: libavformat's, libavfilter's and the others'.

Offsets are those of FFmpeg 4.0 to 9.0 on 64-bit machines; they're part of the public interface, but for those of
protocols and bitstream filters, which have stayed the same.
"""

from __future__ import annotations

from .lists import Structures

_CODEC_IDS = 0x40000
_MOST_PRIVATE = 1 << 24  # bytes of a private context
_CALLBACKS = range(56, 176, 8)  # where the private part has some, in one release or another
# ff_asrc_abuffer and its like are in every filter_list (libavfilter/allfilters.c).
BUFFERS = frozenset({"abuffer", "buffer", "abuffersink", "buffersink"})
"""Filters of every build."""
# AV_CLASS_CATEGORY_DEVICE_VIDEO_OUTPUT to _DEVICE_INPUT (libavutil/log.h).
_DEVICES = range(40, 46)
_CATEGORY = (36, 48, 56)  # in an AVClass: FFmpeg 5.0 and later, between 4.4 and 5.0, 4.4 and earlier


def is_muxer(structures: Structures, address: int) -> bool:
    """AVOutputFormat: name, long name, MIME type, extensions, three codec ids, flags, codec tags, class; callbacks."""
    return (
        all(structures.is_text_or_null(address + offset) for offset in (8, 16, 24))
        and all(_is_codec_id(structures, address + offset) for offset in (32, 36, 40))
        and structures.number(address + 44) is not None
        and all(structures.is_data_or_null(address + offset) for offset in (48, 56))
        and any(structures.is_code(address + offset) for offset in _CALLBACKS)
    )


def is_demuxer(structures: Structures, address: int) -> bool:
    """AVInputFormat: name, long name, flags, extensions, codec tags, class, MIME type; callbacks."""
    return (
        structures.is_text_or_null(address + 8)
        and structures.number(address + 16) is not None
        and structures.number(address + 20) == 0
        and structures.is_text_or_null(address + 24)
        and all(structures.is_data_or_null(address + offset) for offset in (32, 40))
        and structures.is_text_or_null(address + 48)
        and any(structures.is_code(address + offset) for offset in _CALLBACKS)
    )


def is_filter(structures: Structures, address: int) -> bool:
    """AVFilter: name, description, inputs, outputs, class."""
    return structures.is_text_or_null(address + 8) and all(
        structures.is_data_or_null(address + offset) for offset in (16, 24, 32)
    )


def is_protocol(structures: Structures, address: int) -> bool:
    """URLProtocol (libavformat/url.h): name; callbacks open, open2, accept, handshake, read, write, seek, close."""
    return all(structures.is_code_or_null(address + offset) for offset in range(8, 72, 8)) and all(
        any(structures.is_code(address + offset) for offset in either) for either in ((8, 16), (40, 48))
    )


def is_bitstream_filter(structures: Structures, address: int) -> bool:
    """AVBitStreamFilter (libavcodec/bsf.h): name, codec ids, class; private length, callbacks init, filter, close."""
    private = structures.number(address + 24)
    return (
        all(structures.is_data_or_null(address + offset) for offset in (8, 16))
        and private is not None
        and private < _MOST_PRIVATE
        and structures.is_code_or_null(address + 32)
        and structures.is_code(address + 40)
        and structures.is_code_or_null(address + 48)
    )


def is_device(structures: Structures, private_class: int | None) -> bool:
    """Whether an AVClass is a device's, by its category; as fftools/cmdutils.c tells devices from files."""
    return private_class is not None and any(
        structures.number(private_class + offset) in _DEVICES for offset in _CATEGORY
    )


def _is_codec_id(structures: Structures, address: int) -> bool:
    number = structures.number(address)
    return number is not None and number < _CODEC_IDS
