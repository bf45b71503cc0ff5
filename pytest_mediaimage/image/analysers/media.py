"""Audio and video files, by their signature."""

from __future__ import annotations

from ..entries import Entry
from .media_streams import elementary_kind
from .named import Named

NAME = "media"

# ISO/IEC 14496-12 brands that are still pictures: HEIF (ISO/IEC 23008-12) and AVIF.
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_TS_PACKET = 188
_SYNC = 0x47  # of a packet (ISO/IEC 13818-1)
_FTYP_LONGEST = 4096
_BEFORE_FRAGMENT = (b"styp", b"sidx", b"prft", b"emsg", b"free", b"skip")
_LONGEST_INDEX = 1 << 20
_BOXES = frozenset((b"ftyp", b"moov", b"mdat", b"wide", b"moof", *_BEFORE_FRAGMENT))
_TRANSPORT = "an MPEG transport stream"
_FORMS = {
    (b"RIFF", b"AVI "): "an AVI file",
    (b"RIFF", b"WAVE"): "a WAV file",
    (b"RF64", b"WAVE"): "a WAV file",  # EBU Tech 3306
    (b"FORM", b"AIFF"): "an AIFF file",
    (b"FORM", b"AIFC"): "an AIFF file",
}
# (first bytes, what it is): signatures that are enough by themselves.
_SIGNATURES = (
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", "an MXF file"),  # SMPTE ST 377-1, 6.5
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "a Windows Media file"),  # ASF, 10.1
    (b"DKIF\0\0\x20\0", "an IVF file"),  # libvpx, ivfdec.c: version 0, a header of 32 bytes
    (b"YUV4MPEG2 W", "a YUV4MPEG2 file"),  # mjpegtools, yuv4mpeg(5)
    (b"#!AMR", "an AMR file"),  # RFC 4867, 5
)
# What anything of the above can begin with: most files of an image don't.
_FIRST_BYTES = frozenset(b"#<\xef\x1aROfFG\x00I\xff") | {signature[0] for signature, _ in _SIGNATURES}


class MediaFiles:
    """Finds media files; the fact is what kind it is, in words."""

    name = NAME
    version = 3

    def watch(self, entry: Entry, head: bytes) -> Named | None:
        what = media_kind(head, entry.size)
        return Named(what) if what else None


def media_kind(head: bytes, length: int) -> str | None:
    """What audio or video file of this length in bytes begins with `head` (4096 bytes are enough), or None."""
    if len(head) < 12:
        return None
    if (mark := head[4:8]) in _BOXES:
        return _box(head, mark)
    if head[0] in _FIRST_BYTES:
        return _signed(head) or elementary_kind(head, length)
    return _TRANSPORT if head[4] == _SYNC and _is_transport_stream(head) else None


def _box(head: bytes, mark: bytes) -> str | None:
    """A file of ISO/IEC 14496-12 or QuickTime, by its first box."""
    if mark == b"ftyp":
        return _iso(head)
    if mark == b"moov" and head[12:16] in (b"mvhd", b"cmov"):
        return "a QuickTime movie"
    if mark in (b"moov", b"mdat", b"wide"):
        return "a QuickTime movie" if int.from_bytes(head[:4], "big") in (*range(8, 17), 1) else None
    return "a media segment (fragmented MP4)" if _is_segment(head) else None


