"""`binaries.architecture`: only what is started counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from binary_images import AMD64, ARM64, I386, LIB, glibc, image, judge, library, program, told, tool

from pytest_mediaimage.image.build import Item

__all__ = ["image"]

CHECK = "binaries.architecture"
ARM_LOADER = b"/lib/ld-linux-aarch64.so.1"


def arm_program(*needed: bytes) -> bytes:
    return program(*needed, interpreter=ARM_LOADER, machine=ARM64)


def test_an_arm64_manifest_with_an_x86_userland_fails(image: Path) -> None:
    result = judge(image, CHECK, [*glibc(), Item("app/main", program(), mode=0o755)], platform="linux/arm64")
    assert told(result) == [("error", "/app/main (the entry point) is made for amd64, the image is for arm64")]
    assert result.measured == "amd64" and result.budget == "arm64"
    assert "--platform=linux/arm64" in result.findings[0].fix


def test_a_tool_copied_from_the_build_platform_s_stage_fails(image: Path) -> None:
    items = [
        Item("app/main", arm_program(), mode=0o755),
        Item(ARM_LOADER.decode().strip("/"), library(b"ld-linux-aarch64.so.1", machine=ARM64), mode=0o755),
        Item("usr/local/bin/ffmpeg", tool(program(interpreter=b"", machine=AMD64)), mode=0o755),
    ]
    result = judge(image, CHECK, items, platform="linux/arm64")
    assert [finding.file for finding in result.findings] == ["/usr/local/bin/ffmpeg"]


@pytest.mark.parametrize(
    "foreign",
    [
        Item("usr/bin/qemu-x86_64-static", program(interpreter=b""), mode=0o755),
        Item("app/node_modules/ffprobe-static/bin/linux/x64/ffprobe", tool(program(interpreter=b"")), mode=0o755),
        Item("app/node_modules/ffprobe-static/bin/win32/x64/ffprobe.exe", b"MZ" + bytes(200), mode=0o755),
        Item("usr/lib/bpf/probe.bpf.o", library(b"", machine=247, kind=1)),
        Item("usr/lib/python3/dist-packages/kernels.cubin", library(b"", machine=190)),
    ],
    ids=["qemu-user-static", "ffprobe-static", "windows", "ebpf", "cuda"],
)
def test_what_nothing_starts_may_be_for_any_machine(image: Path, foreign: Item) -> None:
    items = [
        Item("app/main", arm_program(), mode=0o755),
        Item(ARM_LOADER.decode().strip("/"), library(b"ld-linux-aarch64.so.1", machine=ARM64), mode=0o755),
        foreign,
    ]
    result = judge(image, CHECK, items, platform="linux/arm64")
    assert (str(result.status), result.findings) == ("passed", [])


def test_a_32_bit_program_on_amd64_is_fine_with_a_loader_of_its_own(image: Path) -> None:
    loader = b"/lib/ld-linux.so.2"
    main = Item("app/main", program(interpreter=loader, machine=I386, bits=32), mode=0o755)
    right = Item("lib/ld-linux.so.2", library(b"ld-linux.so.2", machine=I386, bits=32), mode=0o755)
    assert judge(image, CHECK, [main, right]).findings == []
    wrong = Item("lib/ld-linux.so.2", library(b"ld-linux.so.2"), mode=0o755)
    assert told(judge(image, CHECK, [main, wrong])) == [
        ("error", "the loader of /app/main, /lib/ld-linux.so.2, is made for amd64, the program for 386")
    ]


def test_an_image_that_starts_no_program_is_skipped(image: Path) -> None:
    result = judge(image, CHECK, [Item(f"{LIB}/libfoo.so.1", library(b"libfoo.so.1"))])
    assert str(result.status) == "skipped"
