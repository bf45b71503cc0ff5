"""The packets of a file's main stream: when they are decoded and shown, which begin anew, and where they lie."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import JudgeError
from . import judge

_LIMIT = 200_000


@dataclass(frozen=True, slots=True)
class Packet:
    """Times in seconds, `position` in bytes from the start of the file.

    `key` is what the container says; `idr` what the bits say (H.264 and HEVC; as `key` for other codecs): nothing
    before it is needed for anything after it. `sets` tells of parameter sets among the bits, `checksum` is CRC-32.
    """

    decoded: float
    shown: float
    duration: float
    position: int
    length: int
    key: bool
    idr: bool
    sets: bool
    checksum: int


def packets(path: Path) -> list[Packet]:
    """Those of the first video stream, or of the first audio stream where there is no video, as they lie in the file.

    Raises JudgeError where there is neither, or packets have no time.
    """
    found: list[Packet] = []
    with judge.open_media(path) as container:
        streams = [*container.streams.video, *container.streams.audio]
        if not streams:
            raise JudgeError(f"{path} has neither video nor audio")
        stream = streams[0]
        context = stream.codec_context
        codec = context.codec.canonical_name if context is not None else ""
        extradata = (context.extradata if context is not None else None) or b""
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.dts is None or packet.pts is None or packet.pos is None or packet.time_base is None:
                raise JudgeError(f"{path}: a packet has no time")
            if len(found) >= _LIMIT:
                raise JudgeError(f"{path} has more than {_LIMIT} packets")
            base, key, data = packet.time_base, packet.is_keyframe, bytes(packet)
            idr, sets = _kinds(data, extradata, codec) if codec in ("h264", "hevc") else (True, False)
            found.append(
                Packet(
                    decoded=judge.seconds(packet.dts, base),
                    shown=judge.seconds(packet.pts, base),
                    duration=judge.seconds(packet.duration or 0, base),
                    position=packet.pos,
                    length=packet.size,
                    key=key,
                    idr=key and idr,
                    sets=sets,
                    checksum=zlib.crc32(data),
                )
            )
    return found


def _kinds(data: bytes, extradata: bytes, codec: str) -> tuple[bool, bool]:
    """Whether the first slice is an IDR picture's, and whether there are parameter sets."""
    # H.264, table 7-1: slices are 1 to 5, of which 5 is IDR; sets 7, 8, 13 and 15. HEVC, table 7-1: slices are 0 to 31,
    # of which 19 and 20 are IDR; sets 32 to 34.
    idr: bool | None = None
    sets = False
    for unit in _units(data, extradata, codec):
        kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63
        sets |= kind in ((7, 8, 13, 15) if codec == "h264" else (32, 33, 34))
        if idr is None and (1 <= kind <= 5 if codec == "h264" else kind < 32):
            idr = kind == 5 if codec == "h264" else kind in (19, 20)
    return bool(idr), sets


def _units(data: bytes, extradata: bytes, codec: str) -> list[bytes]:
    """The first bytes of each NAL unit, after start codes (Annex B) or lengths (`avcC`, `hvcC`)."""
    if extradata[:1] != b"\x01":
        return [part[:2] for part in data.split(b"\0\0\1")[1:] if part]
    at = 4 if codec == "h264" else 21
    width = (extradata[at] & 3) + 1 if len(extradata) > at else 4
    units, at = [], 0
    while at + width < len(data):
        length = int.from_bytes(data[at : at + width], "big")
        units.append(data[at + width : at + width + 2])
        at += width + length
    return units
