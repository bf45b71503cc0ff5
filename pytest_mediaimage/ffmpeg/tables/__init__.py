"""FFmpeg's own tables of what is compiled in: the names that its listings print."""

from __future__ import annotations

from typing import NamedTuple

from ..elf import ElfFile
from ..identity import FFmpegIdentity
from .holders import HOLDERS

__all__ = ["HOLDERS", "TABLES", "Tables", "read_tables"]

Names = tuple[str, ...] | None


class Tables(NamedTuple):
    """Sorted names; None where the file holds no such table, or its layout isn't known."""

    encoders: Names = None
    decoders: Names = None
    filters: Names = None
    muxers: Names = None
    demuxers: Names = None
    protocols: Names = None
    bitstream_filters: Names = None


TABLES = Tables._fields


def read_tables(elf: ElfFile, identity: FFmpegIdentity) -> Tables:
    """The tables that this file holds. Raises ElfError where it contradicts the format."""
    pointers = elf.pointers()
    if pointers is None:
        return Tables()
    from .finding import find_tables

    return Tables(**find_tables(elf, pointers, identity))
