"""Metadata that goes with the pictures in a track of its own, such as ID3 tags in HLS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av

from ..errors import JudgeError
from . import judge

_MOST_PACKETS, _MOST_BYTES = 10_000, 1 << 20


@dataclass(frozen=True, slots=True)
class Timed:
    """What is shown at `time` (in seconds of the file's own clock)."""

    time: float
    data: bytes


def timed_metadata(path: Path) -> list[Timed]:
    """The packets of the first data track, in order; empty where there is none. Raises JudgeError."""
    found: list[Timed] = []
    length = 0
    with judge.open_media(path) as container:
        if not container.streams.data:
            return []
        try:
            for packet in container.demux(container.streams.data[0]):
                if not packet.size:
                    continue
                if packet.pts is None or packet.time_base is None:
                    raise JudgeError(f"{path}: a packet of metadata has no time")
                length += packet.size
                if len(found) >= _MOST_PACKETS or length > _MOST_BYTES:
                    raise JudgeError(f"{path} has more than {_MOST_PACKETS} packets or {_MOST_BYTES} bytes of metadata")
                found.append(Timed(judge.seconds(packet.pts, packet.time_base), bytes(packet)))
        except av.FFmpegError as error:
            raise JudgeError(f"{path}: its metadata can't be read: {error.strerror}") from error
    return found
