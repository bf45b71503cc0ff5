"""The class of processor that decides which pictures an encoder makes.

x264 picks its routines by the processor, and not all of them round alike. Measured with cores 164 and 165 (option
`asm`): pictures are the same from SSSE3 up to AVX2; SSE2 gives others, and AVX-512 may, depending on the width (see
`clip`).
"""

from __future__ import annotations

import re
from pathlib import Path

_AVX512 = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}  # what x264 asks for before it uses AVX-512


def machine_class(architecture: str = "amd64", *, cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The class of this machine for programs of an OCI `architecture`.

    `amd64/avx512`, `amd64/ssse3`, `amd64/sse2`, `amd64/unknown` where the processor's flags can't be read (emulation),
    else the architecture itself, such as `arm64`.
    """
    if architecture != "amd64":
        return architecture
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "amd64/unknown"
    match = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    flags = set(match[1].split()) if match else set()
    for name, needed in (("avx512", _AVX512), ("ssse3", {"ssse3"}), ("sse2", {"sse2"})):
        if needed <= flags:
            return f"amd64/{name}"
    return "amd64/unknown"
