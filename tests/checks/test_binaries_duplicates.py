"""`binaries.duplicates`: two versions in one process, codecs twice, equal files; links aren't copies."""

from __future__ import annotations

import random
from pathlib import Path

from binary_images import LIB, glibc, image, judge, library, program, told, tool
from mending import assert_one_is_gone_and_nothing_new

from pytest_mediaimage.image.build import Item

__all__ = ["image"]

CHECK = "binaries.duplicates"
STATIC = program(interpreter=b"")


def noise(length: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(length)


def two_versions(*, loaded: bool = True) -> list[Item]:
    needed = (b"libfoo.so.1", b"libbar.so.1") if loaded else (b"libfoo.so.1",)
    return [
        *glibc(),
        Item("app/main", program(*needed), mode=0o755),
        Item(f"{LIB}/libfoo.so.1", library(b"libfoo.so.1", b"libavcodec.so.60")),
        Item(f"{LIB}/libbar.so.1", library(b"libbar.so.1", b"libavcodec.so.58")),
        Item(f"{LIB}/libavcodec.so.60", library(b"libavcodec.so.60")),
        Item(f"{LIB}/libavcodec.so.58", library(b"libavcodec.so.58")),
    ]


def test_two_versions_of_a_library_in_one_program_are_a_warning_with_both_ways(image: Path) -> None:
    assert told(judge(image, CHECK, two_versions())) == [
        (
            "warning",
            "/app/main loads two versions of one library: main -> libfoo.so.1 -> libavcodec.so.60, "
            "and main -> libbar.so.1 -> libavcodec.so.58",
        )
    ]


def test_two_versions_in_the_image_that_no_program_loads_together_are_fine(image: Path) -> None:
    assert judge(image, CHECK, two_versions(loaded=False)).findings == []


def test_two_libraries_whose_names_begin_alike_are_fine(image: Path) -> None:
    names = (b"libx264.so.164", b"libx265.so.199", b"libswresample.so.4", b"libswscale.so.6")
    libraries = [Item(f"{LIB}/{name.decode()}", library(name)) for name in names]
    assert judge(image, CHECK, [*glibc(), Item("app/main", program(*names), mode=0o755), *libraries]).findings == []


def test_static_tools_of_one_build_say_what_a_shared_build_would_save(image: Path) -> None:
    items = [
        Item("usr/bin/ffmpeg", tool(STATIC + b"1", length=12_000_000), mode=0o755),
        Item("usr/bin/ffprobe", tool(STATIC + b"2", length=11_500_000), mode=0o755),
    ]
    result = judge(image, CHECK, items)
    (finding,) = result.findings
    assert str(finding.severity) == "warning"
    assert "would save about 11.5 MB" in finding.message and finding.bytes == 11_500_000
    assert "--enable-shared" in finding.fix
    assert (result.measured, result.budget) == (11_500_000, 10_000_000)


def test_a_tool_that_is_there_twice_is_to_be_linked_and_no_other_build(image: Path) -> None:
    data = tool(STATIC, length=12_000_000)
    result = judge(image, CHECK, [Item(path, data, mode=0o755) for path in ("usr/bin/ffmpeg", "opt/bin/ffmpeg")])
    (finding,) = result.findings
    assert "/opt/bin/ffmpeg has the same content as /usr/bin/ffmpeg: 12 MB too much" in finding.message
    assert "one COPY less" in finding.fix and "ln -s" in finding.fix and "--enable-shared" not in finding.fix
    assert result.measured == 12_000_000


def test_a_tool_that_is_there_twice_beside_another_one_is_both(image: Path) -> None:
    data = tool(STATIC, length=12_000_000)
    items = [Item(path, data, mode=0o755) for path in ("usr/bin/ffmpeg", "opt/bin/ffmpeg")]
    items.append(Item("usr/bin/ffprobe", tool(STATIC + b"2", length=11_500_000), mode=0o755))
    result = judge(image, CHECK, items)
    tools, copies = result.findings
    assert "would save about 11.5 MB" in tools.message and "--enable-shared" in tools.fix
    assert "has the same content as" in copies.message and "ln -s" in copies.fix
    assert result.measured == 23_500_000


def test_small_savings_are_notes(image: Path) -> None:
    items = [Item(f"usr/bin/{name}", tool(STATIC + name.encode(), length=5_000_000)) for name in ("ffmpeg", "ffprobe")]
    assert [severity for severity, _ in told(judge(image, CHECK, items))] == ["note"]


def test_tools_of_a_shared_build_of_two_builds_or_linked_to_each_other_are_fine(image: Path) -> None:
    shared = [
        Item(f"usr/bin/{name}", tool(program(b"libavcodec.so.61") + name.encode(), length=5_000_000))
        for name in ("ffmpeg", "ffprobe")
    ]
    two = [
        Item("usr/bin/ffmpeg", tool(STATIC, length=5_000_000)),
        Item("opt/other/ffmpeg", tool(STATIC, length=5_000_000, configuration=b"--enable-version3")),
    ]
    linked = [Item("usr/bin/ffmpeg", tool(STATIC, length=5_000_000)), Item.symlink("usr/bin/ffprobe", "ffmpeg")]
    for items in ([*shared], [*two], [*linked, Item.hardlink("opt/ffmpeg", "usr/bin/ffmpeg")]):
        assert judge(image, CHECK, items).findings == []


def test_identical_files_are_told_with_their_bytes_and_once(image: Path) -> None:
    data = noise(6_000_000)
    items = [Item(path, data) for path in ("app/a.bin", "app/b.bin", "opt/c.bin")]
    result = judge(image, CHECK, items)
    assert told(result) == [("warning", "/app/a.bin has the same content as /app/b.bin, /opt/c.bin: 12 MB too much")]
    assert result.measured == 12_000_000


def test_copies_that_go_bring_no_new_finding(image: Path) -> None:
    items = [Item(f"app/{n:02}/{name}", bytes([n]) * 1_000_000) for n in range(25) for name in "ab"]
    before, after = (judge(image, CHECK, left) for left in (items, items[:-1]))
    assert_one_is_gone_and_nothing_new(before, after)


def test_links_small_files_and_equal_lengths_are_no_copies(image: Path) -> None:
    items = [
        Item("app/a.bin", noise(2_000_000)),
        Item.hardlink("app/b.bin", "app/a.bin"),
        Item.symlink("app/c.bin", "a.bin"),
        Item("app/d.bin", noise(2_000_000, seed=2)),
        *(Item(f"app/{n}/__init__.py", b"") for n in range(9)),
        *(Item(f"app/{n}/LICENSE", noise(11_000)) for n in range(9)),
    ]
    result = judge(image, CHECK, items)
    assert (result.findings, result.measured) == ([], 0)
