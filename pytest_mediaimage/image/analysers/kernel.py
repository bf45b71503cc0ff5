"""Kernels, their modules, firmware and driver sources."""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Callable

import zstandard

from ..entries import Entry
from .named import Named

NAME = "kernel"

_RELOCATABLE = b"\x01\x00"
# Relocatable too, and no modules: programs for the kernel's BPF, and for NVIDIA's GPUs (gABI, e_machine).
_OTHER_MACHINES = frozenset((247, 190))
# Every module's .modinfo section holds its vermagic, which begins with the kernel's version (Linux, kernel/module).
_MODULE_INFO = re.compile(rb"vermagic=\d+\.\d")
_LONGEST_INFO = 16
_SOURCES = re.compile(r"(?:usr/src|var/lib/dkms)/.+/dkms\.conf|usr/src/(?:linux-|kernels/).*/Kconfig", re.DOTALL)
# A makefile that builds a module (Linux, Documentation/kbuild/modules.rst).
_BUILDS_MODULE = re.compile(rb"^obj-m\s*[:+]?=", re.MULTILINE)
_FIRMWARE = ("lib/firmware/", "usr/lib/firmware/")
_ABOUT_FIRMWARE = re.compile(r"README.*|LICEN[CS]E.*|COPYING.*|WHENCE.*|.*\.(?:txt|md|rst|cat)", re.IGNORECASE)
_INSTALLERS = re.compile(r"NVIDIA-Linux-.*\.run", re.DOTALL)
# Enough of a compressed module to be sure, and a bound on what a bomb can make us do.
_MOST = 64 * 1024 * 1024
_PIECE = 512  # becomes 16 MiB at the most, in zstd


class _Module:
    """Looks for a module's information in what may be one."""

    def __init__(self, inflate: Callable[[bytes], bytes] | None = None) -> None:
        self._inflate = inflate
        self._tail = b""
        self._seen = 0
        self._found = False

    def feed(self, chunk: bytes) -> None:
        # Compressed bytes go in small pieces, so that a bomb can't become gigabytes at once.
        step = _PIECE if self._inflate else max(len(chunk), 1)
        for at in range(0, len(chunk), step):
            if self._found or self._seen > _MOST:
                return
            self._search(chunk[at : at + step])

    def _search(self, piece: bytes) -> None:
        try:
            data = self._tail + (self._inflate(piece) if self._inflate else piece)
        except (zlib.error, lzma.LZMAError, zstandard.ZstdError, EOFError):
            self._seen = _MOST + 1
            return
        self._seen += len(data)
        self._found = _MODULE_INFO.search(data) is not None
        self._tail = data[-_LONGEST_INFO:]

    def finish(self) -> str | None:
        return "a kernel module" if self._found else None


class KernelDrivers:
    """Finds them; the fact is what kind it is, in words."""

    name = NAME
    version = 2

    def watch(self, entry: Entry, head: bytes) -> _Module | Named | None:
        name = entry.path.rpartition("/")[2]
        if head[:4] == b"\x7fELF" and head[16:18] in (_RELOCATABLE, _RELOCATABLE[::-1]):
            machine = int.from_bytes(head[18:20], "little" if head[5:6] == b"\x01" else "big")
            return None if machine in _OTHER_MACHINES else _Module()
        if name.endswith((".ko.gz", ".ko.xz", ".ko.zst")):
            return _Module(_inflater(head))
        if entry.path.startswith(_FIRMWARE) and not _ABOUT_FIRMWARE.fullmatch(name):
            return Named("firmware")
        if _SOURCES.fullmatch(entry.path) or (name in ("Kbuild", "Makefile") and _BUILDS_MODULE.search(head)):
            return Named("the source of a kernel driver")
        if _INSTALLERS.fullmatch(name):
            return Named("an installer of kernel drivers")
        if head[514:518] == b"HdrS" or head[56:60] == b"ARM\x64":  # Linux, arch/x86/boot.rst and arch/arm64/booting.rst
            return Named("a kernel")
        return None


def _gunzip() -> Callable[[bytes], bytes]:
    stream = zlib.decompressobj(wbits=31)

    def inflate(piece: bytes) -> bytes:
        if stream.eof:  # zlib would keep whatever follows in memory
            raise EOFError
        return stream.decompress(piece)

    return inflate


def _inflater(head: bytes) -> Callable[[bytes], bytes] | None:
    if head[:2] == b"\x1f\x8b":
        return _gunzip()
    if head[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor(memlimit=_MOST).decompress
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return zstandard.ZstdDecompressor(max_window_size=_MOST).decompressobj().decompress
    return None
