"""Inputs that no encoder made so: cut off, and with flipped bits."""

from __future__ import annotations

import tempfile
from pathlib import Path

import av

from .sound import Track, Writer, part

DAMAGED_FRAMES = 75
_FLIPS = 40
_PACKET, _HEADER = 188, 4
_VIDEO = 0x100


def _truncated(path: Path) -> None:
    """An upload that broke off: the index promises 48 frames, of which half are there."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.mp4"
        part(whole, crf=26)
        data = whole.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])


def _damaged(path: Path) -> None:
    """Reception with errors: bits flipped in the video's packets of the second group of pictures."""
    with av.open(str(path), "w", format="mpegts", options={"fflags": "+bitexact"}) as out:
        Writer(out, [Track("stereo", 96_000)], crf=24).write(0, DAMAGED_FRAMES)
    data = bytearray(path.read_bytes())
    video = [at for at in range(0, len(data), _PACKET) if (data[at + 1] << 8 | data[at + 2]) & 0x1FFF == _VIDEO]
    # Payload alone, past any adaptation field and PES header: the stream still has all its packets.
    plain = [at for at in video if data[at + 3] & 0x30 == 0x10 and not data[at + 1] & 0x40]
    for step in range(_FLIPS):
        at = plain[len(plain) * (180 + step) // 600] + _HEADER + 20 + step * 3
        data[at] ^= 1 << step % 8
    path.write_bytes(data)


CLIPS = {"truncated-256x144.mp4": _truncated, "damaged-256x144.ts": _damaged}
