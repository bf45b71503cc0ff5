"""Lists of pointers to FFmpeg's structures, each ended by NULL, as `codec_list[]` in libavcodec/allcodecs.c is one.

All of FFmpeg's registries look alike since 4.0: an array of pointers to structures that begin with a pointer to a
name. So a list is found as a run of pointers to pointers, with NULL behind it; what it lists is told by the structures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..elf import ElfFile
from ..elf.pointers import Pointers

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,+-]{0,199}\Z")
_TEXT = re.compile(r"[ -~]+\Z")
_MOST_TRIES = 200_000
"""Runs that are looked at; an FFmpeg of 170 MB has 7 thousand."""
LONGEST_LIST = 10_000
"""Entries of one list that count; the longest seen has 1100."""


class PointerList(NamedTuple):
    """The addresses of the structures, in the list's order, and the address of the list."""

    address: int
    members: tuple[int, ...]


class Structures:
    """Reads structures by their address, as the loader would leave them."""

    def __init__(self, elf: ElfFile, pointers: Pointers) -> None:
        self.elf = elf
        self.pointers = pointers
        self._relocated = elf.kind == "shared"
        self._names: dict[int, str | None] = {}

    def lists(self) -> Iterator[PointerList]:
        """Every run of pointers to pointers that NULL ends, and whose last member has a name.

        What stands before a list may look like its first members.
        """
        places, targets = self.pointers.places, self.pointers.targets
        inner = self.pointers.indices(targets)
        listed = inner >= 0
        follows = np.zeros(len(places), bool)
        follows[1:] = listed[:-1] & (np.diff(places) == 8)
        (starts,) = np.nonzero(listed & ~follows)
        # A run ends where the next place isn't right behind, or holds no pointer to a pointer.
        goes_on = np.zeros(len(places), bool)
        goes_on[:-1] = follows[1:] & listed[1:]
        (ends,) = np.nonzero(listed & ~goes_on)
        for start, end in zip(starts[:_MOST_TRIES].tolist(), ends[:_MOST_TRIES].tolist(), strict=True):
            short, last = end - start < LONGEST_LIST, int(targets[end])
            if short and self.name(last) is not None and self.is_null(int(places[end]) + 8):
                yield PointerList(int(places[start]), tuple(targets[start : end + 1].tolist()))

    def pointer(self, address: int) -> int | None:
        """The address that is held there; None for NULL, and for what is no pointer."""
        return self.pointers.at(address)

    def number(self, address: int) -> int | None:
        """The unsigned 32-bit number there; None for a part of a pointer, and for what isn't in the file.

        In a program at a fixed address a number may look like a pointer, and is given all the same.
        """
        if self._relocated and self.pointers.at(address & ~7) is not None:
            return None
        offset = self.elf.data_offset_of(address)
        return (
            None
            if offset is None or offset + 4 > self.elf.length
            else int.from_bytes(self.elf.read(offset, 4), "little")
        )

    def name(self, structure: int) -> str | None:
        """What the structure's first pointer points to, if that is a name."""
        if structure not in self._names:
            text = self.text(structure, 255)
            self._names[structure] = text if text is not None and _NAME.match(text) else None
        return self._names[structure]

    def text(self, address: int, longest: int = 1000) -> str | None:
        """The printable text that the pointer there points to."""
        target = self.pointers.at(address)
        text = None if target is None else self.elf.text_at(target, longest)
        return text if text is not None and _TEXT.match(text) else None

    def is_text_or_null(self, address: int) -> bool:
        target = self.pointers.at(address)
        return self._is_zero(address) if target is None else self.text(address) is not None

    def is_code(self, address: int) -> bool:
        """Whether the pointer there points to code."""
        target = self.pointers.at(address)
        return target is not None and self.elf.is_code(target)

    def is_code_or_null(self, address: int) -> bool:
        target = self.pointers.at(address)
        return self._is_zero(address) if target is None else self.elf.is_code(target)

    def is_data_or_null(self, address: int) -> bool:
        target = self.pointers.at(address)
        return self._is_zero(address) if target is None else self.elf.is_data(target)

    def is_null(self, address: int) -> bool:
        return self.pointers.at(address) is None and self._is_zero(address)

    def _is_zero(self, address: int) -> bool:
        offset = self.elf.data_offset_of(address)
        return offset is not None and offset + 8 <= self.elf.length and not any(self.elf.read(offset, 8))
