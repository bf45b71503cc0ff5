"""The one program that a runtime adds to a container: 64-bit, static, under 1 kB, made here byte by byte.

It is pid 1, launches commands in the sandbox, and probes what a runtime enforces, so that an image needs
neither a shell nor `sleep`. Its source is `x86_64.s` and `aarch64.s` beside this file, with the list of
what its arguments mean; the machine code below is what the assembler makes of them.
"""

from __future__ import annotations

import struct

from ...errors import EnvironmentFault
from ..base import FOLDER

INIT = f"{FOLDER}/init"
PROBE_MEMORY = 64 << 20
"""What `init m` takes, in bytes."""

_BASE = 0x400000
_MACHINES = {
    # machine: (ELF e_machine, page size to align to, machine code)
    "x86_64": (
        62,
        0x1000,
        "4889e5837d00020f87f10000007219488b5d108a1b80fb6b746b80fb6d747d80fb6e0f849b00000031d25252526a014889e6bf11"
        "00000041ba08000000b80d0000000f05837d00027409b8220000000f05ebf731ff488b7510ba01000000b8010000000f0531ff48"
        "89e6ba0100000031c00f0583f8fc74ed85c07fe931ffb8e70000000f0548c7c7ffffffffbe09000000b83e0000000f0531ffebe2"
        "31ffbe00000004ba0300000041ba2280000049c7c0ffffffff4531c9b8090000000f0531ffebbbbf02000000be0200000031d2b8"
        "290000000f0589c76a0048b802000009c0000201504889e6ba10000000b82a0000000f0531ff85c07584ffc7eb804531c04531d2"
        "31d2be01000000bf26000000b89d0000000f05bb3f00000049bcfb2504a800000000490fa3dc720e89debf18000000b89d000000"
        "0f05ffcb79e8488b7d18b8500000000f0585c0753e488d55204889d6488b064883c60880380075f448c746f800000000488b7d10"
        "b83b0000000f0583f8fe7513488d3530000000ba30000000bb7f000000eb11488d354d000000ba42000000bb7e000000bf020000"
        "00b8010000000f0589dfe9cffeffff657865633a207468652070726f6772616d206f722069747320696e74657270726574657220"
        "6973206d697373696e670a657865633a207468652070726f6772616d2063616e27742062652065786563757465642c206f722069"
        "7473206469726563746f7279206e6f7420656e74657265640a",
    ),
    "aarch64": (
        183,
        0x10000,
        "fd030091b30340f97f0a00f1a809005423010054a00b40f9000040391fac0171200500541fb40171800500541fb8017160060054"
        "200080d2ff7fbfa9e07fbfa9e1030091200280d2020080d2030180d2c81080d2010000d47f0a00f120010054000080d2010080d2"
        "020080d2030080d2040080d2280980d2010000d4f9ffff17000080d2a10b40f9220080d2080880d2010000d4000080d2e1030091"
        "220080d2e80780d2010000d41f1000b140ffff541f0000f10cffff54000080d2c80b80d2010000d400008092210180d2281080d2"
        "010000d4f9ffff17000080d20180a0d2620080d2430490d204008092050080d2c81b80d2010000d4f0ffff17400080d2410080d2"
        "020080d2c81880d2010000d4410080d20120a1f20118c0f24120e0f2e17fbfa9e1030091020280d2681980d2010000d41f0000f1"
        "e0179f9ae0ffff17c00480d2210080d2020080d2030080d2040080d2e81480d2010000d4f40780d275bf84d29500b5f2a026d49a"
        "a0000037000380d2e10314aae81480d2010000d4940600f125ffff54a00f40f9280680d2010000d4000200b5a2830091e10302aa"
        "208440f800004039c0ffff353f801ff8a00b40f9a81b80d2010000d41f0800b1a100005481010010020680d2f40f80d204000014"
        "81020010420880d2d40f80d2400080d2080880d2010000d4e00314aab3ffff17657865633a207468652070726f6772616d206f72"
        "2069747320696e746572707265746572206973206d697373696e670a657865633a207468652070726f6772616d2063616e277420"
        "62652065786563757465642c206f7220697473206469726563746f7279206e6f7420656e74657265640a",
    ),
}


def init_program(machine: str) -> bytes:
    """The ELF file for `machine`, as `os.uname().machine` names it.

    Raises EnvironmentFault for a machine that it isn't written for.
    """
    if machine not in _MACHINES:
        raise EnvironmentFault(
            f"images can't be run on a {machine} machine; known: {', '.join(_MACHINES)}",
            remedy="Use --media-static.",
        )
    number, alignment, code = _MACHINES[machine]
    text = bytes.fromhex(code)
    headers = 64 + 56
    # ELF64 header (little-endian, System V, executable) and one readable and executable PT_LOAD segment.
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        2,
        number,
        1,
        _BASE + headers,
        64,
        0,
        0,
        64,
        56,
        1,
        64,
        0,
        0,
    )
    length = headers + len(text)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, length, length, alignment)
    return header + segment + text
