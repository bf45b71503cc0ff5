"""Audio and video files, by their signature."""

from __future__ import annotations

from ..entries import Entry
from .named import Named

NAME = "media"

# ISO/IEC 14496-12 brands that are still pictures: HEIF (ISO/IEC 23008-12) and AVIF.
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_TS_PACKET = 188
_SYNC = 0x47  # of a packet (ISO/IEC 13818-1)
_FTYP_LONGEST = 4096


class MediaFiles:
    """Finds media files; the fact is what kind it is, in words."""

    name = NAME
    version = 2

    def watch(self, entry: Entry, head: bytes) -> Named | None:
        what = media_kind(head)
        return Named(what) if what else None


def media_kind(head: bytes) -> str | None:
    """What audio or video file begins with these bytes (4096 are enough), or None."""
    if len(head) < 12:
        return None
    if head[4:8] == b"ftyp":
        return _iso(head)
    if head[4:8] == b"moov" and head[12:16] in (b"mvhd", b"cmov"):
        return "a QuickTime movie"
    if head[4:8] in (b"moov", b"mdat", b"wide") and int.from_bytes(head[:4], "big") in (*range(8, 17), 1):
        return "a QuickTime movie"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "a WebM file" if b"webm" in head[:64] else "a Matroska file" if b"matroska" in head[:64] else None
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "an AVI file"
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "a WAV file"
    if head[:4] == b"OggS" and head[4] == 0:
        return "an Ogg file"
    if head[:4] == b"fLaC" and head[4] & 0x7F == 0:
        return "a FLAC file"
    if head[:3] == b"FLV" and head[3] == 1 and int.from_bytes(head[5:9], "big") == 9:
        return "an FLV file"
    if head[:14] == b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02":
        return "an MXF file"
    if head[:4] == b"\x00\x00\x01\xba" and head[4] & 0xC4 in (0x44, 0x00):
        return "an MPEG program stream"
    if (head[0] == _SYNC or head[4] == _SYNC) and _is_transport_stream(head):
        return "an MPEG transport stream"
    if _is_mp3(head):
        return "an MP3 file"
    return None


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


def _is_mp3(head: bytes) -> bool:
    """An ID3v2 tag, or two frame headers of MPEG layer III that agree."""
    if head[:3] == b"ID3" and head[3] in (2, 3, 4) and head[4] < 0xFF and not any(b & 0x80 for b in head[6:10]):
        return True
    first = _mp3_frame(head[:4])
    if first is None:
        return False
    second = head[first : first + 4]
    return _mp3_frame(second) is not None and second[1] == head[1] and (second[2] ^ head[2]) & 0x0C == 0


_BITRATES = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _mp3_frame(header: bytes) -> int | None:
    """The length in bytes of the layer III frame that begins here (ISO/IEC 11172-3, 13818-3), or None."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, rate, sampling = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or rate in (0, 15) or sampling == 3:
        return None
    bits = _BITRATES[3 if version == 3 else 2][rate] * 1000
    factor = 144 if version == 3 else 72
    return factor * bits // _RATES[version][sampling] + (header[2] >> 1 & 1)
