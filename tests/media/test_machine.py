from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mediaimage.media.machine import machine_class

AVX512 = "avx512f avx512cd avx512bw avx512dq avx512vl"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (f"fpu sse2 ssse3 avx2 {AVX512}", "amd64/avx512"),
        ("fpu sse2 ssse3 avx2 avx512f", "amd64/ssse3"),
        ("fpu sse2 ssse3", "amd64/ssse3"),
        ("fpu sse2", "amd64/sse2"),
        ("fpu", "amd64/unknown"),
    ],
)
def test_from_flags(tmp_path: Path, flags: str, expected: str) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: some\nflags\t\t: {flags}\nbugs\t\t: none\n")
    assert machine_class(cpuinfo=cpuinfo) == expected


def test_without_flags(tmp_path: Path) -> None:
    assert machine_class(cpuinfo=tmp_path / "none") == "amd64/unknown"
    assert machine_class("arm64") == "arm64"
