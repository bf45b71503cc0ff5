"""Audio and video without a container around it: what has no signature, told by several headers that agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator

_AGREEING = 3  # headers: one comes by chance, and so do two in a large image


def elementary_kind(head: bytes, length: int) -> str | None:
    """What stream without a container a file of this length begins as, or None."""
    if head[:3] == b"\0\0\1" or head[:4] == b"\0\0\0\1":
        return _annex_b(head)
    if head[:1] != b"\xff":
        return None
    if _agree(head, length, _adts_frame, _same_adts):
        return "an AAC file (ADTS)"
    if _agree(head, length, _mp3_frame, _same_mp3):
        return "an MP3 file"
    return None


Frame = Callable[[bytes], int | None]


def _agree(head: bytes, length: int, frame: Frame, same: Callable[[bytes, bytes], bool]) -> bool:
    """Whether three headers agree, each where the one before says; two where the head or the file ends before."""
    at = 0
    for agreeing in range(1, _AGREEING + 1):
        header = head[at : at + 7]
        following = frame(header)
        if following is None or not same(head, header):
            return False
        at += following
        if at + 7 > len(head):
            return agreeing > 1 and at <= length
    return True


_ADTS_RATES = 13  # ISO/IEC 14496-3, table 1.18


def _adts_frame(header: bytes) -> int | None:
    """The length in bytes of the AAC frame that begins here (ISO/IEC 14496-3, 1.A.2.2), or None."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 >= _ADTS_RATES:
        return None
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > (7 if header[1] & 1 else 9) else None


def _same_adts(first: bytes, other: bytes) -> bool:
    """The fixed header: profile, rate and channels."""
    return first[:3] == other[:3] and (first[3] ^ other[3]) & 0xF0 == 0


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


def _same_mp3(first: bytes, other: bytes) -> bool:
    """Version and rate; the bit rate may vary."""
    return first[1] == other[1] and (first[2] ^ other[2]) & 0x0C == 0


# NAL units that come before or between the parameter sets (ITU-T H.264, table 7-1; H.265, table 7-1).
_H264_SEI, _H264_SPS, _H264_PPS, _H264_AUD = 6, 7, 8, 9
_H264_PROFILES = frozenset((66, 77, 88, 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134))  # H.264, 7.3.2.1.1
_H265_VPS, _H265_SPS, _H265_PPS, _H265_AUD, _H265_SEI = 32, 33, 34, 35, 39
_MOST_UNITS = 12


def _annex_b(head: bytes) -> str | None:
    """Parameter sets in their order, and nothing else before them."""
    units = list(_units(head))
    if _begins(units, _is_h264, (_H264_SPS, _H264_PPS), (_H264_AUD, _H264_SEI)):
        return "a raw H.264 stream"
    if _begins(units, _is_h265, (_H265_VPS, _H265_SPS, _H265_PPS), (_H265_AUD, _H265_SEI)):
        return "a raw HEVC stream"
    return None


def _units(head: bytes) -> Iterator[bytes]:
    """The first bytes of the NAL units that begin in the head."""
    at = head.find(b"\0\0\1")
    for _ in range(_MOST_UNITS):
        if at < 0:
            return
        yield head[at + 3 : at + 9]
        at = head.find(b"\0\0\1", at + 3)


def _begins(
    units: list[bytes], kind_of: Callable[[bytes], int | None], wanted: tuple[int, ...], between: tuple[int, ...]
) -> bool:
    left = list(wanted)
    for unit in units:
        kind = kind_of(unit)
        if kind == left[0]:
            left.pop(0)
            if not left:
                return True
        elif kind not in between and not (kind in wanted and kind not in left):
            return False
    return False


def _is_h264(unit: bytes) -> int | None:
    """The type of an H.264 NAL unit, None for what can't be one."""
    if len(unit) < 4 or unit[0] & 0x80:
        return None
    kind, importance = unit[0] & 31, unit[0] >> 5
    if kind not in (_H264_SEI, _H264_SPS, _H264_PPS, _H264_AUD):
        return None
    if (kind in (_H264_SPS, _H264_PPS)) != (importance > 0):
        return None  # parameter sets are referred to, the others never (7.4.1)
    if kind == _H264_SPS and (unit[1] not in _H264_PROFILES or unit[2] & 3 or not 9 <= unit[3] <= 62):
        return None
    return kind


def _is_h265(unit: bytes) -> int | None:
    """The type of an HEVC NAL unit of the base layer, None for what can't be one."""
    if len(unit) < 4 or unit[0] & 0x81 or unit[1] != 1:
        return None
    return unit[0] >> 1
