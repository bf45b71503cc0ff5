"""The packets of a file's main stream: when they are decoded and shown, which begin anew, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import JudgeError
from . import judge

_LIMIT = 200_000


@dataclass(frozen=True, slots=True)
class Packet:
    """Times in seconds, `position` in bytes from the start of the file.

    `key` is what the container says; `idr` what the bits say (H.264 and HEVC; as `key` for other codecs): nothing
    before it is needed for anything after it.
    """

    decoded: float
    shown: float
    duration: float
    position: int
    length: int
    key: bool
    idr: bool


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
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.dts is None or packet.pts is None or packet.pos is None or packet.time_base is None:
                raise JudgeError(f"{path}: a packet has no time")
            if len(found) >= _LIMIT:
                raise JudgeError(f"{path} has more than {_LIMIT} packets")
            base = packet.time_base
            found.append(
                Packet(
                    decoded=float(packet.dts * base),
                    shown=float(packet.pts * base),
                    duration=float((packet.duration or 0) * base),
                    position=packet.pos,
                    length=packet.size,
                    key=packet.is_keyframe,
                    idr=packet.is_keyframe and _is_idr(stream, packet),
                )
            )
    return found


def _is_idr(stream: Any, packet: Any) -> bool:
    context = stream.codec_context
    codec = context.codec.canonical_name if context is not None else ""
    if codec not in ("h264", "hevc"):
        return True
    for unit in _units(bytes(packet), context.extradata or b"", codec):
        kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63
        # Slices: H.264 1 to 5, of which 5 is IDR (7.4.1, table 7-1); HEVC 0 to 31, of which 19 and 20 (table 7-1).
        if 1 <= kind <= 5 if codec == "h264" else kind < 32:
            return kind == 5 if codec == "h264" else kind in (19, 20)
    return False


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
