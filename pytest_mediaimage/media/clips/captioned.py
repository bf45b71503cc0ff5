"""A clip whose pictures carry captions, CEA-608 and CEA-708."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av

from .sound import FPS, HEIGHT, WIDTH, Writer

FRAMES = 50
_SEI, _T35 = 6, 4
_A53 = bytes.fromhex("b50031") + b"GA94\x03"  # ATSC A/53 part 4, 6.2.3: country, provider, identifier, cc_data
_LOAD, _ERASE, _SHOW, _ROW_15 = (0x14, 0x20), (0x14, 0x2E), (0x14, 0x2F), (0x14, 0x70)
_TEXT = "CAPTIONS ARE PART OF THE PICTURE"


def pairs() -> list[bytes]:
    """The two bytes of line 21 for each frame: a pop-on caption, twice (CEA-608, twice each control code)."""
    codes = [_LOAD, _LOAD, _ERASE, _ERASE, _ROW_15, _ROW_15]
    codes += [(ord(a), ord(b)) for a, b in zip(_TEXT[::2], _TEXT[1::2], strict=True)]
    codes += [_SHOW, _SHOW]
    return [odd(code) for code in (codes * (FRAMES // len(codes) + 1))[:FRAMES]]


def triplets_of(number: int) -> bytes:
    """cc_data of frame `number`: CEA-608 in field 1, and a DTVCC packet with one letter of service 1.

    Its header holds a sequence number of two bits and its length in pairs of bytes (CEA-708, 5).
    """
    letter = _TEXT[number % len(_TEXT)].encode()
    packet = bytes([(number % 4) << 6 | 2, 0x22, *letter, 0x03])
    return b"\xfc" + pairs()[number] + b"\xff" + packet[:2] + b"\xfe" + packet[2:]


def sei_of(triplets: bytes) -> bytes:
    """An H.264 NAL unit with its start code that carries cc_data triplets, at most 31 of them."""
    payload = _A53 + bytes([0x40 | len(triplets) // 3, 0xFF]) + triplets + b"\xff"
    return b"\0\0\0\1" + bytes([_SEI]) + escaped(bytes([_T35, len(payload)]) + payload + b"\x80")


def escaped(data: bytes) -> bytes:
    """With emulation prevention bytes (H.264, 7.4.1): no three bytes in it look like a start code."""
    out, zeros = bytearray(), 0
    for byte in data:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def odd(values: Iterable[int]) -> bytes:
    """Bytes of 7 bits with the odd parity that CEA-608 asks for."""
    return bytes(value | (0 if value.bit_count() % 2 else 0x80) for value in values)


class _WithCaptions:
    """An output container that puts each frame's captions before its slices."""

    def __init__(self, out: Any) -> None:
        self._out = out

    def add_stream(self, *words: Any, **options: Any) -> Any:
        return self._out.add_stream(*words, **options)

    def mux(self, packets: Any) -> None:
        self._out.mux(list(self._captioned(packets)))

    def _captioned(self, packets: Any) -> Iterator[Any]:
        for packet in packets:
            number = round(float(packet.pts * packet.time_base) * FPS)
            marked = av.Packet(sei_of(triplets_of(number)) + bytes(packet))
            marked.pts, marked.dts, marked.duration = packet.pts, packet.dts, packet.duration
            marked.time_base, marked.stream, marked.is_keyframe = packet.time_base, packet.stream, packet.is_keyframe
            yield marked


def _captions(path: Path) -> None:
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as out:
        Writer(_WithCaptions(out), [], crf=24).write(0, FRAMES)


CLIPS = {f"captions-{WIDTH}x{HEIGHT}.mp4": _captions}
