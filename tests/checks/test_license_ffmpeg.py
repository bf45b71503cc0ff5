"""`license.ffmpeg` on small images: what Debian's own build is told."""

from __future__ import annotations

from pathlib import Path

from binary_images import glibc, judge, program, tool

from pytest_mediaimage.image.build import Item
from pytest_mediaimage.result import Result, Severity, Status


def of(tmp_path: Path, configuration: bytes, **policy: str) -> Result:
    ffmpeg = tool(program(b"libc.so.6"), configuration=configuration)
    return judge(tmp_path, "license.ffmpeg", [*glibc(), Item("usr/bin/ffmpeg", ffmpeg, mode=0o755)], **policy)


def test_debians_gpl_3_library_in_a_gpl_2_build_is_a_note_that_names_what_to_ship(tmp_path: Path) -> None:
    result = of(tmp_path, b"--enable-gpl --enable-libcdio")
    (finding,) = result.findings
    assert (finding.severity, result.status, result.measured) == (Severity.NOTE, Status.PASSED, "GPL-3.0-or-later")
    assert "libcdio (GPL-3.0-or-later; configured: '--enable-libcdio' at byte" in finding.message
    assert "makes the whole GPL-3.0-or-later; stated GPL-2.0-or-later" in finding.message
    assert "unchanged configure" not in finding.fix, "configure asks nothing more of libcdio"
    assert "GPL-3.0-or-later" in finding.fix


def test_the_same_library_exceeds_a_maximum_of_gpl_2(tmp_path: Path) -> None:
    result = of(tmp_path, b"--enable-gpl --enable-libcdio", license_max="GPL-2.0-or-later")
    assert result.status is Status.FAILED


def test_a_library_without_the_flag_that_configure_asks_for_is_an_error(tmp_path: Path) -> None:
    result = of(tmp_path, b"--enable-gpl --enable-libopencore-amrnb")
    assert [str(finding.severity) for finding in result.errors()] == ["error"]
    assert "unchanged configure" in result.errors()[0].fix


def test_a_plain_gpl_build_is_told_nothing(tmp_path: Path) -> None:
    assert of(tmp_path, b"--enable-gpl --enable-libx264").findings == []
