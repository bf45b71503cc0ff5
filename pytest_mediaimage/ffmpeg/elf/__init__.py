"""ELF files, read at random and within bounds: what is in them, and where."""

from ...errors import ElfError
from .code import code_ranges
from .file import ElfFile
from .headers import Section, Segment

__all__ = ["ElfError", "ElfFile", "Section", "Segment", "code_ranges"]