def _signed(head: bytes) -> str | None:
    """What says itself what it is."""
    start, form = head[:4], head[8:12]
    if head[0] in b"#<\xef" and (playlist := _playlist(head)):
        return playlist
    if start == b"\x1a\x45\xdf\xa3":
        return "a WebM file" if b"webm" in head[:64] else "a Matroska file" if b"matroska" in head[:64] else None
    if start in (b"RIFF", b"RF64", b"FORM"):
        return _FORMS.get((start, form))
    if start == b"OggS" and head[4] == 0:
        return "an Ogg file"
    if start == b"fLaC" and head[4] & 0x7F == 0:
        return "a FLAC file"
    if start == b"FLV\x01" and int.from_bytes(head[5:9], "big") == 9:
        return "an FLV file"
    if start == b"\x00\x00\x01\xba" and _is_pack(head):
        return "an MPEG program stream"
    if (head[0] == _SYNC or head[4] == _SYNC) and _is_transport_stream(head):
        return _TRANSPORT
    if start[:3] == b"ID3" and _is_id3(head):
        return "an MP3 file"
    return next((what for signature, what in _SIGNATURES if head.startswith(signature)), None)


def _iso(head: bytes) -> str | None:
    length = int.from_bytes(head[:4], "big")
    if not 12 <= length <= _FTYP_LONGEST:
        return None
    major, brands = head[8:12], head[8 : min(length, len(head))]
    if major in _PICTURE_BRANDS or (major in (b"mif1", b"miaf") and b"heic" in brands):
        return None
    if major == b"crx ":
        return None  # Canon's raw pictures
    if not all(0x20 <= byte < 0x7F for byte in major):
        return None
    return "a QuickTime movie" if major == b"qt  " else "an MP4 file (ISO base media)"


def _is_transport_stream(head: bytes) -> bool:
    """Headers of four packets or more at their distance, plain or behind a 4-byte time code (M2TS)."""
    for start, distance in ((0, _TS_PACKET), (4, _TS_PACKET + 4)):
        headers = [head[place : place + 4] for place in range(start, len(head) - 3, distance)]
        if len(headers) >= 4 and all(_is_packet(header) for header in headers):
            return True
    return False


def _is_packet(header: bytes) -> bool:
    """A packet header of ISO/IEC 13818-1: sync byte, no error, and an adaptation field control that isn't reserved.

    The last tells it from text, where the letter G is the sync byte.
    """
    return header[0] == _SYNC and not header[1] & 0x80 and bool(header[3] & 0x30)


def _is_pack(head: bytes) -> bool:
    """A pack header, and a start code behind it (ISO/IEC 13818-1, 2.5.3.4; 11172-1, 2.4.3.3)."""
    if head[4] & 0xC4 == 0x44:
        end = 14 + (head[13:14] or b"\0")[0] % 8
    elif head[4] & 0xF1 == 0x21:
        end = 12
    else:
        return False
    return head[end : end + 3] == b"\0\0\1"


def _is_id3(head: bytes) -> bool:
    """An ID3v2 tag (id3.org, "ID3v2.4.0 - Main Structure", 3.1), which stands before MP3 and AAC."""
    return head[3] in (2, 3, 4) and head[4] < 0xFF and not any(b & 0x80 for b in head[6:10])


def _is_segment(head: bytes) -> bool:
    """A media segment of CMAF or DASH: boxes that come before a movie fragment (ISO/IEC 14496-12, 8.16)."""
    at = 0
    while len(box := head[at : at + 16]) == 16:
        length, kind = int.from_bytes(box[:4], "big"), box[4:8]
        if kind == b"moof":
            return box[12:16] == b"mfhd"
        if kind not in _BEFORE_FRAGMENT or not 8 <= length <= _LONGEST_INDEX:
            return False
        at += length
        if at > len(head):  # an index too long to see what follows
            return kind == b"sidx" and box[9:12] == b"\0\0\0" and box[8] <= 1
    return head[4:8] == b"styp" and at > 0


def _playlist(head: bytes) -> str | None:
    """HLS (RFC 8216, 4.3) and DASH (ISO/IEC 23009-1, 5.2.2). A plain M3U has no tags of HLS."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    if text.startswith(b"#EXTM3U") and b"\n#EXT-X-" in text:
        return "an HLS playlist"
    if text.startswith((b"<?xml", b"<MPD")) and b"<MPD" in text and b"urn:mpeg:dash:schema:mpd" in text:
        return "a DASH manifest"
    return None
