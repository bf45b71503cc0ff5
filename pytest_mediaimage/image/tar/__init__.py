"""Tar archives as layers are: read in one pass, as the container engines understand them.

Of the reader's modules `header`, `pax` and `sparse` each know one part of the format; `split` puts a tar together again
from an engine's record of it.
"""

from __future__ import annotations

from .header import BLOCK, Member
from .reader import TarReader

__all__ = ["BLOCK", "Member", "TarReader"]
