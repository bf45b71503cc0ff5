"""Encoders and decoders: which side of coding each structure in `codec_list[]` (libavcodec/allcodecs.c) is on.

`av_codec_is_encoder` and `av_codec_is_decoder` (libavcodec/utils.c) say how FFmpeg itself tells:

- since 5.1 `FFCodec` begins with `AVCodec`, and behind that a word whose upper three bits are the kind of callback
  (libavcodec/codec_internal.h): 0 to 2 decode, 3 to 5 encode;
- before, `AVCodec` held the callbacks, one pointer each, and those that are set tell.

Where they stand differs between releases and isn't written in a file. So each known layout is tried, and one counts
only if it makes sense of every structure: each is on one side, and of two with one name one is on either side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .lists import Structures

_MEDIA_TYPES = 5  # AVMEDIA_TYPE_VIDEO to AVMEDIA_TYPE_ATTACHMENT (libavutil/avutil.h)
_CODEC_IDS = 0x40000  # above all of enum AVCodecID (libavcodec/codec_id.h)
_DECODES, _ENCODES = (0, 1, 2), (3, 4, 5)


class Codecs(NamedTuple):
    encoders: tuple[str, ...]
    decoders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Bits:
    """The kind of callback stands in the upper three bits of the word at `offset`, the length of AVCodec."""

    offset: int

    def sides(self, structures: Structures, codec: int) -> tuple[bool, bool]:
        word = structures.number(codec + self.offset)
        kind = -1 if word is None else word >> 29
        return kind in _ENCODES, kind in _DECODES


@dataclass(frozen=True, slots=True)
class _Callbacks:
    """The offsets of the pointers that an encoder has, or a decoder, and of `flush`, which some decoders have."""

    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    flush: int

    def sides(self, structures: Structures, codec: int) -> tuple[bool, bool]:
        return (
            any(structures.pointer(codec + offset) is not None for offset in self.encoder),
            any(structures.pointer(codec + offset) is not None for offset in self.decoder),
        )


def _callbacks(at: int, *, send_frame: bool) -> _Callbacks:
    """`encode_sub` is the first; encode2, decode, close, perhaps send_frame, receive_packet, receive_frame and flush
    follow.
    """
    if send_frame:
        return _Callbacks((at, at + 8, at + 32, at + 40), (at + 16, at + 48), at + 56)
    return _Callbacks((at, at + 8, at + 32), (at + 16, at + 40), at + 48)


_FFMPEG_4_0 = _callbacks(160, send_frame=True)
_FFMPEG_4_3 = _callbacks(152, send_frame=True)
_FFMPEG_4_4 = _callbacks(152, send_frame=False)
_FFMPEG_5_0 = _callbacks(144, send_frame=False)
_LAYOUTS: tuple[tuple[tuple[int, int], tuple[_Bits | _Callbacks, ...]], ...] = (
    ((58, 0), (_FFMPEG_4_0,)),
    ((58, 55), (_FFMPEG_4_0, _FFMPEG_4_3, _FFMPEG_4_4)),
    ((58, 91), (_FFMPEG_4_3,)),
    ((58, 92), (_FFMPEG_4_3, _FFMPEG_4_4)),
    ((58, 109), (_FFMPEG_4_4,)),
    ((59, 0), (_FFMPEG_4_4, _FFMPEG_5_0, _Bits(104))),
    ((59, 37), (_Bits(104),)),
    ((61, 0), (_Bits(104), _Bits(96))),
    ((61, 3), (_Bits(96),)),
    ((63, 0), (_Bits(96), _Bits(56))),
    ((63, 1), (_Bits(56),)),
    ((64, 0), ()),
)
"""From this version of libavcodec on (major, minor) one of these; several where the change lies between releases."""


def is_codec(structures: Structures, address: int) -> bool:
    """Whether this may be an AVCodec: name, long name, media type, codec id."""
    kind, codec = structures.number(address + 16), structures.number(address + 20)
    if kind is None or codec is None or not (kind < _MEDIA_TYPES and 0 < codec < _CODEC_IDS):
        return False
    return structures.name(address) is not None and structures.is_text_or_null(address + 8)


def read_codecs(structures: Structures, members: Sequence[int], version: str | None) -> Codecs | None:
    """The codecs by side; None where the layout isn't known. `version` is libavcodec's, as "62.28.102"."""
    layouts = _layouts(version)
    names = [structures.name(member) or "" for member in members]
    found = {layout: codecs for layout in layouts if (codecs := _read(structures, members, names, layout)) is not None}
    if len(set(found.values())) > 1:
        found = {layout: codecs for layout, codecs in found.items() if _has_flush(structures, members, layout)}
    different = set(found.values())
    return different.pop() if len(different) == 1 else None


def _has_flush(structures: Structures, members: Sequence[int], layout: _Bits | _Callbacks) -> bool:
    """Whether `flush` is where a layout with callbacks says; with one callback more or less, something else is."""
    return isinstance(layout, _Bits) or any(structures.is_code(member + layout.flush) for member in members)


def _read(
    structures: Structures, members: Sequence[int], names: Sequence[str], layout: _Bits | _Callbacks
) -> Codecs | None:
    encoders: set[str] = set()
    decoders: set[str] = set()
    for name, member in zip(names, members, strict=True):
        encodes, decodes = layout.sides(structures, member)
        mine = encoders if encodes else decoders
        if encodes == decodes or name in mine:
            return None
        mine.add(name)
    return Codecs(tuple(sorted(encoders)), tuple(sorted(decoders)))


def _layouts(version: str | None) -> tuple[_Bits | _Callbacks, ...]:
    if version is None:
        return tuple(dict.fromkeys(layout for _, layouts in _LAYOUTS for layout in layouts))
    major, minor, *_ = (int(part) for part in version.split("."))
    return next((layouts for first, layouts in reversed(_LAYOUTS) if first <= (major, minor)), ())
