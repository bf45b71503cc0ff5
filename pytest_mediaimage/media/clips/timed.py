"""A transport stream with timed metadata: ID3 tags as HLS carries them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from .sound import FPS, HEIGHT, WIDTH, Writer

FRAMES = 50
TAGGED = tuple(range(3, FRAMES, 10))
"""The frames with which a tag is shown."""
_CLOCK = 90_000


def tag_of(number: int) -> bytes:
    """An ID3v2.4 tag with one user-defined text, the frame's number (id3.org, ID3v2.4.0, 3.1 and 4.2.6)."""
    text = b"\x03frame\0" + str(number).encode()
    frame = b"TXXX" + len(text).to_bytes(4, "big") + b"\0\0" + text
    return b"ID3\x04\0\0" + len(frame).to_bytes(4, "big") + frame  # below 128 bytes these are "synchsafe" too


class _Tagged:
    """An output container that puts a tag before the frame that it is shown with."""

    def __init__(self, out: Any) -> None:
        self._out = out
        self._tags = list(TAGGED)

    def add_stream(self, *words: Any, **options: Any) -> Any:
        stream = self._out.add_stream(*words, **options)
        self._data = self._out.add_data_stream("timed_id3")
        self._data.time_base = Fraction(1, _CLOCK)
        return stream

    def mux(self, packets: Any) -> None:
        for packet in packets:
            while self._tags and packet.dts * packet.time_base * FPS >= self._tags[0]:
                self._tag(self._tags.pop(0))
            self._out.mux(packet)

    def _tag(self, number: int) -> None:
        packet = av.Packet(tag_of(number))
        packet.stream, packet.time_base = self._data, Fraction(1, _CLOCK)
        packet.pts = packet.dts = number * _CLOCK // FPS
        packet.is_keyframe = True
        self._out.mux(packet)


def _id3(path: Path) -> None:
    with av.open(str(path), "w", format="mpegts", options={"fflags": "+bitexact"}) as out:
        Writer(_Tagged(out), [], crf=24).write(0, FRAMES)


CLIPS = {f"id3-{WIDTH}x{HEIGHT}.ts": _id3}
