"""Scripts whose lines end as on Windows: the kernel takes the carriage return for a part of the name."""

from __future__ import annotations

from ..entries import Entry
from .named import Named

NAME = "dos-scripts"

_LONGEST = 256  # of the line that the kernel reads: Linux, BINPRM_BUF_SIZE


class DosScripts:
    """Finds them; the fact is the first line without its `#!` and its end."""

    name = NAME
    version = 1

    def watch(self, entry: Entry, head: bytes) -> Named | None:
        if head[:2] != b"#!":
            return None
        line, end, _ = head[2:_LONGEST].partition(b"\n")
        return Named(line[:-1].decode("utf-8", "surrogateescape").strip()) if end and line[-1:] == b"\r" else None
