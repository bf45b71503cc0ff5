"""Writes small ELF files with FFmpeg's registries in them, in each layout that the real builds at hand don't have."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from pytest_mediaimage.ffmpeg.identity import FFmpegIdentity

BASE = 0x400000
CODE, DATA = 0x1000, 0x2000
X86_64, AARCH64 = 62, 183
_RELATIVE = {X86_64: 8, AARCH64: 1027}
ALL_LIBRARIES = ("libavcodec", "libavformat", "libavfilter", "libavdevice", "libavutil")


def known_identity(lavc: str | None = "62.28.102", kind: str = "tool", *libraries: str) -> FFmpegIdentity:
    licenses = dict.fromkeys(libraries or ALL_LIBRARIES, "GPL version 2 or later")
    versions = {} if lavc is None else {"libavcodec": lavc}
    return FFmpegIdentity(kind, "8.1", "--enable-gpl", licenses, versions, None, {})  # type: ignore[arg-type]


class Pointer(int):
    """An address within the file, which the loader must adjust."""


class Codec(NamedTuple):
    name: str
    encodes: bool
    flushes: bool = False


class TableWriter:
    """`how` the file says where its pointers are: "fixed" (a program at a fixed address), "rela" or "relr"."""

    def __init__(self, how: str = "rela", machine: int = X86_64) -> None:
        self.how = how
        self.machine = machine
        self.data = bytearray(16)
        self.places: list[int] = []
        self.targets: dict[int, int] = {}
        self.code = Pointer(BASE + CODE + 16)

    def text(self, text: str) -> Pointer:
        self.data += bytes(-len(self.data) % 8)
        at = Pointer(BASE + DATA + len(self.data))
        self.data += text.encode() + b"\0"
        return at

    def words(self, *words: int) -> Pointer:
        """64-bit words, pointers among them, behind each other."""
        self.data += bytes(-len(self.data) % 8)
        at = Pointer(BASE + DATA + len(self.data))
        for word in words:
            if isinstance(word, Pointer):
                self.places.append(BASE + DATA + len(self.data))
            plain = self.how == "rela" and isinstance(word, Pointer)
            self.data += struct.pack("<Q", 0 if plain else word)
            if plain:
                self.targets[self.places[-1]] = int(word)
        return at

    def listed(self, structures: Sequence[Pointer]) -> Pointer:
        return self.words(*structures, 0)

    def codecs(self, codecs: Sequence[Codec], *, bits: int = 0, callbacks: int = 0, send_frame: bool = False) -> None:
        """codec_list[], with the kind of callback behind `bits` bytes of AVCodec, or callbacks from an offset on."""
        self.listed([self._codec(one, bits, callbacks, send_frame) for one in codecs])

    def _codec(self, codec: Codec, bits: int, callbacks: int, send_frame: bool) -> Pointer:
        length = (bits or callbacks + 80) + 16
        words: list[int] = [0] * (length // 8)
        words[:3] = [self.text(codec.name), self.text(f"{codec.name} in words"), 27 << 32]
        if bits:
            words[bits // 8] = (4 if codec.encodes else 2) << 29
            return self.words(*words)
        at = callbacks // 8
        later = at + 5 if send_frame else at + 4  # receive_packet
        words[at + 1 if codec.encodes else at + 2] = self.code
        if codec.name.startswith("receiving"):
            words[at + 1] = words[at + 2] = 0
            words[later if codec.encodes else later + 1] = self.code
        if codec.flushes:
            words[later + 2] = self.code
        return self.words(*words)

    def filters(self, names: Sequence[str]) -> None:
        every = (*names, "abuffer", "buffer", "abuffersink", "buffersink")
        self.listed([self.words(self.text(name), self.text("does it"), 0, 0, 0, 0, 0) for name in every])

    def muxers(self, names: Sequence[str], private_class: int = 0) -> None:
        head = [(self.text(name), self.text("a format")) for name in names]
        kinds = 0x15000 | 27 << 32
        self.listed([self.words(*one, 0, self.text("ext"), kinds, 0, 0, private_class, 0, self.code) for one in head])

    def demuxers(self, names: Sequence[str], private_class: int = 0) -> None:
        head = [(self.text(name), self.text("a format")) for name in names]
        self.listed([self.words(*one, 0x40, 0, 0, private_class, 0, 0, self.code, self.code) for one in head])

    def device_class(self, at: int) -> Pointer:
        """An AVClass with AV_CLASS_CATEGORY_DEVICE_VIDEO_OUTPUT at an offset."""
        words: list[int] = [self.text("a device"), self.code, *[0] * 8]
        words[at // 8] = 40 << 32 if at % 8 else 40
        return self.words(*words)

    def protocols(self, names: Sequence[str]) -> None:
        rest = (self.code, 0, 0, 0, self.code, 0, 0, self.code, 0, 0)
        self.listed([self.words(self.text(name), *rest) for name in names])

    def bitstream_filters(self, names: Sequence[str]) -> None:
        self.listed([self.words(self.text(name), 0, 0, 16, self.code, self.code, 0, 0) for name in names])

    def everything(self) -> TableWriter:
        """A small FFmpeg 8.1."""
        both = [Codec("aac", True), Codec("aac", False), Codec("libx264", True), Codec("h264", False)]
        self.codecs(both, bits=96)
        self.filters(["scale", "null"])
        self.muxers(["mp4", "null"])
        self.demuxers(["mov,mp4,m4a,3gp,3g2,mj2"])
        self.protocols(["file", "https"])
        self.bitstream_filters(["null", "h264_mp4toannexb"])
        return self

    def write(self) -> bytes:
        self.data += bytes(-len(self.data) % 8)
        data = bytearray(self.data)
        tables: list[tuple[int, int]] = []
        if self.how == "rela":
            relocations = b"".join(
                struct.pack("<QQQ", place, _RELATIVE[self.machine], self.targets[place]) for place in self.places
            )
            tables = [(7, BASE + DATA + len(data)), (8, len(relocations)), (9, 24)]
            data += relocations
        elif self.how == "relr":
            relocations = b"".join(struct.pack("<Q", word) for word in packed(self.places))
            tables = [(36, BASE + DATA + len(data)), (35, len(relocations)), (37, 8)]
            data += relocations
        dynamic = b"".join(struct.pack("<QQ", *one) for one in (*tables, (0, 0)))
        dynamic_at = DATA + len(data)
        data += dynamic
        segments = [
            (1, 4, 0, CODE),
            (1, 5, CODE, DATA - CODE),
            (1, 6, DATA, len(data)),
            (2, 6, dynamic_at, len(dynamic)),
            (1, 4, DATA + len(data), 16),
        ]
        kind = 2 if self.how == "fixed" else 3
        header = b"\x7fELF\x02\x01\x01" + bytes(9)
        header += struct.pack("<HHIQQQIHHHHHH", kind, self.machine, 1, 0, 64, 0, 0, 64, 56, len(segments), 64, 0, 0)
        for number, flags, offset, length in segments:
            header += struct.pack("<IIQQQQQQ", number, flags, offset, BASE + offset, BASE + offset, length, length, 8)
        return header.ljust(DATA, b"\0") + bytes(data) + bytes(16)


def packed(places: Sequence[int]) -> list[int]:
    """DT_RELR: an address, then maps of the 63 words behind it, each with its lowest bit set."""
    words: list[int] = []
    left = sorted(places)
    while left:
        words.append(left[0])
        base, left = left[0] + 8, left[1:]
        while left and left[0] < base + 63 * 8:
            bits = {(place - base) // 8 for place in left if place < base + 63 * 8}
            words.append(1 | sum(1 << bit + 1 for bit in bits))
            left = left[len(bits) :]
            base += 63 * 8
    return words
