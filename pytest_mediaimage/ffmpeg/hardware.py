"""What an FFmpeg file says of hardware: the paths that are compiled in, and the NVIDIA driver that NVENC asks for."""

from __future__ import annotations

import re
from collections import deque

from .search import find

# Names of encoders, decoders, hardware accelerators and filters end like this in FFmpeg's tables (libavcodec's
# allcodecs.c and hwaccels.h): h264_nvenc, h264_cuvid, hevc_vaapi, scale_qsv, scale_vulkan.
_ENDINGS = {"nvenc": "nvenc", "nvdec": "nvdec", "cuvid": "nvdec", "vaapi": "vaapi", "qsv": "qsv", "vulkan": "vulkan"}
_ENDING = re.compile(rb"_(%b)\0" % "|".join(_ENDINGS).encode())
PATHS = tuple(dict.fromkeys(_ENDINGS.values()))
_ASKS = b"The minimum required Nvidia driver for nvenc is %s or newer\n\0"
DRIVERS = (
    "378.13", "390.25", "396.24", "418.30", "435.21", "445.87", "455.28", "470.57.02", "520.56.06", "530.41.03",
    "550.54.14", "570.0", "610.00",
)  # fmt: skip
"""What stands for `%s` on Linux, by the version of NVENC's interface (libavcodec/nvenc.c of FFmpeg 4.1 to 9.0)."""
# From its first dot on, a byte that is seldom enough to be found fast. Others than these may be newer than this module.
_VERSION = re.compile(rb"\.(?<=\0[3-9]\d\d\.)\d{1,3}(?:\.\d\d)?(?=\0)")
_NEAR = 4 << 20  # how far version and sentence stand apart; 1.5 MB in an FFmpeg 9.0 of 170 MB
_TAIL = 80


class HardwareTexts:
    """Is fed the pieces of a file in order, with gaps or without, and tells what was in them.

    Holds the last 4 MiB till the sentence is found. The answer doesn't depend on how the pieces were cut.
    """

    def __init__(self, counted: int = 0) -> None:
        """What stands before `counted`, an offset in the file, doesn't count."""
        self._counted = counted
        self._paths: set[str] = set()
        self._tail = b""
        self._held: deque[tuple[int, bytes]] = deque()
        self._at: int | None = None
        self._versions: dict[str, int] = {}
        self._end = 0

    def feed(self, start: int, data: bytes) -> None:
        """The file's bytes from the offset `start` on."""
        if start < self._counted:
            start, data = self._counted, data[self._counted - start :]  # empty where it ends before
        border = b""
        if start == self._end:
            border = self._tail + data[:_TAIL]
            self._look(start - len(self._tail), border)
        self._look(start, data)
        self._end = start + len(data)
        self._tail = data[-_TAIL:] if len(data) >= _TAIL else border[-_TAIL:] or data

    def _look(self, start: int, data: bytes) -> None:
        if len(self._paths) < len(PATHS):
            self._paths |= {_ENDINGS[match[1].decode()] for match in _ENDING.finditer(data)}
        if self._at is None:
            self._held.append((start, data))
            found = find(data, _ASKS)
            if found >= 0:
                self._at = start + found
                for piece in self._held:
                    self._search(*piece)
                self._held.clear()
            while self._held and self._held[0][0] + len(self._held[0][1]) < start - _NEAR:
                self._held.popleft()
        elif start <= self._at + _NEAR:
            self._search(start, data)

    def _search(self, start: int, data: bytes) -> None:
        """Note the versions in a piece, each at its least distance."""
        assert self._at is not None
        for match in _VERSION.finditer(data):
            at = match.start() - 3
            version = data[at : match.end()].decode()
            distance = abs(start + at - self._at)
            if distance <= _NEAR and (version in DRIVERS or float(version[:5]) > float(DRIVERS[-1])):
                self._versions[version] = min(distance, self._versions.get(version, distance))

    @property
    def paths(self) -> list[str]:
        """The hardware paths that are compiled in: of `nvenc`, `nvdec`, `vaapi`, `qsv` and `vulkan`."""
        return [path for path in PATHS if path in self._paths]

    @property
    def nvidia_driver(self) -> str | None:
        """The least driver that NVENC asks for; None where the file has no NVENC, or doesn't say."""
        known = [version for version in self._versions if version in DRIVERS]
        candidates = known or list(self._versions)
        return min(candidates, key=self._versions.__getitem__, default=None)
