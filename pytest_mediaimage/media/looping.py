"""Makes a long film of a short one, without encoding anything."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from .judge import open_media


def looped(source: Path, target: Path, times: int) -> None:
    """Write `source`'s first video and audio stream `times` times, one after the other, to `target`, an MP4 file.

    Raises JudgeError where the source can't be read.
    """
    with av.open(str(target), "w", format="mp4") as out:
        streams: dict[str, Any] = {}
        last: dict[str, int] = {}
        start = Fraction(0)
        for _ in range(times):
            end = start
            with open_media(source) as film:
                chosen: list[Any] = [kind[0] for kind in (film.streams.video, film.streams.audio) if kind]
                for stream in chosen if not streams else ():
                    streams[stream.type] = out.add_stream_from_template(stream)
                for packet in film.demux(chosen):
                    if packet.pts is None or packet.dts is None:
                        continue
                    kind, base = packet.stream.type, Fraction(packet.time_base)
                    packet.pts += round(start / base)
                    packet.dts += round(start / base)
                    if packet.stream is chosen[0]:
                        end = max(end, (packet.pts + (packet.duration or 0)) * base)
                    # Sound begins a packet before the picture, and may end after it: no time comes twice.
                    if packet.dts > last.get(kind, packet.dts - 1):
                        last[kind] = packet.dts
                        packet.stream = streams[kind]
                        out.mux(packet)
            start = end


def without_index(data: bytes) -> bytes:
    """An MP4 file without its `moov` box, as a writer that was killed leaves it (ISO/IEC 14496-12, 4.2 and 8.2)."""
    kept, at = b"", 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        if length < 8:  # 0: to the end of the file; 1: a 64-bit length
            length = len(data) - at if length == 0 else max(int.from_bytes(data[at + 8 : at + 16]), 16)
        if data[at + 4 : at + 8] != b"moov":
            kept += data[at : at + length]
        at += length
    return kept
