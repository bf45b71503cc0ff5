"""`binaries.isa`: what the files themselves say they need, against the fleet's oldest processor."""

from __future__ import annotations

from pathlib import Path

import pytest
from binary_images import LIB, glibc, image, judge, library, program, told

from pytest_mediaimage.image.build import Item

__all__ = ["image"]

CHECK = "binaries.isa"
V2, V3 = 2, 4  # bits of GNU_PROPERTY_X86_ISA_1_NEEDED


def main(*needed: bytes, isa: int = 0) -> Item:
    return Item("app/main", program(*needed, isa=isa), mode=0o755)


def test_a_program_that_needs_more_than_the_floor_fails(image: Path) -> None:
    result = judge(image, CHECK, [*glibc(), main(isa=V3)], fleet_cpu="x86-64-v2")
    assert told(result) == [("error", "/app/main needs x86-64-v3, the fleet's oldest processor has x86-64-v2")]
    assert (result.measured, result.budget) == ("x86-64-v3", "x86-64-v2")


def test_a_library_that_it_loads_counts(image: Path) -> None:
    items = [*glibc(), main(b"libfoo.so.1"), Item(f"{LIB}/libfoo.so.1", library(b"libfoo.so.1", isa=V3))]
    (finding,) = judge(image, CHECK, items, fleet_cpu="x86-64").findings
    assert f"/{LIB}/libfoo.so.1, which /app/main loads, needs x86-64-v3" in finding.message
    assert "-march=x86-64" in finding.fix


@pytest.mark.parametrize(
    "more",
    [
        Item(f"{LIB}/glibc-hwcaps/x86-64-v3/libfoo.so.1", library(b"libfoo.so.1", isa=V3)),
        Item("opt/tool/bin/avx", program(isa=V3), mode=0o755),
        Item(f"{LIB}/libx264.so.164", library(b"libx264.so.164") + b"x264_pixel_sad_16x16_avx512"),
    ],
    ids=["hwcaps", "not-started", "chooses-at-run-time"],
)
def test_what_is_optional_not_started_or_chosen_at_run_time_is_no_finding(image: Path, more: Item) -> None:
    items = [*glibc(), main(b"libfoo.so.1", isa=V2), Item(f"{LIB}/libfoo.so.1", library(b"libfoo.so.1")), more]
    assert judge(image, CHECK, items, fleet_cpu="x86-64-v2").findings == []


def test_without_a_floor_it_is_measured_and_skipped(image: Path) -> None:
    result = judge(image, CHECK, [*glibc(), main(isa=V2)])
    assert (str(result.status), result.measured) == ("skipped", "x86-64-v2")
    assert "fleet.cpu" in result.reason


def test_on_arm64_it_is_skipped(image: Path) -> None:
    result = judge(image, CHECK, [main()], platform="linux/arm64", fleet_cpu="x86-64-v2")
    assert str(result.status) == "skipped" and "arm64" in result.reason
