"""Where an ELF file holds nothing but machine code."""

from __future__ import annotations

import struct

_LOAD, _EXECUTE, _WRITE = 1, 1, 2


def code_ranges(head: bytes) -> tuple[tuple[int, int], ...]:
    """File ranges [low, high) with code and no text, from the file's first bytes.

    A linker that separates code (GNU ld since 2.31 on x86) puts read-only data into a segment of its own
    *after* the code's. Only then is the code's segment known to hold no text; with any other order, or a
    header that can't be read, the answer is empty.
    """
    if len(head) < 64 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
        return ()
    order, wide = "<>"[head[5] - 1], head[4] == 2
    table = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)[0]
    entry, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
    layout = struct.Struct(order + ("IIQQQQ" if wide else "IIIIIII"))
    if entry < layout.size or table + entry * count > len(head):
        return ()
    code: list[tuple[int, int]] = []
    last_data = -1
    for index in range(count):
        fields = layout.unpack_from(head, table + entry * index)
        kind, offset = fields[0], fields[2 if wide else 1]
        flags, size = (fields[1], fields[5]) if wide else (fields[6], fields[4])
        if kind != _LOAD:
            continue
        if flags & _EXECUTE:
            code.append((offset, offset + size))
        elif not flags & _WRITE:
            last_data = max(last_data, offset)
    return tuple(span for span in sorted(code) if span[0] < last_data)
