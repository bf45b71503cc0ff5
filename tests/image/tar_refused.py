"""Archives that no reader should take, each for one reason."""

from __future__ import annotations

from tar_pieces import FILE, MINUS_FIVE, block, long_name, old_sparse, pax, put

from pytest_mediaimage.image.limits import MAX_EXTENDED_HEADER

SPARSE_1 = pax(("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"5"))

REFUSED = {
    "size-no-number": block(put(124, b"12x45\0")),
    "size-negative": block(put(124, MINUS_FIVE)),
    "size-beyond-all-disks": block(put(124, b"\x80" + b"\x7f" * 11)),
    "pax-size-beyond-all-disks": pax(("size", b"9" * 19)) + FILE,
    "pax-size-no-number": pax(("size", b"12a")) + FILE,
    "pax-size-digits-of-another-script": pax(("size", "٣".encode())) + FILE,
    "pax-size-very-long": pax(("size", b"1" * 5000)) + FILE,
    "pax-uid-no-number": pax(("uid", b"me")) + FILE,
    "pax-time-no-number": pax(("mtime", b"noon")) + FILE,
    "pax-time-not-a-number": pax(("mtime", b"nan")) + FILE,
    "pax-time-without-end": pax(("mtime", b"inf")) + FILE,
    "pax-too-long": block(lambda data: None, kind=b"x", size=MAX_EXTENDED_HEADER + 1),
    "long-name-too-long": block(lambda data: None, kind=b"L", size=MAX_EXTENDED_HEADER + 1),
    "sparse-1.0-without-size": pax(("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0")) + FILE,
    "sparse-0.1-without-size": pax(("GNU.sparse.map", b"0,0")) + FILE,
    "sparse-1.0-without-map": SPARSE_1 + FILE,
    "sparse-1.0-map-without-end": SPARSE_1 + block(lambda data: None, size=512 * 40) + b"7" * (512 * 40),
    "sparse-1.0-more-extents-than-bytes": SPARSE_1
    + block(lambda data: None, size=512)
    + b"99999999999\n".ljust(512, b"\0"),
    "sparse-0.1-overlap": pax(("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"0,5,4,2"))
    + block(lambda data: None, size=7)
    + b"1234567".ljust(512, b"\0"),
    "sparse-0.1-past-the-end": pax(("GNU.sparse.size", b"5"), ("GNU.sparse.map", b"4,2"))
    + block(lambda data: None, size=2)
    + bytes(512),
    "sparse-0.1-more-than-stored": pax(("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"0,5"))
    + block(lambda data: None, size=2)
    + bytes(512),
    "old-sparse-negative-length": old_sparse([(b"%o" % 10, MINUS_FIVE), (b"%o" % 5, b"%o" % 6)], b"%o" % 99, 1)
    + bytes(512),
    "old-sparse-negative-start": old_sparse([(MINUS_FIVE, b"1")], b"%o" % 99, 1) + bytes(512),
    "old-sparse-negative-size": old_sparse([(b"0", b"1")], MINUS_FIVE, 1) + bytes(512),
    "sparse-0.1-half-an-extent": pax(("GNU.sparse.size", b"9"), ("GNU.sparse.map", b"0,5,7"))
    + block(lambda data: None, size=5)
    + bytes(512),
    "sparse-0.0-keys-out-of-turn": pax(
        ("GNU.sparse.size", b"9"), ("GNU.sparse.offset", b"0"), ("GNU.sparse.offset", b"5")
    )
    + FILE,
    "sparse-0.0-two-numbers-in-one": pax(("GNU.sparse.size", b"9"), ("GNU.sparse.offset", b"0,5")) + FILE,
    "old-sparse-size-beyond-all-disks": old_sparse([(b"0", b"1")], b"\x80" + b"\x7f" * 11, 1) + bytes(512),
    "uid-no-number": block(put(108, b"garbage\0")),
    "gid-no-number": block(put(116, b"9999999\0")),
    "mode-no-number": block(put(100, b"rwxr-xr\0")),
    "mtime-beyond-64-bits": block(put(136, b"\x80" + b"\x7f" * 11)),
    "mtime-underscores": block(put(136, b"1_0\0")),
    "pax-uid-beyond-64-bits": pax(("uid", b"9223372036854775808")) + FILE,
    "pax-uid-with-space": pax(("uid", b" 7")) + FILE,
    "pax-uid-with-underscore": pax(("uid", b"1_000")) + FILE,
    "pax-time-beyond-64-bits": pax(("mtime", b"9223372036854775808.5")) + FILE,
    "pax-time-with-exponent": pax(("mtime", b"1e3")) + FILE,
    "pax-size-negative": pax(("size", b"-1")) + FILE,
    "pax-path-with-nul": pax(("path", b"a\0b")) + FILE,
    "pax-link-with-nul": pax(("linkpath", b"a\0b")) + FILE,
    "pax-sparse-name-with-nul": pax(("GNU.sparse.name", b"a\0b")) + FILE,
    "pax-no-records": long_name(b"no record", b"x") + FILE,
    "pax-record-longer-than-header": block(lambda data: None, kind=b"x", size=9)
    + b"99 a=bcd\n".ljust(512, b"\0")
    + FILE,
    "pax-record-of-length-0": long_name(b"0 a=bcde\n", b"x") + FILE,
    "pax-record-without-newline": long_name(b"9 a=bcdef", b"x") + FILE,
    "pax-record-without-key": long_name(b"6 =bc\n", b"x") + FILE,
    "global-header-too-long": block(lambda data: None, kind=b"g", size=MAX_EXTENDED_HEADER + 1),
    "long-link-too-long": block(lambda data: None, kind=b"K", size=MAX_EXTENDED_HEADER + 1),
    "zero-block-before-a-member": FILE + bytes(512) + FILE,
    "zero-block-first": bytes(512) + FILE,
    "wrong-checksum": b"\x01" + FILE[1:],
    "not-a-tar": b"#!/bin/sh\n" * 100,
}
